"""Events: facts about a person at a moment, past tense."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.kit.errors import AppError, Kind
from sojourn.profiles.model import ProfileId, ProfileRef

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
NAME_MAX = 100  # characters
KEY_MAX = 255  # characters of an idempotency key
BATCH_MAX = 1_000  # events a request
EVENT_BYTES_MAX = 500 * 1024  # one event as JSON
BATCH_BYTES_MAX = 4 * 1024 * 1024  # one request
FUTURE_MAX = timedelta(hours=24)  # how far ahead of us a sender's clock may be
KEYS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A fact to record about the person that `ref` names: by addresses, or by the id of a profile.

    The same `idempotency_key` within 30 days is the same event, whatever else differs.
    """

    ref: ProfileRef | UUID
    name: str
    properties: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime
    idempotency_key: str | None = None
    source: str = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReceipt:
    """What became of a new event. `is_new` is False for a repeat, whose ids are those of the first record."""

    event_id: UUID
    profile_id: ProfileId
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A recorded fact. `occurred_at` is the sender's moment, `recorded_at` ours."""

    id: UUID
    profile_id: ProfileId
    name: str
    properties: dict[str, Any]
    source: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """A filter on the payload of `base_name` that records a second event called `name`."""

    id: UUID
    name: str
    base_name: str
    conditions: list[dict[str, Any]]
    created_at: datetime


class UnknownEventRule(AppError):
    """There is no event rule with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_event_rule"


class EventRuleExists(AppError):
    """There is an event rule with this name already."""

    kind = Kind.CONFLICT
    code = "event_rule_exists"
