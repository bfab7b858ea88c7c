"""Journeys and their versions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.journeys.model import Journey, JourneyId, JourneyState, UnknownJourney, Version, VersionId
from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all, fetch_optional


async def get_journey(conn: Conn, workspace_id: UUID, journey_id: UUID) -> Journey:
    """The journey. Raises UnknownJourney."""
    row = await fetch_optional(conn, SQL_GET, {"workspace": workspace_id, "id": journey_id})
    if row is None:
        raise UnknownJourney(journey_id=journey_id)
    return _journey(row)


async def lock_journey(conn: Conn, workspace_id: UUID, journey_id: UUID) -> Journey:
    """The journey, locked against other changes. Raises UnknownJourney."""
    row = await fetch_optional(conn, SQL_LOCK, {"workspace": workspace_id, "id": journey_id})
    if row is None:
        raise UnknownJourney(journey_id=journey_id)
    return _journey(row)


async def find_journey_by_key(conn: Conn, workspace_id: UUID, key: str) -> Journey | None:
    """The journey of this key, or None."""
    row = await fetch_optional(conn, SQL_FIND_BY_KEY, {"workspace": workspace_id, "key": key})
    return None if row is None else _journey(row)


async def list_journeys(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[Journey]:
    """Up to `limit` + 1 journeys, oldest first."""
    params = {"workspace": workspace_id, "after": after, "limit": limit + 1}
    return [_journey(row) for row in await fetch_all(conn, SQL_LIST, params)]


async def upsert_draft(
    conn: Conn,
    *,
    journey_id: JourneyId,
    workspace_id: UUID,
    key: str,
    name: str,
    draft: dict[str, Any] | None,
    now: datetime,
) -> Journey:
    """Save a draft under its key; a journey that exists keeps its id and state."""
    params = {
        "id": journey_id,
        "workspace": workspace_id,
        "key": key,
        "name": name,
        "draft": None if draft is None else Jsonb(draft),
        "now": now,
    }
    [row] = await fetch_all(conn, SQL_UPSERT_DRAFT, params)
    return _journey(row)


async def update_state(conn: Conn, journey_id: UUID, state: JourneyState, now: datetime) -> None:
    """Set the state."""
    await execute(conn, SQL_UPDATE_STATE, {"id": journey_id, "state": state.value, "now": now})


async def insert_version(conn: Conn, version: Version) -> None:
    """Write a published version and let new runs begin in it; the draft is done with."""
    params = {
        "id": version.id,
        "workspace": version.workspace_id,
        "journey": version.journey_id,
        "number": version.number,
        "definition": Jsonb(version.definition),
        "digest": version.digest,
        "triggers": version.triggers,
        "listens": version.listens,
        "by": version.published_by,
        "at": version.published_at,
    }
    await execute(conn, SQL_INSERT_VERSION, params)
    await execute(conn, SQL_GO_LIVE, {"journey": version.journey_id, "id": version.id, "at": version.published_at})


async def find_latest_version(conn: Conn, journey_id: UUID) -> Version | None:
    """The newest version, or None while nothing was published."""
    row = await fetch_optional(conn, SQL_LATEST_VERSION, {"journey": journey_id})
    return None if row is None else Version(**row)


async def get_versions(conn: Conn, ids: Iterable[UUID]) -> dict[VersionId, Version]:
    """Versions by id; unknown ids are left out."""
    rows = await fetch_all(conn, SQL_GET_VERSIONS, {"ids": list(ids)})
    return {row["id"]: Version(**row) for row in rows}


async def list_started_by(conn: Conn, pairs: Iterable[tuple[UUID, str]]) -> list[tuple[UUID, VersionId]]:
    """(workspace, live version) of every live journey that one of these (workspace, event name) starts."""
    found = list(pairs)
    params = {"workspaces": [workspace for workspace, _ in found], "names": [name for _, name in found]}
    return [(row["workspace_id"], row["id"]) for row in await fetch_all(conn, SQL_LIST_STARTED_BY, params)]


async def list_paused(conn: Conn, journey_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these journeys stand still."""
    rows = await fetch_all(conn, SQL_LIST_PAUSED, {"ids": list(journey_ids)})
    return {row["id"] for row in rows}


def _journey(row: Row) -> Journey:
    return Journey(**{**row, "state": JourneyState(row["state"])})


SQL_GET: LiteralString = """
SELECT id, workspace_id, key, name, state, draft, live_version_id, created_at, updated_at
  FROM journeys
 WHERE workspace_id = %(workspace)s AND id = %(id)s
"""
SQL_LOCK: LiteralString = SQL_GET + " FOR UPDATE"
SQL_FIND_BY_KEY: LiteralString = """
SELECT id, workspace_id, key, name, state, draft, live_version_id, created_at, updated_at
  FROM journeys
 WHERE workspace_id = %(workspace)s AND key = %(key)s
"""
SQL_LIST: LiteralString = """
SELECT id, workspace_id, key, name, state, draft, live_version_id, created_at, updated_at
  FROM journeys
 WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_UPSERT_DRAFT: LiteralString = """
INSERT INTO journeys (id, workspace_id, key, name, state, draft, created_at, updated_at)
VALUES (%(id)s, %(workspace)s, %(key)s, %(name)s, 'draft', %(draft)s, %(now)s, %(now)s)
ON CONFLICT (workspace_id, key) DO UPDATE
   SET name = excluded.name, draft = excluded.draft, updated_at = excluded.updated_at
RETURNING id, workspace_id, key, name, state, draft, live_version_id, created_at, updated_at
"""
SQL_UPDATE_STATE: LiteralString = """
UPDATE journeys SET state = %(state)s, updated_at = %(now)s WHERE id = %(id)s
"""
SQL_INSERT_VERSION: LiteralString = """
INSERT INTO journey_versions (id, workspace_id, journey_id, number, definition, digest, triggers, listens,
                              published_by, published_at)
VALUES (%(id)s, %(workspace)s, %(journey)s, %(number)s, %(definition)s, %(digest)s, %(triggers)s, %(listens)s,
        %(by)s, %(at)s)
"""
SQL_GO_LIVE: LiteralString = """
UPDATE journeys
   SET live_version_id = %(id)s, draft = NULL, updated_at = %(at)s,
       state = CASE WHEN state = 'paused' THEN state ELSE 'live' END
 WHERE id = %(journey)s
"""
SQL_LATEST_VERSION: LiteralString = """
SELECT id, workspace_id, journey_id, number, definition, digest, triggers, listens, published_by, published_at
  FROM journey_versions
 WHERE journey_id = %(journey)s
 ORDER BY number DESC
 LIMIT 1
"""
SQL_GET_VERSIONS: LiteralString = """
SELECT id, workspace_id, journey_id, number, definition, digest, triggers, listens, published_by, published_at
  FROM journey_versions
 WHERE id = ANY(%(ids)s)
"""
SQL_LIST_STARTED_BY: LiteralString = """
SELECT DISTINCT v.workspace_id, v.id
  FROM unnest(%(workspaces)s::uuid[], %(names)s::text[]) AS e (workspace_id, name)
  JOIN journeys j ON j.workspace_id = e.workspace_id AND j.state = 'live'
  JOIN journey_versions v ON v.id = j.live_version_id AND e.name = ANY(v.triggers)
 ORDER BY v.id
"""
SQL_LIST_PAUSED: LiteralString = """
SELECT id FROM journeys WHERE id = ANY(%(ids)s) AND state = 'paused'
"""
