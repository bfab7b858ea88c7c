"""Reads webhook bodies. Pure; never fails on what it does not know.

The common case (well-formed messages and statuses) is decoded straight into structs. Whatever does not fit is read
again piece by piece, so that one strange item becomes an `UnknownItem` and takes nothing else along.
Source: Cloud API reference, section 5.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from sojourn.channels.whatsapp import webhook_account, webhook_messages
from sojourn.channels.whatsapp.updates import UnknownItem, Update, Webhook
from sojourn.channels.whatsapp.webhook_frame import Frame
from sojourn.channels.whatsapp.webhook_messages import Value
from sojourn.channels.whatsapp.webhook_values import as_dict, as_text, collect_people, parse_moment, scrub

PARSE_ERRORS = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class MalformedWebhook(ValueError):
    """The body is no JSON object with a list `entry`."""


class _Change(msgspec.Struct, frozen=True):
    field: str
    value: msgspec.Raw


class _Entry(msgspec.Struct, frozen=True):
    id: str
    changes: list[_Change]
    time: int | None = None


class _Envelope(msgspec.Struct, frozen=True):
    entry: list[_Entry]


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_value_decoder = msgspec.json.Decoder(Value)
_any_decoder = msgspec.json.Decoder()


def parse_webhook(body: bytes, *, received_at: datetime) -> Webhook:
    """Read one webhook body into updates, in the order in which Meta lists them.

    One body may carry updates for several numbers and accounts. Timestamps arrive as seconds since 1970 (text or
    number) and leave as aware UTC datetimes; a missing or absurd one becomes `received_at`. A kind that we do not know
    becomes `UnknownItem` with its JSON.

    Raises MalformedWebhook when the body is not JSON or has no `entry` list.
    """
    people: set[str] = set()
    updates: list[Update] = []
    try:
        if b"\\u0000" in body:  # PostgreSQL refuses this character in text: take the careful road
            raise msgspec.DecodeError("contains NUL")
        envelope = _envelope_decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        updates.extend(_parse_loose(_decode_loose(body), received_at, people))
        return Webhook(updates=updates, people=frozenset(people))
    for entry in envelope.entry:
        at = parse_moment(entry.time, received_at)
        for change in entry.changes:
            frame = Frame(waba_id=entry.id, field=change.field, at=at, people=people)
            updates.extend(_parse_change(frame, change.value))
    return Webhook(updates=updates, people=frozenset(people))


def _parse_change(frame: Frame, raw: msgspec.Raw) -> Iterable[Update]:
    """Read one change on the fast road, falling back to the careful one."""
    if frame.field == "messages":
        try:
            value = _value_decoder.decode(raw)
        except msgspec.MsgspecError:
            pass
        else:
            updates = webhook_messages.parse_value(frame, value)
            if updates is not None:
                return updates
    return _parse_loose_change(frame, _any_decoder.decode(raw))


def _decode_loose(body: bytes) -> dict[str, Any]:
    try:
        data = scrub(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise MalformedWebhook("not JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("entry"), list):
        raise MalformedWebhook("no list named entry")
    return data


def _parse_loose(data: dict[str, Any], received_at: datetime, people: set[str]) -> Iterable[Update]:
    for entry in data["entry"]:
        waba_id = as_text(as_dict(entry).get("id")) or ""
        at = parse_moment(as_dict(entry).get("time"), received_at)
        changes = as_dict(entry).get("changes")
        if not isinstance(changes, list):
            yield UnknownItem(waba_id=waba_id, field="", reason="an entry without changes", data=entry)
            continue
        for change in changes:
            frame = Frame(waba_id=waba_id, field=as_text(as_dict(change).get("field")) or "", at=at, people=people)
            yield from _parse_loose_change(frame, as_dict(change).get("value"))


def _parse_loose_change(frame: Frame, value: object) -> Iterable[Update]:
    """Read one change item by item; nothing in it can fail the rest."""
    collect_people(value, frame.people)
    if not isinstance(value, dict):
        return [UnknownItem(waba_id=frame.waba_id, field=frame.field, reason="value is no object", data=value)]
    try:
        if frame.field == "messages":
            return webhook_messages.parse_loose_value(frame, value)
        return webhook_account.parse_value(frame, value)
    except PARSE_ERRORS as error:
        reason = f"unexpected shape: {type(error).__name__}"
        return [UnknownItem(waba_id=frame.waba_id, field=frame.field, reason=reason, data=value)]
