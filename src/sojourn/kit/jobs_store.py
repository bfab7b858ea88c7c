"""The statements of the job queue. Claims skip what another worker holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Row, copy_rows, execute, fetch_all, fetch_one, fetch_value

JobRow = tuple[UUID, int, str, str | None, int, datetime, UUID | None, UUID | None, bytes]
COPY_FROM = 20  # rows; below, one statement with arrays is cheaper than the COPY protocol's round trips


async def insert_jobs(conn: Conn, rows: Sequence[JobRow]) -> None:
    """Write jobs; nothing is locked."""
    if len(rows) >= COPY_FROM:
        await copy_rows(conn, SQL_COPY, rows)
        return
    columns = list(zip(*rows, strict=True))
    names = ("ids", "buckets", "handlers", "keys", "priorities", "due", "workspaces", "profiles", "payloads")
    await execute(conn, SQL_INSERT, {name: list(column) for name, column in zip(names, columns, strict=True)})


SQL_COPY: LiteralString = """
COPY jobs (id, bucket, handler, ordering_key, priority, due_at, workspace_id, profile_id, payload) FROM STDIN
"""
SQL_INSERT: LiteralString = """
INSERT INTO jobs (id, bucket, handler, ordering_key, priority, due_at, workspace_id, profile_id, payload)
SELECT * FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(handlers)s::text[], %(keys)s::text[],
                     %(priorities)s::smallint[], %(due)s::timestamptz[], %(workspaces)s::uuid[],
                     %(profiles)s::uuid[], %(payloads)s::bytea[])
"""


async def lock_ready(
    conn: Conn, handler: str, *, now: datetime, system_now: datetime, limit: int, retried: bool | None = None
) -> list[Row]:
    """Lock up to `limit` ready jobs without order, smallest priority and oldest first.

    `retried` picks only fresh (False) or only already tried ones (True). Zero rows: nothing is ready or free.
    """
    params = {"handler": handler, "now": now, "system_now": system_now, "limit": limit, "retried": retried}
    return await fetch_all(conn, SQL_LOCK_READY, params)


SQL_LOCK_READY: LiteralString = """
SELECT id, bucket, ordering_key, attempts, payload
  FROM jobs
 WHERE handler = %(handler)s
   AND due_at <= %(now)s
   AND (retry_at IS NULL OR retry_at <= %(system_now)s)
   AND (lease_until IS NULL OR lease_until <= %(system_now)s)
   AND (%(retried)s::boolean IS NULL OR (attempts > 0) = %(retried)s::boolean)
 ORDER BY priority, due_at, id
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""


async def lock_heads(
    conn: Conn, handler: str, *, now: datetime, system_now: datetime, limit: int, retried: bool | None = None
) -> list[Row]:
    """Lock the oldest ready job of up to `limit` keys; one that is planned for later holds nobody up."""
    params = {"handler": handler, "now": now, "system_now": system_now, "limit": limit, "retried": retried}
    return await fetch_all(conn, SQL_LOCK_HEADS, params)


SQL_LOCK_HEADS: LiteralString = """
SELECT j.id, j.bucket, j.ordering_key, j.attempts, j.payload
  FROM jobs j
 WHERE j.handler = %(handler)s
   AND j.due_at <= %(now)s
   AND (j.retry_at IS NULL OR j.retry_at <= %(system_now)s)
   AND (j.lease_until IS NULL OR j.lease_until <= %(system_now)s)
   AND (%(retried)s::boolean IS NULL OR (j.attempts > 0) = %(retried)s::boolean)
   AND NOT EXISTS (SELECT 1 FROM jobs o
                    WHERE o.handler = j.handler AND o.ordering_key = j.ordering_key AND o.id < j.id
                      AND o.due_at <= %(now)s)
 ORDER BY j.priority, j.due_at, j.id
 LIMIT %(limit)s
   FOR UPDATE OF j SKIP LOCKED
"""


async def lock_followers(
    conn: Conn, handler: str, keys: Sequence[str], heads: Sequence[UUID], *, now: datetime, limit: int
) -> list[Row]:
    """Lock what waits behind heads that this transaction holds, oldest first: nobody else can claim it."""
    params = {"handler": handler, "keys": list(keys), "heads": list(heads), "now": now, "limit": limit}
    return await fetch_all(conn, SQL_LOCK_FOLLOWERS, params)


SQL_LOCK_FOLLOWERS: LiteralString = """
SELECT id, bucket, ordering_key, attempts, payload
  FROM jobs
 WHERE handler = %(handler)s
   AND ordering_key = ANY(%(keys)s)
   AND id <> ALL(%(heads)s)
   AND due_at <= %(now)s
 ORDER BY id
 LIMIT %(limit)s
   FOR UPDATE
"""


async def lock_jobs(conn: Conn, ids: Sequence[UUID], buckets: Sequence[int]) -> list[Row]:
    """Lock these jobs again after a rollback; fewer rows mean that others took or finished them."""
    return await fetch_all(conn, SQL_LOCK_JOBS, {"ids": list(ids), "buckets": sorted(set(buckets))})


SQL_LOCK_JOBS: LiteralString = """
SELECT id, bucket, ordering_key, attempts, payload
  FROM jobs
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY id
   FOR UPDATE SKIP LOCKED
"""


async def update_leases(conn: Conn, ids: Sequence[UUID], buckets: Sequence[int], until: datetime) -> None:
    """Lease jobs that this transaction has locked, and count the attempt."""
    await execute(conn, SQL_LEASE, {"ids": list(ids), "buckets": sorted(set(buckets)), "until": until})


SQL_LEASE: LiteralString = """
UPDATE jobs SET lease_until = %(until)s, retry_at = NULL, attempts = attempts + 1
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""


async def extend_leases(conn: Conn, ids: Sequence[UUID], buckets: Sequence[int], until: datetime) -> None:
    """Keep a lease while the handler is still at work."""
    await execute(conn, SQL_EXTEND, {"ids": list(ids), "buckets": sorted(set(buckets)), "until": until})


SQL_EXTEND: LiteralString = """
UPDATE jobs SET lease_until = %(until)s
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND lease_until IS NOT NULL
"""


async def delete_jobs(conn: Conn, ids: Sequence[UUID], buckets: Sequence[int]) -> int:
    """Done: the rows go."""
    return await execute(conn, SQL_DELETE, {"ids": list(ids), "buckets": sorted(set(buckets))})


SQL_DELETE: LiteralString = """
DELETE FROM jobs WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""


async def update_failed(conn: Conn, id_: UUID, bucket: int, *, attempts: int, retry_at: datetime, reason: str) -> None:
    """Hold a failed job back until `retry_at` (system clock) and give its lease up."""
    params = {"id": id_, "bucket": bucket, "attempts": attempts, "retry_at": retry_at, "reason": reason}
    await execute(conn, SQL_FAILED, params)


SQL_FAILED: LiteralString = """
UPDATE jobs SET attempts = %(attempts)s, retry_at = %(retry_at)s, lease_until = NULL, last_error = %(reason)s
 WHERE id = %(id)s AND bucket = %(bucket)s
"""


async def bury_job(conn: Conn, id_: UUID, bucket: int, *, attempts: int, reason: str, died_at: datetime) -> None:
    """Move a job to the dead letters."""
    params = {"id": id_, "bucket": bucket, "attempts": attempts, "reason": reason, "died_at": died_at}
    await execute(conn, SQL_BURY, params)


SQL_BURY: LiteralString = """
WITH gone AS (DELETE FROM jobs WHERE id = %(id)s AND bucket = %(bucket)s RETURNING *)
INSERT INTO dead_jobs (id, bucket, handler, ordering_key, priority, attempts, reason, workspace_id, profile_id,
                       payload, died_at)
SELECT id, bucket, handler, ordering_key, priority, %(attempts)s, %(reason)s, workspace_id, profile_id, payload,
       %(died_at)s
  FROM gone
"""


async def list_dead(
    conn: Conn, *, workspace_id: UUID | None, handler: str | None, before: UUID | None, limit: int
) -> list[Row]:
    """Dead letters, newest id first."""
    params = {"workspace": workspace_id, "handler": handler, "before": before, "limit": limit}
    return await fetch_all(conn, SQL_LIST_DEAD, params)


SQL_LIST_DEAD: LiteralString = """
SELECT id, bucket, handler, attempts, reason, workspace_id, profile_id, payload, died_at
  FROM dead_jobs
 WHERE (%(workspace)s::uuid IS NULL OR workspace_id = %(workspace)s)
   AND (%(handler)s::text IS NULL OR handler = %(handler)s)
   AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""


async def replay_dead(
    conn: Conn, *, workspace_id: UUID | None, handler: str | None, ids: Sequence[UUID] | None
) -> list[str]:
    """Bring dead letters back as fresh jobs; the handler of each row that came back."""
    params = {"workspace": workspace_id, "handler": handler, "ids": None if ids is None else list(ids)}
    return [row["handler"] for row in await fetch_all(conn, SQL_REPLAY, params)]


SQL_REPLAY: LiteralString = """
WITH gone AS (
    DELETE FROM dead_jobs
     WHERE (%(workspace)s::uuid IS NULL OR workspace_id = %(workspace)s)
       AND (%(handler)s::text IS NULL OR handler = %(handler)s)
       AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s))
    RETURNING *)
INSERT INTO jobs (id, bucket, handler, ordering_key, priority, due_at, workspace_id, profile_id, payload)
SELECT id, bucket, handler, ordering_key, priority, 'epoch', workspace_id, profile_id, payload FROM gone
RETURNING handler
"""


async def delete_profile_jobs(conn: Conn, profile_ids: Sequence[UUID]) -> int:
    """An erasure: what waits for these people goes, dead letters too."""
    row = await fetch_one(conn, SQL_DELETE_PROFILE, {"ids": list(profile_ids)})
    return int(row["count"])


SQL_DELETE_PROFILE: LiteralString = """
WITH a AS (DELETE FROM jobs WHERE profile_id = ANY(%(ids)s) RETURNING 1),
     b AS (DELETE FROM dead_jobs WHERE profile_id = ANY(%(ids)s) RETURNING 1)
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) AS count
"""


async def list_ready_handlers(conn: Conn, *, now: datetime, system_now: datetime) -> list[str]:
    """Handlers that have something to do at this moment."""
    rows = await fetch_all(conn, SQL_READY_HANDLERS, {"now": now, "system_now": system_now})
    return [row["handler"] for row in rows]


SQL_READY_HANDLERS: LiteralString = """
SELECT DISTINCT handler FROM jobs
 WHERE due_at <= %(now)s
   AND (retry_at IS NULL OR retry_at <= %(system_now)s)
   AND (lease_until IS NULL OR lease_until <= %(system_now)s)
"""


async def count_active(conn: Conn, *, now: datetime, retry_before: datetime) -> int:
    """Jobs that are due, at work, or retried before `retry_before` (system clock)."""
    return int(await fetch_value(conn, SQL_COUNT_ACTIVE, {"now": now, "retry_before": retry_before}) or 0)


SQL_COUNT_ACTIVE: LiteralString = """
SELECT count(*) FROM jobs WHERE due_at <= %(now)s AND (retry_at IS NULL OR retry_at <= %(retry_before)s)
"""


async def next_due(conn: Conn, *, now: datetime) -> datetime | None:
    """The moment (product clock) of the earliest job that waits for time."""
    moment: datetime | None = await fetch_value(conn, SQL_NEXT_DUE, {"now": now})
    return moment


SQL_NEXT_DUE: LiteralString = """
SELECT min(due_at) FROM jobs WHERE due_at > %(now)s
"""


async def list_queue_figures(conn: Conn) -> list[Row]:
    """A row a handler: how many jobs wait, and the id (time-ordered) of the oldest."""
    return await fetch_all(conn, SQL_FIGURES)


SQL_FIGURES: LiteralString = """
SELECT handler, count(*) AS waiting, min(id::text) AS oldest, max(attempts) AS attempts
  FROM jobs WHERE due_at <= 'epoch' OR retry_at IS NOT NULL GROUP BY handler ORDER BY handler
"""


async def claim_periodic(
    conn: Conn, names: Sequence[str], *, now: datetime, system_now: datetime, lease_until: datetime
) -> list[str]:
    """Lease the periodic jobs that are due; new names are due at once."""
    params = {
        "names": list(names),
        "now": now,
        "system_now": system_now,
        "lease_until": lease_until,
    }
    await execute(conn, SQL_ADD_PERIODIC, params)
    return [row["name"] for row in await fetch_all(conn, SQL_CLAIM_PERIODIC, params)]


SQL_ADD_PERIODIC: LiteralString = """
INSERT INTO periodic_jobs (name, next_at) SELECT unnest(%(names)s::text[]), %(now)s
    ON CONFLICT (name) DO NOTHING
"""
SQL_CLAIM_PERIODIC: LiteralString = """
UPDATE periodic_jobs SET lease_until = %(lease_until)s
 WHERE name IN (SELECT name FROM periodic_jobs
                 WHERE name = ANY(%(names)s) AND next_at <= %(now)s
                   AND (lease_until IS NULL OR lease_until <= %(system_now)s)
                   FOR UPDATE SKIP LOCKED)
RETURNING name
"""


async def finish_periodic(conn: Conn, name: str, *, next_at: datetime, reason: str | None) -> None:
    """A round is over, well or not; the next one is set."""
    await execute(conn, SQL_FINISH_PERIODIC, {"name": name, "next_at": next_at, "reason": reason})


SQL_FINISH_PERIODIC: LiteralString = """
UPDATE periodic_jobs SET next_at = %(next_at)s, lease_until = NULL, last_error = %(reason)s WHERE name = %(name)s
"""


async def count_dead(conn: Conn) -> int:
    """All dead letters."""
    return int(await fetch_value(conn, "SELECT count(*) FROM dead_jobs"))
