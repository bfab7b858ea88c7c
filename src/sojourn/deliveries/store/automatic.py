"""SQL of automatic answers: how many a person got of late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, fetch_all
from sojourn.kit.ids import bucket_of, first_id

AUTOMATIC = "automatic"  # the step of deliveries that answer a message by themselves


async def count_automatic(conn: Conn, profile_ids: Iterable[UUID], *, since: datetime) -> dict[tuple[UUID, UUID], int]:
    """Automatic answers, by person and sender, that were asked for later than `since`; refused ones do not count."""
    ids = list(profile_ids)
    params = {"ids": ids, "buckets": sorted({bucket_of(id_) for id_ in ids}), "since": since, "step": AUTOMATIC}
    rows = await fetch_all(conn, SQL_COUNT_AUTOMATIC, {**params, "first": first_id(since)})
    return {(row["profile_id"], row["sender_id"]): row["count"] for row in rows}


SQL_COUNT_AUTOMATIC: LiteralString = """
SELECT profile_id, sender_id, count(*) AS count
  FROM deliveries
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND id >= %(first)s AND requested_at > %(since)s
   AND step_key = %(step)s AND run_id IS NULL AND status NOT IN ('excluded', 'cancelled', 'expired')
 GROUP BY profile_id, sender_id
"""
