"""The list rates that come with the product, and the choice of a card for a day. Pure, from `data/rates.csv`.

Source: WhatsApp pricing reference (November 2026), US dollars; what each row rests on stands in its `note`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from sojourn.pricing.model import CATEGORIES, MICRO, RateCard

FILE = Path(__file__).parent / "data" / "rates.csv"


@lru_cache(maxsize=1)
def built_in_cards() -> tuple[RateCard, ...]:
    """The list rates of the file, one card a period, oldest first."""
    periods: dict[tuple[str, date, date | None], dict[str, dict[str, int]]] = {}
    with FILE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            to = date.fromisoformat(row["effective_to"]) if row["effective_to"] else None
            key = (row["currency"], date.fromisoformat(row["effective_from"]), to)
            rates: dict[str, int] = {}
            for category in CATEGORIES:
                if (micro := to_micro(row[category])) is not None:
                    rates[category] = micro
            periods.setdefault(key, {})[row["market"]] = rates
    return tuple(
        RateCard(name=f"list {currency} {start}", currency=currency, effective_from=start, effective_to=to, rates=rates)
        for (currency, start, to), rates in sorted(periods.items(), key=lambda item: item[0][1])
    )


def to_micro(text: str | None) -> int | None:
    """An amount such as `0.0618` in millionths, or None for an empty cell. Raises ValueError for anything else."""
    if text is None or text.strip() in {"", "n/a"}:
        return None
    try:
        return int((Decimal(text.strip()) * MICRO).to_integral_value())
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no amount") from error


def choose_card(own: Sequence[RateCard], *, currency: str | None, day: date) -> RateCard | None:
    """The card for a day: the workspace's own one of the currency that started last, else the list rates of it.

    Without a currency the workspace's newest own card counts, else US dollars. Cards are never converted.
    """
    fitting = [card for card in own if card.covers(day) and (currency is None or card.currency == currency)]
    if fitting:
        return max(fitting, key=lambda card: card.effective_from)
    wanted = currency or "USD"
    listed = [card for card in built_in_cards() if card.currency == wanted and card.covers(day)]
    return max(listed, key=lambda card: card.effective_from) if listed else None


def day_in(moment: datetime, zone: str) -> date:
    """The day of a moment in the account's zone: prices and months change there at midnight."""
    return moment.astimezone(ZoneInfo(zone)).date()
