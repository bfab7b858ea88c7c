"""SQL of costs: one small row a message that arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, execute, fetch_all


@dataclass(frozen=True, slots=True)
class Cost:
    """What one message cost; `amount_micro` None: no rate."""

    delivery_id: UUID
    workspace_id: UUID
    profile_id: UUID
    sender_id: UUID
    category: str
    type: str
    market: str | None
    amount_micro: int | None
    currency: str | None
    charged_at: datetime


async def insert_costs(conn: Conn, costs: Sequence[Cost]) -> None:
    """Write costs; a message that has one keeps it."""
    ordered = sorted(costs, key=lambda cost: cost.delivery_id)
    params: dict[str, list[Any]] = {name: [getattr(cost, name) for cost in ordered] for name in Cost.__slots__}
    params["bucket"] = [kit_ids.bucket_of(cost.delivery_id) for cost in ordered]
    await execute(conn, SQL_INSERT_COSTS, params)


async def find_costs(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Costs by delivery; what has none is left out."""
    wanted = list(ids)
    params = {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}
    return {row["delivery_id"]: row for row in await fetch_all(conn, SQL_FIND_COSTS, params)}


SQL_INSERT_COSTS: LiteralString = """
INSERT INTO costs (delivery_id, bucket, workspace_id, profile_id, sender_id, category, type, market, amount_micro,
                   currency, charged_at)
SELECT * FROM unnest(%(delivery_id)s::uuid[], %(bucket)s::smallint[], %(workspace_id)s::uuid[], %(profile_id)s::uuid[],
                     %(sender_id)s::uuid[], %(category)s::text[], %(type)s::text[], %(market)s::text[],
                     %(amount_micro)s::bigint[], %(currency)s::text[], %(charged_at)s::timestamptz[])
ON CONFLICT DO NOTHING
"""
SQL_FIND_COSTS: LiteralString = """
SELECT c.delivery_id, c.category, c.type, c.market, c.amount_micro, c.currency, c.charged_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN costs c ON c.delivery_id = t.id AND c.bucket = t.bucket
"""
