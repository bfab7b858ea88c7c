"""What the routes of deliveries take and give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sojourn.channels.content import ContentInvalid, decode_content
from sojourn.channels.whatsapp.payloads import validate_content
from sojourn.countries.topics import Topic
from sojourn.deliveries.model import (
    Delivery,
    DeliveryRequest,
    FreeMessage,
    Message,
    ProfileId,
    Purpose,
    TemplateMessage,
)
from sojourn.kit.errors import FieldError

BATCH_MAX = 1000


class Form(BaseModel):
    """Refuses fields that it does not know: a misspelled one must not vanish."""

    model_config = ConfigDict(extra="forbid")


class IdentityIn(Form):
    """One address or id of a person."""

    scheme: Literal["phone", "wa_id", "bsuid", "email", "external_id"]
    value: Annotated[str, Field(min_length=1, max_length=320)]


class TemplateIn(Form):
    """An approved template and what fills it."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    language: Annotated[str | None, Field(max_length=20)] = None
    variables: dict[str, Any] = Field(default_factory=dict, description="Liquid context beside profile and workspace")
    reply_ids: dict[str, str] = Field(default_factory=dict, description="Quick replies: button index to plain id")


class DeliveryIn(Form):
    """One message to one person: a template, or free-form content inside the service window."""

    key: Annotated[str, Field(min_length=1, max_length=400, description="Per person: the same key, the same delivery")]
    profile_id: UUID | None = None
    identities: Annotated[list[IdentityIn], Field(max_length=10)] = []
    purpose: Purpose
    template: TemplateIn | None = None
    content: dict[str, Any] | None = Field(default=None, description="Channel-neutral content; texts are Liquid")
    variables: dict[str, Any] = Field(default_factory=dict, description="Liquid context of free-form content")
    channel: Literal["whatsapp", "memory", "email", "sms", "push", "inapp"] = "whatsapp"
    sender_id: UUID | None = None
    planned_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    reply_to: Annotated[str | None, Field(max_length=300)] = None
    priority: Annotated[int | None, Field(ge=1, le=4)] = None
    topic: Topic | None = None
    evidence: Annotated[str | None, Field(max_length=300)] = None

    def mistakes(self, at: str) -> list[FieldError]:
        """What the types cannot say; `at` is the path of this delivery."""
        found: list[FieldError] = []
        if (self.profile_id is None) == (not self.identities):
            found.append({"field": f"{at}profile_id", "code": "one_of", "message": "profile_id, or identities"})
        if (self.template is None) == (self.content is None):
            found.append({"field": f"{at}template", "code": "one_of", "message": "a template, or content"})
        if self.purpose is Purpose.CONSENT_REQUEST:
            reserved = "only the product itself asks about a consent or confirms it"
            found.append({"field": f"{at}purpose", "code": "purpose_reserved", "message": reserved})
        if self.content is not None:
            found += _content_mistakes(self.content, f"{at}content")
        return found

    def message(self) -> Message:
        """What it says."""
        if self.template is not None:
            return TemplateMessage(
                template=self.template.name,
                language=self.template.language,
                variables=self.template.variables,
                reply_ids=self.template.reply_ids,
            )
        return FreeMessage(content=self.content or {}, variables=self.variables)

    def to_request(self, profile_id: ProfileId) -> DeliveryRequest:
        """The request for a person."""
        return DeliveryRequest(
            key=self.key,
            profile_id=profile_id,
            purpose=self.purpose,
            message=self.message(),
            channel=self.channel,
            sender_id=self.sender_id,
            planned_at=self.planned_at,
            expires_at=self.expires_at,
            reply_to=self.reply_to,
            priority=self.priority,
            topic=self.topic,
            evidence=self.evidence,
        )


def _content_mistakes(content: Mapping[str, Any], at: str) -> list[FieldError]:
    """Shape, and the limits of texts that carry no variables (the others are checked when they are filled)."""
    try:
        decoded = decode_content(content)
    except ContentInvalid as error:
        return [_under(at, one) for one in error.errors]
    if "{{" in str(content) or "{%" in str(content):
        return []
    return [_under(at, one) for one in validate_content(decoded)]


def _under(at: str, mistake: FieldError) -> FieldError:
    return {**mistake, "field": f"{at}.{mistake['field']}"}


class DeliveriesIn(Form):
    """Up to 1,000 messages at once."""

    deliveries: Annotated[list[DeliveryIn], Field(min_length=1, max_length=BATCH_MAX)]


class DeliveryOut(BaseModel):
    """A delivery as it stands. `is_new` is false when its key was asked for before."""

    id: UUID
    key: str
    profile_id: UUID
    status: str
    reason: str | None
    purpose: str
    channel: str
    sender_id: UUID | None
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    requested_at: datetime
    planned_at: datetime
    is_new: bool

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        """From the model."""
        return cls(**{name: getattr(delivery, name) for name in cls.model_fields})


class OutcomesOut(BaseModel):
    """One outcome a request, in their order."""

    deliveries: list[DeliveryOut]


class DeliveryRow(BaseModel):
    """A delivery in a list, with every moment that was reported."""

    id: UUID
    profile_id: UUID
    status: str
    reason: str | None
    purpose: str
    channel: str
    sender_id: UUID | None
    template: str | None
    language: str | None
    body: str | None
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    requested_at: datetime
    planned_at: datetime
    expires_at: datetime | None
    accepted_at: datetime | None
    held_at: datetime | None
    sent_at: datetime | None
    failed_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    played_at: datetime | None
    replied_at: datetime | None
    ended_at: datetime | None
    error_code: int | None


class RuleOut(BaseModel):
    """One rule that was looked at, the fact that it saw, and that in words."""

    rule: str
    passed: bool
    fact: str | int | bool | None
    words: str


class DecisionOut(BaseModel):
    """A decision with its reasons."""

    ruleset: str
    decided_at: datetime
    outcome: str
    reason: str | None
    until: datetime | None
    summary: str
    rules: list[RuleOut]


class AttemptOut(BaseModel):
    """One call to the channel. `decision` is the second one, taken right before it left."""

    id: UUID
    number: int
    state: str
    dispatched_at: datetime
    answered_at: datetime | None
    result: str | None
    provider_message_id: str | None
    error_code: int | None
    error_title: str | None
    error_details: str | None
    reaction: str | None
    decision: DecisionOut


class CostOut(BaseModel):
    """What it cost, in millionths of the currency. `amount_micro` null: there is no rate for that day."""

    category: str
    type: str
    market: str | None
    amount_micro: int | None
    currency: str | None
    charged_at: datetime


class DeliveryDetail(DeliveryRow):
    """A delivery with content, decision, attempts and cost."""

    key: str | None
    content: dict[str, Any] | None
    decision: DecisionOut | None
    attempts: list[AttemptOut]
    cost: CostOut | None


class CancelIn(Form):
    """What to cancel: at least one of these."""

    delivery_ids: Annotated[list[UUID], Field(max_length=BATCH_MAX)] | None = None
    profile_id: UUID | None = None
    run_id: UUID | None = None
    owner_id: UUID | None = None
    reason: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9_]+$")] = "cancelled"

    def mistakes(self) -> list[FieldError]:
        """What the types cannot say."""
        names = ["delivery_ids", "profile_id", "run_id", "owner_id"]
        if any(getattr(self, name) is not None for name in names):
            return []
        return [{"field": names[0], "code": "one_of", "limit": names, "message": f"one of {', '.join(names)}"}]


class CancelOut(BaseModel):
    """How many were still waiting; what had left runs on."""

    cancelled: int


class UnknownOut(BaseModel):
    """A delivery whose outcome nobody knows."""

    delivery_id: UUID
    attempt_id: UUID
    number: int
    sender_id: UUID
    dispatched_at: datetime
    told_at: datetime | None


class SettleIn(Form):
    """What a person found out."""

    arrived: bool


class FunnelOut(BaseModel):
    """Where deliveries stand. requested = excluded + cancelled + expired + queued + deferred + unknown + left;
    left = failed + delivered + not_reported."""

    requested: int
    excluded: int
    cancelled: int
    expired: int
    queued: int
    deferred: int
    unknown: int
    left: int
    failed: int
    delivered: int
    not_reported: int
    read: int
    replied: int
    excluded_by: dict[str, int]
    cancelled_by: dict[str, int]
    deferred_by: dict[str, int]
    failed_by: dict[str, int]
