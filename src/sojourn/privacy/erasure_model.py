"""What an erasure is: the request, its report, and its line in the list outside of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from sojourn.kit.errors import AppError, Kind

# Reports about messages that were on their way come after an erasure: it is looked at again so long after it, the last
# time when the provider reports nothing any more (30 days) and raw bodies have aged.
CHECKS = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=31))


class Ground(StrEnum):
    """Why somebody is erased. The grounds of Article 17(1) GDPR, and our own housekeeping; never free text."""

    PERSON_REQUEST = "person_request"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NO_LONGER_NEEDED = "no_longer_needed"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LEGAL_OBLIGATION = "legal_obligation"
    CHILD = "child"
    TEST_DATA = "test_data"


class UnknownErasure(AppError):
    """There is no erasure with this id in the workspace."""

    kind = Kind.NOT_FOUND
    code = "unknown_erasure"


KEPT: Mapping[str, str] = {
    "profiles": "The bare row: an id that leads to nobody, so that what refers to it finds that somebody was there.",
    "deliveries": "That and when something was sent and how far it got: no text, no address. Funnels keep their sums.",
    "attempts": "That and when a provider was called, with its error code: no address, no id of the provider's.",
    "costs": "What was paid, by an id that leads to nobody: the accounts must stay true.",
    "pressure_marks": "Places under caps, without the person.",
    "runs": "That somebody took this way through a journey: variables and answers are gone. Figures keep their sums.",
    "steps": "Which node was left when and by which exit: details are gone.",
    "provider_messages": "Digests of the provider's ids, so that a repeated webhook stays a repeat.",
    "consent_entries": "The chain of the ledger with its dates: the evidence in it was sealed under a destroyed key.",
    "consent_tombstones": "What was withdrawn, by keyed hash of the address: a later import does not undo it.",
    "suppressions": "Addresses that must get nothing, by keyed hash only.",
    "audit_entries": "Who changed what: ids and settings, nothing about the person.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one call did. `erased` and `kept` are rows by table; `people` keyed hashes, `tombstones` rows."""

    profile_ids: tuple[UUID, ...]
    erased: Mapping[str, int]
    kept: Mapping[str, int]
    people: tuple[bytes, ...]
    tombstones: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The report of a request. A dry run has no id in the books: nothing was written."""

    id: UUID
    profile_ids: tuple[UUID, ...]
    reason: Ground
    requested_by: str
    erased: Mapping[str, int]
    kept: Mapping[str, int]
    tombstones: int
    erased_at: datetime
    is_dry_run: bool = False


class Grave(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tombstone in the list: keyed hash in hex, and what was withdrawn when."""

    hash: str
    channel: str
    purpose: str
    withdrawn_at: datetime
    topic: str = ""


class Listed(msgspec.Struct, frozen=True):
    """One line of the list of erasures: ids and keyed hashes, nothing that leads to a person without the key."""

    id: UUID
    workspace_id: UUID
    profile_ids: list[UUID]
    reason: Ground
    requested_by: str
    erased_at: datetime
    people: list[str] = []
    graves: list[Grave] = []
