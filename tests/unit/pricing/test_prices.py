"""Cards, markets and prices."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sojourn.pricing.cards import built_in_cards, choose_card, day_in, to_micro
from sojourn.pricing.markets import market_of, market_of_country, market_of_number
from sojourn.pricing.model import RateCard
from sojourn.pricing.prices import charge, estimate

MARCH, OCTOBER = date(2026, 3, 3), date(2026, 10, 2)
TEST_CARD = RateCard(
    name="test", currency="EUR", effective_from=date(2026, 1, 1), effective_to=None,
    rates={"*": {"marketing": 80_000, "utility": 20_000, "authentication": 20_000, "service": 0}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("number", "day", "market"),
    [
        ("+447700900101", MARCH, "United Kingdom"),
        ("447700900101", MARCH, "United Kingdom"),
        ("+12125550123", MARCH, "North America"),
        ("+18095550123", MARCH, "Rest of Latin America"),
        ("+77015550123", MARCH, "Russia"),
        ("+77015550123", OCTOBER, "Kazakhstan"),
        ("+79015550123", OCTOBER, "Russia"),
        ("+5355501234", OCTOBER, "Other"),
    ],
)
def test_a_number_has_a_market_on_a_day(number: str, day: date, market: str) -> None:
    assert market_of_number(number, day) == market


def test_a_business_scoped_id_names_its_country() -> None:
    assert market_of(None, "GB.204816326412", MARCH) == "United Kingdom"
    assert market_of_country("us", MARCH) == "North America"
    assert market_of(None, None, MARCH) is None


def test_the_list_rates_have_a_card_for_every_day_since_2026() -> None:
    for day in (date(2026, 1, 1), MARCH, date(2026, 6, 30), date(2026, 9, 30), OCTOBER, date(2026, 12, 31)):
        assert choose_card([], currency="USD", day=day) is not None
    assert choose_card([], currency="USD", day=date(2025, 12, 31)) is None
    assert all(card.currency == "USD" for card in built_in_cards())


def test_own_cards_win_over_list_rates_and_the_newer_over_the_older() -> None:
    newer = RateCard(name="n", currency="EUR", effective_from=date(2026, 2, 1), effective_to=None, rates={})
    assert choose_card([TEST_CARD, newer], currency="EUR", day=MARCH) is newer
    assert choose_card([TEST_CARD, newer], currency=None, day=date(2026, 1, 5)) is TEST_CARD
    assert choose_card([TEST_CARD], currency="BRL", day=MARCH) is None


def test_a_utility_template_is_free_in_the_window_until_october() -> None:
    def cost(day: date, *, window_open: bool) -> int | None:
        price = estimate(
            [TEST_CARD], category="utility", market="United Kingdom", currency="EUR", day=day, window_open=window_open
        )
        return price.amount_micro

    assert cost(MARCH, window_open=True) == 0
    assert cost(MARCH, window_open=False) == 20_000
    assert cost(OCTOBER, window_open=True) == 20_000


def test_service_messages_are_charged_from_october_after_the_free_ones() -> None:
    def cost(day: date, used: int) -> int | None:
        return estimate(
            [], category=None, market="Germany", currency="USD", day=day, window_open=True, service_used=used
        ).amount_micro

    assert cost(MARCH, 5000) == 0
    assert cost(OCTOBER, 999) == 0
    assert cost(OCTOBER, 1000) == 55_000


def test_the_charge_follows_the_providers_words() -> None:
    def paid(category: str, type_: str | None) -> int | None:
        return charge(
            [TEST_CARD], category=category, type_=type_, market="United Kingdom", currency="EUR", day=MARCH
        ).amount_micro

    assert paid("marketing", "regular") == 80_000
    assert paid("marketing", "free_entry_point") == 0
    assert paid("marketing_lite", "regular") == 80_000
    assert paid("general_purpose_ai", "regular") is None
    assert paid("utility", "something_new") == 20_000


def test_the_day_is_that_of_the_accounts_zone() -> None:
    late = datetime(2026, 9, 30, 23, 30, tzinfo=UTC)
    assert day_in(late, "Europe/Amsterdam") == date(2026, 10, 1)
    assert day_in(late, "America/New_York") == date(2026, 9, 30)


def test_amounts_are_millionths() -> None:
    assert to_micro("0.0618") == 61_800
    assert to_micro("n/a") is None
    with pytest.raises(ValueError):
        to_micro("cheap")
