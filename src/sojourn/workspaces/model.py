"""A workspace, its settings, its API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from sojourn.kit.errors import AppError, Kind

LocalTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class WorkspaceSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a workspace may set; each default is the product's own.

    Stored sparsely: only what differs from the default, so that a better default reaches everybody who did not choose.
    """

    brake: bool = False
    """Nothing leaves while this is on."""
    allow_list_on: bool = False
    """Only addresses on the allow list receive; on with an empty list, nothing leaves."""
    accept_general_opt_in: bool = False
    """Whether a grant that names no channel counts for WhatsApp."""
    double_opt_in: bool = False
    """Whether an opt-in through a form waits for a confirming tap."""
    double_opt_in_days: Annotated[int, Meta(ge=1, le=90)] = 7
    double_opt_in_reminder: bool = False
    opt_in_question_template: str = "opt_in_question"
    """The template that asks to confirm an opt-in; its first two quick replies are yes and no."""
    opt_in_confirmation_template: str = ""
    """The template that confirms an opt-in that came without a message of the person; empty: none is sent."""
    opt_out_confirmation_template: str = ""
    """The template that confirms an opt-out that came without a message of the person; empty: none is sent."""
    welcome_text: dict[str, str] = {}
    """What answers a confirmed opt-in, a language; Liquid with `business` and `channel`. Empty: the built-in text."""
    quiet_hours_on: bool = True
    quiet_from: LocalTime = "21:00"
    quiet_until: LocalTime = "08:00"
    quiet_transactional: bool = False
    quiet_regulatory: bool = False
    marketing_cap: Annotated[int, Meta(ge=0, le=1000)] = 0
    """Marketing messages a person in `marketing_cap_days`; 0 means no cap."""
    marketing_cap_days: Annotated[int, Meta(ge=1, le=365)] = 7
    survey_days: Annotated[int, Meta(ge=0, le=365)] = 30
    """At most one survey a person in this many days."""
    service_case_days: Annotated[int, Meta(ge=1, le=90)] = 14
    unknown_grace_minutes: Annotated[int, Meta(ge=1, le=1440)] = 15
    unreachable_days: Annotated[int, Meta(ge=1, le=30)] = 3
    """Failures as "not on WhatsApp" on this many distinct days mark an address unreachable."""
    us_territories_blocked: bool = False
    """Whether the block of US marketing also covers numbers of the US territories."""
    business_name: str = ""
    """The name that people are shown in confirmations; empty means the workspace's name."""
    extra_stop_words: tuple[str, ...] = ()
    extra_start_words: tuple[str, ...] = ()
    extra_help_words: tuple[str, ...] = ()
    help_text: str = ""
    automatic_answers_an_hour: Annotated[int, Meta(ge=0, le=100)] = 5
    """Automatic answers that a person gets from one sender in an hour; replies to a valid answer do not count."""
    quick_reply_actions: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A tenant."""

    id: UUID
    name: str
    timezone: str
    default_language: str
    default_country: str
    settings: WorkspaceSettings
    created_at: datetime
    updated_at: datetime

    @property
    def business_name(self) -> str:
        """The name that people see."""
        return self.settings.business_name or self.name


class KeyKind(StrEnum):
    """What a key opens: the API, or only the Segment-shaped ingest."""

    SECRET = "secret"  # noqa: S105 - the name of a kind
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is shown later: never the secret, only how it begins."""

    id: UUID
    workspace_id: UUID
    name: str
    kind: KeyKind
    prefix: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Whether the key opens anything at this moment (system time)."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change made by hand: who, what, on which object. Ids and settings only."""

    id: UUID
    actor: str
    action: str
    object_kind: str
    object_id: str
    changes: dict[str, object]
    recorded_at: datetime


class Unauthenticated(AppError):
    """The API key is missing, unknown, expired or revoked."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"


class MissingRight(AppError):
    """The key's scopes do not include the right that this needs."""

    kind = Kind.FORBIDDEN
    code = "missing_right"


class UnknownWorkspace(AppError):
    """There is no workspace with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_workspace"


class UnknownApiKey(AppError):
    """There is no API key with this id."""

    kind = Kind.NOT_FOUND
    code = "unknown_api_key"
