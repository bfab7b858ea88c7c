"""SQL of the funnel: every delivery counted once under where it stands."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, fetch_all


async def count_funnel(
    conn: Conn,
    workspace_id: UUID,
    *,
    owner_kind: str | None,
    owner_id: UUID | None,
    run_id: UUID | None,
    template_id: UUID | None,
    key_prefix: str | None,
) -> list[dict[str, Any]]:
    """Deliveries by status and, for what was not sent or failed, reason; with how many were reported how far."""
    params = {
        "workspace": workspace_id,
        "owner_kind": owner_kind,
        "owner": owner_id,
        "run": run_id,
        "template": template_id,
        "prefix": key_prefix,
        # The first text after all that begin with the prefix, in the byte order of the key column.
        "prefix_end": None if key_prefix is None else key_prefix + "\U0010ffff",
    }
    return await fetch_all(conn, SQL_COUNT_BY_PREFIX if key_prefix else SQL_COUNT, params)


SQL_COUNT: LiteralString = """
SELECT d.status, CASE WHEN d.status IN ('excluded', 'cancelled', 'deferred', 'failed') THEN d.reason END AS reason,
       count(*) AS deliveries, count(d.sent_at) AS sent, count(d.delivered_at) AS delivered, count(d.read_at) AS read,
       count(d.replied_at) AS replied
  FROM deliveries d
 WHERE d.workspace_id = %(workspace)s
   AND (%(owner_kind)s::text IS NULL OR d.owner_kind = %(owner_kind)s::text)
   AND (%(owner)s::uuid IS NULL OR d.owner_id = %(owner)s::uuid)
   AND (%(run)s::uuid IS NULL OR d.run_id = %(run)s::uuid)
   AND (%(template)s::uuid IS NULL OR d.template_id = %(template)s::uuid)
 GROUP BY 1, 2
"""
SQL_COUNT_BY_PREFIX: LiteralString = """
SELECT d.status, CASE WHEN d.status IN ('excluded', 'cancelled', 'deferred', 'failed') THEN d.reason END AS reason,
       count(*) AS deliveries, count(d.sent_at) AS sent, count(d.delivered_at) AS delivered, count(d.read_at) AS read,
       count(d.replied_at) AS replied
  FROM delivery_keys k
  JOIN deliveries d ON d.id = k.delivery_id AND d.bucket = k.bucket
 WHERE k.workspace_id = %(workspace)s
   AND k.key >= %(prefix)s::text AND k.key < %(prefix_end)s::text
   AND (%(owner_kind)s::text IS NULL OR d.owner_kind = %(owner_kind)s::text)
   AND (%(owner)s::uuid IS NULL OR d.owner_id = %(owner)s::uuid)
   AND (%(run)s::uuid IS NULL OR d.run_id = %(run)s::uuid)
   AND (%(template)s::uuid IS NULL OR d.template_id = %(template)s::uuid)
 GROUP BY 1, 2
"""
