"""Request bodies for `POST /{phone_number_id}/messages`: pure, and checked against every limit before any call.

Each builder returns the JSON of its type and notes mistakes on the way, so that one pass finds them all.
Source: Cloud API reference, section 2.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sojourn.channels import content as c
from sojourn.channels.whatsapp import cards, interactive, limits, orders, template_payload
from sojourn.channels.whatsapp.checks import Checks
from sojourn.kit.errors import FieldError, InvalidInput

_PHONE = re.compile(r"^\+[1-9][0-9]{5,14}$")
_BSUID = re.compile(r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$")


class PayloadInvalid(InvalidInput):
    """The message breaks a limit of the Cloud API; nothing was sent."""

    code = "payload_invalid"


def build_payload(
    content: c.Content,
    *,
    to: str | None,
    recipient: str | None = None,
    attempt_id: UUID,
    reply_to: str | None = None,
) -> dict[str, Any]:
    """Return the request body that brings a content to one person.

    `to` is a phone number as +<digits>; `recipient` a business-scoped user id, used only when `to` is None.
    `attempt_id` comes back in every status webhook of this message. `reply_to` is the id of the message to quote.
    Raises PayloadInvalid with every mistake, each with field, code and limit.
    """
    checks = Checks(resolved=True)
    payload: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if to is not None:
        payload["to"] = to
        if not _PHONE.match(to):
            checks.fail("to", "not_a_phone_number", "to must be + and 6 to 15 digits")
    else:
        payload["recipient"] = recipient
        if recipient is None or not _BSUID.match(recipient):
            checks.fail("recipient", "not_a_user_id", "recipient must be a business-scoped user id such as GB.123")
    kind, value = _build(content, checks)
    payload["type"] = kind
    payload[kind] = value
    _check_combination(content, to, reply_to, checks)
    if reply_to is not None:
        payload["context"] = {"message_id": checks.key("reply_to", reply_to, 512)}
    payload["biz_opaque_callback_data"] = str(attempt_id)
    if checks.errors:
        raise PayloadInvalid(checks.errors)
    return payload


def validate_content(content: c.Content) -> list[FieldError]:
    """Return every mistake that a content has whoever it is for; empty when it can be sent.

    Media may be assets of ours that are not uploaded yet.
    """
    checks = Checks(resolved=False)
    _build(content, checks)
    return checks.errors


def _check_combination(content: c.Content, to: str | None, reply_to: str | None, checks: Checks) -> None:
    """What a kind demands of the person or of the quote (sections 2.8, 2.14 and 3.3)."""
    if isinstance(content, c.Reaction) and reply_to is not None:
        checks.fail("reply_to", "not_allowed", "a reaction cannot quote a message")
    if isinstance(content, c.AddressRequest) and to is not None and not to.startswith("+91"):
        checks.fail("to", "country", "address requests reach numbers of India only", "+91")
    if isinstance(content, c.TemplateContent) and content.category == "authentication" and to is None:
        checks.fail("to", "phone_required", "authentication templates need a phone number")


def _build(content: c.Content, checks: Checks) -> tuple[str, dict[str, Any] | list[dict[str, Any]]]:
    return _BUILDERS[type(content)](content, checks)


def _text(content: c.Text, checks: Checks) -> tuple[str, dict[str, Any]]:
    value: dict[str, Any] = {"body": checks.text("body", content.body, limits.TEXT_BODY_MAX)}
    if content.preview_url:
        value["preview_url"] = True
    return "text", value


def _image(content: c.Image, checks: Checks) -> tuple[str, dict[str, Any]]:
    return "image", _with_caption(checks.media("media", content.media), content.caption, checks)


def _video(content: c.Video, checks: Checks) -> tuple[str, dict[str, Any]]:
    return "video", _with_caption(checks.media("media", content.media), content.caption, checks)


def _audio(content: c.Audio, checks: Checks) -> tuple[str, dict[str, Any]]:
    value = checks.media("media", content.media)
    if content.voice:
        value["voice"] = True
    return "audio", value


def _document(content: c.Document, checks: Checks) -> tuple[str, dict[str, Any]]:
    value = _with_caption(checks.media("media", content.media), content.caption, checks)
    if content.filename is not None:
        value["filename"] = checks.key("filename", content.filename, limits.FILENAME_MAX)
    return "document", value


def _sticker(content: c.Sticker, checks: Checks) -> tuple[str, dict[str, Any]]:
    return "sticker", checks.media("media", content.media)


def _with_caption(value: dict[str, Any], caption: str | None, checks: Checks) -> dict[str, Any]:
    if caption is not None:
        value["caption"] = checks.text("caption", caption, limits.CAPTION_MAX)
    return value


def _location(content: c.Location, checks: Checks) -> tuple[str, dict[str, Any]]:
    checks.number("latitude", content.latitude, -90, 90)
    checks.number("longitude", content.longitude, -180, 180)
    value: dict[str, Any] = {"latitude": content.latitude, "longitude": content.longitude}
    if content.name is not None:
        value["name"] = checks.text("name", content.name, limits.CAPTION_MAX)
    if content.address is not None:
        value["address"] = checks.text("address", content.address, limits.CAPTION_MAX)
        if content.name is None:
            checks.fail("name", "required", "an address is shown only together with a name")
    return "location", value


def _contacts(content: c.Contacts, checks: Checks) -> tuple[str, list[dict[str, Any]]]:
    return "contacts", cards.build_cards(content.contacts, checks)


def _reaction(content: c.Reaction, checks: Checks) -> tuple[str, dict[str, Any]]:
    emoji = content.emoji
    if emoji and (len(emoji) > limits.EMOJI_MAX or emoji.isascii() or any(char.isalpha() for char in emoji)):
        checks.fail("emoji", "not_an_emoji", "emoji must be one emoji, or empty to take the reaction back")
    return "reaction", {"message_id": checks.key("message_id", content.message_id, 512), "emoji": emoji}


_BUILDERS: dict[type[Any], Callable[[Any, Checks], tuple[str, Any]]] = {
    c.Text: _text,
    c.Image: _image,
    c.Video: _video,
    c.Audio: _audio,
    c.Document: _document,
    c.Sticker: _sticker,
    c.Location: _location,
    c.Contacts: _contacts,
    c.Reaction: _reaction,
    c.TemplateContent: template_payload.build_template,
    c.OrderDetails: orders.build_order_details,
    c.OrderStatus: orders.build_order_status,
    **interactive.BUILDERS,
}
