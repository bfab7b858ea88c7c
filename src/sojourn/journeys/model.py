"""A journey, its versions, and what is shown of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from sojourn.journeys.interpreter.problems import Problem
from sojourn.kit.errors import AppError, FieldError, Kind

JourneyId = NewType("JourneyId", UUID)
VersionId = NewType("VersionId", UUID)
RunId = NewType("RunId", UUID)


class JourneyState(StrEnum):
    """Stored values. Today a journey goes draft → live ⇄ paused; the others are taken by what is built on this."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    LIVE = "live"
    PAUSED = "paused"
    CLOSING = "closing"
    STOPPED = "stopped"
    FINISHED = "finished"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A journey: `draft` is what was saved and not yet published, `live_version_id` where new runs begin."""

    id: JourneyId
    workspace_id: UUID
    key: str
    name: str
    state: JourneyState
    draft: dict[str, Any] | None
    live_version_id: VersionId | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published definition."""

    id: VersionId
    workspace_id: UUID
    journey_id: JourneyId
    number: int
    definition: dict[str, Any]
    digest: bytes
    triggers: list[str]
    listens: list[str]
    published_by: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as it is shown."""

    id: RunId
    workspace_id: UUID
    journey_id: JourneyId
    version_id: VersionId
    profile_id: UUID
    run_key: str
    parent_run_id: UUID | None
    branch: str
    state: str
    node: str
    seq: int
    entered_at: datetime
    due_at: datetime | None
    memory: dict[str, Any]
    started_at: datetime
    ended_at: datetime | None
    exit_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A finished visit to a node, as it is shown."""

    seq: int
    node: str
    kind: str
    entered_at: datetime
    left_at: datetime
    exit: str
    cause: UUID | None
    detail: dict[str, Any] | None


class JourneyInvalid(AppError):
    """The journey has mistakes; each is listed with its path in the file."""

    kind = Kind.INVALID
    code = "journey_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            errors=[field_error(problem) for problem in problems if problem.is_error],
            warnings=[field_error(problem) for problem in problems if not problem.is_error],
        )


class UnknownJourney(AppError):
    """There is no journey with this id here."""

    kind = Kind.NOT_FOUND
    code = "unknown_journey"


class UnknownRun(AppError):
    """There is no run with this id here."""

    kind = Kind.NOT_FOUND
    code = "unknown_run"


class NothingToPublish(AppError):
    """The journey has no saved changes to publish."""

    kind = Kind.CONFLICT
    code = "nothing_to_publish"


class JourneyStateConflict(AppError):
    """The journey's present state does not allow this."""

    kind = Kind.CONFLICT
    code = "journey_state"


def field_error(problem: Problem) -> FieldError:
    """A mistake of a journey file as HTTP tells it: `field` is its path, with its line where that is known."""
    message = problem.message if problem.line is None else f"line {problem.line}: {problem.message}"
    return FieldError(field=problem.path or "definition", code=problem.code, message=message)
