"""Senders, their history, media: values without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sojourn.kit.errors import AppError, Kind

# Messages a second. Meta takes 80 from a number, replies included, and 1,000 from one of level HIGH.
# Source: Cloud API reference, throughput (read 2026-11).
STANDARD_THROUGHPUT_PER_S = 70
HIGH_THROUGHPUT_PER_S = 1000


class SenderState(StrEnum):
    """Where a sender stands. Only an active one sends."""

    DRAFT = "draft"  # saved, never checked
    CHECKING = "checking"  # a check is under way
    ACTIVE = "active"
    FAILED = "failed"  # the last check failed; `state_reason` says why
    STOPPED = "stopped"  # switched off by a person or by a failure of a send


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One configured number or address.

    `throughput_per_s` is messages a second, `portfolio_limit` people a moving day (None: no limit, or not known),
    `quality` green, yellow, red or unknown. A rate that is not `throughput_is_chosen` follows the provider. `version`
    grows with every change.
    """

    id: UUID
    workspace_id: UUID
    channel: str
    name: str
    is_default: bool
    phone_number: str | None
    phone_number_id: str | None
    waba_id: str | None
    webhook_app_id: UUID | None
    base_url: str | None
    api_version: str
    simulated: bool
    state: SenderState
    state_reason: str | None
    stopped_reason: str | None
    stopped_at: datetime | None
    throughput_per_s: int
    throughput_is_chosen: bool
    throughput_level: str | None
    quality: str | None
    verified_name: str | None
    provider_status: str | None
    portfolio_id: str | None
    portfolio_limit: int | None
    country: str | None
    default_language: str | None
    timezone: str
    currency: str | None
    version: int
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    app_id: str | None = None
    app_key: str | None = None
    token_hint: str | None = None
    webhook_verified_at: datetime | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Sender":
        """From a database row with all columns."""
        return cls(**{**row, "state": SenderState(row["state"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSender:
    """What a person gives to make a sender. Tokens and secrets are plain here and encrypted when stored.

    `throughput_per_s` None: as the provider allows.
    """

    channel: str
    name: str
    phone_number: str | None = None
    phone_number_id: str | None = None
    waba_id: str | None = None
    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    base_url: str | None = None
    api_version: str = "v26.0"
    throughput_per_s: int | None = None
    portfolio_id: str | None = None
    portfolio_limit: int | None = None
    country: str | None = None
    default_language: str | None = None
    timezone: str = "UTC"
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookApp:
    """An app at the provider: where its posts arrive, and the sealed secret that signs them."""

    id: UUID
    workspace_id: UUID
    app_id: str
    key: str
    app_secret: bytes = field(repr=False)
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderChange:
    """One line of a sender's history. `dedup_key` makes the same webhook news twice one line."""

    sender_id: UUID
    workspace_id: UUID
    what: str
    old_value: str | None
    new_value: str | None
    reason: str | None
    source: str
    at: datetime
    dedup_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAsset:
    """A file of ours: uploaded to be sent, or received. Its bytes lie sealed in `media_blobs`."""

    id: UUID
    workspace_id: UUID
    direction: str
    kind: str
    mime: str | None
    filename: str | None
    size_bytes: int | None
    sha256: bytes | None
    state: str
    reason: str | None
    sender_id: UUID | None
    provider_media_id: str | None
    created_at: datetime
    stored_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "MediaAsset":
        """From a database row with all columns."""
        return cls(**row)


class SenderNotFound(AppError):
    """There is no such sender in this workspace."""

    kind = Kind.NOT_FOUND
    code = "sender_not_found"


class NoNumber(AppError):
    """This sender is no WhatsApp number with a token: there is nothing to register."""

    kind = Kind.CONFLICT
    code = "no_whatsapp_number"


class SenderExists(AppError):
    """This workspace already has a sender with that phone number id."""

    kind = Kind.CONFLICT
    code = "sender_exists"


class AddressRefused(AppError):
    """The address points into a private network, or is not https."""

    code = "address_refused"


class LiveSenderWithClockFile(AppError):
    """A pushed clock and a live sender exclude each other: times would be wrong for real people."""

    kind = Kind.CONFLICT
    code = "live_sender_with_clock_file"


class MediaNotFound(AppError):
    """There is no such file in this workspace."""

    kind = Kind.NOT_FOUND
    code = "media_not_found"


class MediaRefused(AppError):
    """The file is not what the channel accepts; `errors` says which limit it breaks."""

    code = "media_refused"
