"""A person's timeline: events, deliveries, what they wrote and what they agreed to, side by side.

No row is written for it: each source is read through its own index, newest first, and the pages are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened. `kind` is event, delivery, consent, identity or message, which is inbound."""

    id: UUID
    kind: str
    at: datetime
    title: str
    data: dict[str, Any]


async def read_timeline(
    conn: Conn, profile_ids: Sequence[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[TimelineEntry]:
    """The newest entries of a person under these profiles, older than `before` (moment and id of the last one)."""
    params = {
        "profiles": list(profile_ids),
        "moment": before[0] if before else None,
        "id": before[1] if before else None,
        "limit": limit,
    }
    return [TimelineEntry(**row) for row in await fetch_all(conn, SQL_TIMELINE, params)]


SQL_TIMELINE: LiteralString = """
WITH entries AS (
    (SELECT id, 'event' AS kind, occurred_at AS at, name AS title,
            jsonb_build_object('properties', properties, 'source', source, 'recorded_at', recorded_at) AS data
       FROM events
      WHERE profile_id = ANY(%(profiles)s)
        AND (%(moment)s::timestamptz IS NULL OR (occurred_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
      ORDER BY occurred_at DESC, id DESC
      LIMIT %(limit)s)
    UNION ALL
    (SELECT id, 'delivery', requested_at, status,
            jsonb_build_object('purpose', purpose, 'channel', channel, 'reason', reason, 'owner_kind', owner_kind,
                               'owner_id', owner_id, 'sent_at', sent_at, 'delivered_at', delivered_at,
                               'read_at', read_at, 'failed_at', failed_at, 'replied_at', replied_at)
       FROM deliveries
      WHERE profile_id = ANY(%(profiles)s)
        AND (%(moment)s::timestamptz IS NULL OR (requested_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
      ORDER BY requested_at DESC, id DESC
      LIMIT %(limit)s)
    UNION ALL
    (SELECT id, 'consent', effective_at, state,
            jsonb_build_object('kind', kind, 'channel', channel, 'purpose', purpose, 'topic', topic, 'source', source,
                               'expires_at', expires_at, 'recorded_at', recorded_at)
       FROM consent_entries
      WHERE profile_id = ANY(%(profiles)s)
        AND (%(moment)s::timestamptz IS NULL OR (effective_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
      ORDER BY effective_at DESC, id DESC
      LIMIT %(limit)s)
    UNION ALL
    (SELECT id, 'message', said_at, kind,
            jsonb_build_object('direction', direction, 'text', text, 'channel', channel, 'sender_id', sender_id)
       FROM messages
      WHERE profile_id = ANY(%(profiles)s) AND direction = 'in'
        AND (%(moment)s::timestamptz IS NULL OR (said_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
      ORDER BY said_at DESC, id DESC
      LIMIT %(limit)s)
    UNION ALL
    (SELECT id, 'identity', recorded_at, kind, jsonb_build_object('scheme', scheme, 'other_id', other_id)
       FROM identity_changes
      WHERE profile_id = ANY(%(profiles)s)
        AND (%(moment)s::timestamptz IS NULL OR (recorded_at, id) < (%(moment)s::timestamptz, %(id)s::uuid))
      ORDER BY recorded_at DESC, id DESC
      LIMIT %(limit)s)
)
SELECT id, kind, at, title, data FROM entries ORDER BY at DESC, id DESC LIMIT %(limit)s
"""
