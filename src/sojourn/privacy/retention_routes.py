"""HTTP: how long what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.web import ConnDep, Now
from sojourn.privacy import retention, store
from sojourn.privacy.retention import COUNTED_MAX, LONGEST, Standing
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1/retention", tags=["privacy"])

Read = Annotated[Caller, Depends(require_right("retention.read"))]
Write = Annotated[Caller, Depends(require_right("retention.write"))]


class ClassOut(BaseModel):
    """A class of data. Days null: as long as it is needed. `shortest_days` null: the period cannot be changed."""

    name: str
    holds: str
    tables: list[str]
    days: int | None
    default_days: int | None
    shortest_days: int | None
    longest_days: int | None
    counted_from: str
    erasure: str

    @classmethod
    def of(cls, one: Standing) -> ClassOut:
        """From the class as the workspace keeps it."""
        return cls(
            name=one.entry.name,
            holds=one.entry.holds,
            tables=list(one.entry.tables),
            days=None if one.keep is None else one.keep.days,
            default_days=None if one.entry.keep is None else one.entry.keep.days,
            shortest_days=None if one.shortest is None else one.shortest.days,
            longest_days=None if one.shortest is None else LONGEST.days,
            counted_from=one.entry.counted_from,
            erasure=one.entry.erasure,
        )


class RetentionOut(BaseModel):
    """Every class, and when the nightly job last deleted what was too old."""

    classes: list[ClassOut]
    last_run_at: datetime | None


class PeriodsIn(BaseModel):
    """Days by class; null: as long as the product keeps it. What is not named stays."""

    model_config = ConfigDict(extra="forbid")
    periods: dict[str, Annotated[int, Field(ge=1, le=100_000)] | None] = Field(default={}, max_length=100)


class PreviewOut(BaseModel):
    """Rows of this workspace that would go tonight, by table; counted up to `counted_up_to`."""

    counts: dict[str, int]
    counted_up_to: int = COUNTED_MAX


@router.get("")
async def get_retention(conn: ConnDep, caller: Read) -> RetentionOut:
    """What is kept for how long in this workspace."""
    return await _out(conn, await retention.read_standing(conn, caller.workspace_id))


@router.patch("")
async def change_retention(body: PeriodsIn, conn: ConnDep, caller: Write, now: Now) -> RetentionOut:
    """Keep classes for another time, not under what the country pack asks for. Holds from the next night on."""
    return await _out(conn, await retention.change_periods(conn, caller, body.periods, now=now))


@router.post("/preview")
async def preview_retention(body: PeriodsIn, request: Request, caller: Read, now: Now) -> PreviewOut:
    """What tonight would delete, with these periods in place of the present ones. Nothing is deleted."""
    transaction = request.app.state.db.transaction
    return PreviewOut(counts=await retention.preview(transaction, caller.workspace_id, body.periods, now=now))


async def _out(conn: ConnDep, standing: Sequence[Standing]) -> RetentionOut:
    last = await store.find_last_run(conn)
    return RetentionOut(
        classes=[ClassOut.of(one) for one in standing], last_run_at=None if last is None else last["run_at"]
    )
