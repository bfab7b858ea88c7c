"""Messages of people in the webhook field `messages`. Source: Cloud API reference, sections 5.3 and 5.4."""

from datetime import datetime
from typing import Any

from sojourn.channels.base import InboundMedia
from sojourn.channels.whatsapp.updates import IdentityItem, MessageItem, Update
from sojourn.channels.whatsapp.webhook_frame import Contact, Frame, Profile, notice, unknown
from sojourn.channels.whatsapp.webhook_values import as_dict, as_text, collect_people, parse_moment

MEDIA_KINDS = frozenset({"image", "video", "audio", "document", "sticker"})
_NUMBER_CHANGES = frozenset({"user_changed_number", "customer_changed_number"})
_ID_CHANGES = frozenset({"user_changed_user_id"})


def read_message(frame: Frame, message: dict[str, Any], contacts: list[Contact]) -> Update:
    """A message of a person, or what a system message says about them."""
    collect_people(message, frame.people)
    id_, type_ = as_text(message.get("id")), as_text(message.get("type"))
    at = parse_moment(message.get("timestamp"), frame.at)
    if id_ is None or type_ is None:
        return unknown(frame, "a message without id or type", message)
    if type_ == "system":
        return _system(frame, message, at)
    if type_ == "request_welcome" or message.get("group_id") is not None:
        return notice(frame, "request_welcome" if type_ == "request_welcome" else "group_message", at, message)
    wa_id, user_id = as_text(message.get("from")), as_text(message.get("from_user_id"))
    if wa_id is None and user_id is None and len(contacts) == 1:
        wa_id, user_id = contacts[0].wa_id, contacts[0].user_id
    if wa_id is None and user_id is None:
        return unknown(frame, "a message from nobody", message)
    contact = _contact_of(contacts, wa_id, user_id)
    profile = (contact.profile if contact else None) or Profile()
    payload = message.get(type_)
    kind, text, tap_id, tap_title = _read_kind(type_, payload, message)
    referral = message.get("referral")
    return MessageItem(
        waba_id=frame.waba_id,
        phone_number_id=frame.phone_number_id,
        provider_message_id=id_,
        at=at,
        kind=kind,
        wa_id=wa_id or (contact.wa_id if contact else None),
        user_id=user_id or (contact.user_id if contact else None),
        username=profile.username,
        profile_name=profile.name,
        text=text,
        tap_id=tap_id,
        tap_title=tap_title,
        media=_media(type_, payload),
        context_id=as_text(as_dict(message.get("context")).get("id")),
        referral=referral if isinstance(referral, dict) else None,
        data=_kind_data(type_, payload, message),
    )


def _contact_of(contacts: list[Contact], wa_id: str | None, user_id: str | None) -> Contact | None:
    for contact in contacts:
        if (user_id is not None and contact.user_id == user_id) or (wa_id is not None and contact.wa_id == wa_id):
            return contact
    return contacts[0] if len(contacts) == 1 and (contacts[0].user_id is None or user_id is None) else None


def _kind_data(type_: str, payload: object, message: dict[str, Any]) -> dict[str, Any]:
    """The kind's own JSON, the context and errors where they say more than the id."""
    data: dict[str, Any] = {}
    if payload is not None:
        data[type_] = payload
    errors = message.get("errors")
    if errors:
        data["errors"] = errors
    context = as_dict(message.get("context"))
    if context.keys() - {"id", "from"}:
        data["context"] = context
    return data


Read = tuple[str, str | None, str | None, str | None]


def _read_kind(type_: str, payload: object, message: dict[str, Any]) -> Read:
    """Kind, text, tapped id and tapped title of a message."""
    part = as_dict(payload)
    if type_ == "text":
        return "text", as_text(part.get("body")), None, None
    if type_ == "button":
        title = as_text(part.get("text"))
        return "button", title, as_text(part.get("payload")) or title, title
    if type_ == "interactive":
        return _read_interactive(part)
    if type_ == "audio" and part.get("voice") is True:
        return "voice", None, None, None
    if type_ in MEDIA_KINDS:
        return type_, as_text(part.get("caption")), None, None
    if type_ == "reaction":
        return "reaction", as_text(part.get("emoji")), None, None
    if type_ == "order":
        return "order", as_text(part.get("text")), None, None
    return type_, None, None, None


def _read_interactive(part: dict[str, Any]) -> Read:
    type_ = as_text(part.get("type")) or "interactive"
    reply = as_dict(part.get(type_))
    title = as_text(reply.get("title"))
    if type_ in ("button_reply", "list_reply"):
        return type_, title, as_text(reply.get("id")), title
    if type_ == "nfm_reply":
        kind = "address_reply" if reply.get("name") == "address_message" else "flow_reply"
        return kind, as_text(reply.get("body")), None, None
    if type_ == "call_permission_reply":
        return type_, None, as_text(reply.get("response")), None
    return type_, title, as_text(reply.get("id")), title


def _media(type_: str, payload: object) -> list[InboundMedia]:
    part = as_dict(payload)
    media_id = as_text(part.get("id")) if type_ in MEDIA_KINDS else None
    if media_id is None:
        return []
    return [
        InboundMedia(
            media_id=media_id,
            mime=as_text(part.get("mime_type")),
            sha256=as_text(part.get("sha256")),
            caption=as_text(part.get("caption")),
            filename=as_text(part.get("filename")),
        )
    ]


def _system(frame: Frame, message: dict[str, Any], at: datetime) -> Update:
    """Changes of a person's number or id. Older bodies name the new number `new_wa_id` or `wa_id`."""
    system = as_dict(message.get("system"))
    type_ = as_text(system.get("type")) or "unknown"
    if type_ in _NUMBER_CHANGES or type_ in _ID_CHANGES:
        old_wa_id = as_text(message.get("from")) or as_text(system.get("customer"))
        new_wa_id = as_text(system.get("wa_id")) or as_text(system.get("new_wa_id"))
        return IdentityItem(
            waba_id=frame.waba_id,
            phone_number_id=frame.phone_number_id,
            at=at,
            old_wa_id=old_wa_id,
            new_wa_id=new_wa_id if type_ in _NUMBER_CHANGES else None,
            old_user_id=as_text(system.get("previous_user_id")) or as_text(message.get("from_user_id")),
            new_user_id=as_text(system.get("user_id")),
        )
    return notice(frame, f"system.{type_}", at, message)
