"""News about events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecorded(Signal):
    """A fact about a person was recorded for the first time. Handled in order of recording, a person at a time."""

    workspace_id: UUID
    profile_id: UUID
    event_id: UUID
    name: str
    properties: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime

    def ordering_key(self) -> str | None:
        """One person's events one after the other."""
        return str(self.profile_id)
