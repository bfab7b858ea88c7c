"""The error catalogue: what a code of the Cloud API means, what to do, and how the product reacts.

Data: `channels/data/whatsapp-errors.csv`, from the Cloud API reference, section 6 (Meta's error pages of November 2025
and later changelogs); the column `reaction` is ours. Codes come in answers, in statuses and in account webhooks alike.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sojourn.channels.base import FailureReaction

Retry = Literal["no", "backoff", "after-window", "fix-config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One code. `where`: sync (in the answer), webhook or both. `http_status` is None where none is known.

    `retry` is the reference's class (no, backoff, after-window, fix-config), `reaction` what the product does, and
    `retry_after_seconds` the first wait before the same message may be tried again, None where it never may.
    """

    code: int
    http_status: int | None
    title: str
    where: str
    reaction: FailureReaction
    retry: Retry
    cause: str
    advice: str
    retry_after_seconds: float | None = None


RETRY_AFTER_SECONDS: Mapping[FailureReaction, float] = {
    FailureReaction.RETRY_LATER: 5.0,
    FailureReaction.RETRY_AT_ONCE: 0.0,
    FailureReaction.RATE_LIMIT: 2.0,
    FailureReaction.PAIR_LIMIT: 6.0,  # one message per 6 s and person; later waits grow by 4^n
    FailureReaction.SATURATED: 86_400.0,  # at least 24 h; retrying sooner is punished (since April 2026)
    FailureReaction.PORTFOLIO_LIMIT: 3_600.0,
}
_RETRY_AFTER_OF_CODE: Mapping[int, float] = {131057: 60.0, 134101: 600.0, 132069: 600.0}


@cache
def load_catalogue() -> Mapping[int, CatalogueEntry]:
    """Return all known codes."""
    text = resources.files("sojourn.channels").joinpath("data/whatsapp-errors.csv").read_text(encoding="utf-8")
    entries = [_entry(row) for row in csv.DictReader(io.StringIO(text))]
    return {entry.code: entry for entry in entries}


def _entry(row: dict[str, str]) -> CatalogueEntry:
    code = int(row["code"])
    reaction = FailureReaction(row["reaction"])
    return CatalogueEntry(
        code=code,
        http_status=int(row["http_status"]) if row["http_status"] else None,
        title=row["title"],
        where=row["where"],
        reaction=reaction,
        retry=msgspec.convert(row["retry"], Retry),
        cause=row["cause"],
        advice=row["advice"],
        retry_after_seconds=_RETRY_AFTER_OF_CODE.get(code, RETRY_AFTER_SECONDS.get(reaction)),
    )


def classify(
    code: int | None, subcode: int | None = None, http_status: int | None = None, *, is_transient: bool = False
) -> CatalogueEntry:
    """Return what a code means, looking at the subcode too (template management puts its codes there).

    `is_transient` from the provider always wins: again later. An unknown code with a 5xx is tried again later, any
    other unknown code is final for this message and for nothing else.
    """
    catalogue = load_catalogue()
    entry = catalogue.get(code) if code is not None else None
    if subcode is not None and code in (None, 1, 100) and subcode in catalogue:
        entry = catalogue[subcode]
    if entry is None and code is not None and 200 <= code <= 299:
        entry = catalogue[200]
    if entry is None:
        entry = _unknown(code, http_status)
    if is_transient and entry.reaction in (FailureReaction.NEVER, FailureReaction.INVALID):
        return _again(entry)
    return entry


def _unknown(code: int | None, http_status: int | None) -> CatalogueEntry:
    temporary = http_status is not None and (http_status >= 500 or http_status == 429)
    reaction = FailureReaction.RETRY_LATER if temporary else FailureReaction.NEVER
    if http_status == 401:
        reaction = FailureReaction.AUTH
    return CatalogueEntry(
        code=code if code is not None else -1,
        http_status=http_status,
        title="Unknown error",
        where="both",
        reaction=reaction,
        retry="backoff" if temporary else "no",
        cause="A code that the catalogue does not know.",
        advice="Look at the details; report the code so that the catalogue can learn it.",
        retry_after_seconds=RETRY_AFTER_SECONDS.get(reaction),
    )


def _again(entry: CatalogueEntry) -> CatalogueEntry:
    return CatalogueEntry(
        code=entry.code,
        http_status=entry.http_status,
        title=entry.title,
        where=entry.where,
        reaction=FailureReaction.RETRY_LATER,
        retry="backoff",
        cause=entry.cause,
        advice=entry.advice,
        retry_after_seconds=RETRY_AFTER_SECONDS[FailureReaction.RETRY_LATER],
    )
