"""The jobs that talk to the provider about templates, and news about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitVariant(Signal):
    """Submit a variant to the provider for review."""

    workspace_id: UUID
    variant_id: UUID
    sender_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncTemplates(Signal):
    """Read all templates of a sender's business account. `is_later`: planned ahead, just to be sure."""

    workspace_id: UUID
    sender_id: UUID
    is_later: bool = False

    def ordering_key(self) -> str | None:
        """One reading of an account at a time; one that waits for its time must not hold those that are wanted now."""
        return None if self.is_later else str(self.sender_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChanged(Signal):
    """The provider changed a variant: `state` and `quality` are what holds now."""

    workspace_id: UUID
    template_id: UUID
    language: str
    state: str
    old_state: str
    quality: str
    at: datetime
