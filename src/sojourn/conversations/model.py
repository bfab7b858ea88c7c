"""Threads, open questions, and who owns what a person says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

OwnerKind = Literal["consent", "person", "journey", "keyword", "none"]

ANY_SENDER = UUID(int=0)  # a question that an answer on any sender may answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A step of a run that waits for what a person says. `sender_id` None: the sender of the delivery that asks it."""

    profile_id: UUID
    sender_id: UUID | None = None
    run_id: UUID
    step_key: str
    delivery_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question as it stands open."""

    profile_id: UUID
    sender_id: UUID
    run_id: UUID
    step_key: str
    delivery_id: UUID | None
    asked_at: datetime
    expires_at: datetime | None

    def is_open(self, at: datetime) -> bool:
        """Whether something said at this moment (whole seconds) may answer it: neither before it was asked nor late."""
        return self.asked_at - at < timedelta(seconds=1) and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a person said, for whoever owns it. `tap_id` is the plain id of the button or row that was tapped."""

    message_id: str
    provider_message_id: str
    sender_id: UUID
    kind: str
    text: str | None = None
    tap_id: str | None = None
    tap_title: str | None = None
    media_ids: list[str] = field(default_factory=list)
    location: dict[str, Any] | None = None
    context_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers a message: exactly one. `why` names the rule that decided."""

    kind: OwnerKind
    why: str
    run_id: UUID | None = None
    step_key: str | None = None
    delivery_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The thread of a person with a sender."""

    id: UUID
    profile_id: UUID
    sender_id: UUID
    channel: str
    last_inbound_at: datetime | None
    created_at: datetime
