"""SQL of double opt-ins under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional, fetch_value
from sojourn.kit.ids import bucket_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """A double opt-in: somebody asked for messages (`entry_ids`, with their evidence) and must still confirm it.

    `state` is open, confirmed, declined or expired; an open one whose `expires_at` has come counts as expired.
    `questions` is how often we asked, the reminder included.
    """

    id: UUID
    workspace_id: UUID
    profile_id: UUID
    channel: str
    purpose: str
    topics: list[str]
    identity_key: str
    locale: str | None
    state: str
    entry_ids: list[UUID]
    requested_at: datetime
    expires_at: datetime
    asked_at: datetime | None
    questions: int
    reminder_due_at: datetime | None
    closed_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether an answer still counts."""
        return self.state == "open" and self.expires_at > now


async def find_open_requests(conn: Conn, profile_ids: Iterable[UUID]) -> dict[tuple[UUID, str], ConsentRequest]:
    """Open requests by (person, channel), locked in the order of the profiles; those that are over among them.

    Those of profiles merged into these people are theirs; of several on a channel it is the newest.
    """
    found = await list_open_requests(conn, profile_ids)
    return {(person, one.channel): one for person, one in sorted(found, key=lambda pair: pair[1].requested_at)}


async def list_open_requests(conn: Conn, profile_ids: Iterable[UUID]) -> list[tuple[UUID, ConsentRequest]]:
    """As `find_open_requests`, all of them, each with the person whose it is."""
    ids = sorted(set(profile_ids))
    rows = await fetch_all(conn, SQL_FIND_OPEN, {"ids": ids, "buckets": [bucket_of(id_) for id_ in ids]})
    return [(row.pop("person_id"), ConsentRequest(**row)) for row in rows]


async def find_request(conn: Conn, workspace_id: UUID, request_id: UUID) -> ConsentRequest | None:
    """One request, locked, or None."""
    params = {"workspace": workspace_id, "id": request_id, "bucket": bucket_of(request_id)}
    row = await fetch_optional(conn, SQL_FIND_REQUEST, params)
    return None if row is None else ConsentRequest(**row)


async def insert_request(conn: Conn, request: ConsentRequest) -> None:
    """Write a new open request."""
    await execute(conn, SQL_INSERT_REQUEST, _params(request))


async def update_request(conn: Conn, request: ConsentRequest) -> None:
    """Write what may change of a request."""
    await execute(conn, SQL_UPDATE_REQUEST, _params(request))


async def close_requests(conn: Conn, ids: Sequence[UUID], state: str, now: datetime) -> None:
    """End open requests."""
    if ids:
        params = {"ids": list(ids), "buckets": sorted({bucket_of(id_) for id_ in ids}), "state": state, "now": now}
        await execute(conn, SQL_CLOSE, params)


async def lock_expired(conn: Conn, now: datetime, limit: int) -> list[ConsentRequest]:
    """Open requests whose time is over, locked; those that somebody else is closing are left out."""
    return [ConsentRequest(**row) for row in await fetch_all(conn, SQL_LOCK_EXPIRED, {"now": now, "limit": limit})]


async def lock_reminders(conn: Conn, now: datetime, limit: int) -> list[ConsentRequest]:
    """Open requests whose reminder is due, locked; those that somebody else is handling are left out."""
    return [ConsentRequest(**row) for row in await fetch_all(conn, SQL_LOCK_REMINDERS, {"now": now, "limit": limit})]


async def update_reminded(conn: Conn, ids: Sequence[UUID], now: datetime) -> None:
    """Note that these were asked once more; there is no further reminder."""
    if ids:
        params = {"ids": list(ids), "buckets": sorted({bucket_of(id_) for id_ in ids}), "now": now}
        await execute(conn, SQL_REMINDED, params)


async def next_due(conn: Conn) -> datetime | None:
    """When the next open request ends or is to be reminded of."""
    due: datetime | None = await fetch_value(conn, SQL_NEXT_DUE)
    return due


def _params(request: ConsentRequest) -> dict[str, Any]:
    return {**{name: getattr(request, name) for name in ConsentRequest.__slots__}, "bucket": bucket_of(request.id)}


async def find_question(conn: Conn, workspace_id: UUID, template: str) -> int | None:
    """How many languages of a template are approved; None when there is no such template."""
    row = await fetch_optional(conn, SQL_FIND_QUESTION, {"workspace": workspace_id, "template": template})
    return None if row is None else int(row["approved"])


# Read here and not asked of `templates`: the two folders do not know each other.
SQL_FIND_QUESTION: LiteralString = """
SELECT count(*) FILTER (WHERE v.state = 'approved') AS approved
  FROM templates t
  LEFT JOIN template_variants v ON v.template_id = t.id
 WHERE t.workspace_id = %(workspace)s
   AND t.name = %(template)s
   AND t.archived_at IS NULL
 GROUP BY t.id
"""

SQL_FIND_OPEN: LiteralString = """
SELECT p.person_id, r.id, r.workspace_id, r.profile_id, r.channel, r.purpose, r.topics, r.identity_key, r.locale,
       r.state, r.entry_ids, r.requested_at, r.expires_at, r.asked_at, r.questions, r.reminder_due_at, r.closed_at
  FROM (SELECT id AS person_id, id, bucket
          FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
         UNION ALL
        SELECT a.merged_into, a.id, a.bucket FROM profiles a WHERE a.merged_into = ANY(%(ids)s)) AS p
  JOIN consent_requests r ON r.profile_id = p.id AND r.bucket = p.bucket AND r.state = 'open'
 ORDER BY r.profile_id, r.channel
   FOR UPDATE OF r
"""
SQL_FIND_REQUEST: LiteralString = """
SELECT id, workspace_id, profile_id, channel, purpose, topics, identity_key, locale, state, entry_ids, requested_at,
       expires_at, asked_at, questions, reminder_due_at, closed_at
  FROM consent_requests
 WHERE workspace_id = %(workspace)s AND id = %(id)s AND bucket = %(bucket)s
   FOR UPDATE
"""
SQL_INSERT_REQUEST: LiteralString = """
INSERT INTO consent_requests (id, bucket, workspace_id, profile_id, channel, purpose, topics, identity_key, locale,
                              state, entry_ids, requested_at, expires_at, asked_at, questions, reminder_due_at,
                              closed_at)
VALUES (%(id)s, %(bucket)s, %(workspace_id)s, %(profile_id)s, %(channel)s, %(purpose)s, %(topics)s, %(identity_key)s,
        %(locale)s, %(state)s, %(entry_ids)s, %(requested_at)s, %(expires_at)s, %(asked_at)s, %(questions)s,
        %(reminder_due_at)s, %(closed_at)s)
"""
SQL_UPDATE_REQUEST: LiteralString = """
UPDATE consent_requests
   SET topics = %(topics)s, identity_key = %(identity_key)s, locale = %(locale)s, state = %(state)s,
       entry_ids = %(entry_ids)s, expires_at = %(expires_at)s, asked_at = %(asked_at)s, questions = %(questions)s,
       reminder_due_at = %(reminder_due_at)s, closed_at = %(closed_at)s
 WHERE id = %(id)s AND bucket = %(bucket)s
"""
SQL_CLOSE: LiteralString = """
UPDATE consent_requests
   SET state = %(state)s, closed_at = %(now)s, reminder_due_at = NULL
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND state = 'open'
"""
SQL_REMINDED: LiteralString = """
UPDATE consent_requests
   SET asked_at = %(now)s, questions = questions + 1, reminder_due_at = NULL
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_LOCK_EXPIRED: LiteralString = """
SELECT id, workspace_id, profile_id, channel, purpose, topics, identity_key, locale, state, entry_ids, requested_at,
       expires_at, asked_at, questions, reminder_due_at, closed_at
  FROM consent_requests
 WHERE state = 'open' AND expires_at <= %(now)s
 ORDER BY expires_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
SQL_LOCK_REMINDERS: LiteralString = """
SELECT id, workspace_id, profile_id, channel, purpose, topics, identity_key, locale, state, entry_ids, requested_at,
       expires_at, asked_at, questions, reminder_due_at, closed_at
  FROM consent_requests
 WHERE state = 'open' AND reminder_due_at <= %(now)s AND expires_at > %(now)s
 ORDER BY reminder_due_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
SQL_NEXT_DUE: LiteralString = """
SELECT least((SELECT min(expires_at) FROM consent_requests WHERE state = 'open'),
             (SELECT min(reminder_due_at) FROM consent_requests
               WHERE state = 'open' AND reminder_due_at IS NOT NULL)) AS due
"""
