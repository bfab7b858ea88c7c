"""What conversations tell the folders above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.conversations.model import Reply
from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRouted(Signal):
    """A person said something, and this is who owns it. `at` is the message's own time; in order per profile."""

    workspace_id: UUID
    profile_id: UUID
    owner_kind: str
    run_id: UUID | None = None
    step_key: str | None = None
    delivery_id: UUID | None = None
    message: Reply
    at: datetime

    def ordering_key(self) -> str | None:
        """One person."""
        return str(self.profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message of a person that is in the ledger now. `at` is its own time."""

    message_id: UUID
    profile_id: UUID
    sender_id: UUID
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesTaken(Signal):
    """What people of a workspace wrote, each message once; free of order. Only made where it is heard."""

    workspace_id: UUID
    messages: list[Taken]
