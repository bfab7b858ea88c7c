"""SQL of what a sender is doing: what waits for it, what it handed over without an answer, how fast it goes."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Row, fetch_all, fetch_optional


async def count_waiting(conn: Conn, sender_id: UUID, now: datetime) -> dict[int, Row]:
    """What waits in the outbox, by lane: `waiting` in all, `due` of them now. Lanes without any are left out."""
    rows = await fetch_all(conn, SQL_COUNT_WAITING, {"sender": sender_id, "now": now})
    return {row["lane"]: row for row in rows}


SQL_COUNT_WAITING: LiteralString = """
SELECT lane, count(*) AS waiting, count(*) FILTER (WHERE due_at <= %(now)s) AS due
  FROM outbox
 WHERE sender_id = %(sender)s
 GROUP BY lane
"""


async def count_open(conn: Conn, sender_id: UUID) -> dict[str, int]:
    """What was handed over and not answered, by state: `dispatched` just now, `unknown`."""
    rows = await fetch_all(conn, SQL_COUNT_OPEN, {"sender": sender_id})
    return {row["state"]: row["count"] for row in rows}


SQL_COUNT_OPEN: LiteralString = """
SELECT state, count(*) AS count
  FROM attempts
 WHERE sender_id = %(sender)s AND state IN ('dispatched', 'unknown')
 GROUP BY state
"""


async def find_rate(conn: Conn, sender_id: UUID) -> float | None:
    """Messages a second at present; lower than allowed after refusals. None before the first delivery."""
    row = await fetch_optional(conn, SQL_FIND_RATE, {"sender": sender_id})
    return None if row is None else float(row["rate_per_s"])


SQL_FIND_RATE: LiteralString = "SELECT rate_per_s FROM sender_rates WHERE sender_id = %(sender)s"
