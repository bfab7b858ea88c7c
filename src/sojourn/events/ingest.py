"""Our own shape of events: from JSON bytes to new events, with every mistake named. Pure.

    {"name": "order_shipped", "profile": {"phone": "+447700900101", "attributes": {"first_name": "Anna"}},
     "properties": {"order_id": "B-1001"}, "occurred_at": "2026-03-03T11:00:00Z", "idempotency_key": "ship-B-1001"}

or `{"events": [ … ]}` with up to 1,000 of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from sojourn.events.model import BATCH_MAX, EVENT_BYTES_MAX, FUTURE_MAX, KEY_MAX, NAME, NAME_MAX, NewEvent
from sojourn.kit.errors import FieldError, MalformedBody
from sojourn.profiles import attributes as profile_attributes
from sojourn.profiles.model import Identity, InvalidIdentity, ProfileRef, Scheme
from sojourn.profiles.phone_numbers import normalise_identity

Moment = Annotated[datetime, Meta(tz=True)]


class ProfileIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Who it is about: at least one address or id."""

    phone: str | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    email: str | None = None
    external_id: str | None = None
    anonymous_id: str | None = None
    attributes: dict[str, Any] | None = None
    is_test: bool = False


class EventIn(Struct, frozen=True, forbid_unknown_fields=True):
    """One event as a client sends it."""

    name: str
    profile: ProfileIn | None = None
    profile_id: UUID | None = None
    properties: dict[str, Any] = {}
    occurred_at: Moment | None = None
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=KEY_MAX)] | None = None


class Envelope(Struct):
    """A batch, when `events` is there."""

    events: list[Raw] | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What reading a body depends on besides the body."""

    now: datetime
    region: str | None
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Parsed:
    """What a request body holds: the good events with their places, and the mistakes of the others."""

    events: list[NewEvent] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)
    is_batch: bool = False
    size: int = 0


_ENVELOPE = msgspec.json.Decoder(Envelope)
_EVENT = msgspec.json.Decoder(EventIn)
SCHEMES = tuple((str(scheme), scheme) for scheme in Scheme)


def parse(body: bytes, *, now: datetime, default_region: str | None, declared: Mapping[str, str]) -> Parsed:
    """Read a body. A mistake in one event of a batch takes that event out and no other.

    `default_region` completes national phone numbers; `declared` are the attribute types that somebody declared.
    Raises MalformedBody for what is no JSON object, and for a batch that is too long.
    """
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.MsgspecError as error:
        raise MalformedBody(detail=str(error)) from error
    except UnicodeDecodeError as error:
        raise MalformedBody(detail="not UTF-8") from error
    parsed = Parsed(is_batch=envelope.events is not None)
    around = Around(now, default_region, declared)
    if envelope.events is None:
        _take(parsed, 0, body, "", around)
        parsed.size = 1
        return parsed
    parsed.size = len(envelope.events)
    if not 1 <= parsed.size <= BATCH_MAX:
        problem: FieldError = {"field": "events", "code": "batch_length", "limit": BATCH_MAX}
        raise MalformedBody(detail=f"a batch has 1 to {BATCH_MAX} events", errors=[problem])
    for index, raw in enumerate(envelope.events):
        _take(parsed, index, bytes(raw), f"events[{index}].", around)
    return parsed


def _take(parsed: Parsed, index: int, raw: bytes, path: str, around: Around) -> None:
    if len(raw) > EVENT_BYTES_MAX:
        parsed.errors.append({"field": path.rstrip("."), "code": "event_too_large", "limit": EVENT_BYTES_MAX})
        return
    try:
        event = _EVENT.decode(raw)
        if b"\\u0000" in raw:
            event = msgspec.convert(strip_nul(msgspec.to_builtins(event)), EventIn, strict=False)
    except msgspec.MsgspecError as error:
        parsed.errors.append(decode_error(error, path))
        return
    errors = _check(event, path, around)
    ref = _ref(event, path, around.region, errors)
    if errors or ref is None:
        parsed.errors.extend(errors)
        return
    parsed.places.append(index)
    parsed.events.append(
        NewEvent(
            ref=ref,
            name=event.name,
            properties=event.properties,
            occurred_at=event.occurred_at or around.now,
            idempotency_key=event.idempotency_key,
        )
    )


def _check(event: EventIn, path: str, around: Around) -> list[FieldError]:
    errors: list[FieldError] = []
    if NAME.fullmatch(event.name) is None:
        errors.append(
            {
                "field": f"{path}name",
                "code": "invalid_event_name",
                "limit": NAME_MAX,
                "message": "letters, digits, '.', '_' and '-', beginning with a letter or digit",
            }
        )
    if event.occurred_at is not None and event.occurred_at > around.now + FUTURE_MAX:
        hours = int(FUTURE_MAX.total_seconds() // 3600)
        message = f"more than {hours} hours in the future"
        errors.append({"field": f"{path}occurred_at", "code": "in_the_future", "limit": hours, "message": message})
    if event.profile is not None and event.profile.attributes:
        errors.extend(profile_attributes.check(event.profile.attributes, around.declared, f"{path}profile.attributes"))
    return errors


def _ref(event: EventIn, path: str, region: str | None, errors: list[FieldError]) -> ProfileRef | UUID | None:
    if (event.profile is None) == (event.profile_id is None):
        message = "name the person either by `profile` or by `profile_id`"
        errors.append({"field": f"{path}profile", "code": "required", "message": message})
        return None
    return event.profile_id if event.profile is None else make_ref(event.profile, f"{path}profile", region, errors)


def make_ref(profile: ProfileIn, path: str, region: str | None, errors: list[FieldError]) -> ProfileRef | None:
    """The reference that a profile object makes, normalised; None with `errors` filled for one that makes none."""
    identities = []
    for name, scheme in SCHEMES:
        value = getattr(profile, name)
        if value is None:
            continue
        try:
            identities.append(normalise_identity(Identity(scheme, value), region))
        except InvalidIdentity as error:
            errors.append(error.at(f"{path}.{name}"))
            return None
    if not identities:
        message = "at least one of " + ", ".join(name for name, _ in SCHEMES)
        errors.append({"field": path, "code": "no_identity", "message": message})
        return None
    return ProfileRef(identities=tuple(identities), attributes=profile.attributes, is_test=profile.is_test)


ERROR_PATH = re.compile(r"^(?P<text>.*?)(?: - at `(?:\$|key in \$)\.?(?P<path>[^`]*)`)?$", re.DOTALL)
NAMED_FIELD = re.compile(r"(?:required|unknown) field `(?P<name>[^`]+)`")
LENGTH = re.compile(r"of length (?:<=|>=|==) (?P<limit>\d+)")


def decode_error(error: Exception, path: str) -> FieldError:
    """What msgspec says of a value that does not fit, as field, code and limit."""
    match = ERROR_PATH.match(str(error))
    assert match is not None
    text, field_path = match["text"], match["path"] or ""
    named = NAMED_FIELD.search(text)
    if named is not None:
        field_path = f"{field_path}.{named['name']}" if field_path else named["name"]
        code = "required" if "required" in text else "unknown_field"
        return {"field": f"{path}{field_path}", "code": code, "message": text}
    length = LENGTH.search(text)
    if length is not None:
        limit = int(length["limit"])
        return {"field": f"{path}{field_path}", "code": "length", "limit": limit, "message": text}
    code = "wrong_type" if isinstance(error, msgspec.ValidationError) else "malformed_json"
    return {"field": f"{path}{field_path}".rstrip("."), "code": code, "message": text}


def strip_nul(value: Any) -> Any:
    """A JSON value without NUL characters, which the database cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [strip_nul(one) for one in value]
    if isinstance(value, dict):
        return {strip_nul(name): strip_nul(one) for name, one in value.items()}
    return value
