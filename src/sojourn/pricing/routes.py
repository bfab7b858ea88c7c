"""HTTP of prices: rate cards and estimates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.web import ConnDep, Now
from sojourn.pricing import actions
from sojourn.pricing.cards import built_in_cards, day_in
from sojourn.pricing.markets import market_of_number
from sojourn.pricing.model import MICRO, NoRate, RateCard
from sojourn.pricing.prices import estimate
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(tags=["pricing"])

Reader = Annotated[Caller, Depends(require_right("pricing.read"))]
Writer = Annotated[Caller, Depends(require_right("pricing.write"))]


class RateCardIn(BaseModel):
    """Prices of delivered messages from a day on: market (or `*`) to category to amount in the currency."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    effective_from: date
    effective_to: date | None = None
    rates: dict[str, dict[str, Decimal]]


class RateCardOut(BaseModel):
    """A card; `id` null for the list rates that come with the product. Amounts in millionths of the currency."""

    id: UUID | None
    name: str
    currency: str
    effective_from: date
    effective_to: date | None
    rates_micro: dict[str, dict[str, int]]


class RateCardsOut(BaseModel):
    """The workspace's own cards, newest first, then the list rates."""

    items: list[RateCardOut]


class EstimateOut(BaseModel):
    """What one message would cost."""

    category: str
    type: str
    market: str | None
    amount_micro: int
    currency: str | None


@router.post("/v1/rate-cards", status_code=201)
async def add_rate_card(body: RateCardIn, caller: Writer, conn: ConnDep, now: Now) -> RateCardOut:
    """Put a dated card in force. The past is never recomputed."""
    card = RateCard(
        name=body.name,
        currency=body.currency,
        effective_from=body.effective_from,
        effective_to=body.effective_to,
        rates={
            market: {category: int((amount * MICRO).to_integral_value()) for category, amount in rates.items()}
            for market, rates in body.rates.items()
        },
    )
    return _out(await actions.add_card(conn, caller, card, now=now))


@router.get("/v1/rate-cards")
async def list_rate_cards(caller: Reader, conn: ConnDep) -> RateCardsOut:
    """All cards that may apply."""
    own = await actions.cards_of(conn, caller.workspace_id)
    return RateCardsOut(items=[_out(card) for card in (*own, *built_in_cards())])


def _out(card: RateCard) -> RateCardOut:
    return RateCardOut(
        id=card.id,
        name=card.name,
        currency=card.currency,
        effective_from=card.effective_from,
        effective_to=card.effective_to,
        rates_micro={market: dict(rates) for market, rates in card.rates.items()},
    )


@router.get("/v1/estimate")
async def estimate_price(
    caller: Reader,
    conn: ConnDep,
    now: Now,
    number: Annotated[str, Query(pattern=r"^\+?[0-9]{5,20}$", description="The recipient's number")],
    category: Literal["marketing", "utility", "authentication", "service"],
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
    window_open: bool = False,
    at: datetime | None = None,
) -> EstimateOut:
    """What one message would cost. 409 `no_rate` when no card covers the day."""
    day = day_in(at or now, "UTC")
    price = estimate(
        await actions.cards_of(conn, caller.workspace_id),
        category=None if category == "service" else category,
        market=market_of_number(number, day),
        currency=currency,
        day=day,
        window_open=window_open,
    )
    if price.amount_micro is None:
        raise NoRate(day=day.isoformat(), market=price.market, category=price.category, currency=price.currency)
    return EstimateOut(
        category=price.category,
        type=price.type,
        market=price.market,
        amount_micro=price.amount_micro,
        currency=price.currency,
    )
