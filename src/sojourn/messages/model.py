"""Messages as the ledger has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

__all__ = ["InboundReceipt", "StoredMessage", "Window", "provider_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One thing that was said. `said_at` is the message's own time; an outbound message has the id of its delivery.

    `data` of an inbound one: `tap_id`, `tap_title`, `media`, `referral` and the kind's own JSON; of an outbound one the
    content as it was sent (`channels.content`).
    """

    id: UUID
    workspace_id: UUID
    profile_id: UUID
    sender_id: UUID
    channel: str
    direction: Literal["in", "out"]
    kind: str
    text: str | None
    provider_message_id: str
    context_id: str | None
    said_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundReceipt:
    """What became of an inbound message. `is_new` is false for a repeated webhook, which changes nothing."""

    message_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The service window of a pair; see `window.py` for when it ends."""

    last_inbound_at: datetime
    closed_at: datetime | None = None


def provider_key(workspace_id: UUID, provider_message_id: str) -> UUID:
    """The narrow key under which a provider's message id is unique in a workspace: a digest; the last byte buckets."""
    digest = hashlib.blake2b(workspace_id.bytes + provider_message_id.encode(), digest_size=16)
    return UUID(bytes=digest.digest())
