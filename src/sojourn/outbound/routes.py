"""HTTP: where the workspace's own systems hear what happens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page
from sojourn.outbound import actions, store
from sojourn.outbound.model import URL_MAX, Attempt, Endpoint, EndpointState, Event
from sojourn.outbound.signing import secret_text
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["outgoing webhooks"])

Read = Annotated[Caller, Depends(require_right("webhooks.read"))]
Write = Annotated[Caller, Depends(require_right("webhooks.write"))]
Url = Annotated[str, Field(min_length=8, max_length=URL_MAX, examples=["https://shop.example/hooks/sojourn"])]
Events = Annotated[list[str], Field(max_length=50, examples=[[event.value for event in Event]])]
Description = Annotated[str, Field(max_length=500)]


class Form(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")


class EndpointIn(Form):
    """An address and what it wants to hear."""

    url: Url
    events: Events
    description: Description = ""
    include_personal_data: bool = Field(default=False, description="Texts and addresses too; noted in the audit trail")


class EndpointChange(Form):
    """What to change; what is left out stays."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    include_personal_data: bool | None = None
    is_enabled: bool | None = None


class EndpointOut(BaseModel):
    """An endpoint, without its secret."""

    id: UUID
    url: str
    description: str
    events: list[str]
    include_personal_data: bool
    state: EndpointState
    state_reason: str | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> EndpointOut:
        """From the stored endpoint."""
        return cls(**{name: getattr(endpoint, name) for name in cls.model_fields if name != "events"},
                   events=list(endpoint.events))  # fmt: skip


class WithSecretOut(BaseModel):
    """An endpoint and the secret that signs for it, shown this once."""

    endpoint: EndpointOut
    secret: str


class TestOut(BaseModel):
    """The message that is on its way."""

    message_id: UUID


class AttemptOut(BaseModel):
    """One call. `state` and `due_at` are those of the message now: waiting, delivered or dead."""

    id: UUID
    message_id: UUID
    event: str
    profile_id: UUID | None
    state: str
    number: int
    status_code: int | None
    error: str | None
    duration_ms: int
    attempted_at: datetime
    due_at: datetime | None

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        """From the stored row."""
        return cls(**{name: getattr(attempt, name) for name in cls.model_fields})


class ReplayIn(Form):
    """Which messages to send again: those made in a time, or those behind attempts. At most 1,000."""

    from_: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = None
    attempt_ids: Annotated[list[UUID], Field(max_length=1000)] | None = None


class ReplayOut(BaseModel):
    """How many messages are on their way again."""

    replayed: int


@router.get("")
async def list_endpoints(
    conn: ConnDep, caller: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[EndpointOut]:
    """Endpoints, oldest first."""
    found = await store.list_endpoints(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(found, limit, EndpointOut.of)


@router.post("", status_code=201)
async def create_endpoint(
    body: EndpointIn, request: Request, conn: ConnDep, caller: Write, keys: Keys, now: Now
) -> WithSecretOut:
    """Add an endpoint. It hears what happens from a second later on; its secret is shown this once."""
    endpoint, secret = await actions.create_endpoint(
        conn, caller, **body.model_dump(), allow_private=request.app.state.settings.allow_private_urls, keys=keys,
        now=now,
    )  # fmt: skip
    return WithSecretOut(endpoint=EndpointOut.of(endpoint), secret=secret_text(secret))


@router.get("/{endpoint_id}")
async def get_endpoint(endpoint_id: UUID, conn: ConnDep, caller: Read) -> EndpointOut:
    """One endpoint."""
    return EndpointOut.of(await store.get_endpoint(conn, caller.workspace_id, endpoint_id))


@router.patch("/{endpoint_id}")
async def change_endpoint(
    endpoint_id: UUID, body: EndpointChange, request: Request, conn: ConnDep, caller: Write, now: Now
) -> EndpointOut:
    """Change an endpoint, or switch it off and on."""
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    allowed = request.app.state.settings.allow_private_urls
    changed = await actions.change_endpoint(conn, caller, endpoint_id, changes, allow_private=allowed, now=now)
    return EndpointOut.of(changed)


@router.delete("/{endpoint_id}", status_code=204)
async def delete_endpoint(endpoint_id: UUID, conn: ConnDep, caller: Write, now: Now) -> None:
    """Delete an endpoint; what waits for it is never sent."""
    await actions.delete_endpoint(conn, caller, endpoint_id, now=now)


@router.post("/{endpoint_id}/rotate")
async def rotate_secret(endpoint_id: UUID, conn: ConnDep, caller: Write, keys: Keys, now: Now) -> WithSecretOut:
    """A new secret, shown this once. For 24 hours messages carry both signatures."""
    endpoint, secret = await actions.rotate_secret(conn, caller, endpoint_id, keys=keys, now=now)
    return WithSecretOut(endpoint=EndpointOut.of(endpoint), secret=secret_text(secret))


@router.post("/{endpoint_id}/test", status_code=202)
async def send_test(endpoint_id: UUID, conn: ConnDep, caller: Write, keys: Keys, now: Now) -> TestOut:
    """Send an `endpoint.test` event."""
    return TestOut(message_id=await actions.send_test(conn, caller, endpoint_id, keys=keys, now=now))


@router.get("/{endpoint_id}/attempts")
async def list_attempts(
    endpoint_id: UUID, conn: ConnDep, caller: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[AttemptOut]:
    """Calls of an endpoint and how it answered, newest first, kept for 30 days."""
    endpoint = await store.get_endpoint(conn, caller.workspace_id, endpoint_id)
    found = await store.list_attempts(conn, endpoint.id, before=decode_position(cursor), limit=limit + 1)
    return page_of(found, limit, AttemptOut.of)


@router.post("/{endpoint_id}/replay", status_code=202)
async def replay(endpoint_id: UUID, body: ReplayIn, conn: ConnDep, caller: Write, now: Now) -> ReplayOut:
    """Send messages again, with the ids and bodies that they had: receivers recognise them."""
    if (body.attempt_ids is None) == (body.from_ is None and body.until is None):
        message = "from and until, or attempt_ids"
        raise InvalidInput([{"field": "attempt_ids", "code": "one_of", "message": message}])
    count = await actions.replay(
        conn, caller, endpoint_id, created_from=body.from_, created_until=body.until, attempt_ids=body.attempt_ids,
        now=now,
    )  # fmt: skip
    return ReplayOut(replayed=count)
