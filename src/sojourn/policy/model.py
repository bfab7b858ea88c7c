"""Requests, facts, decisions: what goes into the policy and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sojourn.consents.model import ConsentFacts
from sojourn.countries.purposes import Purpose

RULESET = "2026-12"  # names the list of rules in `decide.RULES`; a change of their meaning or order takes a new name


class Reason(StrEnum):
    """Why nothing is sent. Stored values, shown in funnels; they never change their spelling."""

    BRAKE = "brake"
    ALLOW_LIST = "allow_list"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no_address"
    IDENTITY_CHANGED = "identity_changed"
    UNREACHABLE = "unreachable"
    DUPLICATE_ADDRESS = "duplicate_address"
    NO_CONSENT = "no_consent"
    CONSENT_PENDING = "consent_pending"
    OPTED_OUT = "opted_out"
    OPTED_OUT_AFTER_QUEUE = "opted_out_after_queue"
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_MESSAGE_SENT = "consent_message_sent"
    PLATFORM_STOP = "platform_stop"
    COUNTRY = "country"
    CASE_HOLD = "case_hold"
    STOP_QUESTION = "stop_question"
    NO_SENDER = "no_sender"
    TEMPLATE_UNKNOWN = "template_unknown"
    TEMPLATE_LANGUAGE = "template_language"
    TEMPLATE_STATE = "template_state"
    TEMPLATE_PURPOSE = "template_purpose"
    TEMPLATE_VARIABLE = "template_variable"
    CONTENT_INVALID = "content_invalid"
    WINDOW_CLOSED = "window_closed"
    SATURATED = "saturated"
    CAP = "cap"
    FACTS_MISSING = "facts_missing"


class DeferReason(StrEnum):
    """Why a message waits."""

    QUIET_HOURS = "quiet_hours"
    SENDER_LIMIT = "sender_limit"
    PORTFOLIO_LIMIT = "portfolio_limit"
    PAIR_SPACING = "pair_spacing"


class ConsentMessage(StrEnum):
    """What the product itself says about a consent. Nobody else may use that purpose."""

    QUESTION = "question"
    CONFIRMATION = "confirmation"


Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Exclude:
    """It is not sent; `reason` is the first rule that fired."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Defer:
    """It may leave later; it is decided anew at `until`."""

    until: datetime
    reason: DeferReason


@dataclass(frozen=True, slots=True)
class Allow:
    """It may leave now, or at its planned moment."""


Outcome = Allow | Defer | Exclude
Verdict = tuple[Fact, Exclude | Defer | None]  # the fact that a rule looked at, and what follows; None: the next rule
ALLOW = Allow()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome and the trace: the fact that each rule saw, in the order of the rules, up to the one that fired."""

    outcome: Outcome
    trace: tuple[Fact, ...]
    ruleset: str = RULESET


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message that somebody wants to send, as far as rules look at it.

    `category` is what the provider bills (marketing, utility, authentication), None for free-form messages.
    `may_burst`: an answer in a conversation, which may borrow from the spacing to one person.
    `at_send`: this is the second decision, with the message about to leave; limits are only judged then.
    `consent_message`: which of the product's own messages about a consent it is; None for everybody else's.
    """

    profile_id: UUID
    sender_id: UUID | None
    purpose: Purpose
    requested_at: datetime
    planned_at: datetime
    lane: int
    topic: str | None = None
    category: str | None = None
    is_template: bool = True
    template: str | None = None
    evidence: str | None = None
    is_duplicate: bool = False
    may_burst: bool = False
    consent_message: ConsentMessage | None = None
    at_send: bool = False

    @property
    def promotes(self) -> bool:
        """Whether rules for marketing apply: by purpose, or because the provider bills the template as marketing."""
        return self.purpose is Purpose.MARKETING or self.category == "marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFacts:
    """What the workspace has set."""

    brake: bool = False
    allow_list_on: bool = False
    quiet_hours_on: bool = True
    quiet_from_minute: int = 21 * 60
    quiet_until_minute: int = 8 * 60
    quiet_transactional: bool = False
    quiet_regulatory: bool = False
    marketing_cap: int = 0
    marketing_cap_days: int = 7
    service_case_days: int = 14
    consent_reminder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderFacts:
    """What is known about the sending number. `portfolio_used`: people written to outside a window in 24 hours."""

    state: str
    portfolio_limit: int | None = None
    portfolio_used: int = 0
    portfolio_free_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFacts:
    """What stands against a template for this request; `problem` None means nothing."""

    problem: Reason | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryFacts:
    """What the country pack says about the person's number; `code` is ISO 3166-1 alpha-2."""

    code: str | None = None
    blocked_purposes: frozenset[str] = frozenset()
    feedback_is_marketing: bool = False
    quiet_from_minute: int | None = None
    quiet_until_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFacts:
    """The pair of person and sender: last inbound (the message's own time), a refusal by the platform after it."""

    last_inbound_at: datetime | None = None
    window_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """The spacing of messages from one sender to one person."""

    free_from: datetime | None = None
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """All that rules look at of one person. What is not known is None, and denies.

    `person_id` is the profile that stands for them where several were merged: its requests are folded as one person's.
    `address_scheme` None means that there is no address on the channel. `marks` are the planned moments of marketing
    that is reserved or was sent. `zones` are all IANA zones that the person may be in. `consent_messages` are those
    about a consent that wait or were sent, with the moment at which each was asked for.
    """

    person_id: UUID | None = None
    is_erased: bool | None = None
    address_scheme: str | None = None
    address_state: str | None = None
    consents: ConsentFacts | None = None
    country: CountryFacts | None = None
    zones: Sequence[str] = ()
    holds: Mapping[str, str] = field(default_factory=dict)
    marks: Sequence[datetime] = ()
    saturated_until: datetime | None = None
    consent_messages: Sequence[tuple[ConsentMessage, datetime]] | None = None
    windows: Mapping[UUID, WindowFacts] = field(default_factory=dict)
    pairs: Mapping[UUID, PairFacts] = field(default_factory=dict)
    portfolio_counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts for a batch of requests. A person, sender or workspace that is missing denies."""

    now: datetime
    workspace: WorkspaceFacts | None
    senders: Mapping[UUID, SenderFacts]
    people: Mapping[UUID, PersonFacts]


PAIR_EVERY = timedelta(seconds=6)
PAIR_BURST = 10  # messages that an answer may send at once; the platform allows 45 (reference, section 7)


@dataclass(slots=True)
class Pressure:
    """What the fold carries along for one person: reservations made by requests decided before."""

    marks: list[datetime]
    pairs: dict[UUID, datetime]
    consent_messages: list[tuple[ConsentMessage, datetime]] = field(default_factory=list)


@dataclass(slots=True)
class PortfolioUse:
    """What the fold carries along for one sender's portfolio."""

    people: set[UUID]


@dataclass(frozen=True, slots=True)
class Case:
    """One request with its facts, as a rule gets it."""

    now: datetime
    request: Request
    workspace: WorkspaceFacts
    sender: SenderFacts | None
    person: PersonFacts
    template: TemplateFacts
    pressure: Pressure
    portfolio: PortfolioUse
