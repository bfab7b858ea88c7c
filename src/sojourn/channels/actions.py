"""What changes a sender: saving, checking, stopping, slowing down, and what its provider reports about it."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from sojourn.channels import addresses, store
from sojourn.channels.jobs import CheckSender, ConnectWebhook
from sojourn.channels.model import (
    HIGH_THROUGHPUT_PER_S,
    STANDARD_THROUGHPUT_PER_S,
    LiveSenderWithClockFile,
    NewSender,
    Sender,
    SenderChange,
    SenderExists,
    SenderNotFound,
    SenderState,
)
from sojourn.channels.signals import SenderChanged
from sojourn.kit import jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.live import LiveEvent, publish
from sojourn.settings import AllowPrivate

TOKEN_CONTEXT = "sender_credentials.access_token"  # noqa: S105 - the name of a column
SECRET_CONTEXT = "webhook_apps.app_secret"  # noqa: S105 - the name of a column
KEY_BYTES = 18
HINT_CHARACTERS = 4
# A check that succeeds ends only stops that it can vouch for; the others wait for a person.
CREDENTIALS_UNREADABLE = "credentials_unreadable"
ENDED_BY_CHECK = frozenset({"auth", CREDENTIALS_UNREADABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an installation allows: private addresses, and whether its clock can be pushed."""

    allow_private_urls: AllowPrivate
    has_clock_file: bool


def verify_token_of(keys: KeyRing, app_key: str) -> str:
    """The token that the provider must show when it shakes hands; derived, so that it is stored nowhere."""
    return keys.keyed_hash(app_key, purpose="webhook verify token").hex()[:40]


async def save_sender(
    conn: Conn, workspace_id: UUID, new: NewSender, *, place: Place, keys: KeyRing, now: datetime
) -> Sender:
    """Store a sender and have it checked at once (WhatsApp), or make it active (memory).

    Raises InvalidInput for what is missing, AddressRefused, LiveSenderWithClockFile, SenderExists.
    """
    if new.channel == "whatsapp":
        new = _completed(new, place)
    if new.is_default:
        await store.clear_default(conn, workspace_id, new.channel)
    app = await _save_app(conn, workspace_id, new, keys=keys, now=now)
    try:
        async with conn.transaction():
            sender_id = await store.insert_sender(
                conn, workspace_id, new, webhook_app_id=app, simulated=new.channel == "memory", now=now
            )
    except psycopg.errors.UniqueViolation as error:
        raise SenderExists(phone_number_id=new.phone_number_id) from error
    if new.access_token is not None:
        await _save_token(conn, sender_id, new.access_token, keys=keys, now=now)
    sender = await store.get_sender(conn, workspace_id, sender_id)
    if new.channel == "whatsapp":
        await request_check(conn, sender, now=now)
    else:
        await change_state(conn, sender, SenderState.ACTIVE, reason=None, source="member", now=now)
    return await store.get_sender(conn, workspace_id, sender_id)


def _completed(new: NewSender, place: Place) -> NewSender:
    missing = [name for name in ("phone_number_id", "waba_id", "access_token", "app_id") if not getattr(new, name)]
    if missing:
        raise InvalidInput([FieldError(field=name, code="missing", message=f"{name} is required") for name in missing])
    base_url = new.base_url or addresses.META_BASE_URL
    base_url = addresses.check_base_url(base_url, allow_private=place.allow_private_urls)
    if place.has_clock_file and base_url == addresses.META_BASE_URL:
        raise LiveSenderWithClockFile
    return replace(new, base_url=base_url)


async def _save_app(conn: Conn, workspace_id: UUID, new: NewSender, *, keys: KeyRing, now: datetime) -> UUID | None:
    if new.app_id is None:
        return None
    secret = None if new.app_secret is None else keys.encrypt(new.app_secret.encode(), context=SECRET_CONTEXT)
    key = secrets.token_urlsafe(KEY_BYTES)
    app = await store.upsert_webhook_app(conn, workspace_id, app_id=new.app_id, secret=secret, key=key, now=now)
    if app is None:
        message = "app_secret is required for an app that is not known yet"
        raise InvalidInput([FieldError(field="app_secret", code="missing", message=message)])
    return app


async def _save_token(conn: Conn, sender_id: UUID, token: str, *, keys: KeyRing, now: datetime) -> None:
    sealed = keys.encrypt(token.encode(), context=TOKEN_CONTEXT)
    await store.upsert_credentials(conn, sender_id, token=sealed, hint=token[-HINT_CHARACTERS:], now=now)


async def change_sender(
    conn: Conn,
    workspace_id: UUID,
    sender_id: UUID,
    changes: Mapping[str, Any],
    *,
    place: Place,
    keys: KeyRing,
    now: datetime,
) -> Sender:
    """Change settings or secrets of a sender; new secrets or a new address are checked again.

    `changes` may hold the plain fields of a sender and access_token, app_id with app_secret.
    """
    sender = await store.lock_sender(conn, sender_id)
    if sender is None or sender.workspace_id != workspace_id:
        raise SenderNotFound(sender_id=sender_id)
    plain = {name: value for name, value in changes.items() if name in _PLAIN_FIELDS}
    if "throughput_per_s" in plain:
        plain["throughput_is_chosen"] = plain["throughput_per_s"] is not None
        plain["throughput_per_s"] = plain["throughput_per_s"] or _allowed_rate(sender)
    if plain.get("base_url"):
        plain["base_url"] = addresses.check_base_url(plain["base_url"], allow_private=place.allow_private_urls)
        if place.has_clock_file and plain["base_url"] == addresses.META_BASE_URL:
            raise LiveSenderWithClockFile
    if plain.get("is_default"):
        await store.clear_default(conn, workspace_id, sender.channel)
    if changes.get("app_secret") is not None or changes.get("app_id") is not None:
        app = NewSender(
            channel=sender.channel,
            name=sender.name,
            app_id=changes.get("app_id") or sender.app_id,
            app_secret=changes.get("app_secret"),
        )
        plain["webhook_app_id"] = await _save_app(conn, workspace_id, app, keys=keys, now=now)
    if changes.get("access_token") is not None:
        await _save_token(conn, sender_id, changes["access_token"], keys=keys, now=now)
    await store.update_sender(conn, replace(sender, **plain), now=now)
    changed = await store.get_sender(conn, workspace_id, sender_id)
    if sender.channel == "whatsapp" and changes.keys() & {"access_token", "app_secret", "base_url", "api_version"}:
        await request_check(conn, changed, now=now)
    await jobs.announce(conn, [SenderChanged(workspace_id=workspace_id, sender_id=sender_id, what="settings")])
    return await store.get_sender(conn, workspace_id, sender_id)


def _allowed_rate(sender: Sender) -> int:
    return HIGH_THROUGHPUT_PER_S if sender.throughput_level == "high" else STANDARD_THROUGHPUT_PER_S


_PLAIN_FIELDS = frozenset(
    {
        "name",
        "is_default",
        "phone_number",
        "base_url",
        "api_version",
        "throughput_per_s",
        "portfolio_id",
        "portfolio_limit",
        "country",
        "default_language",
        "timezone",
    }
)


async def request_check(conn: Conn, sender: Sender, *, now: datetime, resume: bool = False) -> None:
    """Have a worker try a sender against its provider, and subscribe our webhook address when that worked.

    `resume`: a success also ends a stop.
    """
    if sender.state in (SenderState.DRAFT, SenderState.FAILED):
        await change_state(conn, sender, SenderState.CHECKING, reason=None, source="check", now=now)
    check = CheckSender(workspace_id=sender.workspace_id, sender_id=sender.id, resume=resume, connect=True)
    await jobs.defer(conn, [check])


async def request_probes(conn: Conn) -> None:
    """Have every WhatsApp sender tried, over all workspaces."""
    rows = await store.list_sender_ids(conn, channel="whatsapp")
    await jobs.defer(conn, [CheckSender(workspace_id=row["workspace_id"], sender_id=row["id"]) for row in rows])


async def request_webhook(conn: Conn, sender: Sender) -> None:
    """Have a worker subscribe our webhook address at the provider."""
    await jobs.defer(conn, [ConnectWebhook(workspace_id=sender.workspace_id, sender_id=sender.id)])


async def change_state(
    conn: Conn, sender: Sender, state: SenderState, *, reason: str | None, source: str, now: datetime
) -> None:
    """Move a sender to a state, with a line in its history and a signal; no change, no line."""
    if sender.state is state and sender.state_reason == reason:
        return
    await store.update_sender(conn, replace(sender, state=state, state_reason=reason), now=now)
    if sender.state is state:
        return
    await record_changes(conn, [_change(sender, "state", sender.state, state, reason=reason, source=source, now=now)])


def _change(
    sender: Sender, what: str, old: object, new: object, *, reason: str | None, source: str, now: datetime
) -> SenderChange:
    return SenderChange(
        sender_id=sender.id,
        workspace_id=sender.workspace_id,
        what=what,
        old_value=None if old is None else str(old),
        new_value=None if new is None else str(new),
        reason=reason,
        source=source,
        at=now,
    )


ALERTING = frozenset({"account", "limit", "quality", "state"})  # what people want to hear of wherever they are


async def record_changes(conn: Conn, changes: Sequence[SenderChange]) -> set[UUID]:
    """Write lines of history and announce those that are new. The senders with a new line."""
    told = set(await store.insert_history(conn, changes))
    signals = {
        (change.sender_id, change.what): SenderChanged(
            workspace_id=change.workspace_id, sender_id=change.sender_id, what=change.what
        )
        for change in changes
        if change.sender_id in told
    }
    await jobs.announce(conn, list(signals.values()))
    for change in changes:
        if change.sender_id in told:
            await publish(conn, _live(change), change.at)
    return told


def _live(change: SenderChange) -> list[LiveEvent]:
    payload = {"sender_id": change.sender_id, "what": change.what, "value": change.new_value}
    of_one = LiveEvent(workspace_id=change.workspace_id, topic=f"sender:{change.sender_id}", payload=payload)
    return [of_one, replace(of_one, topic="alerts")] if change.what in ALERTING else [of_one]


async def stop_sender(
    conn: Conn, sender_id: UUID, reason: str, now: datetime, *, source: str = "send", detail: str | None = None
) -> bool:
    """Switch a sender off; what is queued for it waits. False when it is off already or gone.

    `reason` is a word (auth, credentials_unreadable, billing, sender_stop, restricted, member); `detail` a sentence for
    people.
    """
    sender = await store.lock_sender(conn, sender_id)
    if sender is None or sender.state is SenderState.STOPPED:
        return False
    stopped = replace(sender, state=SenderState.STOPPED, state_reason=detail, stopped_reason=reason, stopped_at=now)
    await store.update_sender(conn, stopped, now=now)
    change = _change(sender, "state", sender.state, "stopped", reason=detail or reason, source=source, now=now)
    await record_changes(conn, [change])
    return True


async def resume_sender(conn: Conn, sender_id: UUID, now: datetime, *, source: str = "member") -> bool:
    """Switch a stopped sender on again without a check. False when it is not stopped."""
    sender = await store.lock_sender(conn, sender_id)
    if sender is None or sender.state is not SenderState.STOPPED:
        return False
    running = replace(sender, state=SenderState.ACTIVE, state_reason=None, stopped_reason=None, stopped_at=None)
    await store.update_sender(conn, running, now=now)
    change = _change(sender, "state", "stopped", "active", reason=sender.stopped_reason, source=source, now=now)
    await record_changes(conn, [change])
    return True


async def set_sender_rate(
    conn: Conn, sender_id: UUID, per_second: int, now: datetime, *, reason: str | None = None, source: str = "send"
) -> None:
    """Set how many messages a second a sender may send (1 to 1,000). A rate that a person chose stays."""
    sender = await store.lock_sender(conn, sender_id)
    if sender is None or sender.throughput_is_chosen or sender.throughput_per_s == per_second:
        return
    await store.update_sender(conn, replace(sender, throughput_per_s=per_second), now=now)
    change = _change(sender, "throughput", sender.throughput_per_s, per_second, reason=reason, source=source, now=now)
    await record_changes(conn, [change])


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a live check found. `reason` is None when the sender works; `is_auth` when its credentials do not.

    `unreachable`: the provider did not answer; a sender that worked before keeps working then. `simulated` None: not
    known this time.
    """

    reason: str | None = None
    is_auth: bool = False
    unreachable: bool = False
    simulated: bool | None = False
    found: Mapping[str, Any] | None = None


async def apply_check(conn: Conn, sender_id: UUID, result: CheckResult, *, resume: bool, now: datetime) -> None:
    """Write what a check found: state, quality, name, limits, each change with a line of history."""
    sender = await store.lock_sender(conn, sender_id)
    if sender is None:
        return
    if result.reason is not None:
        await _apply_failed_check(conn, sender, result, now=now)
        return
    found = dict(result.found or {})
    if sender.throughput_is_chosen:
        found.pop("throughput_per_s", None)
    state, stopped = SenderState.ACTIVE, False
    if sender.state is SenderState.STOPPED and not (resume or sender.stopped_reason in ENDED_BY_CHECK):
        state, stopped = SenderState.STOPPED, True
    checked = replace(
        sender,
        **found,
        simulated=bool(result.simulated),
        state=state,
        state_reason=sender.state_reason if stopped else None,
        stopped_reason=sender.stopped_reason if stopped else None,
        stopped_at=sender.stopped_at if stopped else None,
        checked_at=now,
    )
    await store.update_sender(conn, checked, now=now)
    await record_changes(conn, list(_differences(sender, checked, now)))


async def _apply_failed_check(conn: Conn, sender: Sender, result: CheckResult, *, now: datetime) -> None:
    worked = sender.state is SenderState.ACTIVE
    if result.unreachable and worked:
        await store.update_sender(conn, replace(sender, state_reason=result.reason, checked_at=now), now=now)
        return
    if sender.state is SenderState.STOPPED:
        return
    failed = replace(sender, state=SenderState.FAILED, state_reason=result.reason, checked_at=now)
    await store.update_sender(conn, failed, now=now)
    change = _change(sender, "state", sender.state, "failed", reason=result.reason, source="check", now=now)
    if sender.state is not SenderState.FAILED:
        await record_changes(conn, [change])


_WATCHED = {
    "state": "state",
    "quality": "quality",
    "verified_name": "name",
    "provider_status": "number_status",
    "portfolio_limit": "limit",
    "throughput_level": "throughput",
}


def _differences(before: Sender, after: Sender, now: datetime) -> Iterable[SenderChange]:
    for name, what in _WATCHED.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield _change(after, what, old, new, reason=None, source="check", now=now)
