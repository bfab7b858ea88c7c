"""The statements by which an erasure finds people in jobs that are about no one person: reports, inbound messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Row, execute, fetch_all, fetch_one


async def lock_jobs_naming(
    conn: Conn, workspace_id: UUID, needles: Sequence[bytes], *, handlers: Sequence[str] = ()
) -> list[Row]:
    """Lock jobs and dead letters of no one person that contain any of these bytes, or are for one of these handlers.

    `is_dead` says which table a row is of. For erasures: both tables are read from end to end, and are short.
    """
    params = {"workspace": workspace_id, "needles": list(needles), "handlers": list(handlers)}
    return [
        *await fetch_all(conn, SQL_LOCK_NAMING, params),
        *await fetch_all(conn, SQL_LOCK_DEAD_NAMING, params),
    ]


SQL_LOCK_NAMING: LiteralString = """
SELECT id, bucket, payload, false AS is_dead
  FROM jobs j
 WHERE profile_id IS NULL AND workspace_id = %(workspace)s
   AND (handler = ANY(%(handlers)s)
        OR EXISTS (SELECT 1 FROM unnest(%(needles)s::bytea[]) AS n WHERE position(n IN j.payload) > 0))
 ORDER BY id
   FOR UPDATE
"""
SQL_LOCK_DEAD_NAMING: LiteralString = """
SELECT id, bucket, payload, true AS is_dead
  FROM dead_jobs j
 WHERE profile_id IS NULL AND workspace_id = %(workspace)s
   AND (handler = ANY(%(handlers)s)
        OR EXISTS (SELECT 1 FROM unnest(%(needles)s::bytea[]) AS n WHERE position(n IN j.payload) > 0))
 ORDER BY id
   FOR UPDATE
"""


async def delete_queued(conn: Conn, ids: Sequence[UUID]) -> int:
    """Delete jobs and dead letters by id. How many."""
    row = await fetch_one(conn, SQL_DELETE_QUEUED, {"ids": list(ids)})
    return int(row["count"])


SQL_DELETE_QUEUED: LiteralString = """
WITH a AS (DELETE FROM jobs WHERE id = ANY(%(ids)s) RETURNING 1),
     b AS (DELETE FROM dead_jobs WHERE id = ANY(%(ids)s) RETURNING 1)
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) AS count
"""


async def update_payloads(conn: Conn, payloads: Sequence[tuple[UUID, bytes]]) -> None:
    """Put other contents into jobs and dead letters; pairs of id and payload."""
    params = {"ids": [row[0] for row in payloads], "payloads": [row[1] for row in payloads]}
    await execute(conn, SQL_UPDATE_PAYLOADS, params)
    await execute(conn, SQL_UPDATE_DEAD_PAYLOADS, params)


SQL_UPDATE_PAYLOADS: LiteralString = """
UPDATE jobs j SET payload = t.payload
  FROM unnest(%(ids)s::uuid[], %(payloads)s::bytea[]) AS t (id, payload) WHERE j.id = t.id
"""
SQL_UPDATE_DEAD_PAYLOADS: LiteralString = """
UPDATE dead_jobs j SET payload = t.payload
  FROM unnest(%(ids)s::uuid[], %(payloads)s::bytea[]) AS t (id, payload) WHERE j.id = t.id
"""
