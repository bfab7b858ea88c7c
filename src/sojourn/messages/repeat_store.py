"""SQL of repeats: who says the same again and again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, fetch_all
from sojourn.kit.ids import bucket_of


async def count_repeats(
    conn: Conn, message_ids: Iterable[UUID], *, span: timedelta, without: Iterable[UUID] = ()
) -> dict[UUID, int]:
    """How often the text of each of these inbound messages was said to the same sender within `span` before it.

    The message itself is counted. Case and spaces make no difference; messages without text are left out. `without`
    are messages that are stored but count as not yet said.
    """
    ids = list(message_ids)
    params = {
        "ids": ids,
        "buckets": sorted({bucket_of(id_) for id_ in ids}),
        "span": span,
        "without": list(without),
    }
    return {row["id"]: row["count"] for row in await fetch_all(conn, SQL_COUNT_REPEATS, params)}


SQL_COUNT_REPEATS: LiteralString = r"""
SELECT m.id, count(*) AS count
  FROM messages m
  JOIN messages o ON o.profile_id = m.profile_id AND o.bucket = m.bucket AND o.sender_id = m.sender_id
                 AND o.direction = 'in' AND o.said_at > m.said_at - %(span)s::interval AND o.said_at <= m.said_at
                 AND lower(btrim(regexp_replace(o.text, '\s+', ' ', 'g')))
                     = lower(btrim(regexp_replace(m.text, '\s+', ' ', 'g')))
 WHERE m.id = ANY(%(ids)s) AND m.bucket = ANY(%(buckets)s) AND o.id <> ALL(%(without)s::uuid[])
 GROUP BY m.id
"""
