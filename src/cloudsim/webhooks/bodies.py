"""Webhook bodies: the `value` of one change, and the envelope around many."""

import json
from dataclasses import dataclass

from cloudsim.jsontypes import Json, encode
from cloudsim.world import Message, Person, Phone, World

MESSAGE_FIELDS = frozenset({"messages", "user_preferences", "calls", "flows"})


@dataclass(slots=True)
class Update:
    """One change on its way to one callback."""

    waba_id: str
    field: str
    value: Json
    kind: str = ""  # for matching faults: a status, or the type of an inbound message, or the field
    wa_id: str = ""
    at: int = 0  # seconds, `entry.time` of account fields
    url: str = ""
    app_id: str = ""
    secret: bytes = b""
    wamid: str = ""
    malform: str = ""  # "json" | "signature"
    drops: int = 0  # posts to pretend unanswered


def metadata(phone: Phone) -> Json:
    if not phone.metadata:
        phone.metadata = {"display_phone_number": phone.number, "phone_number_id": phone.id}
    return phone.metadata


def contact(world: World, person: Person, portfolio_id: str, *, hide_number: bool, username: bool = True) -> Json:
    """`contacts[0]`: who it is, as far as this business may know."""
    profile: Json = {"name": person.name}
    if person.username and username:
        profile["username"] = person.username
    found: Json = {"profile": profile}
    if not hide_number:
        found["wa_id"] = person.wa_id
    found["user_id"] = world.bsuid(person, portfolio_id)
    if person.parent_bsuid:
        found["parent_user_id"] = person.parent_bsuid
    return found


def status_value(phone: Phone, status: Json, contact_block: Json | None) -> Json:
    value: Json = {"messaging_product": "whatsapp", "metadata": metadata(phone)}
    if contact_block is not None:
        value["contacts"] = [contact_block]
    value["statuses"] = [status]
    return value


def message_value(phone: Phone, message: Json, contact_block: Json | None) -> Json:
    value: Json = {"messaging_product": "whatsapp", "metadata": metadata(phone)}
    if contact_block is not None:
        value["contacts"] = [contact_block]
    value["messages"] = [message]
    return value


def status_object(message: Message, status: str, at: float) -> Json:
    found: Json = {"id": message.id, "status": status, "timestamp": str(int(at))}
    if message.opaque is not None:
        found["biz_opaque_callback_data"] = message.opaque
    return found


def envelope(updates: list[Update], *, escape: bool, merge: bool = False) -> bytes:
    """The bytes of one post. Every update is a change of its own; `merge` puts the statuses of one number together."""
    entries: dict[str, Json] = {}
    for update in updates:
        entry = entries.get(update.waba_id)
        if entry is None:
            entry = entries[update.waba_id] = {"id": update.waba_id, "changes": []}
        if update.field not in MESSAGE_FIELDS:
            entry["time"] = update.at
        changes = entry["changes"]
        if merge and changes and "statuses" in update.value and _same_number(changes[-1], update):
            last = changes[-1]["value"]
            last["statuses"] = last["statuses"] + update.value["statuses"]
            _add_contacts(last, update.value)
            continue
        changes.append({"value": dict(update.value) if merge else update.value, "field": update.field})
    return serialise({"object": "whatsapp_business_account", "entry": list(entries.values())}, escape=escape)


def serialise(value: object, *, escape: bool) -> bytes:
    body = encode(value)
    if not escape:
        return body
    if not body.isascii():
        body = json.dumps(value, separators=(",", ":")).encode()
    return body.replace(b"/", b"\\/")


def _same_number(change: Json, update: Update) -> bool:
    value = change["value"]
    return bool(
        change["field"] == update.field
        and "statuses" in value
        and value["metadata"]["phone_number_id"] == update.value["metadata"]["phone_number_id"]
    )


def _add_contacts(value: Json, more: Json) -> None:
    known = {block.get("user_id") for block in value.get("contacts", [])}
    fresh = [block for block in more.get("contacts", []) if block.get("user_id") not in known]
    if fresh:
        value["contacts"] = value.get("contacts", []) + fresh
