"""What can be told, to whom, and how an endpoint stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sojourn.kit.errors import AppError, Kind


class Event(StrEnum):
    """What an endpoint can subscribe to."""

    MESSAGE_RECEIVED = "message.received"
    DELIVERY_STATUS_CHANGED = "delivery.status_changed"
    DELIVERY_EXCLUDED = "delivery.excluded"
    CONSENT_CHANGED = "consent.changed"
    TEMPLATE_STATE_CHANGED = "template.state_changed"
    SENDER_STATE_CHANGED = "sender.state_changed"
    JOURNEY_RUN_ENDED = "journey.run_ended"
    PROFILE_ERASED = "profile.erased"


TEST = "endpoint.test"  # asked for by hand; nobody subscribes to it

# Waits after the first, second, … failure. Source: Standard Webhooks, the specification's retry schedule (read
# 2026-08), with a last wait of a day. Ten attempts in a little over three days.
WAITS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
JITTER = 0.1  # of the wait, at most, and never sooner
OLD_SECRET_VALID = timedelta(hours=24)
ENDPOINTS_MAX = 20  # a workspace
TIMEOUT_SECONDS = 15.0
URL_MAX = 2000  # characters


class EndpointState(StrEnum):
    """`failing`: a message was given up; the next one that arrives ends it. `disabled`: nothing is sent."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class UnknownEndpoint(AppError):
    """There is no webhook endpoint with this id in the workspace."""

    kind = Kind.NOT_FOUND
    code = "unknown_endpoint"


class EndpointDisabled(AppError):
    """This endpoint is switched off: switch it on first."""

    kind = Kind.CONFLICT
    code = "endpoint_disabled"


class TooManyEndpoints(AppError):
    """The workspace has as many webhook endpoints as it may."""

    kind = Kind.CONFLICT
    code = "too_many_endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address of the workspace's own that hears what happens. The secrets are envelopes."""

    id: UUID
    workspace_id: UUID
    url: str
    description: str
    events: tuple[str, ...]
    include_personal_data: bool
    state: EndpointState
    state_reason: str | None
    secret: bytes
    old_secret: bytes | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing to tell: ids and states in `data`; text and addresses in `personal`, for endpoints that opted in."""

    event: str
    at: datetime
    data: Mapping[str, Any]
    profile_id: UUID | None = None
    personal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that is due: `body` is an envelope, `attempts` how often it was tried."""

    id: UUID
    endpoint_id: UUID
    event: str
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of an endpoint. `error` is a word of ours where there was no answer."""

    id: UUID
    message_id: UUID
    event: str
    profile_id: UUID | None
    state: str
    number: int
    status_code: int | None
    error: str | None
    duration_ms: int
    attempted_at: datetime
    due_at: datetime | None
