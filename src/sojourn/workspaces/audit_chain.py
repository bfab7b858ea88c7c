"""The chain over a workspace's audit trail: each entry's digest covers the one before, so that nobody edits it unseen.

Entries are written without a lock, wherever a change is made. A sealer gives those that wait their position and digest,
one sealer a workspace at a time: a change never waits for another one's entry. Digests are keyed with the secret of the
installation, so that the database alone is not enough to make a false chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all, fetch_one, fetch_optional

PURPOSE = "audit_chain"
START = bytes(32)
SEAL_MAX = 500  # entries a transaction
READ_MAX = 5_000  # entries at a time when the chain is checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check of the chain found.

    `broken_at`: the position at which something is missing or was changed; None when all is as it was written. Entries
    before `first_position` were deleted when their time was over.
    """

    is_intact: bool
    broken_at: int | None
    first_position: int | None
    last_position: int
    head: str | None
    since: datetime | None


def digest_of(keys: KeyRing, previous: bytes, position: int, entry: dict[str, Any]) -> bytes:
    """The digest of an entry at its place in the chain."""
    said = [
        position, entry["id"].hex, entry["actor"], entry["action"], entry["object_kind"], entry["object_id"],
        entry["changes"], int(entry["recorded_at"].timestamp() * 1_000_000),
    ]  # fmt: skip
    return keys.keyed_hash(previous + msgspec.json.encode(said, order="sorted"), purpose=PURPOSE)


async def list_waiting(conn: Conn, *, limit: int) -> list[UUID]:
    """Workspaces with entries that are not sealed."""
    return [row["workspace_id"] for row in await fetch_all(conn, SQL_WAITING, {"limit": limit})]


async def seal(conn: Conn, workspace_id: UUID, *, keys: KeyRing) -> int:
    """Seal the oldest entries that wait, 500 at most; how many. Locks the head of the chain."""
    await execute(conn, SQL_MAKE_HEAD, {"workspace": workspace_id, "start": START})
    head = await fetch_one(conn, SQL_LOCK_HEAD, {"workspace": workspace_id})
    entries = await fetch_all(conn, SQL_UNSEALED, {"workspace": workspace_id, "limit": SEAL_MAX})
    position, digest = head["position"], bytes(head["digest"])
    positions, digests = [], []
    for entry in entries:
        position += 1
        digest = digest_of(keys, digest, position, entry)
        positions.append(position)
        digests.append(digest)
    if entries:
        ids = [entry["id"] for entry in entries]
        await execute(conn, SQL_SEAL, {"ids": ids, "positions": positions, "digests": digests})
        params = {"workspace": workspace_id, "position": position, "digest": digest}
        await execute(conn, SQL_MOVE_HEAD, params)
    return len(entries)


async def verify(conn: Conn, workspace_id: UUID, *, keys: KeyRing) -> Verdict:
    """Check every sealed entry that is kept against its neighbours, and the last one against the head."""
    head = await fetch_optional(conn, SQL_HEAD, {"workspace": workspace_id})
    last = head["position"] if head else 0
    first: int | None = None
    since: datetime | None = None
    previous: bytes | None = START
    position = 0
    while True:
        params = {"workspace": workspace_id, "after": position, "last": last, "limit": READ_MAX}
        rows = await fetch_all(conn, SQL_CHAIN, params)
        for row in rows:
            digest = bytes(row["digest"])
            if first is None:
                first, since = row["position"], row["recorded_at"]
                previous = START if first == 1 else None  # what it hangs on was deleted when its time was over
            elif row["position"] != position + 1:
                return _broken(position + 1, first, last, since)
            if previous is not None and digest_of(keys, previous, row["position"], row) != digest:
                return _broken(row["position"], first, last, since)
            position, previous = row["position"], digest
        if len(rows) < READ_MAX:
            break
    if head is not None and (position != last or (previous or START) != bytes(head["digest"])):
        return _broken(position + 1 if position < last else position, first, last, since)
    shown = bytes(head["digest"]).hex() if head else None
    return Verdict(is_intact=True, broken_at=None, first_position=first, last_position=last, head=shown, since=since)


def _broken(at: int, first: int | None, last: int, since: datetime | None) -> Verdict:
    return Verdict(is_intact=False, broken_at=at, first_position=first, last_position=last, head=None, since=since)


SQL_WAITING: LiteralString = """
SELECT DISTINCT workspace_id
  FROM audit_entries
 WHERE position IS NULL
 LIMIT %(limit)s
"""
SQL_MAKE_HEAD: LiteralString = """
INSERT INTO audit_chains (workspace_id, position, digest)
VALUES (%(workspace)s, 0, %(start)s)
ON CONFLICT DO NOTHING
"""
SQL_LOCK_HEAD: LiteralString = """
SELECT position, digest
  FROM audit_chains
 WHERE workspace_id = %(workspace)s
   FOR UPDATE
"""
SQL_HEAD: LiteralString = """
SELECT position, digest
  FROM audit_chains
 WHERE workspace_id = %(workspace)s
"""
SQL_UNSEALED: LiteralString = """
SELECT id, actor, action, object_kind, object_id, changes, recorded_at
  FROM audit_entries
 WHERE workspace_id = %(workspace)s AND position IS NULL
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_SEAL: LiteralString = """
UPDATE audit_entries AS e
   SET position = t.position, digest = t.digest
  FROM unnest(%(ids)s::uuid[], %(positions)s::bigint[], %(digests)s::bytea[]) AS t (id, position, digest)
 WHERE e.id = t.id
"""
SQL_MOVE_HEAD: LiteralString = """
UPDATE audit_chains
   SET position = %(position)s, digest = %(digest)s
 WHERE workspace_id = %(workspace)s
"""
SQL_CHAIN: LiteralString = """
SELECT id, actor, action, object_kind, object_id, changes, recorded_at, position, digest
  FROM audit_entries
 WHERE workspace_id = %(workspace)s AND position > %(after)s AND position <= %(last)s
 ORDER BY position
 LIMIT %(limit)s
"""
