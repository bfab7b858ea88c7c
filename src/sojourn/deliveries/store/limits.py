"""SQL of limited quantities: rates of senders, spacing of pairs, pressure on people, portfolios, holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional

CLOCK_SKEW = timedelta(seconds=10)  # how far the clocks of two machines may differ


@dataclass(frozen=True, slots=True)
class SenderRate:
    """The rate of a sender, its row locked. `free_from`: every permission before it is given out."""

    sender_id: UUID
    workspace_id: UUID
    rate_per_s: float
    ceiling_per_s: float
    free_from: datetime
    changed_at: datetime


async def insert_rates(conn: Conn, rows: Sequence[tuple[UUID, UUID, float]], now: datetime) -> None:
    """Make the rate rows of senders (sender, workspace, messages a second) that have none yet."""
    ordered = sorted(rows)
    params = {
        "senders": [row[0] for row in ordered],
        "workspaces": [row[1] for row in ordered],
        "rates": [row[2] for row in ordered],
        "free_from": now - timedelta(seconds=1),
        "now": now,
    }
    await execute(conn, SQL_INSERT_RATES, params)


async def lock_ready_rate(conn: Conn, now: datetime) -> SenderRate | None:
    """The active sender with due deliveries and a free permission that has waited longest, its row locked.

    Rows that another worker leases from at this moment are skipped.
    """
    row = await fetch_optional(conn, SQL_LOCK_READY_RATE, {"now": now})
    return None if row is None else SenderRate(**row)


async def update_free_from(conn: Conn, sender_id: UUID, free_from: datetime) -> None:
    """Give out permissions up to a moment."""
    await execute(conn, SQL_UPDATE_FREE_FROM, {"sender": sender_id, "free_from": free_from})


async def update_rate(conn: Conn, sender_id: UUID, *, rate: float, now: datetime) -> None:
    """Change the rate in use."""
    await execute(conn, SQL_UPDATE_RATE, {"sender": sender_id, "rate": rate, "now": now})


async def list_rates(conn: Conn) -> list[dict[str, Any]]:
    """All rate rows."""
    return await fetch_all(conn, SQL_LIST_RATES)


async def lock_rate(conn: Conn, sender_id: UUID) -> SenderRate | None:
    """One rate row, locked, or None."""
    row = await fetch_optional(conn, SQL_LOCK_RATE, {"sender": sender_id})
    return None if row is None else SenderRate(**row)


async def update_sender(conn: Conn, sender_id: UUID, *, is_active: bool, ceiling: float, now: datetime) -> None:
    """Take over what became of a sender: whether it sends, and how fast it may at most.

    Permissions are never given out ahead of time. A row that says so was written while a machine's clock ran ahead; it
    would hold the sender up until that moment, so it begins anew.
    """
    params = {"sender": sender_id, "active": is_active, "ceiling": ceiling, "now": now, "ahead": now + CLOCK_SKEW}
    await execute(conn, SQL_UPDATE_SENDER, params)


async def lock_pairs(conn: Conn, sender_id: UUID, profile_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The spacing of a sender to people, locked in order; who was not written to has none."""
    params = {"sender": sender_id, **_ids(profile_ids)}
    return {row["profile_id"]: row for row in await fetch_all(conn, SQL_LOCK_PAIRS, params)}


async def upsert_pairs(conn: Conn, sender_id: UUID, rows: Sequence[tuple[UUID, datetime]]) -> None:
    """Move the spacing of a sender to people (profile, free from)."""
    ordered = sorted(rows)
    params = {
        "sender": sender_id,
        **_ids([profile for profile, _ in ordered]),
        "free": [moment for _, moment in ordered],
    }
    await execute(conn, SQL_UPSERT_PAIRS, params)


async def block_pairs(conn: Conn, rows: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """The platform found it too much (profile, sender, until); each time counts as a strike."""
    ordered = sorted(rows)
    params = {
        **_ids([profile for profile, _, _ in ordered]),
        "senders": [sender for _, sender, _ in ordered],
        "until": [until for _, _, until in ordered],
    }
    await execute(conn, SQL_BLOCK_PAIRS, params)


async def lock_pressure(conn: Conn, workspace_id: UUID, profile_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The pressure rows of people, made where missing and locked in the order of their ids.

    `saturated_until` is the latest of theirs and of profiles merged into them.
    """
    params = {"workspace": workspace_id, **_ids(sorted(set(profile_ids)))}
    await execute(conn, SQL_INSERT_PRESSURE, params)
    return {row["profile_id"]: row for row in await fetch_all(conn, SQL_LOCK_PRESSURE, params)}


async def update_saturated(conn: Conn, workspace_id: UUID, rows: Sequence[tuple[UUID, datetime]]) -> None:
    """The platform spares these people marketing (profile, until)."""
    ordered = sorted(rows)
    params = {
        "workspace": workspace_id,
        **_ids([profile for profile, _ in ordered]),
        "until": [until for _, until in ordered],
    }
    await execute(conn, SQL_UPDATE_SATURATED, params)


async def list_marks(
    conn: Conn, profile_ids: Iterable[UUID], *, since: datetime, but: Sequence[UUID] = ()
) -> dict[UUID, list[datetime]]:
    """Planned moments of marketing of people, and of profiles merged into them, since a moment.

    Without those of some deliveries.
    """
    params = {**_ids(profile_ids), "since": since, "but": list(but)}
    found: dict[UUID, list[datetime]] = {}
    for row in await fetch_all(conn, SQL_LIST_MARKS, params):
        found.setdefault(row["profile_id"], []).append(row["planned_at"])
    return found


async def upsert_marks(conn: Conn, rows: Sequence[tuple[UUID, UUID, str, datetime]]) -> None:
    """Reserve places under the caps (delivery, profile, purpose, planned at)."""
    if not rows:
        return
    ordered = sorted(rows)
    params = {
        **_ids([row[0] for row in ordered]),
        "profiles": [row[1] for row in ordered],
        "purposes": [row[2] for row in ordered],
        "planned": [row[3] for row in ordered],
    }
    await execute(conn, SQL_UPSERT_MARKS, params)


async def delete_marks(conn: Conn, delivery_ids: Iterable[UUID]) -> None:
    """Give back the places of deliveries that ended without arriving, in their portfolio too."""
    params = _ids(delivery_ids)
    await execute(conn, SQL_DELETE_MARKS, params)
    await execute(conn, SQL_DELETE_RECIPIENTS, params)


async def upsert_hold(
    conn: Conn,
    workspace_id: UUID,
    profile_id: UUID,
    *,
    purpose: str,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> None:
    """Hold a purpose to a person."""
    params = {
        "workspace": workspace_id,
        "profile": profile_id,
        "bucket": kit_ids.bucket_of(profile_id),
        "purpose": purpose,
        "reason": reason,
        "until": until,
        "now": now,
    }
    await execute(conn, SQL_UPSERT_HOLD, params)


async def delete_hold(conn: Conn, profile_id: UUID, *, purpose: str, reason: str) -> int:
    """Lift a hold."""
    params = {"profile": profile_id, "bucket": kit_ids.bucket_of(profile_id), "purpose": purpose, "reason": reason}
    return await execute(conn, SQL_DELETE_HOLD, params)


async def list_holds(conn: Conn, profile_ids: Iterable[UUID], now: datetime) -> dict[UUID, dict[str, str]]:
    """Holds of people, those of profiles merged into them among them: purpose to reason."""
    found: dict[UUID, dict[str, str]] = {}
    for row in await fetch_all(conn, SQL_LIST_HOLDS, {**_ids(profile_ids), "now": now}):
        found.setdefault(row["profile_id"], {})[row["purpose"]] = row["reason"]
    return found


async def count_recipients(conn: Conn, portfolio_id: str, now: datetime) -> dict[str, Any]:
    """How many people a portfolio wrote to outside a window in 24 hours (`used`), and when the first place is free."""
    row = await fetch_optional(conn, SQL_COUNT_RECIPIENTS, {"portfolio": portfolio_id, "now": now})
    return row or {"used": 0, "free_at": None}


async def list_recipients(conn: Conn, portfolio_id: str, profile_ids: Iterable[UUID], now: datetime) -> set[UUID]:
    """Which of these people hold a place of the portfolio."""
    params = {"portfolio": portfolio_id, **_ids(profile_ids), "now": now}
    return {row["profile_id"] for row in await fetch_all(conn, SQL_LIST_RECIPIENTS, params)}


async def upsert_recipients(
    conn: Conn, portfolio_id: str, rows: Sequence[tuple[UUID, UUID]], *, expires_at: datetime
) -> None:
    """Take places of a portfolio (profile, delivery)."""
    ordered = sorted(rows)
    params = {
        "portfolio": portfolio_id,
        **_ids([profile for profile, _ in ordered]),
        "deliveries": [delivery for _, delivery in ordered],
        "expires": expires_at,
    }
    await execute(conn, SQL_UPSERT_RECIPIENTS, params)


async def upsert_owner_state(
    conn: Conn, workspace_id: UUID, owner_id: UUID, *, state: str, reason: str, now: datetime
) -> None:
    """Pause or cancel all that an owner has waiting."""
    params = {"workspace": workspace_id, "owner": owner_id, "state": state, "reason": reason, "now": now}
    await execute(conn, SQL_UPSERT_OWNER, params)


async def delete_owner_state(conn: Conn, owner_id: UUID) -> None:
    """Let an owner's deliveries go again."""
    await execute(conn, SQL_DELETE_OWNER, {"owner": owner_id})


async def list_owner_states(conn: Conn, owner_ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Paused and cancelled owners: state and reason."""
    wanted = list(set(owner_ids))
    if not wanted:
        return {}
    rows = await fetch_all(conn, SQL_LIST_OWNERS, {"owners": wanted})
    return {row["owner_id"]: (row["state"], row["reason"]) for row in rows}


def _ids(ids: Iterable[UUID]) -> dict[str, list[Any]]:
    wanted = list(ids)
    return {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}


SQL_INSERT_RATES: LiteralString = """
INSERT INTO sender_rates (sender_id, workspace_id, rate_per_s, ceiling_per_s, free_from, changed_at)
SELECT sender_id, workspace_id, rate, rate, %(free_from)s, %(now)s
  FROM unnest(%(senders)s::uuid[], %(workspaces)s::uuid[], %(rates)s::real[]) AS t (sender_id, workspace_id, rate)
ON CONFLICT DO NOTHING
"""
SQL_LOCK_READY_RATE: LiteralString = """
SELECT r.sender_id, r.workspace_id, r.rate_per_s, r.ceiling_per_s, r.free_from, r.changed_at
  FROM sender_rates r
 WHERE r.is_active
   AND r.free_from + make_interval(secs => 1.0 / r.rate_per_s) <= %(now)s
   AND EXISTS (SELECT 1
                 FROM unnest('{1,2,3,4}'::smallint[]) AS l (lane)
                CROSS JOIN LATERAL (SELECT 1 FROM outbox o
                                     WHERE o.sender_id = r.sender_id AND o.lane = l.lane AND o.due_at <= %(now)s
                                     LIMIT 1) AS due)
 ORDER BY r.free_from
 LIMIT 1
   FOR NO KEY UPDATE OF r SKIP LOCKED
"""
SQL_UPDATE_FREE_FROM: LiteralString = """
UPDATE sender_rates SET free_from = %(free_from)s WHERE sender_id = %(sender)s
"""
SQL_UPDATE_RATE: LiteralString = """
UPDATE sender_rates SET rate_per_s = %(rate)s, changed_at = %(now)s WHERE sender_id = %(sender)s
"""
SQL_LIST_RATES: LiteralString = """
SELECT sender_id, workspace_id, rate_per_s, ceiling_per_s, is_active, free_from, changed_at FROM sender_rates
"""
SQL_LOCK_RATE: LiteralString = """
SELECT sender_id, workspace_id, rate_per_s, ceiling_per_s, free_from, changed_at
  FROM sender_rates
 WHERE sender_id = %(sender)s
   FOR NO KEY UPDATE
"""
SQL_UPDATE_SENDER: LiteralString = """
UPDATE sender_rates
   SET is_active = %(active)s,
       rate_per_s = CASE WHEN ceiling_per_s = %(ceiling)s THEN rate_per_s ELSE %(ceiling)s END,
       ceiling_per_s = %(ceiling)s,
       free_from = least(free_from, %(now)s),
       changed_at = %(now)s
 WHERE sender_id = %(sender)s
   AND (is_active <> %(active)s OR ceiling_per_s <> %(ceiling)s OR free_from > %(ahead)s)
"""
SQL_LOCK_PAIRS: LiteralString = """
SELECT p.profile_id, p.free_from, p.blocked_until, p.strikes
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN pairs p ON p.profile_id = t.id AND p.bucket = t.bucket AND p.sender_id = %(sender)s
 ORDER BY p.profile_id
   FOR NO KEY UPDATE OF p
"""
SQL_UPSERT_PAIRS: LiteralString = """
INSERT INTO pairs AS p (profile_id, sender_id, bucket, free_from)
SELECT id, %(sender)s, bucket, free_from
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(free)s::timestamptz[]) AS t (id, bucket, free_from)
ON CONFLICT (profile_id, sender_id, bucket)
DO UPDATE SET free_from = excluded.free_from,
              strikes = CASE WHEN p.blocked_until < excluded.free_from - interval '1 hour' THEN 0 ELSE p.strikes END
"""
SQL_BLOCK_PAIRS: LiteralString = """
INSERT INTO pairs AS p (profile_id, sender_id, bucket, free_from, blocked_until, strikes)
SELECT id, sender_id, bucket, until, until, 1
  FROM unnest(%(ids)s::uuid[], %(senders)s::uuid[], %(buckets)s::smallint[], %(until)s::timestamptz[])
       AS t (id, sender_id, bucket, until)
ON CONFLICT (profile_id, sender_id, bucket)
DO UPDATE SET blocked_until = excluded.blocked_until, strikes = p.strikes + 1
"""
SQL_INSERT_PRESSURE: LiteralString = """
INSERT INTO pressure (profile_id, bucket, workspace_id)
SELECT id, bucket, %(workspace)s FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
ON CONFLICT DO NOTHING
"""
SQL_LOCK_PRESSURE: LiteralString = """
SELECT p.profile_id, p.saturations,
       greatest(p.saturated_until,
                (SELECT max(o.saturated_until)
                   FROM profiles a JOIN pressure o ON o.profile_id = a.id AND o.bucket = a.bucket
                  WHERE a.merged_into = p.profile_id)) AS saturated_until
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN pressure p ON p.profile_id = t.id AND p.bucket = t.bucket
 ORDER BY p.profile_id
   FOR NO KEY UPDATE OF p
"""
SQL_UPDATE_SATURATED: LiteralString = """
INSERT INTO pressure AS p (profile_id, bucket, workspace_id, saturated_until, saturations)
SELECT id, bucket, %(workspace)s, until, 1
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(until)s::timestamptz[]) AS t (id, bucket, until)
ON CONFLICT (profile_id, bucket)
DO UPDATE SET saturated_until = greatest(p.saturated_until, excluded.saturated_until),
              saturations = p.saturations + 1
"""
SQL_LIST_MARKS: LiteralString = """
SELECT m.profile_id, m.planned_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN pressure_marks m ON m.profile_id = t.id AND m.bucket = t.bucket AND m.planned_at >= %(since)s
 WHERE m.delivery_id <> ALL(%(but)s::uuid[])
 UNION ALL
SELECT a.merged_into, m.planned_at
  FROM profiles a
  JOIN pressure_marks m ON m.profile_id = a.id AND m.bucket = a.bucket AND m.planned_at >= %(since)s
 WHERE a.merged_into = ANY(%(ids)s) AND m.delivery_id <> ALL(%(but)s::uuid[])
"""
SQL_UPSERT_MARKS: LiteralString = """
INSERT INTO pressure_marks AS m (delivery_id, bucket, profile_id, purpose, planned_at)
SELECT id, bucket, profile_id, purpose, planned_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(purposes)s::text[],
              %(planned)s::timestamptz[]) AS t (id, bucket, profile_id, purpose, planned_at)
ON CONFLICT (delivery_id, bucket) DO UPDATE SET planned_at = excluded.planned_at
"""
SQL_DELETE_MARKS: LiteralString = """
DELETE FROM pressure_marks m
 USING unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE m.delivery_id = t.id AND m.bucket = t.bucket
"""
SQL_DELETE_RECIPIENTS: LiteralString = """
DELETE FROM portfolio_recipients r
 USING unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE r.delivery_id = t.id AND r.bucket = t.bucket
"""
SQL_UPSERT_HOLD: LiteralString = """
INSERT INTO delivery_holds (profile_id, bucket, workspace_id, purpose, reason, held_until, created_at)
VALUES (%(profile)s, %(bucket)s, %(workspace)s, %(purpose)s, %(reason)s, %(until)s, %(now)s)
ON CONFLICT (profile_id, purpose, reason, bucket) DO UPDATE SET held_until = excluded.held_until
"""
SQL_DELETE_HOLD: LiteralString = """
DELETE FROM delivery_holds
 WHERE profile_id = %(profile)s AND bucket = %(bucket)s AND purpose = %(purpose)s AND reason = %(reason)s
"""
SQL_LIST_HOLDS: LiteralString = """
SELECT h.profile_id, h.purpose, h.reason
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN delivery_holds h ON h.profile_id = t.id AND h.bucket = t.bucket
 WHERE h.held_until IS NULL OR h.held_until > %(now)s
 UNION ALL
SELECT a.merged_into, h.purpose, h.reason
  FROM profiles a JOIN delivery_holds h ON h.profile_id = a.id AND h.bucket = a.bucket
 WHERE a.merged_into = ANY(%(ids)s) AND (h.held_until IS NULL OR h.held_until > %(now)s)
"""
SQL_COUNT_RECIPIENTS: LiteralString = """
SELECT count(*) AS used, min(expires_at) AS free_at
  FROM portfolio_recipients
 WHERE portfolio_id = %(portfolio)s AND expires_at > %(now)s
"""
SQL_LIST_RECIPIENTS: LiteralString = """
SELECT r.profile_id
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN portfolio_recipients r ON r.portfolio_id = %(portfolio)s AND r.profile_id = t.id AND r.bucket = t.bucket
 WHERE r.expires_at > %(now)s
"""
SQL_UPSERT_RECIPIENTS: LiteralString = """
INSERT INTO portfolio_recipients AS r (portfolio_id, profile_id, bucket, delivery_id, expires_at)
SELECT %(portfolio)s, id, bucket, delivery_id, %(expires)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(deliveries)s::uuid[]) AS t (id, bucket, delivery_id)
ON CONFLICT (portfolio_id, profile_id, bucket)
DO UPDATE SET delivery_id = excluded.delivery_id, expires_at = excluded.expires_at
"""
SQL_UPSERT_OWNER: LiteralString = """
INSERT INTO owner_states (owner_id, workspace_id, state, reason, changed_at)
VALUES (%(owner)s, %(workspace)s, %(state)s, %(reason)s, %(now)s)
ON CONFLICT (owner_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, changed_at = excluded.changed_at
"""
SQL_DELETE_OWNER: LiteralString = """
DELETE FROM owner_states WHERE owner_id = %(owner)s
"""
SQL_LIST_OWNERS: LiteralString = """
SELECT owner_id, state, reason FROM owner_states WHERE owner_id = ANY(%(owners)s)
"""
