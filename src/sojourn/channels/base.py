"""What passes between the product and any channel: messages out, results, reports and messages in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import msgspec

from sojourn.channels.content import Content

AddressScheme = Literal["phone", "wa_id", "bsuid", "email", "external_id"]


class FailureReaction(StrEnum):
    """What the product does about a failure; one value a provider's error code (`channels/data/*.csv`)."""

    RETRY_LATER = "retry_later"  # the provider is in trouble: again with growing waits
    RETRY_AT_ONCE = "retry_at_once"  # a stale reference that we can renew ourselves, e.g. an expired media id
    TEMPLATE_OFF = "template_off"  # stop using this template variant until it is approved again
    SENDER_STOP = "sender_stop"  # stop this sender and tell a person: account locked or restricted
    PERSON_UNREACHABLE = "person_unreachable"  # this address is not reachable on the channel; cleared by an inbound
    PLATFORM_OPT_OUT = "platform_opt_out"  # the person stopped marketing on the platform's side
    WINDOW_CLOSED = "window_closed"  # free-form text outside of the service window
    SATURATED = "saturated"  # the platform spares this person more marketing: at least 24 hours of rest
    PAIR_LIMIT = "pair_limit"  # too many messages to this one person: again after a growing wait
    RATE_LIMIT = "rate_limit"  # too fast for this sender: slow down, then again
    BILLING = "billing"  # the account cannot pay: stop paid sends of this sender, tell a person
    AUTH = "auth"  # token or permission: stop the sender, tell a person
    INVALID = "invalid"  # our request is wrong: this message fails, the same bytes never succeed
    NEVER = "never"  # this message fails; nothing follows for the person, the template or the sender
    COUNTRY = "country"  # this account may not message people in that country
    PORTFOLIO_LIMIT = "portfolio_limit"  # quota of people a day used up or cut: again after hours
    NEEDS_HUMAN = "needs_human"  # something must be configured first: this message fails, tell a person


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One attempt to bring a content to an address. `attempt_id` travels with it and comes back in every report."""

    attempt_id: UUID
    sender_id: UUID
    workspace_id: UUID
    address_scheme: AddressScheme
    address: str
    content: Content
    reply_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the message. `held`: it waits for the provider's quality assessment of the template."""

    attempt_id: UUID
    provider_message_id: str
    held: bool = False
    wa_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The message certainly did not leave. `code` is the provider's; None means that no provider answered."""

    attempt_id: UUID
    code: int | None
    title: str
    details: str
    reaction: FailureReaction
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Bytes left and no usable answer came: the message may or may not arrive. Never resend it blindly."""

    attempt_id: UUID
    reason: str


Result = Accepted | Failed | Unknown


class Pricing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the provider charges a message; open sets of lower-case words, amounts are never sent."""

    category: str | None = None
    type: str | None = None
    model: str | None = None
    billable: bool | None = None
    subtype: str | None = None


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider reports about a message of ours; reports come twice, late and in any order.

    `attempt_id` is the correlation that we sent along, if the report echoes it and it is one of ours.
    """

    sender_id: UUID
    provider_message_id: str
    status: Literal["sent", "delivered", "read", "played", "failed", "held"]
    at: datetime
    attempt_id: UUID | None = None
    code: int | None = None
    title: str | None = None
    details: str | None = None
    reaction: FailureReaction | None = None
    pricing: Pricing | None = None
    wa_id: str | None = None
    user_id: str | None = None


class InboundMedia(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file in an inbound message. `asset_id` is our media row; its bytes are fetched by a job of its own."""

    media_id: str
    mime: str | None = None
    sha256: str | None = None
    caption: str | None = None
    filename: str | None = None
    asset_id: UUID | None = None


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person said to one of our senders.

    `kind` is one of text, image, video, audio, voice, document, sticker, location, contacts, reaction, button,
    button_reply, list_reply, flow_reply, address_reply, call_permission_reply, order, edit, revoke, unsupported,
    or the provider's own word for something newer. `at` is the message's own time. `text` is the body, caption
    or tapped title; `tap_id` the id on the tapped button or row; `data` the kind's own JSON.
    """

    workspace_id: UUID
    sender_id: UUID
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
