"""Changes of rate cards."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.pricing import store
from sojourn.pricing.model import CATEGORIES, RateCard, RateCardOverlap
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

AMOUNT_MAX = 1_000 * 1_000_000  # millionths: no message costs a thousand of any billing currency


async def add_card(conn: Conn, caller: Caller, card: RateCard, *, now: datetime) -> RateCard:
    """Put a dated card in force for messages delivered from its first day on; the past is never recomputed.

    Raises InvalidInput for what is no card, RateCardOverlap when one of this currency starts on that day already.
    """
    errors = list(_mistakes(card))
    if errors:
        raise InvalidInput(errors)
    id_ = kit_ids.new_id(now)
    stored = await store.insert_card(conn, caller.workspace_id, card, id_=id_, now=now)
    if stored is None:
        raise RateCardOverlap(currency=card.currency, effective_from=card.effective_from.isoformat())
    changes = {"currency": card.currency, "effective_from": card.effective_from.isoformat()}
    await audit.record(conn, caller, caller.workspace_id, "rate_card.added", "rate_card", id_, changes, now)
    return stored


def _mistakes(card: RateCard) -> list[FieldError]:
    errors: list[FieldError] = []
    if not card.rates:
        errors.append({"field": "rates", "code": "missing", "message": "at least one market, or * for all"})
    if card.effective_to is not None and card.effective_to < card.effective_from:
        errors.append({"field": "effective_to", "code": "before_start", "message": "ends before it begins"})
    for market, rates in card.rates.items():
        for category, amount in rates.items():
            if category not in CATEGORIES:
                errors.append(
                    {
                        "field": f"rates.{market}.{category}",
                        "code": "unknown_category",
                        "limit": list(CATEGORIES),
                        "message": "no billing category",
                    }
                )
            if not 0 <= amount <= AMOUNT_MAX:
                errors.append(
                    {
                        "field": f"rates.{market}.{category}",
                        "code": "out_of_range",
                        "limit": AMOUNT_MAX,
                        "message": "an amount in millionths of the currency",
                    }
                )
    return errors


async def cards_of(conn: Conn, workspace_id: UUID) -> list[RateCard]:
    """The workspace's own cards."""
    return await store.list_cards(conn, workspace_id)
