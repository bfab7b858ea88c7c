"""What this folder tells the folders above."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequested(Signal):
    """Somebody asked to be written to and must still confirm it: a question is to be sent (double opt-in)."""

    workspace_id: UUID
    profile_id: UUID
    request_id: UUID
    channel: str
    purpose: str
    source: str
    locale: str | None = None
    at: datetime

    def ordering_key(self) -> str | None:
        """One person."""
        return str(self.profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(Signal):
    """The state of a purpose or topic changed (granted, withdrawn, expired). `entry_id` is the row of the ledger."""

    workspace_id: UUID
    profile_id: UUID
    entry_id: UUID
    channel: str
    purpose: str
    topic: str = ""
    state: str
    source: str
    locale: str | None = None
    at: datetime
    topics: list[str] = field(default_factory=list)

    def ordering_key(self) -> str | None:
        """One person."""
        return str(self.profile_id)
