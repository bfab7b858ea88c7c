"""How often somebody may try a password: counted in the database, so that several web processes count together.

An attempt is counted and committed before the password is looked at; a hundred at once are a hundred.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.workspaces.member_model import TooManyAttempts

WINDOW = timedelta(minutes=15)
PAIR_MAX = 5  # failures a window for one e-mail address from one network address
ADDRESS_MAX = 50  # failures a window from one network address


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """The two counters of an attempt: this e-mail address from this network address, and the network address."""

    pair: bytes
    address: bytes


def tries_of(keys: KeyRing, email: str, client: str | None) -> Tries:
    """The counters for an address that somebody typed and the network address that they come from."""
    place = _place_of(client)
    return Tries(
        pair=keys.keyed_hash(f"{email}\x00{place}", purpose="sign_in_pair"),
        address=keys.keyed_hash(place, purpose="sign_in_address"),
    )


def _place_of(client: str | None) -> str:
    """A network address as counted: of IPv6 the network, of which anybody has as many addresses as they like."""
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return client or "unknown"
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


async def count_attempt(conn: Conn, tries: Tries, now: datetime) -> None:
    """Count one attempt; commit before looking at the password. Raises TooManyAttempts when it is one too many."""
    params = {"keys": sorted([tries.pair, tries.address]), "now": now, "ends_at": now + WINDOW}
    limits = {tries.pair: PAIR_MAX, tries.address: ADDRESS_MAX}
    waits = [
        (row["ends_at"] - now).total_seconds()
        for row in await fetch_all(conn, SQL_COUNT, params)
        if row["count"] > limits[bytes(row["key"])]
    ]
    if waits:
        raise TooManyAttempts(retry_after_seconds=max(1, math.ceil(max(waits))))


async def forgive_attempt(conn: Conn, tries: Tries) -> None:
    """The attempt succeeded: what counted against the pair is forgotten, and the address is given this one back."""
    await execute(conn, SQL_FORGIVE, {"pair": tries.pair, "address": tries.address})


async def delete_old_attempts(conn: Conn, now: datetime) -> int:
    """Delete counters whose window has ended."""
    return await execute(conn, SQL_DELETE_OLD, {"now": now})


SQL_COUNT: LiteralString = """
INSERT INTO sign_in_attempts AS a (key, count, ends_at)
SELECT key, 1, %(ends_at)s
  FROM unnest(%(keys)s::bytea[]) WITH ORDINALITY AS t (key, place)
 ORDER BY place
ON CONFLICT (key) DO UPDATE
   SET count = CASE WHEN a.ends_at <= %(now)s THEN 1 ELSE a.count + 1 END,
       ends_at = CASE WHEN a.ends_at <= %(now)s THEN excluded.ends_at ELSE a.ends_at END
RETURNING key, count, ends_at
"""
SQL_FORGIVE: LiteralString = """
WITH forgotten AS (DELETE FROM sign_in_attempts WHERE key = %(pair)s)
UPDATE sign_in_attempts
   SET count = count - 1
 WHERE key = %(address)s AND count > 0
"""
SQL_DELETE_OLD: LiteralString = """
DELETE FROM sign_in_attempts
 WHERE ends_at <= %(now)s
"""
