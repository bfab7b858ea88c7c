"""From a recipient to the market whose rate applies. Pure, from `data/markets.csv`.

Source: WhatsApp pricing reference, section 4 (November 2026): longest prefix of the number; not listed is "Other".
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

OTHER = "Other"
FILE = Path(__file__).parent / "data" / "markets.csv"


@dataclass(frozen=True, slots=True)
class Span:
    """A market and the days on which a prefix belongs to it."""

    market: str
    iso2: str
    valid_from: date
    valid_to: date | None

    def covers(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@lru_cache(maxsize=1)
def _by_prefix() -> Mapping[str, tuple[Span, ...]]:
    spans: dict[str, tuple[Span, ...]] = {}
    with FILE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            span = Span(
                row["market"],
                row["iso2"],
                date.fromisoformat(row["valid_from"]),
                date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            )
            national = [part for part in row["national_prefixes"].replace(";", "|").split("|") if part.strip()]
            for part in national or [""]:
                prefix = row["calling_code"] + part.strip()
                spans[prefix] = (*spans.get(prefix, ()), span)
    return spans


@lru_cache(maxsize=1)
def _longest() -> int:
    return max(len(prefix) for prefix in _by_prefix())


@lru_cache(maxsize=4096)
def _market_of_prefix(digits: str, day: date) -> str:
    spans = _by_prefix()
    for length in range(len(digits), 0, -1):
        for span in spans.get(digits[:length], ()):
            if span.covers(day):
                return span.market
    return OTHER


def market_of_number(number: str, day: date) -> str:
    """The market of a number (E.164 with or without plus, or a WhatsApp id) on a day."""
    return _market_of_prefix(number.lstrip("+")[: _longest()], day)


@lru_cache(maxsize=1024)
def market_of_country(iso2: str, day: date) -> str:
    """The market of a country, for people who only show a business-scoped id. The first of its markets on that day."""
    for spans in _by_prefix().values():
        for span in spans:
            if span.iso2 == iso2.upper() and span.covers(day):
                return span.market
    return OTHER


def market_of(number: str | None, user_id: str | None, day: date) -> str | None:
    """The market of a recipient: by number, else by the country in front of the business-scoped id; None if neither."""
    if number:
        return market_of_number(number, day)
    if user_id and len(user_id) > 3 and user_id[2] == ".":
        return market_of_country(user_id[:2], day)
    return None
