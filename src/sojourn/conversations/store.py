"""SQL of threads and open questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.conversations.model import Conversation, OpenQuestion
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import bucket_of, new_id


async def upsert_conversations(
    conn: Conn, workspace_id: UUID, rows: Sequence[tuple[UUID, UUID, datetime, str | None]], now: datetime
) -> None:
    """Note inbound messages (profile, sender, said at, user id), one row a pair; older ones move nothing."""
    latest: dict[tuple[UUID, UUID], tuple[datetime, str | None]] = {}
    for profile, sender, said_at, user_id in rows:
        old = latest.get((profile, sender))
        latest[(profile, sender)] = max(said_at, old[0]) if old else said_at, user_id or (old[1] if old else None)
    ordered = sorted(latest.items())
    params = {
        "workspace": workspace_id,
        "now": now,
        "ids": [new_id(now, bucket_of(profile)) for (profile, _), _ in ordered],
        "buckets": [bucket_of(profile) for (profile, _), _ in ordered],
        "profiles": [profile for (profile, _), _ in ordered],
        "senders": [sender for (_, sender), _ in ordered],
        "said": [said_at for _, (said_at, _) in ordered],
        "users": [user_id for _, (_, user_id) in ordered],
    }
    await execute(conn, SQL_UPSERT_CONVERSATIONS, params)


async def list_conversations(conn: Conn, workspace_id: UUID, profile_id: UUID) -> list[Conversation]:
    """The threads of a person, the latest first."""
    params = {"workspace": workspace_id, "profile": profile_id, "bucket": bucket_of(profile_id)}
    return [Conversation(**row) for row in await fetch_all(conn, SQL_LIST_CONVERSATIONS, params)]


async def upsert_questions(conn: Conn, workspace_id: UUID, questions: Sequence[OpenQuestion]) -> None:
    """Open questions; each takes the place of the one that was open for that person and sender."""
    ordered = sorted(questions, key=lambda question: (question.profile_id, question.sender_id))
    params = {
        "workspace": workspace_id,
        "ids": [new_id(question.asked_at, bucket_of(question.profile_id)) for question in ordered],
        "buckets": [bucket_of(question.profile_id) for question in ordered],
        "profiles": [question.profile_id for question in ordered],
        "senders": [question.sender_id for question in ordered],
        "runs": [question.run_id for question in ordered],
        "steps": [question.step_key for question in ordered],
        "deliveries": [question.delivery_id for question in ordered],
        "asked": [question.asked_at for question in ordered],
        "expires": [question.expires_at for question in ordered],
    }
    await execute(conn, SQL_UPSERT_QUESTIONS, params)


async def list_questions(conn: Conn, profile_ids: Iterable[UUID]) -> list[OpenQuestion]:
    """The open questions of people, the newest first; those whose time is over among them."""
    ids = list(profile_ids)
    params = {"ids": ids, "buckets": sorted({bucket_of(id_) for id_ in ids})}
    return [OpenQuestion(**row) for row in await fetch_all(conn, SQL_LIST_QUESTIONS, params)]


async def delete_questions(conn: Conn, run_ids: Iterable[UUID]) -> int:
    """Close the questions of runs."""
    return await execute(conn, SQL_DELETE_QUESTIONS, {"runs": list(run_ids)})


async def erase_people(conn: Conn, profile_ids: Sequence[UUID]) -> dict[str, int]:
    """Take people out: their threads and open questions. Counts a table."""
    params: dict[str, Any] = {"ids": list(profile_ids), "buckets": sorted({bucket_of(id_) for id_ in profile_ids})}
    return {
        "conversations": await execute(conn, SQL_ERASE_CONVERSATIONS, params),
        "open_questions": await execute(conn, SQL_ERASE_QUESTIONS, params),
    }


async def delete_older(conn: Conn, before: datetime, limit: int) -> int:
    """Delete threads whose last message is older than a moment: retention."""
    return await execute(conn, SQL_DELETE_OLDER, {"before": before, "limit": limit})


async def count_older(conn: Conn, before: datetime) -> int:
    """How many threads retention would delete."""
    rows = await fetch_all(conn, SQL_COUNT_OLDER, {"before": before})
    return int(rows[0]["count"])


async def list_active_since(conn: Conn, profile_ids: Iterable[UUID], since: datetime) -> set[UUID]:
    """Those people who wrote since a moment."""
    ids = list(profile_ids)
    params = {"ids": ids, "buckets": sorted({bucket_of(id_) for id_ in ids}), "since": since}
    return {row["profile_id"] for row in await fetch_all(conn, SQL_ACTIVE_SINCE, params)}


SQL_UPSERT_CONVERSATIONS: LiteralString = """
INSERT INTO conversations AS c (id, bucket, workspace_id, profile_id, sender_id, channel, user_id, last_inbound_at,
                                created_at)
SELECT id, bucket, %(workspace)s, profile_id, sender_id, 'whatsapp', user_id, said_at, %(now)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(senders)s::uuid[],
              %(said)s::timestamptz[], %(users)s::text[]) AS t (id, bucket, profile_id, sender_id, said_at, user_id)
ON CONFLICT (profile_id, sender_id, bucket) DO UPDATE
   SET last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
       user_id = coalesce(excluded.user_id, c.user_id)
"""
SQL_LIST_CONVERSATIONS: LiteralString = """
SELECT id, profile_id, sender_id, channel, last_inbound_at, created_at
  FROM conversations
 WHERE workspace_id = %(workspace)s AND profile_id = %(profile)s AND bucket = %(bucket)s
 ORDER BY last_inbound_at DESC NULLS LAST, id
"""
SQL_UPSERT_QUESTIONS: LiteralString = """
INSERT INTO open_questions (id, bucket, workspace_id, profile_id, sender_id, run_id, step_key, delivery_id, asked_at,
                            expires_at)
SELECT id, bucket, %(workspace)s, profile_id, sender_id, run_id, step_key, delivery_id, asked_at, expires_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(senders)s::uuid[], %(runs)s::uuid[],
              %(steps)s::text[], %(deliveries)s::uuid[], %(asked)s::timestamptz[], %(expires)s::timestamptz[])
       AS t (id, bucket, profile_id, sender_id, run_id, step_key, delivery_id, asked_at, expires_at)
ON CONFLICT (profile_id, sender_id, bucket) DO UPDATE
   SET run_id = excluded.run_id, step_key = excluded.step_key, delivery_id = excluded.delivery_id,
       asked_at = excluded.asked_at, expires_at = excluded.expires_at
"""
SQL_LIST_QUESTIONS: LiteralString = """
SELECT profile_id, sender_id, run_id, step_key, delivery_id, asked_at, expires_at
  FROM open_questions
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY asked_at DESC, id DESC
"""
SQL_DELETE_QUESTIONS: LiteralString = "DELETE FROM open_questions WHERE run_id = ANY(%(runs)s)"
SQL_ERASE_CONVERSATIONS: LiteralString = """
DELETE FROM conversations WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_ERASE_QUESTIONS: LiteralString = """
DELETE FROM open_questions WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_DELETE_OLDER: LiteralString = """
DELETE FROM conversations
 WHERE (id, bucket) IN (SELECT id, bucket FROM conversations
                         WHERE coalesce(last_inbound_at, created_at) < %(before)s
                         LIMIT %(limit)s)
"""
SQL_COUNT_OLDER: LiteralString = """
SELECT count(*) AS count FROM conversations WHERE coalesce(last_inbound_at, created_at) < %(before)s
"""
SQL_ACTIVE_SINCE: LiteralString = """
SELECT DISTINCT profile_id
  FROM conversations
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND last_inbound_at >= %(since)s
"""
