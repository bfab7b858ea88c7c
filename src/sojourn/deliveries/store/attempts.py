"""SQL of attempts: dispatched, answered, unknown, settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, copy_rows, execute, fetch_all, fetch_one, fetch_value


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt whose bytes are about to leave. `decision` is the second decision as JSON."""

    id: UUID
    delivery_id: UUID
    workspace_id: UUID
    sender_id: UUID
    number: int
    decision: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for an attempt. `result` accepted, held or failed."""

    attempt_id: UUID
    result: str
    provider_message_id: str | None = None
    error_code: int | None = None
    error_title: str | None = None
    error_details: str | None = None
    reaction: str | None = None


async def copy_dispatched(conn: Conn, attempts: Sequence[NewAttempt], *, now: datetime, lease_until: datetime) -> None:
    """Write attempts as dispatched: once this commits their bytes may leave. The lease is on the system clock."""
    await copy_rows(
        conn,
        SQL_COPY_ATTEMPTS,
        [
            (a.id, kit_ids.bucket_of(a.id), a.delivery_id, a.workspace_id, a.sender_id, a.number, "dispatched", now,
             lease_until, a.decision)
            for a in attempts
        ],
    )  # fmt: skip


async def update_answered(conn: Conn, answers: Sequence[Answer], *, now: datetime) -> dict[UUID, datetime]:
    """Write answers; when each of those attempts was dispatched, by attempt. One answered before is left out."""
    rows = sorted(answers, key=lambda answer: answer.attempt_id)
    params = {
        "ids": [row.attempt_id for row in rows],
        "buckets": [kit_ids.bucket_of(row.attempt_id) for row in rows],
        "results": [row.result for row in rows],
        "providers": [row.provider_message_id for row in rows],
        "codes": [row.error_code for row in rows],
        "titles": [row.error_title for row in rows],
        "details": [row.error_details for row in rows],
        "reactions": [row.reaction for row in rows],
        "now": now,
    }
    return {row["id"]: row["dispatched_at"] for row in await fetch_all(conn, SQL_UPDATE_ANSWERED, params)}


async def update_unknown(conn: Conn, attempt_ids: Iterable[UUID]) -> list[UUID]:
    """Dispatched attempts whose answer will not come any more; returns their deliveries. Settled ones are left out."""
    params = _ids(attempt_ids)
    return [row["delivery_id"] for row in await fetch_all(conn, SQL_UPDATE_UNKNOWN, params)]


async def lock_abandoned(conn: Conn, *, system_now: datetime, limit: int) -> list[dict[str, Any]]:
    """Dispatched attempts whose worker died (their lease is over on the system clock), with their delivery."""
    return await fetch_all(conn, SQL_LOCK_ABANDONED, {"now": system_now, "limit": limit})


async def update_settled(conn: Conn, attempt_ids: Iterable[UUID], *, now: datetime) -> list[UUID]:
    """Reports have shown what became of these open attempts; returns those that were open."""
    return [row["id"] for row in await fetch_all(conn, SQL_UPDATE_SETTLED, {**_ids(attempt_ids), "now": now})]


async def update_reported(conn: Conn, provider_ids: Mapping[UUID, str | None], *, now: datetime) -> list[UUID]:
    """Reports named the provider's ids of open attempts. Returns those whose outcome was unknown: settled now."""
    params = {**_ids(provider_ids), "providers": [provider_ids[id_] for id_ in sorted(provider_ids)], "now": now}
    rows = await fetch_all(conn, SQL_UPDATE_REPORTED, params)
    return [row["id"] for row in rows if row["state"] == "settled"]


async def lock_ripe_unknown(conn: Conn, *, before: datetime, limit: int) -> list[dict[str, Any]]:
    """Unknown attempts dispatched before a moment, with their delivery and how far their sender was settled."""
    return await fetch_all(conn, SQL_LOCK_RIPE, {"before": before, "limit": limit})


async def update_told(conn: Conn, attempt_ids: Iterable[UUID], *, parked: bool, now: datetime) -> None:
    """Their owners were told that the outcome stays unknown; parked ones wait for a person."""
    await execute(conn, SQL_UPDATE_TOLD, {**_ids(attempt_ids), "parked": parked, "now": now})


async def lock_unknown(conn: Conn, delivery_id: UUID) -> dict[str, Any] | None:
    """The unknown attempt of a delivery, or None."""
    rows = await fetch_all(conn, SQL_LOCK_UNKNOWN, _span(delivery_id))
    return rows[0] if rows else None


async def list_of_delivery(conn: Conn, delivery_id: UUID) -> list[dict[str, Any]]:
    """All attempts of a delivery, first to last."""
    return await fetch_all(conn, SQL_LIST_OF_DELIVERY, _span(delivery_id))


async def list_unknown(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Attempts in the unknown lane, oldest first."""
    return await fetch_all(conn, SQL_LIST_UNKNOWN, {"workspace": workspace_id, "after": after, "limit": limit})


async def is_in_flight(conn: Conn) -> bool:
    """Whether an attempt was dispatched and neither answered nor given up."""
    return bool(await fetch_value(conn, SQL_IN_FLIGHT))


async def oldest_untold(conn: Conn) -> list[dict[str, Any]]:
    """For each workspace: the oldest dispatch of an unknown attempt about which something is to be done."""
    return await fetch_all(conn, SQL_OLDEST_UNTOLD)


async def lock_pulse(conn: Conn, name: str, system_now: datetime) -> dict[str, Any]:
    """When workers were last seen and how long they were away before; locked, made at first sight."""
    return await fetch_one(conn, SQL_LOCK_PULSE, {"name": name, "now": system_now})


async def update_pulse(
    conn: Conn, name: str, *, system_now: datetime, outage_seconds: float, outage_at: datetime | None
) -> None:
    """Note that workers are at work."""
    params = {"name": name, "now": system_now, "outage": outage_seconds, "outage_at": outage_at}
    await execute(conn, SQL_UPDATE_PULSE, params)


async def get_outage_seconds(conn: Conn, name: str) -> float:
    """How long the last outage of a day ago or less lasted."""
    seconds: float | None = await fetch_value(conn, SQL_GET_PULSE, {"name": name})
    return seconds or 0.0


def _span(delivery_id: UUID) -> dict[str, Any]:
    """The ids that attempts of a delivery can have: its own with any number in the second last byte."""
    last = UUID(int=delivery_id.int | 0xFF00)
    return {"first": delivery_id, "last": last, "bucket": kit_ids.bucket_of(delivery_id)}


def _ids(ids: Iterable[UUID]) -> dict[str, list[Any]]:
    wanted = sorted(set(ids))
    return {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}


SQL_COPY_ATTEMPTS: LiteralString = """
COPY attempts (id, bucket, delivery_id, workspace_id, sender_id, number, state, dispatched_at, lease_until, decision)
FROM STDIN
"""
SQL_UPDATE_ANSWERED: LiteralString = """
UPDATE attempts a
   SET state = 'answered', answered_at = %(now)s, result = t.result, provider_message_id = t.provider,
       error_code = t.code, error_title = t.title, error_details = t.details, reaction = t.reaction
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(results)s::text[], %(providers)s::text[], %(codes)s::int[],
              %(titles)s::text[], %(details)s::text[], %(reactions)s::text[])
       AS t (id, bucket, result, provider, code, title, details, reaction)
 WHERE a.id = t.id AND a.bucket = t.bucket AND a.state <> 'answered'
RETURNING a.id, a.dispatched_at
"""
SQL_UPDATE_UNKNOWN: LiteralString = """
UPDATE attempts a
   SET state = 'unknown'
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE a.id = t.id AND a.bucket = t.bucket AND a.state = 'dispatched'
RETURNING a.delivery_id
"""
SQL_LOCK_ABANDONED: LiteralString = """
SELECT a.id, a.delivery_id, a.number, a.provider_message_id
  FROM attempts a
 WHERE a.state = 'dispatched' AND a.lease_until < %(now)s
 ORDER BY a.id
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
SQL_UPDATE_SETTLED: LiteralString = """
UPDATE attempts a
   SET state = 'settled', answered_at = %(now)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE a.id = t.id AND a.bucket = t.bucket AND a.state IN ('dispatched', 'unknown')
RETURNING a.id
"""
SQL_UPDATE_REPORTED: LiteralString = """
UPDATE attempts a
   SET provider_message_id = t.provider,
       state = CASE WHEN a.state = 'unknown' THEN 'settled' ELSE a.state END,
       answered_at = CASE WHEN a.state = 'unknown' THEN %(now)s END
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(providers)s::text[]) AS t (id, bucket, provider)
 WHERE a.id = t.id AND a.bucket = t.bucket AND a.state IN ('dispatched', 'unknown')
RETURNING a.id, a.state
"""
SQL_LOCK_RIPE: LiteralString = """
SELECT a.id, a.delivery_id, a.number, a.workspace_id, a.sender_id, a.dispatched_at, a.told_at,
       coalesce(s.settled_to > a.dispatched_at, false) AS is_outlived
  FROM attempts a
  LEFT JOIN sender_settlements s ON s.sender_id = a.sender_id
 WHERE a.state = 'unknown' AND NOT a.is_parked AND a.dispatched_at <= %(before)s
   AND (a.told_at IS NULL OR s.settled_to > a.dispatched_at)
 ORDER BY a.id
 LIMIT %(limit)s
   FOR UPDATE OF a SKIP LOCKED
"""
SQL_UPDATE_TOLD: LiteralString = """
UPDATE attempts a
   SET told_at = coalesce(a.told_at, %(now)s), is_parked = %(parked)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE a.id = t.id AND a.bucket = t.bucket
"""
SQL_LOCK_UNKNOWN: LiteralString = """
SELECT a.id, a.delivery_id, a.number, a.sender_id
  FROM attempts a
 WHERE a.id BETWEEN %(first)s AND %(last)s AND a.bucket = %(bucket)s AND a.state = 'unknown'
 ORDER BY a.id
   FOR UPDATE
"""
SQL_LIST_OF_DELIVERY: LiteralString = """
SELECT id, number, state, dispatched_at, answered_at, result, provider_message_id, error_code, error_title,
       error_details, reaction, decision
  FROM attempts
 WHERE id BETWEEN %(first)s AND %(last)s AND bucket = %(bucket)s
 ORDER BY id
"""
SQL_LIST_UNKNOWN: LiteralString = """
SELECT a.id, a.delivery_id, a.number, a.sender_id, a.dispatched_at, a.told_at
  FROM attempts a
 WHERE a.state = 'unknown' AND a.workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR a.id > %(after)s::uuid)
 ORDER BY a.id
 LIMIT %(limit)s
"""
SQL_IN_FLIGHT: LiteralString = """
SELECT EXISTS (SELECT 1 FROM attempts WHERE state = 'dispatched')
"""
SQL_OLDEST_UNTOLD: LiteralString = """
SELECT a.workspace_id, min(a.dispatched_at) AS dispatched_at
  FROM attempts a
  LEFT JOIN sender_settlements s ON s.sender_id = a.sender_id
 WHERE a.state = 'unknown' AND NOT a.is_parked AND (a.told_at IS NULL OR s.settled_to > a.dispatched_at)
 GROUP BY a.workspace_id
"""
SQL_LOCK_PULSE: LiteralString = """
INSERT INTO worker_pulses AS p (name, seen_at)
VALUES (%(name)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET seen_at = p.seen_at
RETURNING seen_at, outage_seconds, outage_at
"""
SQL_UPDATE_PULSE: LiteralString = """
UPDATE worker_pulses
   SET seen_at = %(now)s, outage_seconds = %(outage)s, outage_at = %(outage_at)s
 WHERE name = %(name)s
"""
SQL_GET_PULSE: LiteralString = """
SELECT outage_seconds FROM worker_pulses WHERE name = %(name)s
"""
