"""HTTP: why did they get this, or not?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from sojourn.deliveries.forms import DecisionOut
from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import ConnDep
from sojourn.profiles import store as profiles
from sojourn.reports import why
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["reports"])


class WhyDelivery(BaseModel):
    """A delivery with its trace: what was decided when it was asked for, and again right before it left."""

    delivery_id: UUID
    key: str | None
    status: str
    reason: str | None
    sentence: str
    purpose: str
    channel: str
    sender_id: UUID | None
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    template: str | None
    language: str | None
    requested_at: datetime
    planned_at: datetime
    accepted_at: datetime | None
    held_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    played_at: datetime | None
    failed_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    error_code: int | None
    requested_decision: DecisionOut | None
    sending_decision: DecisionOut | None


class WhyOut(BaseModel):
    """The answer is about the newest delivery; the others stand behind it."""

    answer: Literal["sent", "excluded", "deferred", "not_requested", "unknown"]
    sentence: str
    deliveries: list[WhyDelivery]
    run: dict[str, Any] | None


@router.get("/profiles/{profile_id}/why")
async def explain_why(
    profile_id: UUID,
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("deliveries.read"))],
    template: Annotated[str | None, Query(max_length=512, description="Name of a template")] = None,
    journey_id: UUID | None = None,
    delivery_key: Annotated[str | None, Query(max_length=400)] = None,
) -> WhyOut:
    """Why somebody got a message or did not, from what was stored then. Asks for one of the three at least."""
    if template is None and journey_id is None and delivery_key is None:
        message = "template, journey_id or delivery_key"
        raise InvalidInput([{"field": "template", "code": "one_of", "message": message}])
    person = await profiles.get_profile(conn, caller.workspace_id, profile_id)
    people = (await profiles.list_people(conn, [person.id]))[person.id]
    asked = why.Asked(template=template, journey_id=journey_id, delivery_key=delivery_key)
    found = await why.explain_why(conn, caller.workspace_id, people, asked)
    return WhyOut(
        answer=found.answer,
        sentence=found.sentence,
        deliveries=[WhyDelivery(**row) for row in found.deliveries],
        run=found.run,
    )
