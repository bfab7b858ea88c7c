"""The installation keys and the database belong together: the database remembers which keys it was written under.

A process opens its keys through the database, which refuses others than its own before anything is read or written
with them. A key is only ever made for a database that remembers none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg

from sojourn.kit.clock import system_now
from sojourn.kit.crypto import KeyRing, find_key_ring, key_file, make_key_file
from sojourn.kit.database import Conn, Database, execute, fetch_all
from sojourn.kit.errors import AppError, Kind
from sojourn.settings import Settings


class WrongInstallationKey(AppError):
    """The installation key is not the one that this database was written under."""

    kind = Kind.UNAVAILABLE
    code = "wrong_installation_key"


@dataclass(frozen=True, slots=True)
class _Key:
    """What the database remembers of a key: its check value (None: not yet known), and whether it makes the hashes."""

    check_value: bytes | None
    makes_hashes: bool

    def is_in(self, ring: KeyRing, id_: bytes) -> bool:
        return id_ in ring.check_values and self.check_value in (None, ring.check_values[id_])


class NotMigrated(AppError):
    """The database has not been set up yet, or is older than this program: run `sojourn migrate`."""

    kind = Kind.UNAVAILABLE
    code = "not_migrated"


async def open_keys(database: Database, settings: Settings) -> KeyRing:
    """The confirmed keys of a process that starts. Raises also DatabaseUnavailable and NotMigrated."""
    try:
        async with database.transaction() as conn:
            return await open_key_ring(conn, settings, now=system_now())
    except psycopg.errors.UndefinedTable as error:
        raise NotMigrated from error


async def open_key_ring(conn: Conn, settings: Settings, *, now: datetime) -> KeyRing:
    """The ring of these settings, confirmed by the database, which remembers keys that are new in it.

    A database that remembers no key is fresh: the keys become its own, and a key file is made when there is none.
    Two first starts at once agree on one key. Raises WrongInstallationKey, and ValueError for what is no key.
    """
    remembered = await _list_keys(conn)
    made = not remembered and not settings.secret_key and make_key_file(settings.data_dir)
    try:
        ring = _confirmed(settings, remembered)
        if _news(ring, remembered):
            await execute(conn, "LOCK TABLE installation_keys IN EXCLUSIVE MODE")
            remembered = await _list_keys(conn)
            ring = _confirmed(settings, remembered)
            await _remember(conn, ring, remembered, now)
    except WrongInstallationKey:
        if made:
            key_file(settings.data_dir).unlink()
        raise
    return ring


async def verify_keys(conn: Conn, settings: Settings) -> None:
    """Compare without making or remembering anything. Raises WrongInstallationKey, ValueError for what is no key."""
    if remembered := await _list_keys(conn):
        _confirmed(settings, remembered)


def _confirmed(settings: Settings, remembered: Mapping[bytes, _Key]) -> KeyRing:
    ring = find_key_ring(settings.secret_key, settings.data_dir)
    if ring is None:
        raise WrongInstallationKey(
            detail=f"The installation key is missing: {key_file(settings.data_dir)} is gone and SOJOURN_SECRET_KEY is "
            f"not set, but the database was written under the key {_names(remembered)}. Put the key back from its "
            "backup. No new one is made: it could read nothing of what the old one sealed."
        )
    missing = [id_ for id_, key in remembered.items() if not key.is_in(ring, id_)]
    source = "SOJOURN_SECRET_KEY" if settings.secret_key else str(key_file(settings.data_dir))
    if missing:
        raise WrongInstallationKey(
            detail=f"{source} holds {_names(ring.check_values)}, but the database was written under the key "
            f"{_names(missing)}. Put that key back from its backup. After a rotation keep the older keys behind the "
            "new one."
        )
    hashing = [id_ for id_, key in remembered.items() if key.makes_hashes]
    if hashing not in ([], [ring.hashing_id]):
        raise WrongInstallationKey(
            detail=f"The keys in {source} stand in the wrong order: the newest comes first, the oldest, "
            f"{_names(hashing)}, last. Suppressions and tombstones hang on the oldest."
        )
    return ring


def _news(ring: KeyRing, remembered: Mapping[bytes, _Key]) -> list[bytes]:
    """The keys of which the database does not know everything yet."""
    complete = {id_ for id_, key in remembered.items() if key.check_value is not None}
    if not any(key.makes_hashes for key in remembered.values()):
        complete.discard(ring.hashing_id)
    return [id_ for id_ in ring.check_values if id_ not in complete]


async def _remember(conn: Conn, ring: KeyRing, remembered: Mapping[bytes, _Key], now: datetime) -> None:
    ids = _news(ring, remembered)
    params = {
        "ids": ids, "values": [ring.check_values[id_] for id_ in ids], "hashing": ring.hashing_id, "now": now,
    }  # fmt: skip
    await execute(conn, SQL_REMEMBER, params)


async def _list_keys(conn: Conn) -> dict[bytes, _Key]:
    return {
        bytes(row["key_id"]): _Key(
            None if row["check_value"] is None else bytes(row["check_value"]), row["makes_hashes"]
        )
        for row in await fetch_all(conn, SQL_LIST)
    }


def _names(ids: Iterable[bytes]) -> str:
    return ", ".join(sorted(id_.hex() for id_ in ids))


SQL_LIST: LiteralString = "SELECT key_id, check_value, makes_hashes FROM installation_keys"

SQL_REMEMBER: LiteralString = """
INSERT INTO installation_keys (key_id, check_value, makes_hashes, remembered_at)
SELECT id, value, id = %(hashing)s, %(now)s
  FROM unnest(%(ids)s::bytea[], %(values)s::bytea[]) AS new (id, value)
ON CONFLICT (key_id) DO UPDATE
   SET check_value = EXCLUDED.check_value, makes_hashes = EXCLUDED.makes_hashes, remembered_at = EXCLUDED.remembered_at
"""
