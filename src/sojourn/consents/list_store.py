"""SQL of the lists that stop or allow addresses: suppressions, allow list, tombstones of erased people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.consents.model import Suppression, SuppressionReason
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional, fetch_value

IDENTITY_PURPOSE = "identity"  # what keyed hashes of addresses are for; the same in every table that has one


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRow:
    """An entry of the suppression list. `identity_key` is None once the address was erased: only its hash is kept."""

    id: UUID
    channel: str
    scheme: str
    identity_key: str | None
    reason: SuppressionReason
    note: str | None
    expires_at: datetime | None
    created_by: str
    created_at: datetime


def hash_identity(keys: KeyRing, identity_key: str) -> bytes:
    """The keyed hash of an address key: comparable here, worthless elsewhere."""
    return keys.keyed_hash(identity_key, purpose=IDENTITY_PURPOSE)


async def has_suppressions(conn: Conn, workspace_id: UUID) -> bool:
    """Whether the workspace's list has any entry."""
    return bool(await fetch_value(conn, SQL_HAS_SUPPRESSIONS, {"workspace": workspace_id}))


async def list_suppressions_of(
    conn: Conn,
    workspace_id: UUID,
    address_keys: Mapping[UUID, Sequence[str]],
    channel: str,
    now: datetime,
    *,
    keys: KeyRing | None,
) -> dict[UUID, list[Suppression]]:
    """The entries that hold now for people, by any of their addresses, on a channel. People without are left out."""
    owners: dict[str, set[UUID]] = defaultdict(set)
    for profile_id, found in address_keys.items():
        for key in found:
            owners[key].add(profile_id)
    if not owners:
        return {}
    key_of_hash = {hash_identity(keys, key): key for key in owners} if keys is not None else {}
    params = {
        "workspace": workspace_id,
        "channels": [channel, "*"],
        "keys": list(owners),
        "hashes": list(key_of_hash),
        "now": now,
    }
    suppressed: dict[UUID, list[Suppression]] = defaultdict(list)
    for row in await fetch_all(conn, SQL_LIST_SUPPRESSED, params):
        address = row["identity_key"] or key_of_hash.get(bytes(row["identity_hash"]), "")
        entry = Suppression(
            reason=SuppressionReason(row["reason"]), channel=row["channel"], expires_at=row["expires_at"]
        )
        for profile_id in owners.get(address, ()):
            suppressed[profile_id].append(entry)
    return suppressed


async def list_allowed(conn: Conn, workspace_id: UUID, identity_keys: Iterable[str]) -> set[str]:
    """Those of the address keys that are on the allow list."""
    params = {"workspace": workspace_id, "keys": list(identity_keys)}
    return {row["identity_key"] for row in await fetch_all(conn, SQL_LIST_ALLOWED, params)}


async def list_allow_list(conn: Conn, workspace_id: UUID) -> list[str]:
    """The whole allow list, as address keys."""
    return [row["identity_key"] for row in await fetch_all(conn, SQL_ALLOW_LIST, {"workspace": workspace_id})]


async def replace_allow_list(conn: Conn, workspace_id: UUID, identity_keys: Iterable[str], now: datetime) -> None:
    """Make the allow list exactly these address keys."""
    params = {"workspace": workspace_id, "keys": sorted(set(identity_keys)), "now": now}
    await execute(conn, SQL_DELETE_ALLOWED, params)
    await execute(conn, SQL_INSERT_ALLOWED, params)


async def upsert_suppressions(conn: Conn, workspace_id: UUID, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Add entries; the same address, channel and reason again only moves its end and note. Ids in the order given,
    each once.
    """
    columns = ("id", "channel", "scheme", "identity_key", "identity_hash", "reason", "note", "expires_at",
               "created_by", "created_at")  # fmt: skip
    unique = {(row["identity_hash"], row["channel"], row["reason"]): row for row in rows}
    params: dict[str, Any] = {name: [row[name] for row in unique.values()] for name in columns}
    written = await fetch_all(conn, SQL_UPSERT_SUPPRESSIONS, {**params, "workspace": workspace_id})
    ids = {(bytes(row["identity_hash"]), row["channel"], row["reason"]): row["id"] for row in written}
    return [ids[key] for key in unique]


async def list_suppressions(
    conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int, reason: str | None = None, key: str | None = None
) -> list[SuppressionRow]:
    """A page of the list, oldest first, ended entries too."""
    params = {"workspace": workspace_id, "after": after, "limit": limit, "reason": reason, "key": key}
    return [_row(row) for row in await fetch_all(conn, SQL_LIST_SUPPRESSIONS, params)]


async def list_suppressions_by_id(conn: Conn, workspace_id: UUID, ids: Sequence[UUID]) -> list[SuppressionRow]:
    """Entries by id, oldest first."""
    rows = await fetch_all(conn, SQL_SUPPRESSIONS_BY_ID, {"workspace": workspace_id, "ids": list(ids)})
    return [_row(row) for row in rows]


async def delete_suppression(conn: Conn, workspace_id: UUID, id_: UUID) -> SuppressionRow | None:
    """Take an entry away; None when there was none."""
    row = await fetch_optional(conn, SQL_DELETE_SUPPRESSION, {"workspace": workspace_id, "id": id_})
    return None if row is None else _row(row)


async def forget_addresses(conn: Conn, workspace_id: UUID, identity_keys: Sequence[str]) -> dict[str, int]:
    """Take addresses out of the lists: suppressions keep their hash, allow-list entries go."""
    params = {"workspace": workspace_id, "keys": list(identity_keys)}
    return {
        "suppressions": await execute(conn, SQL_FORGET_SUPPRESSED, params),
        "allow_list": await execute(conn, SQL_FORGET_ALLOWED, params),
    }


async def upsert_tombstones(conn: Conn, workspace_id: UUID, rows: Sequence[Mapping[str, Any]]) -> int:
    """Keep what was withdrawn, by hash of the address. How many rows."""
    if not rows:
        return 0
    columns = ("identity_hash", "bucket", "channel", "purpose", "topic", "withdrawn_at", "recorded_at")
    unique = {(row["identity_hash"], row["channel"], row["purpose"], row["topic"]): row for row in rows}
    params: dict[str, Any] = {name: [row[name] for row in unique.values()] for name in columns}
    return await execute(conn, SQL_UPSERT_TOMBSTONES, {**params, "workspace": workspace_id})


async def list_tombstones(conn: Conn, workspace_id: UUID, hashes: Iterable[bytes]) -> list[dict[str, Any]]:
    """What erased people had withdrawn, for these hashes."""
    return await fetch_all(conn, SQL_LIST_TOMBSTONES, {"workspace": workspace_id, "hashes": list(hashes)})


def _row(row: Mapping[str, Any]) -> SuppressionRow:
    return SuppressionRow(**{**row, "reason": SuppressionReason(row["reason"])})


SQL_HAS_SUPPRESSIONS: LiteralString = """
SELECT EXISTS (SELECT 1 FROM suppressions WHERE workspace_id = %(workspace)s) AS has
"""
SQL_LIST_SUPPRESSED: LiteralString = """
SELECT channel, identity_key, identity_hash, reason, expires_at
  FROM suppressions
 WHERE workspace_id = %(workspace)s AND channel = ANY(%(channels)s)
   AND (expires_at IS NULL OR expires_at > %(now)s)
   AND (identity_key = ANY(%(keys)s) OR identity_hash = ANY(%(hashes)s::bytea[]))
 ORDER BY created_at, id
"""
SQL_LIST_ALLOWED: LiteralString = """
SELECT identity_key FROM allow_list WHERE workspace_id = %(workspace)s AND identity_key = ANY(%(keys)s)
"""
SQL_ALLOW_LIST: LiteralString = """
SELECT identity_key FROM allow_list WHERE workspace_id = %(workspace)s ORDER BY identity_key
"""
SQL_DELETE_ALLOWED: LiteralString = """
DELETE FROM allow_list WHERE workspace_id = %(workspace)s AND NOT identity_key = ANY(%(keys)s)
"""
SQL_INSERT_ALLOWED: LiteralString = """
INSERT INTO allow_list (workspace_id, identity_key, created_at)
SELECT %(workspace)s, key, %(now)s FROM unnest(%(keys)s::text[]) AS t (key)
ON CONFLICT DO NOTHING
"""
SQL_UPSERT_SUPPRESSIONS: LiteralString = """
INSERT INTO suppressions AS s (id, workspace_id, channel, scheme, identity_key, identity_hash, reason, note, expires_at,
                               created_by, created_at)
SELECT id, %(workspace)s, channel, scheme, identity_key, identity_hash, reason, note, expires_at, created_by, created_at
  FROM unnest(%(id)s::uuid[], %(channel)s::text[], %(scheme)s::text[], %(identity_key)s::text[],
              %(identity_hash)s::bytea[], %(reason)s::text[], %(note)s::text[], %(expires_at)s::timestamptz[],
              %(created_by)s::text[], %(created_at)s::timestamptz[])
       AS t (id, channel, scheme, identity_key, identity_hash, reason, note, expires_at, created_by, created_at)
ON CONFLICT (workspace_id, identity_hash, channel, reason) DO UPDATE
   SET note = coalesce(excluded.note, s.note), expires_at = excluded.expires_at, identity_key = excluded.identity_key
RETURNING s.id, s.identity_hash, s.channel, s.reason
"""
SQL_LIST_SUPPRESSIONS: LiteralString = """
SELECT id, channel, scheme, identity_key, reason, note, expires_at, created_by, created_at
  FROM suppressions
 WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s::text)
   AND (%(key)s::text IS NULL OR identity_key = %(key)s::text)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_SUPPRESSIONS_BY_ID: LiteralString = """
SELECT id, channel, scheme, identity_key, reason, note, expires_at, created_by, created_at
  FROM suppressions
 WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s)
 ORDER BY id
"""
SQL_DELETE_SUPPRESSION: LiteralString = """
DELETE FROM suppressions
 WHERE workspace_id = %(workspace)s AND id = %(id)s
RETURNING id, channel, scheme, identity_key, reason, note, expires_at, created_by, created_at
"""
SQL_FORGET_SUPPRESSED: LiteralString = """
UPDATE suppressions SET identity_key = NULL, note = NULL
 WHERE workspace_id = %(workspace)s AND identity_key = ANY(%(keys)s)
"""
SQL_FORGET_ALLOWED: LiteralString = """
DELETE FROM allow_list WHERE workspace_id = %(workspace)s AND identity_key = ANY(%(keys)s)
"""
SQL_UPSERT_TOMBSTONES: LiteralString = """
INSERT INTO consent_tombstones AS t (workspace_id, identity_hash, bucket, channel, purpose, topic, withdrawn_at,
                                     recorded_at)
SELECT %(workspace)s, identity_hash, bucket, channel, purpose, topic, withdrawn_at, recorded_at
  FROM unnest(%(identity_hash)s::bytea[], %(bucket)s::smallint[], %(channel)s::text[], %(purpose)s::text[],
              %(topic)s::text[], %(withdrawn_at)s::timestamptz[], %(recorded_at)s::timestamptz[])
       AS n (identity_hash, bucket, channel, purpose, topic, withdrawn_at, recorded_at)
ON CONFLICT (workspace_id, identity_hash, channel, purpose, topic, bucket) DO UPDATE
   SET withdrawn_at = greatest(t.withdrawn_at, excluded.withdrawn_at)
"""
SQL_LIST_TOMBSTONES: LiteralString = """
SELECT identity_hash, channel, purpose, topic, withdrawn_at
  FROM consent_tombstones
 WHERE workspace_id = %(workspace)s AND identity_hash = ANY(%(hashes)s::bytea[])
"""
