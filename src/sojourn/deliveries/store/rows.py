"""SQL of deliveries, their contents and their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.deliveries.model import Delivery, DeliveryId, ProfileId, Purpose, Status
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, copy_rows, execute, fetch_all, fetch_optional


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery with its wide half, ready to write. `request`, `rendered` and `decision` are JSON bytes."""

    delivery: Delivery
    template_id: UUID | None
    lane: int
    expires_at: datetime | None
    ended_at: datetime | None
    template: str | None
    language: str | None
    topic: str | None
    evidence: str | None
    reply_to: str | None
    request: bytes
    rendered: bytes | None
    body: str | None
    decision: bytes


def id_params(ids: Iterable[UUID]) -> dict[str, list[Any]]:
    """Ids with their buckets, side by side, for `unnest`."""
    wanted = list(ids)
    return {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}


async def insert_keys(conn: Conn, workspace_id: UUID, keys: Sequence[tuple[str, UUID, UUID]]) -> set[UUID]:
    """Claim keys of people (key, profile, delivery) in their order. Returns the deliveries whose key was new.

    A key that was claimed for a profile merged into that one is not. Waits for another transaction that is claiming
    the same key.
    """
    ordered = sorted(keys)
    params = {
        "workspace": workspace_id,
        "keys": [key for key, _, _ in ordered],
        "profiles": [profile for _, profile, _ in ordered],
        "buckets": [kit_ids.bucket_of(profile) for _, profile, _ in ordered],
        "deliveries": [delivery for _, _, delivery in ordered],
    }
    return {row["delivery_id"] for row in await fetch_all(conn, SQL_INSERT_KEYS, params)}


async def find_by_keys(
    conn: Conn, workspace_id: UUID, keys: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID], Delivery]:
    """The deliveries behind keys of people (key, profile), by both; those of profiles merged into them count."""
    params = {
        "workspace": workspace_id,
        "keys": [key for key, _ in keys],
        "profiles": [profile for _, profile in keys],
        "buckets": [kit_ids.bucket_of(profile) for _, profile in keys],
    }
    found = await fetch_all(conn, SQL_FIND_KEYS, params)
    return {(row["key"], row["person_id"]): delivery_of(row, is_new=False) for row in found}


async def copy_deliveries(conn: Conn, rows: Sequence[NewDelivery]) -> None:
    """Write deliveries and their contents."""
    await copy_rows(conn, SQL_COPY_DELIVERIES, [_delivery_row(row) for row in rows])
    await copy_rows(conn, SQL_COPY_CONTENTS, [_content_row(row) for row in rows])


def _delivery_row(new: NewDelivery) -> tuple[Any, ...]:
    row = new.delivery
    return (
        row.id,
        kit_ids.bucket_of(row.id),
        row.workspace_id,
        row.profile_id,
        row.sender_id,
        new.template_id,
        row.owner_id,
        row.run_id,
        row.requested_at,
        row.planned_at,
        new.expires_at,
        new.ended_at,
        new.lane,
        row.channel,
        row.purpose.value,
        row.owner_kind,
        row.step_key,
        row.status.value,
        row.reason,
    )


def _content_row(new: NewDelivery) -> tuple[Any, ...]:
    return (
        new.delivery.id,
        kit_ids.bucket_of(new.delivery.id),
        new.template,
        new.language,
        new.topic,
        new.evidence,
        new.reply_to,
        new.request,
        new.rendered,
        new.body,
        new.decision,
    )


async def list_claimed(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Deliveries with their contents, by id, as a claim needs them. Nothing is locked: the outbox row was."""
    return {row["id"]: row for row in await fetch_all(conn, SQL_LIST_CLAIMED, id_params(ids))}


async def list_contents(conn: Conn, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """The wide halves of deliveries."""
    return await fetch_all(conn, SQL_LIST_CONTENTS, id_params(ids))


async def list_languages(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The template language that deliveries were rendered in."""
    found = await fetch_all(conn, SQL_LIST_LANGUAGES, id_params(ids))
    return {row["delivery_id"]: row["language"] for row in found if row["language"] is not None}


async def get_delivery(conn: Conn, workspace_id: UUID, delivery_id: UUID) -> dict[str, Any] | None:
    """One delivery with its content and key, or None."""
    params = {"workspace": workspace_id, "id": delivery_id, "bucket": kit_ids.bucket_of(delivery_id)}
    return await fetch_optional(conn, SQL_GET_DELIVERY, params)


async def find_deliveries(conn: Conn, workspace_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Delivery]:
    """Deliveries by id; unknown ones are left out."""
    params = {"workspace": workspace_id, **id_params(ids)}
    return {row["id"]: delivery_of(row) for row in await fetch_all(conn, SQL_FIND_DELIVERIES, params)}


async def list_deliveries(
    conn: Conn, workspace_id: UUID, filters: Mapping[str, Any], *, before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """A page, newest first, older than `before`. Filters: status, reason, profiles, owner, template, since."""
    names = ("status", "reason", "profiles", "owner", "template", "since")
    params = {name: filters.get(name) for name in names}
    since = params["since"]
    params["since_id"] = None if since is None else kit_ids.first_id(since)
    return await fetch_all(
        conn, SQL_LIST_DELIVERIES, {**params, "workspace": workspace_id, "before": before, "limit": limit}
    )


async def lock_deliveries(conn: Conn, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Lock deliveries in the order of their ids; what an announcement needs of each."""
    return await fetch_all(conn, SQL_LOCK_DELIVERIES, id_params(sorted(set(ids))))


async def update_ended(
    conn: Conn, rows: Sequence[tuple[UUID, Status, str | None, bytes | None]], *, at: datetime
) -> None:
    """End deliveries unsent (id, status, reason, decision where there is a new one)."""
    ordered = sorted(rows, key=lambda row: row[0])
    params = {
        **id_params([id_ for id_, _, _, _ in ordered]),
        "statuses": [status.value for _, status, _, _ in ordered],
        "reasons": [reason for _, _, reason, _ in ordered],
        "decisions": [decision for _, _, _, decision in ordered],
        "at": at,
    }
    await execute(conn, SQL_UPDATE_ENDED, params)
    if any(decision is not None for _, _, _, decision in ordered):
        await execute(conn, SQL_UPDATE_DECISIONS, params)


async def update_waiting(conn: Conn, rows: Sequence[tuple[UUID, Status, str | None, bytes | None]]) -> None:
    """Set deliveries to queued or deferred (id, status, reason, decision); what was rendered is forgotten."""
    ordered = sorted(rows, key=lambda row: row[0])
    params = {
        **id_params([id_ for id_, _, _, _ in ordered]),
        "statuses": [status.value for _, status, _, _ in ordered],
        "reasons": [reason for _, _, reason, _ in ordered],
        "decisions": [decision for _, _, _, decision in ordered],
    }
    await execute(conn, SQL_UPDATE_WAITING, params)
    await execute(conn, SQL_FORGET_RENDERED, params)


async def update_rendered(conn: Conn, rows: Sequence[tuple[UUID, bytes, str, str | None]]) -> None:
    """Store what was rendered at release (id, content, body, language)."""
    params = {
        **id_params([id_ for id_, _, _, _ in rows]),
        "rendered": [rendered for _, rendered, _, _ in rows],
        "bodies": [body for _, _, body, _ in rows],
        "languages": [language for _, _, _, language in rows],
    }
    await execute(conn, SQL_UPDATE_RENDERED, params)


async def update_masked(conn: Conn, rows: Sequence[tuple[UUID, bytes, bytes, str | None]]) -> None:
    """Replace request, rendered content and body by masked ones: one-time codes once they are sent."""
    params = {
        **id_params([id_ for id_, _, _, _ in rows]),
        "requests": [request for _, request, _, _ in rows],
        "rendered": [rendered for _, _, rendered, _ in rows],
        "bodies": [body for _, _, _, body in rows],
    }
    await execute(conn, SQL_UPDATE_MASKED, params)


async def update_replied(conn: Conn, delivery_id: UUID, at: datetime) -> None:
    """Note the first reply to a delivery."""
    await execute(conn, SQL_UPDATE_REPLIED, {**id_params([delivery_id]), "at": at})


def delivery_of(row: Mapping[str, Any], *, is_new: bool = False) -> Delivery:
    """A row as a delivery."""
    return Delivery(
        id=DeliveryId(row["id"]),
        workspace_id=row["workspace_id"],
        profile_id=ProfileId(row["profile_id"]),
        key=row.get("key") or "",
        status=Status(row["status"]),
        reason=row["reason"],
        purpose=Purpose(row["purpose"]),
        channel=row["channel"],
        sender_id=row["sender_id"],
        owner_kind=row["owner_kind"],
        owner_id=row["owner_id"],
        run_id=row["run_id"],
        step_key=row["step_key"],
        requested_at=row["requested_at"],
        planned_at=row["planned_at"],
        is_new=is_new,
    )


SQL_INSERT_KEYS: LiteralString = """
INSERT INTO delivery_keys (workspace_id, key, profile_id, bucket, delivery_id)
SELECT %(workspace)s, t.key, t.profile_id, t.bucket, t.delivery_id
  FROM unnest(%(keys)s::text[], %(profiles)s::uuid[], %(buckets)s::smallint[], %(deliveries)s::uuid[])
       AS t (key, profile_id, bucket, delivery_id)
  LEFT JOIN LATERAL (
       SELECT true AS is_there
         FROM profiles a
         JOIN delivery_keys k ON k.workspace_id = %(workspace)s AND k.key = t.key AND k.profile_id = a.id
                             AND k.bucket = a.bucket
        WHERE a.merged_into = t.profile_id
        LIMIT 1) AS of_alias ON true
 WHERE of_alias.is_there IS NULL
ON CONFLICT DO NOTHING
RETURNING delivery_id
"""
SQL_FIND_KEYS: LiteralString = """
SELECT t.key, t.profile_id AS person_id, d.id, d.workspace_id, d.profile_id, d.status, d.reason, d.purpose, d.channel,
       d.sender_id, d.owner_kind, d.owner_id, d.run_id, d.step_key, d.requested_at, d.planned_at
  FROM unnest(%(keys)s::text[], %(profiles)s::uuid[], %(buckets)s::smallint[]) AS t (key, profile_id, bucket)
 CROSS JOIN LATERAL (
       SELECT own.delivery_id, own.bucket, 0 AS place
         FROM delivery_keys own
        WHERE own.workspace_id = %(workspace)s AND own.key = t.key AND own.profile_id = t.profile_id
          AND own.bucket = t.bucket
        UNION ALL
       SELECT other.delivery_id, other.bucket, 1
         FROM profiles a
         JOIN delivery_keys other ON other.workspace_id = %(workspace)s AND other.key = t.key
                                 AND other.profile_id = a.id AND other.bucket = a.bucket
        WHERE a.merged_into = t.profile_id
        ORDER BY place, delivery_id
        LIMIT 1) AS k
  JOIN deliveries d ON d.id = k.delivery_id AND d.bucket = k.bucket
"""
SQL_COPY_DELIVERIES: LiteralString = """
COPY deliveries (id, bucket, workspace_id, profile_id, sender_id, template_id, owner_id, run_id, requested_at,
                 planned_at, expires_at, ended_at, lane, channel, purpose, owner_kind, step_key, status, reason)
FROM STDIN
"""
SQL_COPY_CONTENTS: LiteralString = """
COPY delivery_contents (delivery_id, bucket, template, language, topic, evidence, reply_to, request, rendered, body,
                        decision) FROM STDIN
"""
SQL_LIST_CLAIMED: LiteralString = """
SELECT d.id, d.workspace_id, d.profile_id, d.sender_id, d.template_id, d.owner_id, d.run_id, d.requested_at,
       d.planned_at, d.expires_at, d.lane, d.channel, d.purpose, d.owner_kind, d.step_key, d.status, c.template,
       c.language, c.topic, c.evidence, c.reply_to, c.rendered, c.body,
       CASE WHEN c.rendered IS NULL THEN c.request END AS request
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN deliveries d ON d.id = t.id AND d.bucket = t.bucket
  JOIN delivery_contents c ON c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_LIST_CONTENTS: LiteralString = """
SELECT c.delivery_id, c.request, c.rendered, c.body
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN delivery_contents c ON c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_LIST_LANGUAGES: LiteralString = """
SELECT c.delivery_id, c.language
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN delivery_contents c ON c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_GET_DELIVERY: LiteralString = """
SELECT d.*, c.template, c.language, c.topic, c.request, c.rendered, c.body, c.decision,
       (SELECT k.key FROM delivery_keys k
         WHERE k.workspace_id = d.workspace_id AND k.bucket = d.bucket AND k.delivery_id = d.id LIMIT 1) AS key
  FROM deliveries d
  LEFT JOIN delivery_contents c ON c.delivery_id = d.id AND c.bucket = d.bucket
 WHERE d.id = %(id)s AND d.bucket = %(bucket)s AND d.workspace_id = %(workspace)s
"""
SQL_FIND_DELIVERIES: LiteralString = """
SELECT d.id, d.workspace_id, d.profile_id, d.status, d.reason, d.purpose, d.channel, d.sender_id, d.owner_kind,
       d.owner_id, d.run_id, d.step_key, d.requested_at, d.planned_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN deliveries d ON d.id = t.id AND d.bucket = t.bucket
 WHERE d.workspace_id = %(workspace)s
"""
SQL_LIST_DELIVERIES: LiteralString = """
SELECT d.*, c.template, c.language, c.body
  FROM deliveries d
  LEFT JOIN delivery_contents c ON c.delivery_id = d.id AND c.bucket = d.bucket
 WHERE d.workspace_id = %(workspace)s
   AND (%(before)s::uuid IS NULL OR d.id < %(before)s::uuid)
   AND (%(since_id)s::uuid IS NULL OR d.id >= %(since_id)s::uuid)
   AND (%(status)s::text IS NULL OR d.status = %(status)s::text)
   AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
   AND (%(profiles)s::uuid[] IS NULL OR d.profile_id = ANY(%(profiles)s::uuid[]))
   AND (%(owner)s::uuid IS NULL OR d.owner_id = %(owner)s::uuid OR d.run_id = %(owner)s::uuid)
   AND (%(template)s::text IS NULL OR c.template = %(template)s::text)
 ORDER BY d.id DESC
 LIMIT %(limit)s
"""
SQL_LOCK_DELIVERIES: LiteralString = """
SELECT d.id, d.workspace_id, d.profile_id, d.status, d.reason, d.purpose, d.channel, d.sender_id, d.owner_kind,
       d.owner_id, d.run_id, d.step_key, d.requested_at, d.planned_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN deliveries d ON d.id = t.id AND d.bucket = t.bucket
 ORDER BY d.id
   FOR UPDATE OF d
"""
SQL_UPDATE_ENDED: LiteralString = """
UPDATE deliveries d
   SET status = t.status, reason = t.reason, ended_at = %(at)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(statuses)s::text[], %(reasons)s::text[])
       AS t (id, bucket, status, reason)
 WHERE d.id = t.id AND d.bucket = t.bucket
"""
SQL_UPDATE_DECISIONS: LiteralString = """
UPDATE delivery_contents c
   SET decision = t.decision
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(decisions)s::bytea[]) AS t (id, bucket, decision)
 WHERE c.delivery_id = t.id AND c.bucket = t.bucket AND t.decision IS NOT NULL
"""
SQL_UPDATE_WAITING: LiteralString = """
UPDATE deliveries d
   SET status = t.status, reason = t.reason
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(statuses)s::text[], %(reasons)s::text[])
       AS t (id, bucket, status, reason)
 WHERE d.id = t.id AND d.bucket = t.bucket
"""
SQL_FORGET_RENDERED: LiteralString = """
UPDATE delivery_contents c
   SET rendered = NULL, body = NULL, decision = coalesce(t.decision, c.decision)
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(decisions)s::bytea[]) AS t (id, bucket, decision)
 WHERE c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_UPDATE_RENDERED: LiteralString = """
UPDATE delivery_contents c
   SET rendered = t.rendered, body = t.body, language = t.language
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(rendered)s::bytea[], %(bodies)s::text[],
              %(languages)s::text[])
       AS t (id, bucket, rendered, body, language)
 WHERE c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_UPDATE_MASKED: LiteralString = """
UPDATE delivery_contents c
   SET request = t.request, rendered = t.rendered, body = t.body
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(requests)s::bytea[], %(rendered)s::bytea[],
              %(bodies)s::text[])
       AS t (id, bucket, request, rendered, body)
 WHERE c.delivery_id = t.id AND c.bucket = t.bucket
"""
SQL_UPDATE_REPLIED: LiteralString = """
UPDATE deliveries d
   SET replied_at = %(at)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 WHERE d.id = t.id AND d.bucket = t.bucket AND (d.replied_at IS NULL OR d.replied_at > %(at)s)
"""
