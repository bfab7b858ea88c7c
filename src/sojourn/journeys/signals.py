"""Jobs of this folder, and what it tells the folders above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUrl(Signal):
    """Call an address for a run, and resume the run with the answer. `attempt` counts from 1."""

    workspace_id: UUID
    profile_id: UUID
    run_id: UUID
    seq: int
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    save: dict[str, str]
    timeout_seconds: float
    attempts: int
    attempt: int = 1

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt of this visit."""
        return f"{self.run_id}:{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRuns(Signal):
    """A paused journey goes on: let its held runs continue, some thousands at a time."""

    workspace_id: UUID
    journey_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that is over. `state` is finished or error."""

    run_id: UUID
    profile_id: UUID
    journey_id: UUID
    state: str
    reason: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsEnded(Signal):
    """Runs of a workspace that ended in one batch; free of order. Only made where it is heard."""

    workspace_id: UUID
    runs: list[EndedRun]
