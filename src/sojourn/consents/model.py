"""What people agree to, as values: states, evidence, changes, and the facts that the policy decides on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args
from uuid import UUID

from sojourn.countries.purposes import PURPOSES, Purpose

__all__ = [
    "CHANNELS",
    "INBOUND_SOURCES",
    "PURPOSES",
    "BlockKind",
    "ChannelName",
    "Consent",
    "ConsentChange",
    "ConsentFacts",
    "ConsentSource",
    "ConsentState",
    "Evidence",
    "Purpose",
    "Scope",
    "ScopeFact",
    "Suppression",
    "SuppressionReason",
]


# What is no channel is refused wherever it comes in: a stop for "whatsap" would stop nothing.
ChannelName = Literal["whatsapp", "email", "sms", "push", "inapp", "memory"]
CHANNELS: tuple[str, ...] = get_args(ChannelName)


class ConsentState(StrEnum):
    """What holds for a channel, purpose, topic and address at one moment."""

    NONE = "none"
    PENDING = "pending"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ConsentSource(StrEnum):
    """Which way a change came in."""

    API = "api"
    FORM = "form"
    KEYWORD = "keyword"
    TAP = "tap"
    LINK = "link"
    INBOUND = "inbound"
    IMPORT = "import"
    MEMBER = "member"
    PLATFORM = "platform"
    MERGE = "merge"
    TOMBSTONE = "tombstone"
    SYSTEM = "system"


# Changes that came with a message of the person: whoever handles that message answers it.
INBOUND_SOURCES = frozenset({ConsentSource.KEYWORD, ConsentSource.TAP, ConsentSource.LINK, ConsentSource.INBOUND})


class BlockKind(StrEnum):
    """What stops marketing beside the person's own withdrawal."""

    PLATFORM = "platform"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What proves a grant. `wording` is the text as it was shown; stored sealed under the key of the person.

    `wording_hash` is the first 16 hex digits of the wording's SHA-256 unless the caller has an own name for it.
    """

    wording: str | None = None
    wording_hash: str | None = None
    wording_version: str | None = None
    language: str | None = None
    business_name: str | None = None
    privacy_notice_version: str | None = None
    collected_by: str | None = None
    form_id: str | None = None
    message_id: str | None = None
    ip: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether nothing says how the person agreed."""
        return not any((self.wording, self.wording_hash, self.wording_version, self.collected_by, self.form_id,
                        self.message_id, self.data))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """One thing that a person said or did about being written to.

    `effective_at` None means now. `identity` is the address that it is about, as (scheme, value) or anything with
    `scheme` and `value`; None means the primary address of the person on the channel. `key` makes the change
    idempotent; without one a change that names its `effective_at` is recognised by its content.
    """

    profile_id: UUID
    channel: str
    purpose: Purpose
    state: Literal["granted", "withdrawn", "pending", "expired"] | ConsentState
    topic: str | None = None
    identity: Any = None
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    evidence: Evidence | None = None
    source: ConsentSource | str = ConsentSource.API
    locale: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One recorded change: the row of the ledger. `is_new` is false when it had been recorded before."""

    id: UUID
    profile_id: UUID
    channel: str
    purpose: Purpose
    topic: str
    state: ConsentState
    source: ConsentSource
    effective_at: datetime
    expires_at: datetime | None
    recorded_at: datetime
    is_new: bool = True


Scope = tuple[str, str]  # (purpose, topic); the topic is empty for the purpose as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFact:
    """The fold of one purpose or topic at one moment, for the addresses that count.

    `withdrawn_at` is the latest withdrawal whatever the state is now; `since` the moment of what decided the state.
    """

    state: ConsentState = ConsentState.NONE
    since: datetime | None = None
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None
    identity_key: str | None = None


class SuppressionReason(StrEnum):
    """Why an address gets nothing."""

    MANUAL = "manual"
    INVALID = "invalid"
    COMPLAINT = "complaint"
    LEGAL = "legal"
    ERASURE = "erasure"


TOTAL_REASONS = frozenset({SuppressionReason.COMPLAINT, SuppressionReason.LEGAL, SuppressionReason.ERASURE})
# An administrator's own list stops what the person did not ask for; orders, codes and notices by law still leave.
SPARED_PURPOSES = frozenset({Purpose.AUTHENTICATION, Purpose.TRANSACTIONAL, Purpose.REGULATORY, Purpose.SERVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address on the suppression list. `channel` is `*` for all channels."""

    reason: SuppressionReason
    channel: str
    expires_at: datetime | None = None

    @property
    def is_total(self) -> bool:
        """Whether it stops every purpose, those that law or contract carry among them."""
        return self.reason in TOTAL_REASONS

    def blocks(self, purpose: Purpose | str) -> bool:
        """Whether a message of this purpose is stopped."""
        return self.is_total or Purpose(purpose) not in SPARED_PURPOSES


NO_FACT = ScopeFact()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFacts:
    """All that the policy must know about one person on one channel. Default: nothing is known, everything is denied.

    `platform_stop_at` is set while the platform's own stop holds, `hold_since` while a question about stopping has no
    answer. `on_allow_list` says whether any address of the person on this channel is on the list.
    """

    scopes: Mapping[Scope, ScopeFact] = field(default_factory=dict)
    platform_stop_at: datetime | None = None
    hold_since: datetime | None = None
    suppressions: Sequence[Suppression] = ()
    on_allow_list: bool = False

    def scope(self, purpose: Purpose | str, topic: str | None = None) -> ScopeFact:
        """What holds for a purpose, or for a topic of it: a topic without an entry of its own follows its purpose."""
        whole = self.scopes.get((str(purpose), ""), NO_FACT)
        if not topic:
            return whole
        return self.scopes.get((str(purpose), topic), whole)

    def state(self, purpose: Purpose | str, topic: str | None = None) -> ConsentState:
        """The state alone."""
        return self.scope(purpose, topic).state

    def suppression_for(self, purpose: Purpose | str) -> Suppression | None:
        """The first suppression that stops this purpose."""
        return next((entry for entry in self.suppressions if entry.blocks(purpose)), None)
