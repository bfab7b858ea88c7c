"""Runs and steps on the hot road: locked, written and claimed in sets.

Rows are read as tuples and JSON by a typed decoder, because every waiting run passes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import tuple_row

from sojourn.journeys.interpreter.run import Memory, Run, RunState, Step
from sojourn.journeys.store import literals
from sojourn.kit.database import Conn, execute, fetch_all, fetch_value

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Memory)


async def claim_due(
    conn: Conn, *, now: datetime, since: datetime | None, limit: int, buckets: Sequence[int] | None = None
) -> list[Run]:
    """Lock up to `limit` waiting runs that are due, earliest first; those that others work on are left out.

    Looks from `since` on (None: from the beginning): the beginning of the index is full of dead entries under load.
    """
    params = {"now": now, "since": since, "limit": limit, "buckets": None if buckets is None else list(buckets)}
    sql = SQL_CLAIM_ALL if since is None else SQL_CLAIM_SINCE
    return await _fetch_runs(conn, sql, params)


async def lock_runs(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, Run]:
    """Lock runs by id, in the order of their ids; unknown ids are left out."""
    found = sorted(set(ids), key=lambda id_: id_.int)
    params = {"ids": found, "buckets": [id_.int & 0xFF for id_ in found]}
    return {run.id: run for run in await _fetch_runs(conn, SQL_LOCK, params)}


async def lock_listening(conn: Conn, profile_ids: Iterable[UUID], names: Iterable[str]) -> list[Run]:
    """Lock the open runs of these people whose version listens to one of these events, in the order of their ids."""
    found = list(dict.fromkeys(profile_ids))
    params = {"profiles": found, "buckets": [id_.int & 0xFF for id_ in found], "names": list(set(names))}
    return await _fetch_runs(conn, SQL_LOCK_LISTENING, params)


async def list_causes(conn: Conn, run_ids: Iterable[UUID], causes: Iterable[UUID]) -> set[tuple[UUID, UUID]]:
    """(run, cause) of steps that one of these events or answers ended already."""
    ids = list(set(run_ids))
    params = {"ids": ids, "buckets": [id_.int & 0xFF for id_ in ids], "causes": list(set(causes))}
    return {(row["run_id"], row["cause"]) for row in await fetch_all(conn, SQL_LIST_CAUSES, params)}


async def list_open_visits(conn: Conn, run_ids: Iterable[UUID]) -> set[tuple[UUID, int]]:
    """(run, seq) of the visits in which these runs stand now; ended runs are left out. Locks nothing."""
    ids = list(set(run_ids))
    params = {"ids": ids, "buckets": [id_.int & 0xFF for id_ in ids]}
    return {(row["id"], row["seq"]) for row in await fetch_all(conn, SQL_LIST_OPEN_VISITS, params)}


async def list_open_keys(conn: Conn, profile_ids: Iterable[UUID]) -> set[tuple[UUID, UUID, str]]:
    """(profile, journey, key) of the open runs of these profiles. Locks nothing."""
    found = list(dict.fromkeys(profile_ids))
    params = {"profiles": found, "buckets": [id_.int & 0xFF for id_ in found]}
    rows = await fetch_all(conn, SQL_LIST_OPEN_KEYS, params)
    return {(row["profile_id"], row["journey_id"], row["run_key"]) for row in rows}


async def insert_runs(conn: Conn, runs: Sequence[Run]) -> set[UUID]:
    """Write new runs; returns the ids of those that began: an open run of the same key, or the same id, wins."""
    params = {
        **_params(runs),
        "workspaces": [run.workspace_id for run in runs],
        "journeys": [run.journey_id for run in runs],
        "versions": [run.version_id for run in runs],
        "profiles": [run.profile_id for run in runs],
        "keys": [run.key for run in runs],
        "started": [run.started_at for run in runs],
        "memories": [_ENCODER.encode(run.memory).decode() for run in runs],
    }
    return {row["id"] for row in await fetch_all(conn, SQL_INSERT, params)}


async def update_runs(conn: Conn, runs: Sequence[Run]) -> None:
    """Write where runs stand now. The caller holds their locks. Memory and ends are only sent where there are any."""
    waiting = [run for run in runs if not run.is_memory_changed and run.state == RunState.WAITING]
    others = [run for run in runs if run.is_memory_changed or run.state != RunState.WAITING]
    if waiting:
        await execute(conn, SQL_UPDATE_WAITING, literals.of_places(waiting))
    if others:
        memories = [_ENCODER.encode(run.memory).decode() if run.is_memory_changed else None for run in others]
        await execute(conn, SQL_UPDATE, {**_params(others), "memories": memories})


async def copy_steps(conn: Conn, steps: Sequence[tuple[Run, Step]]) -> None:
    """Append finished visits."""
    async with conn.cursor() as cursor, cursor.copy(SQL_COPY_STEPS) as copy:
        await copy.write(literals.of_steps(steps))


async def find_next_due(conn: Conn) -> datetime | None:
    """The earliest moment at which a waiting run is due, or None."""
    moment: datetime | None = await fetch_value(conn, SQL_NEXT_DUE)
    return moment


async def release_held(conn: Conn, journey_id: UUID, *, limit: int, now: datetime) -> int:
    """Let up to `limit` held runs of a journey be due at once. How many."""
    return await execute(conn, SQL_RELEASE_HELD, {"journey": journey_id, "limit": limit, "now": now})


async def erase_people(conn: Conn, ids: Sequence[UUID], now: datetime) -> dict[str, int]:
    """End the open runs of these people and forget what all their runs remember. Counts a table."""
    params = {"ids": list(ids), "buckets": [id_.int & 0xFF for id_ in ids], "now": now}
    steps = await execute(conn, SQL_ERASE_STEPS, params)
    runs = await execute(conn, SQL_ERASE_ENDED, params)
    runs += await execute(conn, SQL_ERASE_OPEN, params)
    return {"runs": runs, "steps": steps}


async def _fetch_runs(conn: Conn, sql: LiteralString, params: dict[str, Any]) -> list[Run]:
    async with conn.cursor(row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(sql, params)
        return [_run(row) for row in await cursor.fetchall()]


def _run(row: tuple[Any, ...]) -> Run:
    (id_, bucket, workspace, journey, version, profile, key, state, node, seq, entered, due, started, memory,
     parent, branch) = row  # fmt: skip
    return Run(
        id_, bucket, workspace, journey, version, profile, key, state, node, seq, entered, due, started,
        Memory() if memory == "{}" else _DECODER.decode(memory), None, None, parent, branch,
    )  # fmt: skip


def _params(runs: Sequence[Run]) -> dict[str, list[Any]]:
    return {
        "ids": [run.id for run in runs],
        "buckets": [run.bucket for run in runs],
        "states": [run.state for run in runs],
        "nodes": [run.node for run in runs],
        "seqs": [run.seq for run in runs],
        "entered": [run.entered_at for run in runs],
        "dues": [run.due_at for run in runs],
        "ended": [run.ended_at for run in runs],
        "reasons": [run.exit_reason for run in runs],
    }


SQL_COLUMNS: LiteralString = """
SELECT r.id, r.bucket, r.workspace_id, r.journey_id, r.version_id, r.profile_id, r.run_key, r.state, r.node, r.seq,
       r.entered_at, r.due_at, r.started_at, r.memory::text, r.parent_run_id, r.branch
  FROM runs r
"""
SQL_CLAIM_ALL: LiteralString = (
    SQL_COLUMNS
    + """
 WHERE r.state = 'waiting' AND r.due_at IS NOT NULL AND r.due_at <= %(now)s
   AND (%(buckets)s::smallint[] IS NULL OR r.bucket = ANY(%(buckets)s))
 ORDER BY r.due_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
)
SQL_CLAIM_SINCE: LiteralString = (
    SQL_COLUMNS
    + """
 WHERE r.state = 'waiting' AND r.due_at IS NOT NULL AND r.due_at <= %(now)s AND r.due_at >= %(since)s
   AND (%(buckets)s::smallint[] IS NULL OR r.bucket = ANY(%(buckets)s))
 ORDER BY r.due_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
)
SQL_LOCK: LiteralString = (
    SQL_COLUMNS
    + """
  JOIN unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS k (id, bucket) ON r.id = k.id AND r.bucket = k.bucket
 ORDER BY r.id
   FOR UPDATE OF r
"""
)
SQL_LOCK_LISTENING: LiteralString = (
    SQL_COLUMNS
    + """
  JOIN journey_versions v ON v.id = r.version_id
 WHERE r.ended_at IS NULL
   AND r.profile_id = ANY(%(profiles)s) AND r.bucket = ANY(%(buckets)s)
   AND v.listens && %(names)s::text[]
 ORDER BY r.id
   FOR UPDATE OF r
"""
)
SQL_LIST_CAUSES: LiteralString = """
SELECT run_id, cause
  FROM steps
 WHERE run_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND cause = ANY(%(causes)s)
"""
SQL_LIST_OPEN_VISITS: LiteralString = """
SELECT id, seq FROM runs WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NULL
"""
SQL_LIST_OPEN_KEYS: LiteralString = """
SELECT profile_id, journey_id, run_key
  FROM runs
 WHERE profile_id = ANY(%(profiles)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NULL AND branch = ''
"""
SQL_INSERT: LiteralString = """
INSERT INTO runs (id, bucket, workspace_id, journey_id, version_id, profile_id, run_key, state, node, seq, entered_at,
                  due_at, memory, started_at, ended_at, exit_reason)
SELECT *
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(workspaces)s::uuid[], %(journeys)s::uuid[],
              %(versions)s::uuid[], %(profiles)s::uuid[], %(keys)s::text[], %(states)s::text[], %(nodes)s::text[],
              %(seqs)s::integer[], %(entered)s::timestamptz[], %(dues)s::timestamptz[], %(memories)s::jsonb[],
              %(started)s::timestamptz[], %(ended)s::timestamptz[], %(reasons)s::text[])
    ON CONFLICT DO NOTHING
RETURNING id
"""
SQL_UPDATE_WAITING: LiteralString = """
UPDATE runs r
   SET node = u.node, seq = u.seq, entered_at = u.entered_at, due_at = u.due_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(nodes)s::text[], %(seqs)s::integer[],
              %(entered)s::timestamptz[], %(dues)s::timestamptz[])
       AS u (id, bucket, node, seq, entered_at, due_at)
 WHERE r.id = u.id AND r.bucket = u.bucket
"""
SQL_UPDATE: LiteralString = """
UPDATE runs r
   SET state = u.state, node = u.node, seq = u.seq, entered_at = u.entered_at, due_at = u.due_at,
       ended_at = u.ended_at, exit_reason = u.reason, memory = coalesce(u.memory, r.memory)
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(states)s::text[], %(nodes)s::text[], %(seqs)s::integer[],
              %(entered)s::timestamptz[], %(dues)s::timestamptz[], %(ended)s::timestamptz[], %(reasons)s::text[],
              %(memories)s::jsonb[])
       AS u (id, bucket, state, node, seq, entered_at, due_at, ended_at, reason, memory)
 WHERE r.id = u.id AND r.bucket = u.bucket
"""
SQL_COPY_STEPS: LiteralString = """
COPY steps (run_id, bucket, seq, workspace_id, node, kind, entered_at, left_at, exit, cause, detail) FROM STDIN
"""
SQL_NEXT_DUE: LiteralString = """
SELECT due_at FROM runs WHERE state = 'waiting' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
"""
SQL_RELEASE_HELD: LiteralString = """
UPDATE runs
   SET state = 'waiting', due_at = %(now)s
 WHERE (id, bucket) IN (SELECT id, bucket FROM runs WHERE journey_id = %(journey)s AND state = 'held' LIMIT %(limit)s
                           FOR UPDATE SKIP LOCKED)
"""
SQL_ERASE_OPEN: LiteralString = """
UPDATE runs
   SET memory = '{}', run_key = '', due_at = NULL, state = 'cancelled', exit_reason = 'erased', ended_at = %(now)s
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NULL
"""
SQL_ERASE_ENDED: LiteralString = """
UPDATE runs
   SET memory = '{}', run_key = ''
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NOT NULL
"""
SQL_ERASE_STEPS: LiteralString = """
WITH theirs AS (
    SELECT id, bucket FROM runs
     WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NULL
    UNION ALL
    SELECT id, bucket FROM runs
     WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND ended_at IS NOT NULL
)
UPDATE steps s
   SET detail = NULL
  FROM theirs r
 WHERE s.run_id = r.id AND s.bucket = r.bucket AND s.detail IS NOT NULL
"""
