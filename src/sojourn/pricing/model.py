"""Prices as values: cards, prices, estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sojourn.kit.errors import AppError, Kind

Category = Literal["marketing", "utility", "authentication", "authentication_international", "service"]
CATEGORIES: tuple[Category, ...] = (
    "marketing",
    "utility",
    "authentication",
    "authentication_international",
    "service",
)
ANY_MARKET = "*"
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Prices of a delivered message from one day to another (both included), in millionths of the currency.

    `rates` goes from market to category to amount; market `*` stands for every market that is not named. A category
    that a market does not name has no rate.
    """

    name: str
    currency: str
    effective_from: date
    effective_to: date | None
    rates: Mapping[str, Mapping[str, int]]
    id: UUID | None = None

    def covers(self, day: date) -> bool:
        """Whether the card is in force on a day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def rate(self, market: str | None, category: str) -> int | None:
        """Millionths of the currency, or None when the card does not say."""
        for name in (market, ANY_MARKET):
            if name is not None and name in self.rates and category in self.rates[name]:
                return self.rates[name][category]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one message costs. `amount_micro` None: there is no rate for the day, market and category."""

    category: str
    type: str
    market: str | None
    amount_micro: int | None
    currency: str | None


class NoRate(AppError):
    """No rate card covers this day, market and category."""

    kind = Kind.CONFLICT
    code = "no_rate"


class RateCardOverlap(AppError):
    """A rate card of this currency already starts on this day."""

    kind = Kind.CONFLICT
    code = "rate_card_exists"
