"""SQL of an erasure: what was sent to people is emptied, and marked so that late reports leave it empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from sojourn.deliveries.attempt_ids import attempt_id_of
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, execute, fetch_all, fetch_one


async def lock_deliveries_of(conn: Conn, profile_ids: Sequence[UUID]) -> list[UUID]:
    """Lock all deliveries of people in the order of their ids, and mark them as erased. Their ids.

    Whoever writes an answer or a report locks the same rows first, so it comes wholly before or sees the mark.
    """
    params = {"ids": list(profile_ids), "buckets": sorted({kit_ids.bucket_of(id_) for id_ in profile_ids})}
    found = [row["id"] for row in await fetch_all(conn, SQL_LOCK, params)]
    await execute(conn, SQL_MARK, _params(found))
    return found


async def erase_deliveries(
    conn: Conn, workspace_id: UUID, delivery_ids: Sequence[UUID], *, names: Sequence[str]
) -> dict[str, int]:
    """Empty what was written with these deliveries, the callers' keys too. Counts a table.

    Of a key the part before its first colon stays, by which callers count their campaigns, if it is a word and none of
    `names` (lower case).
    """
    params = {"workspace": workspace_id, "names": list(names), **_params(delivery_ids)}
    return {
        "delivery_contents": await execute(conn, SQL_ERASE_CONTENTS, params),
        "delivery_keys": await execute(conn, SQL_ERASE_KEYS, params),
        "attempts": await execute(conn, SQL_ERASE_ATTEMPTS, params),
    }


async def delete_strays(conn: Conn, workspace_id: UUID, needles: Sequence[bytes]) -> int:
    """Delete reports about unknown messages that contain any of these bytes. How many. The table is short."""
    return await execute(conn, SQL_DELETE_STRAYS, {"workspace": workspace_id, "needles": list(needles)})


async def count_kept(conn: Conn, delivery_ids: Sequence[UUID]) -> dict[str, int]:
    """What stays of these deliveries without words or addresses, by table."""
    return await fetch_one(conn, SQL_COUNT_KEPT, _params(delivery_ids))


def _params(delivery_ids: Sequence[UUID]) -> dict[str, Any]:
    return {
        "ids": list(delivery_ids),
        "lasts": [attempt_id_of(id_, 255) for id_ in delivery_ids],
        "buckets": [kit_ids.bucket_of(id_) for id_ in delivery_ids],
    }


SQL_LOCK: LiteralString = """
SELECT id FROM deliveries
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s::smallint[])
 ORDER BY id
   FOR NO KEY UPDATE
"""
SQL_MARK: LiteralString = """
UPDATE deliveries d
   SET is_erased = true
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE d.id = t.id AND d.bucket = t.bucket AND NOT d.is_erased
"""
SQL_ERASE_CONTENTS: LiteralString = """
UPDATE delivery_contents c
   SET request = '{}', rendered = NULL, body = NULL, evidence = NULL, reply_to = NULL
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE c.delivery_id = t.id AND c.bucket = t.bucket AND c.request <> '{}'
"""
SQL_ERASE_KEYS: LiteralString = """
UPDATE delivery_keys k
   SET key = CASE WHEN k.key ~ '^[A-Za-z][A-Za-z_.-]*([0-9]{1,4}[A-Za-z_.-]*)*:'
                   AND lower(split_part(k.key, ':', 1)) <> ALL(%(names)s::text[])
                  THEN split_part(k.key, ':', 1) || ':' ELSE '' END || 'erased:' || t.id
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE k.delivery_id = t.id AND k.bucket = t.bucket AND k.workspace_id = %(workspace)s
   AND k.key NOT LIKE '%%erased:' || t.id
"""
SQL_ERASE_ATTEMPTS: LiteralString = """
UPDATE attempts a
   SET provider_message_id = NULL, error_details = NULL
  FROM unnest(%(ids)s::uuid[], %(lasts)s::uuid[], %(buckets)s::smallint[]) AS t (id, last, bucket)
 WHERE a.id BETWEEN t.id AND t.last AND a.bucket = t.bucket
   AND (a.provider_message_id IS NOT NULL OR a.error_details IS NOT NULL)
"""
SQL_COUNT_KEPT: LiteralString = """
WITH theirs AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(lasts)s::uuid[], %(buckets)s::smallint[]) AS t (id, last, bucket))
SELECT (SELECT count(*) FROM theirs) AS deliveries,
       (SELECT count(*) FROM theirs t JOIN attempts a ON a.id BETWEEN t.id AND t.last AND a.bucket = t.bucket)
       AS attempts,
       (SELECT count(*) FROM theirs t JOIN costs c ON c.delivery_id = t.id AND c.bucket = t.bucket) AS costs,
       (SELECT count(*) FROM theirs t JOIN pressure_marks m ON m.delivery_id = t.id AND m.bucket = t.bucket)
       AS pressure_marks
"""
SQL_DELETE_STRAYS: LiteralString = """
DELETE FROM stray_statuses s
 WHERE workspace_id = %(workspace)s
   AND EXISTS (SELECT 1 FROM unnest(%(needles)s::bytea[]) AS n WHERE position(n IN s.payload) > 0)
"""
