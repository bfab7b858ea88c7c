"""What channels announce to the folders above. Every signal is stored in the transaction that parsed its webhook."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sojourn.channels.base import InboundMessage, StatusUpdate
from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusesReported(Signal):
    """Reports about our messages, up to 500 of one sender; free of order."""

    workspace_id: UUID
    sender_id: UUID
    updates: list[StatusUpdate]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Signal):
    """A person wrote to, tapped at or reacted to one of our senders; handled in order per person and sender."""

    workspace_id: UUID
    message: InboundMessage

    def ordering_key(self) -> str | None:
        """One person on one sender: the business-scoped id where known, else the WhatsApp id."""
        return f"{self.message.sender_id}:{self.message.user_id or self.message.wa_id or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceReported(Signal):
    """A person stopped or resumed marketing on the platform's own side."""

    workspace_id: UUID
    sender_id: UUID
    wa_id: str | None
    user_id: str | None
    value: Literal["stop", "resume"]
    at: datetime

    def ordering_key(self) -> str | None:
        """One person on one sender."""
        return f"{self.sender_id}:{self.user_id or self.wa_id or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReviewed(Signal):
    """News about a template variant: review, pause, quality, category or content.

    `event` is lower case: a status (approved, rejected, paused, disabled, …), `quality`, `category_impending`,
    `category_changed` or `components_changed`. `category` is lower case, for `category_impending` the coming one.
    `language` uses an underscore (en_GB).
    """

    workspace_id: UUID
    waba_id: str
    provider_template_id: str
    name: str
    language: str
    event: str
    category: str | None = None
    reason: str | None = None
    quality: str | None = None
    at: datetime

    def ordering_key(self) -> str | None:
        """One template variant."""
        return f"{self.waba_id}:{self.provider_template_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChanged(Signal):
    """A person changed their number or business-scoped id; what did not change or is unknown is None."""

    workspace_id: UUID
    sender_id: UUID
    old_wa_id: str | None
    new_wa_id: str | None
    old_user_id: str | None
    new_user_id: str | None
    at: datetime

    def ordering_key(self) -> str | None:
        """One person on one sender, by what they were before: their earlier messages are handled first."""
        return f"{self.sender_id}:{self.old_user_id or self.old_wa_id or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderChanged(Signal):
    """A sender's state, quality, limit or settings changed; `what` names which one (see `sender_history.what`)."""

    workspace_id: UUID
    sender_id: UUID
    what: str
