"""HTTP: senders and their history. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from sojourn.channels import actions, store
from sojourn.channels.model import NewSender, Sender
from sojourn.kit.crypto import KeyRing
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page, decode_cursor, encode_cursor
from sojourn.settings import Settings
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["senders"])

Read = Annotated[Caller, Depends(require_right("senders.read"))]
Write = Annotated[Caller, Depends(require_right("senders.write"))]
SECRET_FIELDS = frozenset({"access_token", "app_secret"})


class SenderIn(BaseModel):
    """A new sender. For WhatsApp: the ids of number, account and app, the token, and the app's secret."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    channel: Literal["whatsapp", "memory"] = "whatsapp"
    name: str = Field(min_length=1, max_length=100)
    phone_number: str | None = Field(default=None, pattern=r"^\+[1-9][0-9]{5,14}$")
    phone_number_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    waba_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    app_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    app_secret: SecretStr | None = Field(default=None, max_length=500)
    access_token: SecretStr | None = Field(default=None, max_length=2000)
    base_url: str | None = Field(default=None, max_length=300)
    api_version: str = Field(default="v26.0", pattern=r"^v[0-9]{1,3}\.[0-9]$")
    throughput_per_s: int | None = Field(default=None, ge=1, le=1000, description="Left out: as Meta allows")
    portfolio_id: str | None = Field(default=None, max_length=64)
    portfolio_limit: int | None = Field(default=None, ge=1)
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    default_language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    timezone: str = Field(default="UTC", max_length=64)
    is_default: bool = False

    def to_new(self) -> NewSender:
        """As the action takes it, secrets opened."""
        return NewSender(**_opened(self.model_dump()))


class SenderChanges(BaseModel):
    """What to change of a sender; what is left out stays."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    name: str | None = Field(default=None, min_length=1, max_length=100)
    app_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    app_secret: SecretStr | None = Field(default=None, max_length=500)
    access_token: SecretStr | None = Field(default=None, max_length=2000)
    base_url: str | None = Field(default=None, max_length=300)
    api_version: str | None = Field(default=None, pattern=r"^v[0-9]{1,3}\.[0-9]$")
    throughput_per_s: int | None = Field(default=None, ge=1, le=1000, description="Null: as Meta allows")
    portfolio_id: str | None = Field(default=None, max_length=64)
    portfolio_limit: int | None = Field(default=None, ge=1)
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    default_language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    timezone: str | None = Field(default=None, max_length=64)
    is_default: bool | None = None


def _opened(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()}


class WebhookOut(BaseModel):
    """What to enter at the provider so that its webhooks arrive here."""

    url: str
    verify_token: str
    verified_at: datetime | None


class SenderOut(BaseModel):
    """A sender without its secrets; `token_hint` is the end of its token."""

    id: UUID
    channel: str
    name: str
    is_default: bool
    phone_number: str | None
    phone_number_id: str | None
    waba_id: str | None
    app_id: str | None
    base_url: str | None
    api_version: str
    simulated: bool
    state: str
    state_reason: str | None
    stopped_reason: str | None
    stopped_at: datetime | None
    throughput_per_s: int
    throughput_is_chosen: bool
    throughput_level: str | None
    quality: str | None
    verified_name: str | None
    provider_status: str | None
    portfolio_id: str | None
    portfolio_limit: int | None
    country: str | None
    default_language: str | None
    timezone: str
    currency: str | None
    token_hint: str | None
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    webhook: WebhookOut | None

    @classmethod
    def of(cls, sender: Sender, *, keys: KeyRing, public_url: str, may_write: bool) -> "SenderOut":
        """From the stored sender; the verify token is shown to those who may change senders."""
        webhook = None
        if sender.app_key is not None and may_write:
            webhook = WebhookOut(
                url=f"{public_url}/webhooks/whatsapp/{sender.app_key}",
                verify_token=actions.verify_token_of(keys, sender.app_key),
                verified_at=sender.webhook_verified_at,
            )
        names = cls.model_fields.keys() - {"webhook"}
        return cls(**{name: getattr(sender, name) for name in names}, webhook=webhook)


class HistoryOut(BaseModel):
    """One change of a sender: state, quality, limit, throughput, name, number_status, account, webhook or notice."""

    id: UUID
    what: str
    old_value: str | None
    new_value: str | None
    reason: str | None
    source: str
    at: datetime


class StopIn(BaseModel):
    """Why a person switches a sender off."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=300)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(_settings)]


def _place(settings: Settings) -> actions.Place:
    return actions.Place(allow_private_urls=settings.allow_private_urls, has_clock_file=settings.clock_file is not None)


def _out(sender: Sender, caller: Caller, keys: KeyRing, settings: Settings) -> SenderOut:
    may_write = caller.may("senders.write")
    return SenderOut.of(sender, keys=keys, public_url=settings.public_url, may_write=may_write)


@router.get("/senders")
async def list_senders(conn: ConnDep, caller: Read, keys: Keys, settings: SettingsDep) -> Page[SenderOut]:
    """All senders of the workspace, oldest first."""
    senders = await store.list_senders(conn, caller.workspace_id)
    return Page(items=[_out(sender, caller, keys, settings) for sender in senders])


@router.post("/senders", status_code=201)
async def save_sender(
    body: SenderIn, conn: ConnDep, caller: Write, keys: Keys, settings: SettingsDep, now: Now
) -> SenderOut:
    """Add a sender. It is tried against its provider at once: its state is `checking`, soon `active` or `failed`."""
    place = _place(settings)
    sender = await actions.save_sender(conn, caller.workspace_id, body.to_new(), place=place, keys=keys, now=now)
    changes = {name: value for name, value in body.model_dump(mode="json").items() if name not in SECRET_FIELDS}
    await audit.record(conn, caller, caller.workspace_id, "sender.created", "sender", sender.id, changes, now)
    return _out(sender, caller, keys, settings)


@router.get("/senders/{sender_id}")
async def get_sender(sender_id: UUID, conn: ConnDep, caller: Read, keys: Keys, settings: SettingsDep) -> SenderOut:
    """One sender."""
    return _out(await store.get_sender(conn, caller.workspace_id, sender_id), caller, keys, settings)


@router.patch("/senders/{sender_id}")
async def change_sender(
    sender_id: UUID, body: SenderChanges, conn: ConnDep, caller: Write, keys: Keys, settings: SettingsDep, now: Now
) -> SenderOut:
    """Change a sender; a new token, secret or address is tried at once."""
    given = body.model_dump(exclude_unset=True)
    nullable = {"throughput_per_s", "portfolio_limit", "country", "default_language"}
    empty = [name for name, value in given.items() if value is None and name not in nullable]
    if empty:
        raise InvalidInput(
            [FieldError(field=name, code="missing", message=f"{name} must not be null") for name in empty]
        )
    sender = await actions.change_sender(
        conn, caller.workspace_id, sender_id, _opened(given), place=_place(settings), keys=keys, now=now
    )
    told = {name: "changed" if name in SECRET_FIELDS else value for name, value in given.items()}
    await audit.record(conn, caller, caller.workspace_id, "sender.changed", "sender", sender_id, told, now)
    return _out(sender, caller, keys, settings)


@router.post("/senders/{sender_id}/check", status_code=202)
async def check_sender(
    sender_id: UUID, conn: ConnDep, caller: Write, keys: Keys, settings: SettingsDep, now: Now
) -> SenderOut:
    """Have a sender tried against its provider now. A success also ends a stop; the result is its state."""
    sender = await store.get_sender(conn, caller.workspace_id, sender_id)
    if sender.channel == "whatsapp":
        await actions.request_check(conn, sender, now=now, resume=True)
        await audit.record(conn, caller, caller.workspace_id, "sender.check_requested", "sender", sender_id, {}, now)
    return _out(await store.get_sender(conn, caller.workspace_id, sender_id), caller, keys, settings)


@router.post("/senders/{sender_id}/webhook", status_code=202)
async def connect_webhook(
    sender_id: UUID, conn: ConnDep, caller: Write, keys: Keys, settings: SettingsDep, now: Now
) -> SenderOut:
    """Have our webhook address entered at the provider, where its API allows it; the result is in the history."""
    sender = await store.get_sender(conn, caller.workspace_id, sender_id)
    if sender.channel == "whatsapp":
        await actions.request_webhook(conn, sender)
        await audit.record(conn, caller, caller.workspace_id, "sender.webhook_requested", "sender", sender_id, {}, now)
    return _out(sender, caller, keys, settings)


@router.post("/senders/{sender_id}/stop")
async def stop_sender(
    sender_id: UUID, body: StopIn, conn: ConnDep, caller: Write, keys: Keys, settings: SettingsDep, now: Now
) -> SenderOut:
    """Switch a sender off; what is queued for it waits."""
    await store.get_sender(conn, caller.workspace_id, sender_id)
    await actions.stop_sender(conn, sender_id, "member", now, source="member", detail=body.reason)
    await audit.record(conn, caller, caller.workspace_id, "sender.stopped", "sender", sender_id, {}, now)
    return _out(await store.get_sender(conn, caller.workspace_id, sender_id), caller, keys, settings)


@router.get("/senders/{sender_id}/history")
async def list_history(
    sender_id: UUID,
    conn: ConnDep,
    caller: Read,
    what: Annotated[str | None, Query(max_length=40, description="Only one thing: `quality`, `limit`, …")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[HistoryOut]:
    """What changed about a sender, newest first."""
    await store.get_sender(conn, caller.workspace_id, sender_id)
    before = cursor_id(cursor)
    rows = await store.list_history(conn, sender_id, what=what, before=before, limit=limit + 1)
    items = [HistoryOut(**row) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > limit else None)


def cursor_id(cursor: str | None) -> UUID | None:
    """The id in a cursor. Raises InvalidInput for what is no cursor of ours."""
    parts = decode_cursor(cursor)
    if parts is None:
        return None
    try:
        return UUID(parts[0])
    except (ValueError, IndexError) as error:
        raise InvalidInput([FieldError(field="cursor", code="invalid_cursor", message="not a cursor")]) from error
