"""Books what messages cost, once they arrived and the provider has said what it bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sojourn.channels import store as channels
from sojourn.deliveries.store import costs
from sojourn.kit.database import Conn
from sojourn.pricing import actions as pricing
from sojourn.pricing.cards import day_in
from sojourn.pricing.markets import market_of
from sojourn.pricing.model import Price
from sojourn.pricing.prices import charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that arrived, with the provider's words for its price. `at`: the earliest proof of arrival."""

    delivery_id: UUID
    workspace_id: UUID
    profile_id: UUID
    sender_id: UUID
    category: str
    type: str | None
    wa_id: str | None
    user_id: str | None
    at: datetime


async def charge_arrivals(conn: Conn, arrivals: Sequence[Arrival]) -> None:
    """Write a cost for each; priced at the moment of arrival, in the zone and currency of the sender's account."""
    if not arrivals:
        return
    cards = {
        workspace_id: await pricing.cards_of(conn, workspace_id)
        for workspace_id in {arrival.workspace_id for arrival in arrivals}
    }
    senders = {
        sender_id: await channels.find_sender(conn, sender_id)
        for sender_id in {arrival.sender_id for arrival in arrivals}
    }
    found = []
    prices: dict[tuple[UUID, str, str | None, str | None, date], Price] = {}
    for arrival in arrivals:
        sender = senders[arrival.sender_id]
        day = day_in(arrival.at, "UTC" if sender is None else sender.timezone)
        market = market_of(arrival.wa_id, arrival.user_id, day)
        kind = (arrival.sender_id, arrival.category, arrival.type, market, day)
        price = prices.get(kind)
        if price is None:
            price = prices[kind] = charge(
                cards[arrival.workspace_id],
                category=arrival.category,
                type_=arrival.type,
                market=market,
                currency=None if sender is None else sender.currency,
                day=day,
            )
        found.append(
            costs.Cost(
                arrival.delivery_id,
                arrival.workspace_id,
                arrival.profile_id,
                arrival.sender_id,
                price.category,
                price.type,
                price.market,
                price.amount_micro,
                price.currency,
                arrival.at,
            )
        )
    await costs.insert_costs(conn, found)
