"""What the nightly job deletes, a bounded number of rows a statement; and the reports of its nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all, fetch_optional
from sojourn.kit.ids import first_id

# Each takes the border (`before`, or `id`: the first id of that moment), a limit, and whose rows: `only` one workspace,
# or all but those that keep them longer (`spared`). Tables without a workspace hold nothing but digests and ids.
DELETE_EVENTS: LiteralString = """
DELETE FROM events WHERE (id, bucket) IN
       (SELECT id, bucket FROM events WHERE id < %(id)s AND workspace_id <> ALL(%(spared)s::uuid[])
           AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_MESSAGES: LiteralString = """
DELETE FROM messages WHERE (id, bucket) IN
       (SELECT id, bucket FROM messages WHERE id < %(id)s AND workspace_id <> ALL(%(spared)s::uuid[])
           AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_CONTENTS: LiteralString = """
DELETE FROM delivery_contents WHERE (delivery_id, bucket) IN
       (SELECT c.delivery_id, c.bucket
          FROM delivery_contents c
          LEFT JOIN deliveries d ON d.id = c.delivery_id AND d.bucket = c.bucket
         WHERE c.delivery_id < %(id)s AND (d.id IS NULL OR d.workspace_id <> ALL(%(spared)s::uuid[]))
           AND (%(only)s::uuid IS NULL OR d.workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_PROVIDER_IDS: LiteralString = """
DELETE FROM provider_messages WHERE (key, bucket) IN
       (SELECT key, bucket FROM provider_messages WHERE message_id < %(id)s LIMIT %(limit)s)
"""
DELETE_ATTRIBUTE_CHANGES: LiteralString = """
DELETE FROM attribute_changes
 WHERE ctid IN (SELECT ctid FROM attribute_changes
                 WHERE changed_at < %(before)s AND workspace_id <> ALL(%(spared)s::uuid[])
                   AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_EVENT_KEYS: LiteralString = """
DELETE FROM event_keys
 WHERE ctid IN (SELECT ctid FROM event_keys WHERE recorded_at < %(before)s
                   AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_STEPS: LiteralString = """
DELETE FROM steps WHERE (run_id, bucket, seq) IN
       (SELECT s.run_id, s.bucket, s.seq FROM steps s JOIN runs r ON r.id = s.run_id AND r.bucket = s.bucket
         WHERE r.ended_at < %(before)s AND r.workspace_id <> ALL(%(spared)s::uuid[])
           AND (%(only)s::uuid IS NULL OR r.workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_RUNS: LiteralString = """
DELETE FROM runs r WHERE (r.id, r.bucket) IN
       (SELECT id, bucket FROM runs o
         WHERE o.ended_at < %(before)s AND o.workspace_id <> ALL(%(spared)s::uuid[])
           AND (%(only)s::uuid IS NULL OR o.workspace_id = %(only)s::uuid)
           AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.run_id = o.id AND s.bucket = o.bucket) LIMIT %(limit)s)
"""
DELETE_DELIVERIES: LiteralString = """
DELETE FROM deliveries WHERE (id, bucket) IN
       (SELECT id, bucket FROM deliveries
         WHERE id < %(id)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_ATTEMPTS: LiteralString = """
DELETE FROM attempts WHERE (id, bucket) IN
       (SELECT id, bucket FROM attempts
         WHERE id < %(id)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_COSTS: LiteralString = """
DELETE FROM costs WHERE (delivery_id, bucket) IN
       (SELECT delivery_id, bucket FROM costs
         WHERE delivery_id < %(id)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_MARKS: LiteralString = """
DELETE FROM pressure_marks WHERE (delivery_id, bucket) IN
       (SELECT delivery_id, bucket FROM pressure_marks WHERE delivery_id < %(id)s LIMIT %(limit)s)
"""
DELETE_DELIVERY_KEYS: LiteralString = """
DELETE FROM delivery_keys WHERE (workspace_id, key, profile_id, bucket) IN
       (SELECT workspace_id, key, profile_id, bucket FROM delivery_keys
         WHERE delivery_id < %(id)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_STRAYS: LiteralString = """
DELETE FROM stray_statuses WHERE (key, status, bucket) IN
       (SELECT key, status, bucket FROM stray_statuses
         WHERE received_at < %(before)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_DEAD_JOBS: LiteralString = """
DELETE FROM dead_jobs WHERE (id, bucket) IN
       (SELECT id, bucket FROM dead_jobs
         WHERE died_at < %(before)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_AUDIT: LiteralString = """
WITH ends AS (  -- a chain loses its beginning only: nothing goes that stands behind what is kept
    SELECT c.workspace_id, kept.position
      FROM audit_chains c
      LEFT JOIN LATERAL (SELECT position FROM audit_entries
                          WHERE workspace_id = c.workspace_id AND position IS NOT NULL AND id >= %(id)s
                          ORDER BY position LIMIT 1) AS kept ON true
)
DELETE FROM audit_entries
 WHERE id IN (SELECT e.id
                FROM audit_entries e
                LEFT JOIN ends ON ends.workspace_id = e.workspace_id
               WHERE e.id < %(id)s AND (e.position IS NULL OR ends.position IS NULL OR e.position < ends.position)
                 AND (%(only)s::uuid IS NULL OR e.workspace_id = %(only)s::uuid)
               ORDER BY e.id
               LIMIT %(limit)s)
"""
DELETE_IMPORTS: LiteralString = """
DELETE FROM imports WHERE id IN
       (SELECT id FROM imports
         WHERE id < %(id)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_HITS: LiteralString = """
DELETE FROM opt_in_hits
 WHERE ctid IN (SELECT ctid FROM opt_in_hits WHERE window_start < %(before)s
                   AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_ARCHIVES: LiteralString = """
DELETE FROM archives WHERE id IN
       (SELECT id FROM archives
         WHERE requested_at < %(before)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
DELETE_OUTBOUND: LiteralString = """
DELETE FROM outbound_messages WHERE id IN
       (SELECT id FROM outbound_messages
         WHERE created_at < %(before)s AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid) LIMIT %(limit)s)
"""
# People to whom nothing was sent and from whom nothing came since: their evidence is no longer needed. Their grants go
# with it (no evidence, no message); their withdrawals stay.
DELETE_LEDGER: LiteralString = """
WITH idle AS (
    SELECT h.profile_id, h.bucket FROM consent_heads h
     WHERE h.workspace_id <> ALL(%(spared)s::uuid[])
       AND (%(only)s::uuid IS NULL OR h.workspace_id = %(only)s::uuid)
       AND NOT EXISTS (SELECT 1 FROM consent_entries e
                        WHERE e.profile_id = h.profile_id AND e.bucket = h.bucket AND e.recorded_at >= %(before)s)
       AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.profile_id = h.profile_id AND d.id >= %(id)s)
       AND NOT EXISTS (SELECT 1 FROM windows w
                        WHERE w.profile_id = h.profile_id AND w.bucket = h.bucket AND w.last_inbound_at >= %(before)s)
     LIMIT %(limit)s),
heads AS (DELETE FROM consent_heads h USING idle WHERE h.profile_id = idle.profile_id AND h.bucket = idle.bucket),
grants AS (DELETE FROM consents c USING idle
            WHERE c.profile_id = idle.profile_id AND c.bucket = idle.bucket AND c.withdrawn_at IS NULL)
DELETE FROM consent_entries e USING idle WHERE e.profile_id = idle.profile_id AND e.bucket = idle.bucket
"""


async def delete_batch(
    conn: Conn,
    statement: LiteralString,
    *,
    before: datetime,
    limit: int,
    only: UUID | None = None,
    spared: Sequence[UUID] = (),
) -> int:
    """Run one of the statements above for what is older than `before`. How many rows went."""
    params = {"before": before, "id": first_id(before), "limit": limit, "only": only, "spared": list(spared)}
    return await execute(conn, statement, params)


async def insert_retention_run(
    conn: Conn, id_: UUID, counts: dict[str, int], *, is_dry_run: bool, now: datetime
) -> None:
    """Note what a night deleted, or would have."""
    params = {"id": id_, "dry": is_dry_run, "counts": Jsonb(counts), "now": now}
    await execute(conn, SQL_INSERT_RUN, params)


SQL_INSERT_RUN: LiteralString = """
INSERT INTO retention_runs (id, is_dry_run, counts, run_at) VALUES (%(id)s, %(dry)s, %(counts)s, %(now)s)
"""


async def find_last_run(conn: Conn) -> Row | None:
    """When the nightly job last ran; None before its first night."""
    return await fetch_optional(conn, SQL_LAST_RUN)


SQL_LAST_RUN: LiteralString = """
SELECT run_at FROM retention_runs WHERE NOT is_dry_run ORDER BY run_at DESC LIMIT 1
"""


async def list_periods(conn: Conn) -> list[Row]:
    """What workspaces keep for another time: workspace_id, class, days."""
    return await fetch_all(conn, SQL_LIST_PERIODS)


SQL_LIST_PERIODS: LiteralString = "SELECT workspace_id, class, days FROM retention_periods ORDER BY workspace_id, class"


async def upsert_period(conn: Conn, workspace_id: UUID, name: str, days: int, *, actor: str, now: datetime) -> None:
    """Keep a class for so many days in a workspace."""
    params = {"workspace": workspace_id, "class": name, "days": days, "actor": actor, "now": now}
    await execute(conn, SQL_UPSERT_PERIOD, params)


SQL_UPSERT_PERIOD: LiteralString = """
INSERT INTO retention_periods (workspace_id, class, days, changed_by, changed_at)
VALUES (%(workspace)s, %(class)s, %(days)s, %(actor)s, %(now)s)
ON CONFLICT (workspace_id, class) DO UPDATE
   SET days = excluded.days, changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


async def delete_period(conn: Conn, workspace_id: UUID, name: str) -> None:
    """Keep a class as long as the product does."""
    await execute(conn, SQL_DELETE_PERIOD, {"workspace": workspace_id, "class": name})


SQL_DELETE_PERIOD: LiteralString = """
DELETE FROM retention_periods WHERE workspace_id = %(workspace)s AND class = %(class)s
"""
