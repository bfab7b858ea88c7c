"""SQL of how far deliveries got. Narrow rows, no index on what changes: these updates stay on their page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import args_row

from sojourn.deliveries.model import Status
from sojourn.deliveries.status import Progress
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, execute


@dataclass(slots=True)
class Tracked:
    """A delivery as the status merge needs it; its row is locked."""

    id: UUID
    workspace_id: UUID
    profile_id: UUID
    sender_id: UUID
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    purpose: str
    lane: int
    expires_at: datetime | None
    template_id: UUID | None
    status: str
    attempt_number: int
    accepted_at: datetime | None
    held_at: datetime | None
    sent_at: datetime | None
    failed_at: datetime | None
    error_code: int | None
    delivered_at: datetime | None
    read_at: datetime | None
    played_at: datetime | None
    price_category: str | None
    price_type: str | None
    is_erased: bool = False

    @property
    def progress(self) -> Progress:
        """What is known so far."""
        return Progress(
            self.attempt_number,
            self.accepted_at,
            self.held_at,
            self.sent_at,
            self.failed_at,
            self.error_code,
            self.delivered_at,
            self.read_at,
            self.played_at,
            self.price_category,
            self.price_type,
        )


async def lock_tracked(conn: Conn, ids: Iterable[UUID]) -> list[Tracked]:
    """Lock deliveries in the order of their ids; unknown ids are left out."""
    wanted = sorted(set(ids), key=lambda id_: id_.int)
    params = {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}
    async with conn.cursor(row_factory=args_row(Tracked)) as cursor:
        await cursor.execute(SQL_LOCK_TRACKED, params)
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Change:
    """What a delivery becomes."""

    id: UUID
    status: Status
    reason: str | None
    progress: Progress


async def update_progress(conn: Conn, changes: Sequence[Change]) -> None:
    """Write merged progress over rows that this transaction has locked."""
    if not changes:
        return
    progress = [change.progress for change in changes]
    params = {
        "ids": [change.id for change in changes],
        "buckets": [kit_ids.bucket_of(change.id) for change in changes],
        "statuses": [change.status.value for change in changes],
        "reasons": [change.reason for change in changes],
        "attempts": [p.attempt for p in progress],
        "accepted": [p.accepted_at for p in progress],
        "held": [p.held_at for p in progress],
        "sent": [p.sent_at for p in progress],
        "failed": [p.failed_at for p in progress],
        "codes": [p.error_code for p in progress],
        "delivered": [p.delivered_at for p in progress],
        "read": [p.read_at for p in progress],
        "played": [p.played_at for p in progress],
        "categories": [p.price_category for p in progress],
        "types": [p.price_type for p in progress],
    }
    await execute(conn, SQL_UPDATE_PROGRESS, params)


@dataclass(frozen=True, slots=True)
class Stray:
    """A kept report: `payload` is a StatusUpdate as JSON."""

    workspace_id: UUID
    sender_id: UUID
    payload: bytes


async def insert_strays(
    conn: Conn,
    rows: Sequence[tuple[UUID, UUID, UUID, str, bytes]],
    *,
    now: datetime,
) -> int:
    """Keep reports (key, workspace, sender, status, JSON) about messages that we do not know; how many are new."""
    params = {
        "keys": [row[0] for row in rows],
        "buckets": [kit_ids.bucket_of(row[0]) for row in rows],
        "workspaces": [row[1] for row in rows],
        "senders": [row[2] for row in rows],
        "statuses": [row[3] for row in rows],
        "payloads": [row[4] for row in rows],
        "now": now,
    }
    return await execute(conn, SQL_INSERT_STRAYS, params)


async def take_strays(conn: Conn, keys: Iterable[UUID]) -> list[Stray]:
    """Take kept reports about these messages off the shelf; none in the usual case."""
    wanted = sorted(set(keys))
    params = {"keys": wanted, "buckets": [kit_ids.bucket_of(key) for key in wanted]}
    return await _strays(conn, SQL_TAKE_STRAYS, params)


async def take_known_strays(conn: Conn, *, since: datetime, limit: int) -> list[Stray]:
    """Take kept reports, received since a moment, whose message has become known meanwhile."""
    return await _strays(conn, SQL_TAKE_KNOWN_STRAYS, {"since": since, "limit": limit})


async def _strays(conn: Conn, sql: LiteralString, params: dict[str, Any]) -> list[Stray]:
    async with conn.cursor(row_factory=args_row(Stray)) as cursor:
        await cursor.execute(sql, params)
        return await cursor.fetchall()


async def upsert_settlements(conn: Conn, attempt_ids: Iterable[UUID]) -> None:
    """Reports have settled these attempts: what their senders dispatched until then was reported on, if it arrived."""
    wanted = sorted(set(attempt_ids))
    params = {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}
    await execute(conn, SQL_UPSERT_SETTLEMENTS, params)


async def expire_unreported(conn: Conn, *, first: UUID, last: UUID, now: datetime, limit: int) -> list[UUID]:
    """End messages of an id range that left and were never reported delivered or failed. Returns them."""
    cursor = await conn.execute(SQL_EXPIRE_UNREPORTED, {"first": first, "last": last, "now": now, "limit": limit})
    return [row["id"] for row in await cursor.fetchall()]


SQL_LOCK_TRACKED: LiteralString = """
SELECT d.id, d.workspace_id, d.profile_id, d.sender_id, d.owner_kind, d.owner_id, d.run_id, d.step_key, d.purpose,
       d.lane, d.expires_at, d.template_id, d.status, d.attempt_number, d.accepted_at, d.held_at, d.sent_at,
       d.failed_at, d.error_code, d.delivered_at, d.read_at, d.played_at, d.price_category, d.price_type, d.is_erased
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN deliveries d ON d.id = t.id AND d.bucket = t.bucket
 ORDER BY d.id
   FOR NO KEY UPDATE OF d
"""
SQL_UPDATE_PROGRESS: LiteralString = """
UPDATE deliveries d
   SET status = t.status, reason = t.reason, attempt_number = t.attempt, accepted_at = t.accepted_at,
       held_at = t.held_at, sent_at = t.sent_at, failed_at = t.failed_at, error_code = t.error_code,
       delivered_at = t.delivered_at, read_at = t.read_at, played_at = t.played_at,
       price_category = t.price_category, price_type = t.price_type
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(statuses)s::text[], %(reasons)s::text[],
              %(attempts)s::smallint[], %(accepted)s::timestamptz[], %(held)s::timestamptz[], %(sent)s::timestamptz[],
              %(failed)s::timestamptz[], %(codes)s::int[], %(delivered)s::timestamptz[], %(read)s::timestamptz[],
              %(played)s::timestamptz[], %(categories)s::text[], %(types)s::text[])
       AS t (id, bucket, status, reason, attempt, accepted_at, held_at, sent_at, failed_at, error_code, delivered_at,
             read_at, played_at, price_category, price_type)
 WHERE d.id = t.id AND d.bucket = t.bucket
"""
SQL_INSERT_STRAYS: LiteralString = """
INSERT INTO stray_statuses (key, bucket, workspace_id, sender_id, status, payload, received_at)
SELECT *, %(now)s
  FROM unnest(%(keys)s::uuid[], %(buckets)s::smallint[], %(workspaces)s::uuid[], %(senders)s::uuid[],
              %(statuses)s::text[], %(payloads)s::bytea[])
ON CONFLICT DO NOTHING
"""
SQL_TAKE_STRAYS: LiteralString = """
DELETE FROM stray_statuses s
 USING unnest(%(keys)s::uuid[], %(buckets)s::smallint[]) AS t (key, bucket)
 WHERE s.key = t.key AND s.bucket = t.bucket
RETURNING s.workspace_id, s.sender_id, s.payload
"""
SQL_TAKE_KNOWN_STRAYS: LiteralString = """
DELETE FROM stray_statuses s
 USING (SELECT k.key, k.status, k.bucket
          FROM stray_statuses k
          JOIN provider_messages p ON p.key = k.key AND p.bucket = k.bucket AND p.direction = 'out'
         WHERE k.received_at >= %(since)s
         LIMIT %(limit)s
           FOR UPDATE OF k SKIP LOCKED) AS t
 WHERE s.key = t.key AND s.status = t.status AND s.bucket = t.bucket
RETURNING s.workspace_id, s.sender_id, s.payload
"""
SQL_UPSERT_SETTLEMENTS: LiteralString = """
INSERT INTO sender_settlements AS s (sender_id, settled_to)
SELECT a.sender_id, max(a.dispatched_at)
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN attempts a ON a.id = t.id AND a.bucket = t.bucket
 GROUP BY a.sender_id
 ORDER BY a.sender_id
ON CONFLICT (sender_id) DO UPDATE SET settled_to = excluded.settled_to
 WHERE s.settled_to < excluded.settled_to
"""
SQL_EXPIRE_UNREPORTED: LiteralString = """
UPDATE deliveries d
   SET status = 'expired', ended_at = %(now)s
  FROM (SELECT id, bucket FROM deliveries
         WHERE id >= %(first)s AND id < %(last)s AND status IN ('accepted', 'held', 'sent')
         ORDER BY id LIMIT %(limit)s FOR UPDATE) AS t
 WHERE d.id = t.id AND d.bucket = t.bucket
RETURNING d.id
"""
