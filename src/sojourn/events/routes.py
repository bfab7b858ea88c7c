"""HTTP beside the hot ways in: rule-based events, and the description of the hot ones for OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from sojourn.events import actions, store
from sojourn.events.asgi import events_app, segment_app
from sojourn.events.model import BATCH_MAX, EventRule
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(prefix="/v1", tags=["events"])

Reader = Annotated[Caller, Depends(require_right("events.read"))]
Writer = Annotated[Caller, Depends(require_right("events.write"))]


class ConditionIn(BaseModel):
    """One condition on the payload: a path with dots, an operator, a value."""

    model_config = ConfigDict(extra="forbid")
    path: str
    op: str
    value: Any = None


class EventRuleIn(BaseModel):
    """A filter on the payload of one event that records a second one."""

    model_config = ConfigDict(extra="forbid")
    name: str
    base_name: str
    conditions: list[ConditionIn] = Field(min_length=1, max_length=20)


class EventRuleOut(BaseModel):
    """A rule-based event."""

    id: UUID
    name: str
    base_name: str
    conditions: list[dict[str, Any]]
    created_at: datetime

    @classmethod
    def of(cls, rule: EventRule) -> EventRuleOut:
        """From the stored rule."""
        return cls(**{name: getattr(rule, name) for name in cls.model_fields})


@router.get("/event-rules")
async def list_event_rules(
    conn: ConnDep, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[EventRuleOut]:
    """Rule-based events, oldest first."""
    found = await store.list_rules(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(found, limit, EventRuleOut.of)


@router.post("/event-rules", status_code=201)
async def create_event_rule(body: EventRuleIn, conn: ConnDep, now: Now, caller: Writer) -> EventRuleOut:
    """Create a rule-based event; it looks at events from now on."""
    rule = await actions.create_rule(
        conn,
        caller,
        caller.workspace_id,
        name=body.name,
        base_name=body.base_name,
        conditions=[one.model_dump(exclude_unset=True) for one in body.conditions],
        now=now,
    )
    return EventRuleOut.of(rule)


@router.delete("/event-rules/{rule_id}", status_code=204)
async def delete_event_rule(rule_id: UUID, conn: ConnDep, now: Now, caller: Writer) -> Response:
    """Delete a rule-based event; what it derived stays."""
    await actions.delete_rule(conn, caller, caller.workspace_id, rule_id, now)
    return Response(status_code=204)


class _Passed(Response):
    """Hands the request to a plain callable, which answers by itself."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._app(scope, receive, send)


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


TEXT = {"type": "string"}
OBJECT = {"type": "object", "additionalProperties": True}
PROFILE = {
    "type": "object",
    "description": "Who it is about: at least one address or id",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("phone", "wa_id", "bsuid", "email", "external_id", "anonymous_id"), TEXT),
        "attributes": OBJECT,
        "is_test": {"type": "boolean"},
    },
}
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._\\-]{0,99}$"},
        "profile": PROFILE,
        "profile_id": {"type": "string", "format": "uuid"},
        "properties": OBJECT,
        "occurred_at": {"type": "string", "format": "date-time"},
        "idempotency_key": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}
BATCH = {
    "type": "object",
    "required": ["events"],
    "properties": {"events": {"type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": EVENT}},
}
RECEIPT = {
    "type": "object",
    "required": ["event_id", "profile_id", "is_new"],
    "properties": {
        "event_id": {"type": "string", "format": "uuid"},
        "profile_id": {"type": "string", "format": "uuid"},
        "is_new": {"type": "boolean"},
    },
}
RECEIPTS = {
    "type": "object",
    "required": ["recorded", "repeated", "refused", "events", "errors"],
    "properties": {
        **{name: {"type": "integer"} for name in ("recorded", "repeated", "refused")},
        "events": {"type": "array", "items": {"anyOf": [RECEIPT, {"type": "null"}]}},
        "errors": {"type": "array", "items": OBJECT},
    },
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Durable; a batch names the events that were refused",
        "content": {"application/json": {"schema": {"anyOf": [RECEIPT, RECEIPTS]}}},
    }
}


@router.post("/events", status_code=202, openapi_extra=_body({"anyOf": [EVENT, BATCH]}), responses=ACCEPTED)
async def record_events(_: Request) -> Response:
    """Record one event or up to 1,000. The same `idempotency_key` again returns the first record."""
    return _Passed(events_app)


@router.post("/batch", openapi_extra=_body(OBJECT), tags=["segment"])
async def record_segment_batch(_: Request) -> Response:
    """Segment's batch call; basic authentication with a write key."""
    return _Passed(segment_app)


@router.post("/import", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/identify", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/track", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/page", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/screen", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/group", openapi_extra=_body(OBJECT), tags=["segment"])
@router.post("/alias", openapi_extra=_body(OBJECT), tags=["segment"])
async def record_segment_call(_: Request) -> Response:
    """One call of Segment's; basic authentication with a write key."""
    return _Passed(segment_app)
