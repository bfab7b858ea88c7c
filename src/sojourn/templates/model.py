"""A logical template, its language variants, and what fills its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from msgspec import Struct

from sojourn.kit.errors import AppError, Kind

TemplateId = NewType("TemplateId", UUID)


class OnMissing(StrEnum):
    """What happens to a message when a variable has no value for a person."""

    DEFAULT = "default"
    SKIP = "skip"
    FAIL = "fail"


class VariantState(StrEnum):
    """Where a variant stands with the provider; only `approved` can be sent."""

    DRAFT = "draft"
    SUBMITTING = "submitting"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    IN_APPEAL = "in_appeal"
    PENDING_DELETION = "pending_deletion"
    DELETED = "deleted"
    LIMIT_EXCEEDED = "limit_exceeded"
    ARCHIVED = "archived"


class Category(StrEnum):
    """As the provider bills it."""

    MARKETING = "marketing"
    UTILITY = "utility"
    AUTHENTICATION = "authentication"


class VariablePolicy(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What fills a variable: a Liquid text over the context, and what to do when that comes out empty."""

    value: str = ""
    default: str | None = None
    on_missing: OnMissing | None = None

    @property
    def reaction(self) -> OnMissing:
        """The policy in force: a default is used when there is one, else the person is skipped."""
        return self.on_missing or (OnMissing.DEFAULT if self.default is not None else OnMissing.SKIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A template in one language in one business account.

    `components` are as in the provider's definition, with what we need beside it: `id` of a quick reply, `media` of a
    header, `send` of a button.
    """

    id: UUID
    language: str
    state: VariantState
    category: Category
    components: list[dict[str, Any]]
    quality: str = "unknown"
    waba_id: str = ""
    provider_template_id: str | None = None
    rejected_reason: str | None = None
    correct_category: str | None = None
    ttl_seconds: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalTemplate:
    """One message form in several languages. `purpose` is one of the product's purposes and fixed for good."""

    id: TemplateId
    name: str
    purpose: str
    category: Category
    default_language: str
    parameter_format: str
    variables: Mapping[str, VariablePolicy] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDraft:
    """A variant as its author writes it."""

    language: str
    components: list[dict[str, Any]]
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """A template as its author writes it."""

    name: str
    purpose: str
    category: Category
    default_language: str
    variants: tuple[VariantDraft, ...]
    variables: Mapping[str, VariablePolicy] = field(default_factory=dict)
    parameter_format: str = "named"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that the provider changed about a variant."""

    id: UUID
    template_id: UUID
    variant_id: UUID
    what: str
    old_value: str | None
    new_value: str | None
    reason: str | None
    source: str
    recorded_at: datetime


class UnknownTemplate(AppError):
    """There is no template with this id or name."""

    kind = Kind.NOT_FOUND
    code = "unknown_template"


class TemplateExists(AppError):
    """There is a template with this name already."""

    kind = Kind.CONFLICT
    code = "template_exists"


class TemplateInUse(AppError):
    """A journey or campaign builds on this template."""

    kind = Kind.CONFLICT
    code = "template_in_use"


class PurposeIsFixed(AppError):
    """The purpose of a template cannot change; make another template."""

    kind = Kind.CONFLICT
    code = "purpose_is_fixed"


class NoSender(AppError):
    """There is no WhatsApp sender whose account could take this template."""

    kind = Kind.CONFLICT
    code = "no_sender"


class RenderFailed(AppError):
    """The template cannot be rendered for this person."""

    code = "render_failed"
