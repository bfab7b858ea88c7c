"""Where an item of a webhook stands, and whom it names."""

from datetime import datetime
from typing import Any

import msgspec

from sojourn.channels.whatsapp.updates import NoticeItem, UnknownItem
from sojourn.channels.whatsapp.webhook_values import as_dict, as_text, normalise_address


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Where an item stands: its account, field, moment; `people` collects addresses on the way."""

    waba_id: str
    field: str
    at: datetime
    people: set[str]
    phone_number_id: str | None = None


class Profile(msgspec.Struct, frozen=True):
    """What a person shows of themselves."""

    name: str | None = None
    username: str | None = None


class Contact(msgspec.Struct, frozen=True):
    """A person in the list `contacts` of a value."""

    wa_id: str | None = None
    user_id: str | None = None
    profile: Profile | None = None


def unknown(frame: Frame, reason: str, data: object) -> UnknownItem:
    """An item that we keep without understanding it."""
    return UnknownItem(
        waba_id=frame.waba_id, phone_number_id=frame.phone_number_id, field=frame.field, reason=reason, data=data
    )


def notice(frame: Frame, kind: str, at: datetime, data: dict[str, Any]) -> NoticeItem:
    """An item that we understand and only keep."""
    return NoticeItem(
        waba_id=frame.waba_id,
        phone_number_id=frame.phone_number_id,
        field=frame.field,
        kind=kind,
        at=at,
        data=data,
    )


def remember(people: set[str], *addresses: str | None) -> None:
    """Add addresses to the people of a body."""
    for address in addresses:
        if address:
            people.add(normalise_address(address))


def read_contact(item: object) -> Contact:
    """A contact from any JSON."""
    profile = as_dict(as_dict(item).get("profile"))
    return Contact(
        wa_id=as_text(as_dict(item).get("wa_id")),
        user_id=as_text(as_dict(item).get("user_id")),
        profile=Profile(name=as_text(profile.get("name")), username=as_text(profile.get("username"))),
    )
