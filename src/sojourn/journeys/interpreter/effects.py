"""What a walk asks for. Values only: `journeys/actions/effects.py` hands each kind to its owner in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class RequestTemplate(Struct, frozen=True, kw_only=True):
    """Bring an approved template to the person. `variables` is the Liquid context beside profile and workspace."""

    step_key: str
    seq: int
    purpose: str
    template: str
    language: str | None
    variables: Mapping[str, Any]
    reply_ids: Mapping[str, str]
    expires_at: datetime | None = None
    topic: str | None = None


class RequestMessage(Struct, frozen=True, kw_only=True):
    """Bring a free-form message to the person, inside the service window. Texts are still Liquid."""

    step_key: str
    seq: int
    purpose: str
    content: Mapping[str, Any]
    variables: Mapping[str, Any]
    expires_at: datetime | None = None
    reply_to: str | None = None


class UpdateProfile(Struct, frozen=True):
    """Set attributes of the person."""

    attributes: Mapping[str, Any]


class CallAddress(Struct, frozen=True, kw_only=True):
    """Call a URL; the answer comes back as `UrlAnswered` for this visit."""

    seq: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    save: Mapping[str, str]
    timeout_seconds: float
    attempts: int


class OpenQuestion(Struct, frozen=True, kw_only=True):
    """From now on free text of this person belongs to this run."""

    step_key: str
    delivery_id: UUID | None
    expires_at: datetime | None


class CloseQuestions(Struct, frozen=True):
    """Free text no longer belongs to this run."""


Effect = RequestTemplate | RequestMessage | UpdateProfile | CallAddress | OpenQuestion | CloseQuestions
