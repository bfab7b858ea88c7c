"""SQL of a workspace's own rate cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Jsonb, fetch_all, fetch_optional
from sojourn.pricing.model import RateCard


async def list_cards(conn: Conn, workspace_id: UUID) -> list[RateCard]:
    """All cards of a workspace, newest period first."""
    return [_card(row) for row in await fetch_all(conn, SQL_LIST_CARDS, {"workspace": workspace_id})]


async def insert_card(conn: Conn, workspace_id: UUID, card: RateCard, *, id_: UUID, now: datetime) -> RateCard | None:
    """Write a card. None when one of this currency starts on that day already."""
    params = {
        "id": id_,
        "workspace": workspace_id,
        "name": card.name,
        "currency": card.currency,
        "from": card.effective_from,
        "to": card.effective_to,
        "rates": Jsonb({market: dict(rates) for market, rates in card.rates.items()}),
        "now": now,
    }
    row = await fetch_optional(conn, SQL_INSERT_CARD, params)
    return None if row is None else _card(row)


def _card(row: dict[str, Any]) -> RateCard:
    return RateCard(
        id=row["id"],
        name=row["name"],
        currency=row["currency"],
        effective_from=row["effective_from"],
        effective_to=row["effective_to"],
        rates=row["rates"],
    )


SQL_LIST_CARDS: LiteralString = """
SELECT id, name, currency, effective_from, effective_to, rates
  FROM rate_cards
 WHERE workspace_id = %(workspace)s
 ORDER BY effective_from DESC, currency
"""
SQL_INSERT_CARD: LiteralString = """
INSERT INTO rate_cards (id, workspace_id, name, currency, effective_from, effective_to, rates, created_at)
VALUES (%(id)s, %(workspace)s, %(name)s, %(currency)s, %(from)s, %(to)s, %(rates)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING id, name, currency, effective_from, effective_to, rates
"""
