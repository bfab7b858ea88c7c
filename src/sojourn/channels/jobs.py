"""Orders for workers: what touches a provider."""

from dataclasses import dataclass
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSender(Signal):
    """Try a sender against its provider and write what was found.

    `resume`: a success also ends a stop. `connect`: after a success our webhook address is subscribed as well.
    """

    workspace_id: UUID
    sender_id: UUID
    resume: bool = False
    connect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWebhook(Signal):
    """Subscribe our webhook address for a sender's app and account."""

    workspace_id: UUID
    sender_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchMedia(Signal):
    """Fetch an inbound file before the provider deletes it (7 days, its address 5 minutes)."""

    workspace_id: UUID
    sender_id: UUID
    media_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead(Signal):
    """Show a person that we read their message; `typing` also shows that we write."""

    workspace_id: UUID
    sender_id: UUID
    provider_message_id: str
    typing: bool = False
