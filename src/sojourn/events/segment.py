"""The Segment shape: identify, track, page, screen, group and alias calls, single and in batches. Pure.

What becomes of them: `userId` is an external id, `anonymousId` an anonymous id, and the traits `phone` and `email` are
addresses of the same person; the other traits are attributes. A track call is an event: its name is kept when ours
allow it, else it is written in lower case with underscores ("Order Completed" is `order_completed`). Page and screen
calls are the events `page_viewed` and `screen_viewed`. An alias links the two ids. A group call sets the attribute
`group_id`. `messageId` is the idempotency key of an event.
Source: https://segment.com/docs/connections/spec/ and the HTTP tracking API beside it (read 2026-08).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from sojourn.events.ingest import Around, decode_error, strip_nul
from sojourn.events.model import BATCH_MAX, EVENT_BYTES_MAX, FUTURE_MAX, KEY_MAX, NAME, NAME_MAX, NewEvent
from sojourn.kit.errors import FieldError, MalformedBody
from sojourn.profiles import attributes as profile_attributes
from sojourn.profiles.model import ATTRIBUTES_MAX, Identity, InvalidIdentity, ProfileRef, Scheme
from sojourn.profiles.phone_numbers import ID_MAX, normalise_identity

SOURCE = "segment"
KINDS = ("identify", "track", "page", "screen", "group", "alias")
NOT_A_NAME = re.compile(r"[^A-Za-z0-9._\-]+")
RENAMED = {"firstName": "first_name", "lastName": "last_name", "createdAt": "created_at"}
ADDRESSES = (("phone", Scheme.PHONE), ("email", Scheme.EMAIL))
# Kept of the context of a call, under `context` in the event's properties; the rest describes the library.
CONTEXT_KEPT = ("campaign", "page", "referrer")


class CallIn(Struct, rename="camel"):
    """One call. Unknown fields are ignored, as Segment's own server does."""

    type: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    traits: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    message_id: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None


class BatchIn(Struct, rename="camel"):
    """Several calls; `context` is the default of each."""

    batch: list[msgspec.Raw]
    context: dict[str, Any] | None = None
    write_key: str | None = None


class KeyIn(Struct, rename="camel"):
    """Old clients send their key in the body."""

    write_key: str | None = None


@dataclass(slots=True)
class Calls:
    """What a request holds: people in the order of the calls, and the events among them by their place."""

    refs: list[ProfileRef] = field(default_factory=list)
    events: dict[int, NewEvent] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)


_CALL = msgspec.json.Decoder(CallIn)
_BATCH = msgspec.json.Decoder(BatchIn)
_KEY = msgspec.json.Decoder(KeyIn)


def write_key_of(body: bytes) -> str | None:
    """The key that old clients send in the body, or None."""
    try:
        return _KEY.decode(body).write_key
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def parse_batch(body: bytes, *, now: datetime, default_region: str | None) -> Calls:
    """Read `/v1/batch`. A mistake in one call takes that call out. Raises MalformedBody."""
    try:
        batch = _BATCH.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedBody(detail=str(error)) from error
    if len(batch.batch) > BATCH_MAX:
        problem: FieldError = {"field": "batch", "code": "batch_length", "limit": BATCH_MAX}
        raise MalformedBody(detail=f"a batch has up to {BATCH_MAX} calls", errors=[problem])
    calls = Calls()
    around = Around(now, default_region)
    for index, raw in enumerate(batch.batch):
        _take(calls, bytes(raw), f"batch[{index}].", None, around, batch.context)
    return calls


def parse_single(body: bytes, kind: str, *, now: datetime, default_region: str | None) -> Calls:
    """Read one call of a kind (`/v1/track`, `/v1/identify`, …)."""
    calls = Calls()
    _take(calls, body, "", kind, Around(now, default_region))
    return calls


def _take(
    calls: Calls, raw: bytes, path: str, kind: str | None, around: Around, context: dict[str, Any] | None = None
) -> None:
    if len(raw) > EVENT_BYTES_MAX:
        calls.errors.append({"field": path.rstrip("."), "code": "event_too_large", "limit": EVENT_BYTES_MAX})
        return
    try:
        call = _CALL.decode(raw)
        if b"\\u0000" in raw:
            call = msgspec.convert(strip_nul(msgspec.to_builtins(call)), CallIn)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        calls.errors.append(decode_error(error, path))
        return
    kind = kind or call.type
    if kind not in KINDS:
        calls.errors.append({"field": f"{path}type", "code": "unknown_call", "limit": list(KINDS)})
        return
    errors: list[FieldError] = []
    call.context = {**(context or {}), **(call.context or {})}
    ref = _ref(call, kind, path, around.region, errors)
    name = _event_name(call, kind, path, errors)
    if errors or ref is None:
        calls.errors.extend(errors)
        return
    if name is not None:
        calls.events[len(calls.refs)] = NewEvent(
            ref=ref,
            name=name,
            properties=_properties(call, kind),
            occurred_at=_moment(call, around.now),
            idempotency_key=call.message_id[:KEY_MAX] if call.message_id else None,
            source=SOURCE,
        )
    calls.refs.append(ref)


def _ref(call: CallIn, kind: str, path: str, region: str | None, errors: list[FieldError]) -> ProfileRef | None:
    context = call.context or {}
    traits = dict(call.traits or {}) if kind == "identify" else {}
    named = traits if kind == "identify" else context.get("traits")
    identities = [
        Identity(scheme, str(value).strip())
        for scheme, value in (
            (Scheme.EXTERNAL_ID, call.user_id),
            (Scheme.ANONYMOUS_ID, call.previous_id if kind == "alias" else call.anonymous_id),
        )
        if value is not None and str(value).strip()
    ]
    if any(len(identity.value) > ID_MAX for identity in identities):
        errors.append({"field": f"{path}userId", "code": "length", "limit": ID_MAX})
    for trait, scheme in ADDRESSES:
        address = _address(scheme, named.get(trait) if isinstance(named, dict) else None, region)
        if address is not None:
            identities.append(address)
            traits.pop(trait, None)
    if not identities:
        message = "a call needs a userId, an anonymousId, or a phone or email among its traits"
        errors.append({"field": f"{path}userId", "code": "no_identity", "message": message})
        return None
    return ProfileRef(identities=tuple(identities), attributes=_attributes(call, kind, traits, context))


def _address(scheme: Scheme, value: object, region: str | None) -> Identity | None:
    """A trait as an address; what is none stays an attribute, for nothing of a call is thrown away."""
    if not isinstance(value, str | int):
        return None
    try:
        return normalise_identity(Identity(scheme, str(value)), region)
    except InvalidIdentity:
        return None


def _attributes(call: CallIn, kind: str, traits: dict[str, Any], context: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "group":
        return {"group_id": str(call.group_id)} if call.group_id is not None else None
    if kind != "identify":
        return None
    found = {RENAMED.get(name, name): value for name, value in traits.items()}
    for name in ("locale", "timezone"):
        if isinstance(context.get(name), str):
            found.setdefault(name, context[name])
    bad = profile_attributes.check(found, {}, "")
    if bad:
        wrong = {error["field"].removeprefix(".") for error in bad}
        found = {name: value for name, value in list(found.items())[:ATTRIBUTES_MAX] if name not in wrong}
    return found


def _event_name(call: CallIn, kind: str, path: str, errors: list[FieldError]) -> str | None:
    if kind in ("page", "screen"):
        return f"{kind}_viewed"
    if kind != "track":
        return None
    name = event_name(call.event or "")
    if not name:
        errors.append({"field": f"{path}event", "code": "required", "message": "a track call names its event"})
        return None
    return name


def event_name(given: str) -> str:
    """A name as we write it: unchanged where ours allow it, else lower case with underscores; may end up empty."""
    if NAME.fullmatch(given):
        return given
    return NOT_A_NAME.sub("_", given.strip()).strip("._-").lower()[:NAME_MAX]


def _properties(call: CallIn, kind: str) -> dict[str, Any]:
    found = dict(call.properties or {})
    if kind in ("page", "screen"):
        for field_name, value in (("name", call.name), ("category", call.category)):
            if value is not None:
                found.setdefault(field_name, value)
    kept = {name: call.context[name] for name in CONTEXT_KEPT if name in (call.context or {})} if call.context else {}
    if kept:
        found.setdefault("context", kept)
    return found


def _moment(call: CallIn, now: datetime) -> datetime:
    """When it happened: the client's timestamp, or now for one that is none or lies ahead of us."""
    for text in (call.timestamp, call.original_timestamp):
        if not text:
            continue
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            continue
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return moment if moment <= now + FUTURE_MAX else now
    return now
