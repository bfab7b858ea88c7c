"""What a delivery is: the request, its message, its states, its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NewType
from uuid import UUID

from sojourn.countries.purposes import Purpose
from sojourn.policy.model import ConsentMessage
from sojourn.profiles.model import ProfileId

__all__ = [
    "Delivery",
    "DeliveryId",
    "DeliveryRequest",
    "FreeMessage",
    "Message",
    "OwnerKind",
    "ProfileId",
    "Purpose",
    "Status",
    "TemplateMessage",
    "consent_message_of",
]

DeliveryId = NewType("DeliveryId", UUID)
OwnerKind = Literal["journey", "api", "campaign", "conversation", "preferences"]


class Status(StrEnum):
    """How far a delivery got. Those before `accepted` are ours, the rest follow from moments that were reported."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    EXCLUDED = "excluded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMessage:
    """An approved template by name (or id as text), rendered by this folder.

    `variables` is the Liquid context beside `profile` and `workspace`, which are added: often `{"event": …, "run": …}`.
    `reply_ids` names the quick replies: button index ("0") to the plain id that a tap comes back with.
    """

    template: str
    language: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    reply_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeMessage:
    """A free-form message inside the service window: a content as `channels.content` has it, its texts as Liquid.

    Ids of buttons and rows are plain; on the wire each carries its delivery.
    """

    content: Mapping[str, Any]
    variables: Mapping[str, Any] = field(default_factory=dict)


Message = TemplateMessage | FreeMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRequest:
    """One message to one person. The same `key` for them is the same delivery, however often it is asked for.

    `planned_at` holds it back until then, `expires_at` ends it unsent; `sender_id` None takes the workspace's default
    sender of the channel; `priority` None takes the lane of the purpose (1 leaves first). `topic` narrows marketing.
    `evidence` is the id of the person's own request where the purpose needs one (a one-time code).
    """

    key: str
    profile_id: ProfileId
    purpose: Purpose
    message: Message
    channel: str = "whatsapp"
    sender_id: UUID | None = None
    owner_kind: OwnerKind = "api"
    owner_id: UUID | None = None
    run_id: UUID | None = None
    step_key: str | None = None
    planned_at: datetime | None = None
    expires_at: datetime | None = None
    reply_to: str | None = None
    priority: int | None = None
    topic: str | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as it stands. `is_new` is false when its key was asked for before."""

    id: DeliveryId
    workspace_id: UUID
    profile_id: ProfileId
    key: str
    status: Status
    reason: str | None
    purpose: Purpose
    channel: str
    sender_id: UUID | None
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    requested_at: datetime
    planned_at: datetime
    is_new: bool = True


def consent_message_of(purpose: Purpose, owner_kind: str, owner_id: UUID | None) -> ConsentMessage | None:
    """Which of the product's own messages about a consent a delivery is: a question names the double opt-in it is for.

    None for every other purpose, and for everybody else who asks for this one.
    """
    if purpose is not Purpose.CONSENT_REQUEST:
        return None
    if owner_kind == "preferences" and owner_id is not None:
        return ConsentMessage.QUESTION
    return ConsentMessage.CONFIRMATION if owner_kind in {"conversation", "preferences"} else None
