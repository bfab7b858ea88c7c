"""HTTP: the overview that the console opens with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from sojourn.channels.store import list_senders
from sojourn.kit.web import ConnDep, Now
from sojourn.reports import overview
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.store import get_workspace

router = APIRouter(prefix="/v1", tags=["reports"])

# Where in the console a concern is dealt with; `{id}` is the id of the thing.
LINKS = {
    "workspace": "/settings/workspace", "sender": "/settings/senders/{id}", "template": "/templates/{id}",
    "delivery": "/deliveries?status=unknown", "job": "/settings/jobs",
}  # fmt: skip


class DayOut(BaseModel):
    """A day so far. `cost_micros` is in the currency of most of it; null while nothing was charged."""

    sent: int
    delivered: int
    read: int
    replied: int
    opted_out: int
    cost_micros: int | None
    currency: str | None


class SenderState(BaseModel):
    """A sender as it stands."""

    id: UUID
    name: str
    phone_number: str | None
    state: str
    simulated: bool
    quality: str | None


class Concern(BaseModel):
    """Something that waits for a person. `text_code` names the sentence, `data` fills it, `link` is where to go."""

    kind: str
    text_code: str
    data: dict[str, Any]
    link: str


class Step(BaseModel):
    """A step of setting up."""

    id: str
    done: bool


class RecentMessage(BaseModel):
    """A message in or out. `delivery_id` and `status` belong to what we sent."""

    id: UUID
    at: datetime
    direction: str
    profile_id: UUID
    profile_name: str | None
    kind: str
    text_preview: str | None
    status: str | None
    delivery_id: UUID | None


class OverviewOut(BaseModel):
    """What happened today, what waits, what is left to set up. Messages only for who may read messages."""

    today: DayOut
    yesterday_same_hour: DayOut
    senders: list[SenderState]
    needs_you: list[Concern]
    checklist: list[Step]
    recent_messages: list[RecentMessage]


@router.get("/overview")
async def get_overview(
    conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("reports.read"))]
) -> OverviewOut:
    """The day so far beside yesterday at the same hour, senders, what needs somebody, set-up, the newest messages."""
    workspace = await get_workspace(conn, caller.workspace_id)
    today, yesterday = overview.spans(now, workspace.timezone)
    senders = await list_senders(conn, workspace.id)
    concerns = await overview.list_concerns(conn, workspace.id, now=now)
    checklist = await overview.read_checklist(conn, workspace.id)
    recent: list[dict[str, Any]] = []
    if caller.may("messages.read"):
        recent = await overview.list_recent_messages(conn, workspace.id, now=now, limit=overview.RECENT_MAX)
    return OverviewOut(
        today=DayOut(**await overview.count_span(conn, workspace.id, today)),
        yesterday_same_hour=DayOut(**await overview.count_span(conn, workspace.id, yesterday)),
        senders=[SenderState(**{name: getattr(one, name) for name in SenderState.model_fields}) for one in senders],
        needs_you=[_concern(row) for row in concerns],
        checklist=[Step(id=name, done=done) for name, done in checklist.items()],
        recent_messages=[RecentMessage(**row) for row in recent],
    )


def _concern(row: dict[str, Any]) -> Concern:
    link = LINKS[row["kind"]].replace("{id}", str(row["thing_id"]))
    return Concern(kind=row["kind"], text_code=row["text_code"], data=row["data"], link=link)
