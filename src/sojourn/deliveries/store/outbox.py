"""SQL of the outbox: what waits to leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, copy_rows, fetch_all, fetch_value

LANES = (1, 2, 3, 4)
ALL_BUCKETS = list(range(kit_ids.BUCKETS))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits to leave."""

    delivery_id: UUID
    workspace_id: UUID
    profile_id: UUID
    sender_id: UUID
    due_at: datetime
    lane: int
    attempt_number: int
    owner_kind: str
    owner_id: UUID | None


async def copy_outbox(conn: Conn, rows: Sequence[Waiting]) -> None:
    """Put deliveries into the outbox."""
    await copy_rows(conn, SQL_COPY_OUTBOX, [_row(row) for row in rows])


def _row(row: Waiting) -> tuple[Any, ...]:
    return (
        row.delivery_id,
        kit_ids.bucket_of(row.delivery_id),
        row.workspace_id,
        row.profile_id,
        row.sender_id,
        row.due_at,
        row.lane,
        row.attempt_number,
        row.owner_kind,
        row.owner_id,
    )


async def count_due(conn: Conn, sender_id: UUID, *, now: datetime, limit: int) -> dict[int, int]:
    """How many are due a lane, each counted up to `limit`."""
    params = {"sender": sender_id, "now": now, "limit": limit, "lanes": list(LANES)}
    return {row["lane"]: row["due"] for row in await fetch_all(conn, SQL_COUNT_DUE, params)}


async def claim(
    conn: Conn,
    sender_id: UUID,
    shares: dict[int, int],
    *,
    now: datetime,
    buckets: Sequence[int] | None = None,
) -> list[Waiting]:
    """Take up to so many due rows a lane out of the outbox. Others' claims are skipped.

    The rows are gone when this transaction commits and back when it does not: a worker that dies before has claimed
    nothing.
    """
    params = {
        "sender": sender_id,
        "now": now,
        "lanes": list(shares),
        "limits": list(shares.values()),
        "buckets": ALL_BUCKETS if buckets is None else list(buckets),
    }
    return [Waiting(**row) for row in await fetch_all(conn, SQL_CLAIM, params)]


async def delete_waiting(conn: Conn, ids: Iterable[UUID]) -> set[UUID]:
    """Take these deliveries out, waiting for a claim that holds one. Returns those that were still waiting."""
    wanted = sorted(set(ids))
    params = {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}
    return {row["delivery_id"] for row in await fetch_all(conn, SQL_DELETE, params)}


async def list_waiting_of(
    conn: Conn,
    workspace_id: UUID,
    *,
    run_id: UUID | None,
    step_key: str | None,
    owner_id: UUID | None,
    profile_ids: Sequence[UUID] | None,
    delivery_ids: Sequence[UUID] | None,
) -> list[UUID]:
    """The waiting deliveries of a run (and step), an owner, some profiles, or among the given ids. Locks nothing."""
    params = {
        "workspace": workspace_id,
        "run": run_id,
        "step": step_key,
        "owner": owner_id,
        "profiles": None if profile_ids is None else list(profile_ids),
        "ids": None if delivery_ids is None else list(delivery_ids),
    }
    if run_id is not None or profile_ids is not None:
        return [row["id"] for row in await fetch_all(conn, SQL_LIST_OF_PERSON, params)]
    return [row["id"] for row in await fetch_all(conn, SQL_LIST_OF_OWNER, params)]


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When the next waiting delivery of an active sender may leave: its due moment or that of its sender's rate."""
    moment: datetime | None = await fetch_value(conn, SQL_NEXT_DUE, {"now": now, "lanes": list(LANES)})
    return moment


SQL_COPY_OUTBOX: LiteralString = """
COPY outbox (delivery_id, bucket, workspace_id, profile_id, sender_id, due_at, lane, attempt_number, owner_kind,
             owner_id) FROM STDIN
"""
SQL_COUNT_DUE: LiteralString = """
SELECT l.lane, c.due
  FROM unnest(%(lanes)s::smallint[]) AS l (lane)
 CROSS JOIN LATERAL (
       SELECT count(*) AS due
         FROM (SELECT 1 FROM outbox o
                WHERE o.sender_id = %(sender)s AND o.lane = l.lane AND o.due_at <= %(now)s
                LIMIT %(limit)s) AS few
       ) AS c
 WHERE c.due > 0
"""
SQL_CLAIM: LiteralString = """
WITH picked AS MATERIALIZED (
    SELECT p.delivery_id, p.bucket
      FROM unnest(%(lanes)s::smallint[], %(limits)s::int[]) AS l (lane, wanted)
     CROSS JOIN LATERAL (
           SELECT o.delivery_id, o.bucket
             FROM outbox o
            WHERE o.sender_id = %(sender)s AND o.lane = l.lane AND o.due_at <= %(now)s
              AND o.bucket = ANY(%(buckets)s::smallint[])
            ORDER BY o.due_at
            LIMIT l.wanted
              FOR UPDATE SKIP LOCKED
           ) AS p
)
DELETE FROM outbox o
 USING picked p
 WHERE o.delivery_id = p.delivery_id AND o.bucket = p.bucket
RETURNING o.delivery_id, o.workspace_id, o.profile_id, o.sender_id, o.due_at, o.lane, o.attempt_number, o.owner_kind,
          o.owner_id
"""
SQL_DELETE: LiteralString = """
WITH picked AS MATERIALIZED (
    SELECT o.delivery_id, o.bucket
      FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
      JOIN outbox o ON o.delivery_id = t.id AND o.bucket = t.bucket
     ORDER BY o.delivery_id
       FOR UPDATE OF o
)
DELETE FROM outbox o
 USING picked p
 WHERE o.delivery_id = p.delivery_id AND o.bucket = p.bucket
RETURNING o.delivery_id
"""
SQL_LIST_OF_PERSON: LiteralString = """
SELECT d.id
  FROM deliveries d
 WHERE d.workspace_id = %(workspace)s
   AND d.status IN ('queued', 'deferred')
   AND (%(run)s::uuid IS NULL OR d.run_id = %(run)s::uuid)
   AND (%(step)s::text IS NULL OR d.step_key = %(step)s::text)
   AND (%(owner)s::uuid IS NULL OR d.owner_id = %(owner)s::uuid)
   AND (%(profiles)s::uuid[] IS NULL OR d.profile_id = ANY(%(profiles)s::uuid[]))
   AND (%(ids)s::uuid[] IS NULL OR d.id = ANY(%(ids)s::uuid[]))
"""
SQL_LIST_OF_OWNER: LiteralString = """
SELECT o.delivery_id AS id
  FROM outbox o
 WHERE o.workspace_id = %(workspace)s
   AND (%(owner)s::uuid IS NULL OR o.owner_id = %(owner)s::uuid)
   AND (%(ids)s::uuid[] IS NULL OR o.delivery_id = ANY(%(ids)s::uuid[]))
"""
SQL_NEXT_DUE: LiteralString = """
SELECT min(greatest(x.due_at, r.free_from + make_interval(secs => 1.0 / r.rate_per_s))) AS due_at
  FROM sender_rates r
 CROSS JOIN unnest(%(lanes)s::smallint[]) AS l (lane)
 CROSS JOIN LATERAL (
       SELECT o.due_at FROM outbox o
        WHERE o.sender_id = r.sender_id AND o.lane = l.lane
        ORDER BY o.due_at
        LIMIT 1
       ) AS x
 WHERE r.is_active
"""
