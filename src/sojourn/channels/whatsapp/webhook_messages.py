"""The webhook field `messages`: statuses of our messages, messages of people, and problems.

Source: Cloud API reference, sections 5.3 to 5.6.
"""

from typing import Any

import msgspec

from sojourn.channels.whatsapp.updates import Update
from sojourn.channels.whatsapp.webhook_frame import Contact, Frame, notice, read_contact, remember, unknown
from sojourn.channels.whatsapp.webhook_inbound import read_message
from sojourn.channels.whatsapp.webhook_statuses import Status, convert_status, is_special, read_status
from sojourn.channels.whatsapp.webhook_values import as_code, as_dict, as_list, as_text, parse_moment


class _Metadata(msgspec.Struct, frozen=True):
    phone_number_id: str | None = None


class Value(msgspec.Struct, frozen=True):
    """The well-formed value of the field `messages`."""

    metadata: _Metadata
    statuses: list[Status] = []
    messages: list[dict[str, Any]] = []
    contacts: list[Contact] = []
    errors: list[dict[str, Any]] = []
    user_actions: list[dict[str, Any]] = []


def parse_value(frame: Frame, value: Value) -> list[Update] | None:
    """Read a well-formed value; None when it has nothing that we know (the caller then looks at all of it)."""
    phone_number_id = value.metadata.phone_number_id
    if phone_number_id is None or any(is_special(status) for status in value.statuses):
        return None
    framed = Frame(
        waba_id=frame.waba_id, field=frame.field, at=frame.at, people=frame.people, phone_number_id=phone_number_id
    )
    updates: list[Update] = [convert_status(framed, status, value.contacts) for status in value.statuses]
    updates.extend(read_message(framed, message, value.contacts) for message in value.messages)
    updates.extend(_problem(framed, error) for error in value.errors)
    updates.extend(_user_action(framed, action) for action in value.user_actions)
    for contact in value.contacts:
        remember(framed.people, contact.wa_id, contact.user_id)
    return updates or None


def parse_loose_value(frame: Frame, value: dict[str, Any]) -> list[Update]:
    """Read any value item by item; an item of an unexpected shape becomes an UnknownItem."""
    phone_number_id = as_text(as_dict(value.get("metadata")).get("phone_number_id"))
    framed = Frame(
        waba_id=frame.waba_id, field=frame.field, at=frame.at, people=frame.people, phone_number_id=phone_number_id
    )
    contacts = [read_contact(item) for item in as_list(value.get("contacts"))]
    updates: list[Update] = [read_status(framed, item, contacts) for item in as_list(value.get("statuses"))]
    updates.extend(
        read_message(framed, item, contacts) if isinstance(item, dict) else unknown(framed, "unexpected shape", item)
        for item in as_list(value.get("messages"))
    )
    updates.extend(_problem(framed, as_dict(item)) for item in as_list(value.get("errors")))
    updates.extend(_user_action(framed, as_dict(item)) for item in as_list(value.get("user_actions")))
    return updates or [unknown(framed, "nothing known inside", value)]


def _problem(frame: Frame, error: dict[str, Any]) -> Update:
    """A problem of the number itself, with neither message nor status."""
    return notice(frame, f"error.{as_code(error.get('code'))}", frame.at, error)


def _user_action(frame: Frame, action: dict[str, Any]) -> Update:
    at = parse_moment(action.get("timestamp"), frame.at)
    return notice(frame, f"user_action.{as_text(action.get('action_type'))}", at, action)
