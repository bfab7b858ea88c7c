"""What one webhook body says, as values: the parser's output, before senders and workspaces are looked up."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from sojourn.channels.base import FailureReaction, InboundMedia, Pricing


class _Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="update"):
    """Every update knows the account (`waba_id`) and, where the body names it, the number that it belongs to."""

    waba_id: str
    phone_number_id: str | None = None


class StatusItem(_Item, frozen=True, kw_only=True, tag="status"):
    """A report about a message of ours."""

    provider_message_id: str
    status: Literal["sent", "delivered", "read", "played", "failed"]
    at: datetime
    attempt_id: UUID | None = None
    code: int | None = None
    title: str | None = None
    details: str | None = None
    reaction: FailureReaction | None = None
    pricing: Pricing | None = None
    wa_id: str | None = None
    user_id: str | None = None


class MessageItem(_Item, frozen=True, kw_only=True, tag="message"):
    """A message of a person; fields as in `base.InboundMessage`."""

    provider_message_id: str
    at: datetime
    kind: str
    wa_id: str | None = None
    user_id: str | None = None
    username: str | None = None
    profile_name: str | None = None
    text: str | None = None
    tap_id: str | None = None
    tap_title: str | None = None
    media: list[InboundMedia] = []
    context_id: str | None = None
    referral: dict[str, Any] | None = None
    data: dict[str, Any] = {}


class PreferenceItem(_Item, frozen=True, kw_only=True, tag="preference"):
    """A person stopped or resumed marketing on the platform."""

    value: Literal["stop", "resume"]
    at: datetime
    wa_id: str | None = None
    user_id: str | None = None


class IdentityItem(_Item, frozen=True, kw_only=True, tag="identity"):
    """A person changed their number or business-scoped id."""

    at: datetime
    old_wa_id: str | None = None
    new_wa_id: str | None = None
    old_user_id: str | None = None
    new_user_id: str | None = None


class TemplateItem(_Item, frozen=True, kw_only=True, tag="template"):
    """News about a template variant; fields as in `signals.TemplateReviewed`."""

    provider_template_id: str
    name: str
    language: str
    event: str
    at: datetime
    category: str | None = None
    reason: str | None = None
    quality: str | None = None


class NoticeItem(_Item, frozen=True, kw_only=True, tag="notice"):
    """Something known that concerns the account, a number or a feature that we only keep: `kind` says what.

    `kind` is "<field>.<event>" in lower case, for example "account_update.account_violation".
    """

    field: str
    kind: str
    at: datetime
    display_phone_number: str | None = None
    data: dict[str, Any] = {}


class UnknownItem(_Item, frozen=True, kw_only=True, tag="unknown"):
    """Something that the parser does not know, with the reason; the raw body is kept."""

    field: str
    reason: str
    data: Any = None


Update = StatusItem | MessageItem | PreferenceItem | IdentityItem | TemplateItem | NoticeItem | UnknownItem


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """All updates of one body in its own order, and every address of a person that occurs in it."""

    updates: list[Update]
    people: frozenset[str]
