"""What a message costs: an estimate before, the charge from the provider's words after. Pure.

Source: WhatsApp pricing reference, sections 1 and 6 (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from sojourn.pricing.cards import choose_card
from sojourn.pricing.model import Price, RateCard

SERVICE_CHARGED_FROM: Final = date(2026, 10, 1)
FREE_SERVICE_A_MONTH: Final = 1000  # delivered service messages a number and calendar month
FREE_TYPES: Final = frozenset(
    {"free_customer_service", "free_entry_point", "free_group_customer_service", "paid_exempt"}
)
CATEGORY_ALIASES: Final = {
    "authentication-international": "authentication_international",
    "marketing_lite": "marketing",
    "group_marketing": "marketing",
    "group_utility": "utility",
    "group_service": "service",
    "referral_conversion": "service",
}


def price_type(
    category: str | None, *, day: date, window_open: bool, entry_point_open: bool = False, service_used: int = 0
) -> str:
    """How the provider will charge a message delivered on this day: `regular` or one of the free types.

    `category` None is a free-form message; `service_used` counts the number's service messages of the month.
    """
    if entry_point_open:
        return "free_entry_point"
    if category is None or category == "service":
        if day < SERVICE_CHARGED_FROM or service_used < FREE_SERVICE_A_MONTH:
            return "free_customer_service"
        return "regular"
    if category == "utility" and window_open and day < SERVICE_CHARGED_FROM:
        return "free_customer_service"
    return "regular"


def estimate(
    own_cards: Sequence[RateCard],
    *,
    category: str | None,
    market: str | None,
    currency: str | None,
    day: date,
    window_open: bool,
    entry_point_open: bool = False,
    service_used: int = 0,
) -> Price:
    """What one message would cost if it were delivered on this day; `amount_micro` None when no rate is known."""
    type_ = price_type(
        category, day=day, window_open=window_open, entry_point_open=entry_point_open, service_used=service_used
    )
    return charge(own_cards, category=category or "service", type_=type_, market=market, currency=currency, day=day)


def charge(
    own_cards: Sequence[RateCard],
    *,
    category: str,
    type_: str | None,
    market: str | None,
    currency: str | None,
    day: date,
) -> Price:
    """The cost of a delivered message from what the provider's report says of it.

    A type that is not known is charged: an estimate that is too high is found, one that is too low is not.
    """
    category = CATEGORY_ALIASES.get(category, category)
    card = choose_card(own_cards, currency=currency, day=day)
    unit = currency if card is None else card.currency
    if type_ in FREE_TYPES:
        return Price(category=category, type=type_ or "", market=market, amount_micro=0, currency=unit)
    amount = None if card is None else card.rate(market, category)
    return Price(category=category, type=type_ or "regular", market=market, amount_micro=amount, currency=unit)
