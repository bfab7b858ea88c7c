"""The statements of webhooks that we send: endpoints, messages to them, attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Row, execute, fetch_all, fetch_optional, fetch_value
from sojourn.outbound.model import Attempt, Endpoint, EndpointState, Outgoing, UnknownEndpoint

SELECT_ENDPOINT: LiteralString = """
SELECT id, workspace_id, url, description, events, include_personal_data, state, state_reason, secret, old_secret,
       old_secret_until, created_at, updated_at, failing_since
  FROM outbound_endpoints
"""


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(**{**row, "events": tuple(row["events"]), "state": EndpointState(row["state"])})


async def insert_endpoint(conn: Conn, endpoint: Endpoint, *, actor: str) -> None:
    """Write an endpoint."""
    params = {
        "id": endpoint.id, "workspace": endpoint.workspace_id, "url": endpoint.url, "events": list(endpoint.events),
        "description": endpoint.description, "personal": endpoint.include_personal_data, "state": endpoint.state.value,
        "secret": endpoint.secret, "actor": actor, "now": endpoint.created_at,
    }  # fmt: skip
    await execute(conn, SQL_INSERT, params)


SQL_INSERT: LiteralString = """
INSERT INTO outbound_endpoints (id, workspace_id, url, description, events, include_personal_data, state, secret,
                                created_by, created_at, updated_at)
VALUES (%(id)s, %(workspace)s, %(url)s, %(description)s, %(events)s, %(personal)s, %(state)s, %(secret)s, %(actor)s,
        %(now)s, %(now)s)
"""


async def update_endpoint(conn: Conn, endpoint: Endpoint) -> None:
    """Write what can change of an endpoint."""
    params = {
        "id": endpoint.id, "url": endpoint.url, "events": list(endpoint.events), "state": endpoint.state.value,
        "description": endpoint.description, "personal": endpoint.include_personal_data,
        "reason": endpoint.state_reason, "secret": endpoint.secret, "old": endpoint.old_secret,
        "until": endpoint.old_secret_until, "now": endpoint.updated_at, "failing": endpoint.failing_since,
    }  # fmt: skip
    await execute(conn, SQL_UPDATE, params)


SQL_UPDATE: LiteralString = """
UPDATE outbound_endpoints
   SET url = %(url)s, description = %(description)s, events = %(events)s, include_personal_data = %(personal)s,
       state = %(state)s, state_reason = %(reason)s, secret = %(secret)s, old_secret = %(old)s,
       old_secret_until = %(until)s, updated_at = %(now)s, failing_since = %(failing)s
 WHERE id = %(id)s
"""


async def delete_endpoint(conn: Conn, workspace_id: UUID, endpoint_id: UUID) -> None:
    """Delete an endpoint with all its messages. Raises UnknownEndpoint."""
    if not await execute(conn, SQL_DELETE, {"workspace": workspace_id, "id": endpoint_id}):
        raise UnknownEndpoint(endpoint_id=str(endpoint_id))


SQL_DELETE: LiteralString = "DELETE FROM outbound_endpoints WHERE workspace_id = %(workspace)s AND id = %(id)s"


async def get_endpoint(conn: Conn, workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """One endpoint. Raises UnknownEndpoint."""
    row = await fetch_optional(conn, SQL_GET, {"workspace": workspace_id, "id": endpoint_id})
    if row is None:
        raise UnknownEndpoint(endpoint_id=str(endpoint_id))
    return _endpoint(row)


SQL_GET: LiteralString = SELECT_ENDPOINT + " WHERE workspace_id = %(workspace)s AND id = %(id)s"


async def lock_endpoint(conn: Conn, workspace_id: UUID, endpoint_id: UUID) -> Endpoint:
    """One endpoint, locked. Raises UnknownEndpoint."""
    row = await fetch_optional(conn, SQL_LOCK, {"workspace": workspace_id, "id": endpoint_id})
    if row is None:
        raise UnknownEndpoint(endpoint_id=str(endpoint_id))
    return _endpoint(row)


SQL_LOCK: LiteralString = SELECT_ENDPOINT + " WHERE workspace_id = %(workspace)s AND id = %(id)s FOR UPDATE"


async def list_endpoints(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[Endpoint]:
    """Endpoints, oldest first."""
    rows = await fetch_all(conn, SQL_LIST, {"workspace": workspace_id, "after": after, "limit": limit})
    return [_endpoint(row) for row in rows]


SQL_LIST: LiteralString = (
    SELECT_ENDPOINT
    + " WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)"
    + " ORDER BY id LIMIT %(limit)s"
)


async def count_endpoints(conn: Conn, workspace_id: UUID) -> int:
    """How many endpoints a workspace has."""
    return int(await fetch_value(conn, SQL_COUNT, {"workspace": workspace_id}))


SQL_COUNT: LiteralString = "SELECT count(*) FROM outbound_endpoints WHERE workspace_id = %(workspace)s"


async def list_wanted(conn: Conn, workspace_id: UUID) -> frozenset[str]:
    """What any endpoint of a workspace wants that is not switched off."""
    rows = await fetch_all(conn, SQL_WANTED, {"workspace": workspace_id})
    return frozenset(event for row in rows for event in row["events"])


SQL_WANTED: LiteralString = """
SELECT events FROM outbound_endpoints WHERE workspace_id = %(workspace)s AND state <> 'disabled'
"""


async def list_hearing(conn: Conn, workspace_id: UUID, events: Sequence[str]) -> list[Endpoint]:
    """The endpoints of a workspace that want any of these events and are not switched off."""
    rows = await fetch_all(conn, SQL_HEARING, {"workspace": workspace_id, "events": list(events)})
    return [_endpoint(row) for row in rows]


SQL_HEARING: LiteralString = (
    SELECT_ENDPOINT + " WHERE workspace_id = %(workspace)s AND state <> 'disabled' AND events && %(events)s ORDER BY id"
)


async def insert_messages(
    conn: Conn,
    workspace_id: UUID,
    rows: Sequence[tuple[UUID, UUID, UUID | None, str, bytes]],
    *,
    now: datetime,
) -> None:
    """Write messages: id, endpoint, profile, event, sealed body."""
    params = {
        "workspace": workspace_id, "ids": [row[0] for row in rows], "endpoints": [row[1] for row in rows],
        "profiles": [row[2] for row in rows], "events": [row[3] for row in rows], "bodies": [row[4] for row in rows],
        "now": now,
    }  # fmt: skip
    await execute(conn, SQL_INSERT_MESSAGES, params)


SQL_INSERT_MESSAGES: LiteralString = """
INSERT INTO outbound_messages (id, workspace_id, endpoint_id, profile_id, event, body, state, due_at, created_at)
SELECT id, %(workspace)s, endpoint_id, profile_id, event, body, 'waiting', %(now)s, %(now)s
  FROM unnest(%(ids)s::uuid[], %(endpoints)s::uuid[], %(profiles)s::uuid[], %(events)s::text[], %(bodies)b::bytea[])
       AS t (id, endpoint_id, profile_id, event, body)
"""


async def find_due(conn: Conn, wanted: Sequence[tuple[UUID, int]]) -> list[tuple[Outgoing, Endpoint]]:
    """Messages (id, number of attempts so far) that still wait for exactly that attempt, with their endpoints."""
    rows = await fetch_all(conn, SQL_DUE, {"ids": [row[0] for row in wanted], "attempts": [row[1] for row in wanted]})
    endpoints = {
        row["id"]: _endpoint(row)
        for row in await fetch_all(conn, SQL_ENDPOINTS, {"ids": [row["endpoint_id"] for row in rows]})
    }
    return [(Outgoing(**row), endpoints[row["endpoint_id"]]) for row in rows]


SQL_DUE: LiteralString = """
SELECT m.id, m.endpoint_id, m.event, m.body, m.attempts
  FROM unnest(%(ids)s::uuid[], %(attempts)s::int[]) AS t (id, attempts)
  JOIN outbound_messages m ON m.id = t.id AND m.attempts = t.attempts
 WHERE m.state = 'waiting'
"""
SQL_ENDPOINTS: LiteralString = SELECT_ENDPOINT + " WHERE id = ANY(%(ids)s)"


async def lock_waiting(conn: Conn, message_id: UUID, attempts: int) -> bool:
    """Lock a message that waits for exactly this attempt; false when another run of the job was faster."""
    return await fetch_optional(conn, SQL_LOCK_WAITING, {"id": message_id, "attempts": attempts}) is not None


SQL_LOCK_WAITING: LiteralString = """
SELECT id FROM outbound_messages WHERE id = %(id)s AND attempts = %(attempts)s AND state = 'waiting' FOR UPDATE
"""


async def update_message(conn: Conn, message_id: UUID, *, state: str, attempts: int, due_at: datetime | None) -> None:
    """Say how far a message is."""
    await execute(conn, SQL_UPDATE_MESSAGE, {"id": message_id, "state": state, "attempts": attempts, "due": due_at})


SQL_UPDATE_MESSAGE: LiteralString = """
UPDATE outbound_messages SET state = %(state)s, attempts = %(attempts)s, due_at = %(due)s WHERE id = %(id)s
"""


async def insert_attempt(
    conn: Conn, id_: UUID, message: Outgoing, *, status: int | None, error: str | None, milliseconds: int, at: datetime
) -> None:
    """Write one call."""
    params = {
        "id": id_, "message": message.id, "endpoint": message.endpoint_id, "number": message.attempts + 1,
        "status": status, "error": error, "ms": milliseconds, "at": at,
    }  # fmt: skip
    await execute(conn, SQL_INSERT_ATTEMPT, params)


SQL_INSERT_ATTEMPT: LiteralString = """
INSERT INTO outbound_attempts (id, message_id, endpoint_id, number, status_code, error, duration_ms, attempted_at)
VALUES (%(id)s, %(message)s, %(endpoint)s, %(number)s, %(status)s, %(error)s, %(ms)s, %(at)s)
"""


async def list_attempts(conn: Conn, endpoint_id: UUID, *, before: UUID | None, limit: int) -> list[Attempt]:
    """Calls of an endpoint, newest first."""
    rows = await fetch_all(conn, SQL_ATTEMPTS, {"endpoint": endpoint_id, "before": before, "limit": limit})
    return [Attempt(**row) for row in rows]


SQL_ATTEMPTS: LiteralString = """
SELECT a.id, a.message_id, m.event, m.profile_id, m.state, a.number, a.status_code, a.error, a.duration_ms,
       a.attempted_at, m.due_at
  FROM outbound_attempts a
  JOIN outbound_messages m ON m.id = a.message_id
 WHERE a.endpoint_id = %(endpoint)s AND (%(before)s::uuid IS NULL OR a.id < %(before)s::uuid)
 ORDER BY a.id DESC
 LIMIT %(limit)s
"""


async def reset_messages(
    conn: Conn,
    endpoint_id: UUID,
    *,
    created_from: datetime | None = None,
    created_until: datetime | None = None,
    attempt_ids: Sequence[UUID] | None = None,
    limit: int,
    now: datetime,
) -> list[UUID]:
    """Have messages sent again, of a time or those of attempts, oldest first; those that wait anyhow start afresh."""
    params = {
        "endpoint": endpoint_id, "from": created_from, "until": created_until, "limit": limit, "now": now,
        "attempts": None if attempt_ids is None else list(attempt_ids),
    }  # fmt: skip
    return [row["id"] for row in await fetch_all(conn, SQL_RESET, params)]


SQL_RESET: LiteralString = """
UPDATE outbound_messages m
   SET state = 'waiting', attempts = 0, due_at = %(now)s
 WHERE m.id IN (
       SELECT id FROM outbound_messages
        WHERE endpoint_id = %(endpoint)s
          AND (%(from)s::timestamptz IS NULL OR created_at >= %(from)s)
          AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
          AND (%(attempts)s::uuid[] IS NULL
               OR id IN (SELECT message_id FROM outbound_attempts
                          WHERE endpoint_id = %(endpoint)s AND id = ANY(%(attempts)s::uuid[])))
        ORDER BY id LIMIT %(limit)s FOR UPDATE)
RETURNING m.id
"""


async def delete_of_people(conn: Conn, profile_ids: Sequence[UUID]) -> int:
    """Delete what was or is to be told about people, attempts and all. How many messages."""
    return await execute(conn, SQL_DELETE_OF_PEOPLE, {"ids": list(profile_ids)})


SQL_DELETE_OF_PEOPLE: LiteralString = "DELETE FROM outbound_messages WHERE profile_id = ANY(%(ids)s)"


async def list_deliveries(conn: Conn, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What a webhook says of deliveries beside their status, by id."""
    return {row["id"]: row for row in await fetch_all(conn, SQL_DELIVERIES, {"ids": list(ids), "buckets": [
        id_.int & 0xFF for id_ in ids
    ]})}  # fmt: skip


SQL_DELIVERIES: LiteralString = """
SELECT d.id, d.purpose, d.channel, d.sender_id, d.owner_kind, d.owner_id, d.run_id, d.template_id, d.error_code,
       k.key, c.body
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN deliveries d ON d.id = t.id AND d.bucket = t.bucket
  LEFT JOIN delivery_contents c ON c.delivery_id = d.id AND c.bucket = d.bucket
  LEFT JOIN delivery_keys k ON k.delivery_id = d.id AND k.bucket = d.bucket
"""
