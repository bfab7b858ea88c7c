"""What is told about people: who was touched, who turned out to be one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesTouched(Signal):
    """Something about these people changed that an audience may look at. `kind`: attributes, event, consent, …"""

    workspace_id: UUID
    profile_ids: list[UUID]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesMerged(Signal):
    """Two profiles turned out to be one person: `loser_id` is an alias of `profile_id` from now on.

    Folders above rewrite current state for the winner: a withdrawal of either wins.
    """

    workspace_id: UUID
    profile_id: UUID
    loser_id: UUID
    merged_at: datetime

    def ordering_key(self) -> str | None:
        """Merges into one person one after the other."""
        return str(self.profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressLost(Signal):
    """An address went from one person to another: the old one has it as `identity_changed` until confirmed."""

    workspace_id: UUID
    profile_id: UUID
    new_profile_id: UUID
    scheme: str
    lost_at: datetime
