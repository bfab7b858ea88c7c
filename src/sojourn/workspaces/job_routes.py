"""HTTP: the dead letters of a workspace, with their reasons, and their replay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit import jobs, jobs_store
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page, encode_cursor
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position

router = APIRouter(prefix="/v1", tags=["jobs"])


class DeadJobOut(BaseModel):
    """A job that failed for good: which handler, how often, why. Its content is not shown: it may be personal."""

    id: UUID
    handler: str
    attempts: int
    reason: str
    profile_id: UUID | None
    died_at: datetime


class ReplayIn(BaseModel):
    """Which dead letters to try again: these ids, all of one handler, or (neither given) all of the workspace."""

    model_config = ConfigDict(extra="forbid")
    ids: Annotated[list[UUID], Field(max_length=1000)] | None = None
    handler: str | None = None


class ReplayOut(BaseModel):
    """How many came back as fresh jobs."""

    replayed: int


@router.get("/dead-letters")
async def list_dead_letters(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("jobs.read"))],
    handler: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DeadJobOut]:
    """Jobs of this workspace that failed for good, newest first."""
    rows = await jobs_store.list_dead(
        conn, workspace_id=caller.workspace_id, handler=handler, before=decode_position(cursor), limit=limit + 1
    )
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    items = [DeadJobOut(**{name: row[name] for name in DeadJobOut.model_fields}) for row in rows[:limit]]
    return Page(items=items, next_cursor=more)


@router.post("/dead-letters/replay")
async def replay_dead_letters(
    body: ReplayIn, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("jobs.write"))]
) -> ReplayOut:
    """Bring dead letters back as fresh jobs, in their old order."""
    handlers = await jobs_store.replay_dead(conn, workspace_id=caller.workspace_id, handler=body.handler, ids=body.ids)
    jobs.wake(conn, *set(handlers))
    changes = {"replayed": len(handlers), "handler": body.handler}
    await audit.record(conn, caller, caller.workspace_id, "jobs.replayed", "job", "many", changes, now)
    return ReplayOut(replayed=len(handlers))
