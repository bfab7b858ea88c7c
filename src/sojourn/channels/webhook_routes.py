"""HTTP: raw webhook bodies (never their content), their replay, what came in, and the error catalogue."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sojourn.channels import webhook_actions, webhook_store
from sojourn.channels.whatsapp.errors import CatalogueEntry, load_catalogue
from sojourn.kit.database import Row
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page, decode_cursor, encode_cursor
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, CallerDep, require_right

router = APIRouter(prefix="/v1", tags=["webhooks"])

Read = Annotated[Caller, Depends(require_right("senders.read"))]
Write = Annotated[Caller, Depends(require_right("senders.write"))]
State = Literal["new", "parsed", "partial", "malformed", "unroutable", "redacted"]


class WebhookBodyOut(BaseModel):
    """A raw body as it was received, without its content."""

    digest: str
    received_at: datetime
    parsed_at: datetime | None
    state: str
    reason: str | None
    updates: int | None
    size_bytes: int

    @classmethod
    def of(cls, row: Row) -> "WebhookBodyOut":
        """From the stored row."""
        names = cls.model_fields.keys() - {"digest"}
        return cls(**{name: row[name] for name in names}, digest=bytes(row["digest"]).hex())


class ReplayIn(BaseModel):
    """Which bodies to read again: by time, by state, or one by one."""

    model_config = ConfigDict(extra="forbid")
    received_from: AwareDatetime | None = None
    received_to: AwareDatetime | None = None
    states: list[Literal["parsed", "partial", "malformed", "unroutable"]] = Field(
        default=["partial", "malformed", "unroutable"], min_length=1
    )
    digests: list[str] | None = Field(default=None, max_length=1000)


class ReplayOut(BaseModel):
    """How many bodies wait to be read again."""

    replayed: int


class CountOut(BaseModel):
    """How often something came in on a day."""

    day: date
    field: str
    kind: str
    count: int


class CatalogueOut(BaseModel):
    """One error code of a provider: what it means, what to do, how the product reacts."""

    channel: str = "whatsapp"
    code: int
    http_status: int | None
    title: str
    where: str
    reaction: str
    retry: str
    cause: str
    advice: str
    retry_after_seconds: float | None

    @classmethod
    def of(cls, entry: CatalogueEntry) -> "CatalogueOut":
        """From the catalogue."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields if name != "channel"})


@router.get("/webhook-bodies")
async def list_webhook_bodies(
    conn: ConnDep,
    caller: Read,
    state: Annotated[State | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[WebhookBodyOut]:
    """Raw webhook bodies, newest first; kept for 30 days. Never their content."""
    rows = await webhook_store.list_bodies(
        conn, caller.workspace_id, state=state, before=_position(cursor), limit=limit + 1
    )
    items = [WebhookBodyOut.of(row) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return Page(items=items, next_cursor=encode_cursor(last.received_at.isoformat(), last.digest) if last else None)


def _position(cursor: str | None) -> tuple[datetime, bytes] | None:
    parts = decode_cursor(cursor)
    if parts is None:
        return None
    try:
        return datetime.fromisoformat(parts[0]).astimezone(UTC), bytes.fromhex(parts[1])
    except (ValueError, IndexError) as error:
        raise InvalidInput([FieldError(field="cursor", code="invalid_cursor", message="not a cursor")]) from error


@router.post("/webhook-bodies/replay", status_code=202)
async def replay_webhook_bodies(body: ReplayIn, conn: ConnDep, caller: Write, now: Now) -> ReplayOut:
    """Read stored bodies again. What was handled before changes nothing: every update has one effect."""
    try:
        digests = None if body.digests is None else [bytes.fromhex(text) for text in body.digests]
    except ValueError as error:
        raise InvalidInput([FieldError(field="digests", code="not_hex", message="digests are hex")]) from error
    count = await webhook_actions.replay_bodies(
        conn,
        caller.workspace_id,
        received_from=body.received_from or now - webhook_actions.KEPT_FOR,
        received_to=body.received_to or now + timedelta(days=1),
        states=list(body.states),
        digests=digests,
    )
    changes = {"states": list(body.states), "count": count}
    await audit.record(conn, caller, caller.workspace_id, "webhooks.replayed", "webhook_bodies", "many", changes, now)
    return ReplayOut(replayed=count)


@router.get("/webhook-counts")
async def list_webhook_counts(
    conn: ConnDep, caller: Read, now: Now, days: Annotated[int, Query(ge=1, le=400)] = 30
) -> Page[CountOut]:
    """What came in besides messages and statuses, by day and kind; the unknown and the malformed among it."""
    since = (now - timedelta(days=days - 1)).date()
    rows = await webhook_store.list_counts(conn, caller.workspace_id, since=since)
    return Page(items=[CountOut(**row) for row in rows])


@router.get("/error-catalogue")
async def list_error_catalogue(caller: CallerDep) -> Page[CatalogueOut]:
    """Every error code that a provider may give us, with cause, advice and reaction."""
    return Page(items=[CatalogueOut.of(entry) for _, entry in sorted(load_catalogue().items())])
