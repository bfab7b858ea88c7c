"""What the run inspector and lists show."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from sojourn.journeys.model import RunRow, StepRow, UnknownRun
from sojourn.kit.database import Conn, fetch_all, fetch_optional
from sojourn.kit.ids import bucket_of


async def get_run(conn: Conn, workspace_id: UUID, run_id: UUID) -> RunRow:
    """The run. Raises UnknownRun."""
    row = await fetch_optional(
        conn, SQL_GET_RUN, {"workspace": workspace_id, "id": run_id, "bucket": bucket_of(run_id)}
    )
    if row is None:
        raise UnknownRun(run_id=run_id)
    return RunRow(**row)


async def list_steps(conn: Conn, run_id: UUID) -> list[StepRow]:
    """The finished visits of a run, in order."""
    rows = await fetch_all(conn, SQL_LIST_STEPS, {"run": run_id, "bucket": bucket_of(run_id)})
    return [StepRow(**row) for row in rows]


async def list_runs(
    conn: Conn,
    workspace_id: UUID,
    journey_id: UUID,
    *,
    state: str | None = None,
    node: str | None = None,
    run_key: str | None = None,
    profile_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[RunRow]:
    """Up to `limit` + 1 runs of a journey, newest first."""
    params = {
        "workspace": workspace_id,
        "journey": journey_id,
        "state": state,
        "node": node,
        "key": run_key,
        "profile": profile_id,
        "before": before,
        "limit": limit + 1,
    }
    return [RunRow(**row) for row in await fetch_all(conn, SQL_LIST_RUNS, params)]


async def count_runs(conn: Conn, journey_id: UUID) -> dict[str, int]:
    """How many runs of a journey are in each state; states without runs are left out."""
    rows = await fetch_all(conn, SQL_COUNT_RUNS, {"journey": journey_id})
    return {row["state"]: row["count"] for row in rows}


SQL_RUN_COLUMNS: LiteralString = """
SELECT id, workspace_id, journey_id, version_id, profile_id, run_key, parent_run_id, branch, state, node, seq,
       entered_at, due_at, memory, started_at, ended_at, exit_reason
  FROM runs
"""
SQL_GET_RUN: LiteralString = (
    SQL_RUN_COLUMNS + " WHERE id = %(id)s AND bucket = %(bucket)s AND workspace_id = %(workspace)s"
)
SQL_LIST_STEPS: LiteralString = """
SELECT seq, node, kind, entered_at, left_at, exit, cause, detail
  FROM steps
 WHERE run_id = %(run)s AND bucket = %(bucket)s
 ORDER BY seq
"""
SQL_LIST_RUNS: LiteralString = (
    SQL_RUN_COLUMNS
    + """
 WHERE journey_id = %(journey)s AND workspace_id = %(workspace)s
   AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(node)s::text IS NULL OR node = %(node)s)
   AND (%(key)s::text IS NULL OR run_key = %(key)s)
   AND (%(profile)s::uuid IS NULL OR profile_id = %(profile)s)
   AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
)
SQL_COUNT_RUNS: LiteralString = """
SELECT state, count(*) AS count FROM runs WHERE journey_id = %(journey)s GROUP BY state
"""
