"""SQL of events, their idempotency keys, and rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.events.model import Event, EventRule, UnknownEventRule
from sojourn.kit import json
from sojourn.kit.database import Conn, Jsonb, copy_rows, execute, fetch_all, fetch_optional
from sojourn.kit.ids import bucket_of, bucket_of_key
from sojourn.profiles.model import ProfileId

COPY_FROM = 20  # rows; below, one statement is cheaper than the round trips of COPY


async def find_keys(conn: Conn, workspace_id: UUID, keys: Iterable[str]) -> dict[str, tuple[UUID, ProfileId]]:
    """The (event, profile) that idempotency keys stand for already; new keys are left out."""
    wanted = sorted(set(keys))
    params = {"workspace": workspace_id, "keys": wanted, "buckets": sorted({bucket_of_key(key) for key in wanted})}
    rows = await fetch_all(conn, SQL_FIND_KEYS, params)
    return {row["key"]: (row["event_id"], row["profile_id"]) for row in rows}


async def insert_keys(
    conn: Conn, workspace_id: UUID, rows: Mapping[str, tuple[UUID, ProfileId]], recorded_at: datetime
) -> set[str]:
    """Write idempotency keys in their order, waiting for whoever writes the same one now. Returns the new ones."""
    keys = sorted(rows)
    params = {
        "workspace": workspace_id,
        "keys": keys,
        "buckets": [bucket_of_key(key) for key in keys],
        "events": [rows[key][0] for key in keys],
        "profiles": [rows[key][1] for key in keys],
        "at": recorded_at,
    }
    return {row["key"] for row in await fetch_all(conn, SQL_INSERT_KEYS, params)}


async def delete_keys_before(conn: Conn, before: datetime, limit: int) -> int:
    """Forget idempotency keys recorded before a moment, at most `limit`; how many went."""
    return await execute(conn, SQL_DELETE_KEYS, {"before": before, "limit": limit})


async def insert_events(conn: Conn, workspace_id: UUID, events: Sequence[Event]) -> None:
    """Write events."""
    rows = [
        (
            event.id,
            bucket_of(event.id),
            workspace_id,
            event.profile_id,
            event.name,
            json.encode(event.properties).decode(),
            event.source,
            event.occurred_at,
            event.recorded_at,
        )
        for event in events
    ]
    if len(rows) >= COPY_FROM:
        await copy_rows(conn, SQL_COPY_EVENTS, rows)
        return
    names = ("ids", "buckets", "workspaces", "profiles", "names", "properties", "sources", "occurred", "recorded")
    columns = zip(*rows, strict=True)
    await execute(conn, SQL_INSERT_EVENTS, {name: list(column) for name, column in zip(names, columns, strict=True)})


SQL_INSERT_EVENTS: LiteralString = """
INSERT INTO events (id, bucket, workspace_id, profile_id, name, properties, source, occurred_at, recorded_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(workspaces)s::uuid[], %(profiles)s::uuid[],
                     %(names)s::text[], %(properties)s::jsonb[], %(sources)s::text[], %(occurred)s::timestamptz[],
                     %(recorded)s::timestamptz[])
"""


async def list_events(
    conn: Conn, profile_id: UUID, *, before: tuple[datetime, UUID] | None = None, limit: int
) -> list[Event]:
    """A person's events, newest first, older than `before` (moment and id of the last one seen)."""
    params = {
        "profile": profile_id,
        "moment": before[0] if before else None,
        "id": before[1] if before else None,
        "limit": limit,
    }
    return [Event(**row) for row in await fetch_all(conn, SQL_LIST_EVENTS, params)]


async def delete_events(conn: Conn, workspace_id: UUID, profile_ids: Sequence[UUID]) -> dict[str, int]:
    """Erase all events of people, and the keys that point to them. Counts a table."""
    params = {"workspace": workspace_id, "profiles": list(profile_ids)}
    return {
        "events": await execute(conn, SQL_ERASE_EVENTS, params),
        "event_keys": await execute(conn, SQL_ERASE_KEYS, params),
    }


async def delete_events_before(conn: Conn, first_kept: UUID, limit: int) -> int:
    """Delete events older than an id (see `ids.first_id`), at most `limit`; how many went."""
    return await execute(conn, SQL_DELETE_EVENTS, {"first": first_kept, "limit": limit})


async def list_rules_of(conn: Conn, workspace_id: UUID, base_names: Iterable[str]) -> list[EventRule]:
    """The rules that look at events of these names."""
    rows = await fetch_all(conn, SQL_RULES_OF, {"workspace": workspace_id, "names": sorted(set(base_names))})
    return [EventRule(**row) for row in rows]


async def list_rules(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[EventRule]:
    """All rules, oldest first."""
    rows = await fetch_all(conn, SQL_LIST_RULES, {"workspace": workspace_id, "after": after, "limit": limit})
    return [EventRule(**row) for row in rows]


async def insert_rule(conn: Conn, workspace_id: UUID, rule: EventRule) -> bool:
    """Write a rule; False when its name is taken."""
    params = {
        "workspace": workspace_id,
        "id": rule.id,
        "name": rule.name,
        "base": rule.base_name,
        "conditions": Jsonb(rule.conditions),
        "at": rule.created_at,
    }
    return await execute(conn, SQL_INSERT_RULE, params) == 1


async def delete_rule(conn: Conn, workspace_id: UUID, rule_id: UUID) -> None:
    """Delete a rule. Raises UnknownEventRule."""
    if await fetch_optional(conn, SQL_DELETE_RULE, {"workspace": workspace_id, "id": rule_id}) is None:
        raise UnknownEventRule(event_rule_id=str(rule_id))


async def count_events(conn: Conn, workspace_id: UUID, names: Sequence[str] | None = None) -> dict[str, Any]:
    """How many events there are, by name."""
    rows = await fetch_all(conn, SQL_COUNT, {"workspace": workspace_id, "names": list(names) if names else None})
    return {row["name"]: row["count"] for row in rows}


SQL_FIND_KEYS: LiteralString = """
SELECT key, event_id, profile_id
  FROM event_keys
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
"""
SQL_INSERT_KEYS: LiteralString = """
INSERT INTO event_keys (workspace_id, key, bucket, event_id, profile_id, recorded_at)
SELECT %(workspace)s, key, bucket, event_id, profile_id, %(at)s
  FROM unnest(%(keys)s::text[], %(buckets)s::smallint[], %(events)s::uuid[], %(profiles)s::uuid[])
       AS t (key, bucket, event_id, profile_id)
ON CONFLICT (workspace_id, key, bucket) DO NOTHING
RETURNING key
"""
SQL_DELETE_KEYS: LiteralString = """
DELETE FROM event_keys
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM event_keys WHERE recorded_at < %(before)s LIMIT %(limit)s))
"""
SQL_COPY_EVENTS: LiteralString = """
COPY events (id, bucket, workspace_id, profile_id, name, properties, source, occurred_at, recorded_at) FROM STDIN
"""
SQL_LIST_EVENTS: LiteralString = """
SELECT id, profile_id, name, properties, source, occurred_at, recorded_at
  FROM events
 WHERE profile_id = %(profile)s
   AND (%(moment)s::timestamptz IS NULL OR (occurred_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
 ORDER BY occurred_at DESC, id DESC
 LIMIT %(limit)s
"""
SQL_ERASE_EVENTS: LiteralString = """
DELETE FROM events WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(profiles)s)
"""
SQL_ERASE_KEYS: LiteralString = """
DELETE FROM event_keys WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(profiles)s)
"""
SQL_DELETE_EVENTS: LiteralString = """
DELETE FROM events e
 USING (SELECT id, bucket FROM events WHERE id < %(first)s LIMIT %(limit)s) old
 WHERE e.id = old.id AND e.bucket = old.bucket
"""
SQL_RULES_OF: LiteralString = """
SELECT id, name, base_name, conditions, created_at
  FROM event_rules
 WHERE workspace_id = %(workspace)s AND base_name = ANY(%(names)s)
 ORDER BY id
"""
SQL_LIST_RULES: LiteralString = """
SELECT id, name, base_name, conditions, created_at
  FROM event_rules
 WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_INSERT_RULE: LiteralString = """
INSERT INTO event_rules (id, workspace_id, name, base_name, conditions, created_at)
VALUES (%(id)s, %(workspace)s, %(name)s, %(base)s, %(conditions)s, %(at)s)
ON CONFLICT (workspace_id, name) DO NOTHING
"""
SQL_DELETE_RULE: LiteralString = """
DELETE FROM event_rules WHERE workspace_id = %(workspace)s AND id = %(id)s RETURNING id
"""
SQL_COUNT: LiteralString = """
SELECT name, count(*) AS count
  FROM events
 WHERE workspace_id = %(workspace)s AND (%(names)s::text[] IS NULL OR name = ANY(%(names)s::text[]))
 GROUP BY name
"""
