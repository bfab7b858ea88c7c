"""Statuses in the webhook field `messages`. Source: Cloud API reference, section 5.5."""

from typing import Literal
from uuid import UUID

import msgspec

from sojourn.channels.base import Pricing
from sojourn.channels.whatsapp.errors import classify
from sojourn.channels.whatsapp.updates import StatusItem, Update
from sojourn.channels.whatsapp.webhook_frame import Contact, Frame, notice, remember, unknown
from sojourn.channels.whatsapp.webhook_values import as_code, as_dict, as_list, as_text, parse_moment

StatusWord = Literal["sent", "delivered", "read", "played", "failed"]
STATUS_WORDS = frozenset({"sent", "delivered", "read", "played", "failed"})


class _ErrorData(msgspec.Struct, frozen=True):
    details: str | None = None


class _Error(msgspec.Struct, frozen=True):
    code: int
    title: str | None = None
    message: str | None = None
    error_data: _ErrorData | None = None


class _Pricing(msgspec.Struct, frozen=True):
    billable: bool | None = None
    pricing_model: str | None = None
    type: str | None = None
    category: str | None = None
    subtype: str | None = None


class Status(msgspec.Struct, frozen=True):
    """A well-formed status."""

    id: str
    status: str
    timestamp: str
    type: str | None = None
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    recipient_type: str | None = None
    biz_opaque_callback_data: str | None = None
    pricing: _Pricing | None = None
    errors: list[_Error] = []


def is_special(status: Status) -> bool:
    """Whether a status is about a call, a payment or a group: `read_status` keeps those whole."""
    return status.recipient_type == "group" or status.type not in (None, "message")


def read_status(frame: Frame, item: object, contacts: list[Contact]) -> Update:
    """A status from any JSON; calls, payments and groups become notices, strangers unknown."""
    data = as_dict(item)
    special = "group_status" if data.get("recipient_type") == "group" else as_text(data.get("type"))
    if special not in (None, "message"):
        remember(frame.people, as_text(data.get("recipient_id")), as_text(data.get("recipient_user_id")))
        kind = f"{special}.{(as_text(data.get('status')) or 'changed').lower()}"
        return notice(frame, kind, parse_moment(data.get("timestamp"), frame.at), data)
    try:
        status = msgspec.convert(item, Status, strict=False)
    except msgspec.ValidationError:
        id_, word = as_text(data.get("id")), as_text(data.get("status"))
        if id_ is None or word not in STATUS_WORDS:
            return unknown(frame, "unexpected shape", item)
        first = as_dict(next(iter(as_list(data.get("errors"))), None))
        code = as_code(first.get("code"))
        errors = [] if code is None else [_Error(code=code, title=as_text(first.get("title")))]
        status = Status(
            id=id_,
            status=word,
            timestamp=as_text(data.get("timestamp")) or "",
            recipient_id=as_text(data.get("recipient_id")),
            recipient_user_id=as_text(data.get("recipient_user_id")),
            biz_opaque_callback_data=as_text(data.get("biz_opaque_callback_data")),
            errors=errors,
        )
    return convert_status(frame, status, contacts)


def convert_status(frame: Frame, status: Status, contacts: list[Contact]) -> Update:
    """A well-formed status of a message as update."""
    remember(frame.people, status.recipient_id, status.recipient_user_id)
    word = _STATUS_OF_WORD.get(status.status)
    if word is None:
        return unknown(frame, f"status {status.status[:40]}", msgspec.to_builtins(status))
    wa_id, user_id = status.recipient_id, status.recipient_user_id
    if user_id is None and len(contacts) == 1 and contacts[0].wa_id == wa_id:
        user_id = contacts[0].user_id
    error = status.errors[0] if status.errors else None
    return StatusItem(
        waba_id=frame.waba_id,
        phone_number_id=frame.phone_number_id,
        provider_message_id=status.id,
        status=word,
        at=parse_moment(status.timestamp, frame.at),
        attempt_id=_attempt_id(status.biz_opaque_callback_data),
        code=error.code if error else None,
        title=(error.title or error.message) if error else None,
        details=error.error_data.details if error and error.error_data else None,
        reaction=classify(error.code).reaction if error else None,
        pricing=_pricing(status.pricing) if status.pricing else None,
        wa_id=wa_id or None,
        user_id=user_id or None,
    )


_STATUS_OF_WORD: dict[str, StatusWord] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "played",
    "failed": "failed",
}


def _attempt_id(correlation: str | None) -> UUID | None:
    """Our attempt id, when the echoed correlation string is one."""
    if correlation is None or len(correlation) != 36:
        return None
    try:
        return UUID(correlation)
    except ValueError:
        return None


_pricings: dict[_Pricing, Pricing] = {}


def _pricing(pricing: _Pricing) -> Pricing:
    """Normalise words; `authentication-international` is spelled with an underscore elsewhere."""
    known = _pricings.get(pricing)
    if known is None:
        known = Pricing(
            category=_word(pricing.category),
            type=_word(pricing.type),
            model=_word(pricing.pricing_model),
            billable=pricing.billable,
            subtype=_word(pricing.subtype),
        )
        if len(_pricings) < 256:  # a closed set in practice; the bound keeps strangers from filling memory
            _pricings[pricing] = known
    return known


def _word(value: str | None) -> str | None:
    return value.lower().replace("-", "_") if value else None
