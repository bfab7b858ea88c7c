"""SQL of the ledger, the provider's ids and the windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import ids as kit_ids
from sojourn.kit import json
from sojourn.kit.database import Conn, copy_rows, execute, fetch_all
from sojourn.messages.model import StoredMessage, Window, provider_key


async def insert_provider_ids(
    conn: Conn, workspace_id: UUID, rows: Sequence[tuple[str, UUID]], direction: str
) -> set[str]:
    """Claim the provider's ids (provider id, message id) in the order of their keys. Returns those that were new."""
    keyed = sorted((provider_key(workspace_id, provider_id), provider_id, message) for provider_id, message in rows)
    if not keyed:
        return set()
    params = {
        "keys": [key for key, _, _ in keyed],
        "buckets": [kit_ids.bucket_of(key) for key, _, _ in keyed],
        "messages": [message for _, _, message in keyed],
        "direction": direction,
    }
    written = {row["key"] for row in await fetch_all(conn, SQL_INSERT_PROVIDER_IDS, params)}
    return {provider_id for key, provider_id, _ in keyed if key in written}


async def find_by_provider_ids(conn: Conn, workspace_id: UUID, provider_ids: Iterable[str]) -> dict[str, UUID]:
    """The messages behind the provider's ids, in or out (an outbound message has the id of its delivery)."""
    keys = {provider_key(workspace_id, provider_id): provider_id for provider_id in provider_ids}
    if not keys:
        return {}
    params = {"keys": list(keys), "buckets": sorted({kit_ids.bucket_of(key) for key in keys})}
    return {keys[row["key"]]: row["message_id"] for row in await fetch_all(conn, SQL_FIND_PROVIDER_IDS, params)}


async def copy_messages(conn: Conn, messages: Sequence[StoredMessage]) -> None:
    """Write messages; the caller has claimed their provider ids."""
    await copy_rows(conn, SQL_COPY_MESSAGES, [_row(message) for message in messages])


def _row(message: StoredMessage) -> tuple[Any, ...]:
    return (
        message.id,
        kit_ids.bucket_of(message.id),
        message.workspace_id,
        message.profile_id,
        message.sender_id,
        message.channel,
        message.direction,
        message.kind,
        message.text,
        json.encode(message.data).decode(),
        message.provider_message_id,
        message.context_id,
        message.said_at,
        message.recorded_at,
    )


async def upsert_windows(
    conn: Conn, workspace_id: UUID, rows: Sequence[tuple[UUID, UUID, datetime]], now: datetime
) -> None:
    """Note inbound messages (profile, sender, said at), one row a pair. An older message moves nothing."""
    ordered = sorted(rows)
    params = {
        "profiles": [profile for profile, _, _ in ordered],
        "senders": [sender for _, sender, _ in ordered],
        "buckets": [kit_ids.bucket_of(profile) for profile, _, _ in ordered],
        "said": [min(said_at, now) for _, _, said_at in ordered],
        "workspace": workspace_id,
    }
    await execute(conn, SQL_UPSERT_WINDOWS, params)


async def close_windows(conn: Conn, pairs: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """The platform refused a free message to these pairs (profile, sender, at): closed until the next inbound.

    Closed too for profiles that were merged into these.
    """
    params = {
        "profiles": [profile for profile, _, _ in pairs],
        "senders": [sender for _, sender, _ in pairs],
        "buckets": [kit_ids.bucket_of(profile) for profile, _, _ in pairs],
        "closed": [at for _, _, at in pairs],
    }
    await execute(conn, SQL_CLOSE_WINDOWS, params)


async def list_windows(conn: Conn, profile_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, Window]]:
    """The windows of people, by profile and sender; who never wrote has none. Those of merged profiles are theirs."""
    wanted = list(set(profile_ids))
    params = {"profiles": wanted, "buckets": [kit_ids.bucket_of(profile) for profile in wanted]}
    found: dict[UUID, dict[UUID, Window]] = {}
    for row in await fetch_all(conn, SQL_LIST_WINDOWS, params):
        window = Window(last_inbound_at=row["last_inbound_at"], closed_at=row["closed_at"])
        own = found.setdefault(row["profile_id"], {})
        own[row["sender_id"]] = _as_one(window, own[row["sender_id"]]) if row["sender_id"] in own else window
    return found


def _as_one(one: Window, other: Window) -> Window:
    """The window of a person who wrote under two profiles: the last message opened it, the last refusal closed it."""
    closed = [moment for moment in (one.closed_at, other.closed_at) if moment is not None]
    return Window(last_inbound_at=max(one.last_inbound_at, other.last_inbound_at), closed_at=max(closed, default=None))


async def last_inbound(conn: Conn, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], datetime]:
    """When people (profile, sender) last wrote; pairs that never did are left out."""
    windows = await list_windows(conn, [profile for profile, _ in pairs])
    return {
        (profile, sender): windows[profile][sender].last_inbound_at
        for profile, sender in pairs
        if sender in windows.get(profile, {})
    }


async def list_messages(
    conn: Conn,
    workspace_id: UUID,
    *,
    profile_ids: Sequence[UUID],
    sender_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[StoredMessage]:
    """What was said with a person under any of these profiles, newest first, older than `before`."""
    params = {
        "workspace": workspace_id,
        "profiles": list(profile_ids),
        "sender": sender_id,
        "before": before,
        "limit": limit,
    }
    return [StoredMessage(**row) for row in await fetch_all(conn, SQL_LIST_MESSAGES, params)]


async def get_messages(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, StoredMessage]:
    """Messages by id; unknown ones are left out."""
    wanted = list(set(ids))
    params = {"ids": wanted, "buckets": [kit_ids.bucket_of(id_) for id_ in wanted]}
    return {row["id"]: StoredMessage(**row) for row in await fetch_all(conn, SQL_GET_MESSAGES, params)}


async def list_provider_ids(conn: Conn, profile_ids: Sequence[UUID]) -> set[str]:
    """The provider's ids of all that was said to and by these people."""
    params = {"ids": list(profile_ids), "buckets": sorted({kit_ids.bucket_of(id_) for id_ in profile_ids})}
    return {row["provider_message_id"] for row in await fetch_all(conn, SQL_LIST_PROVIDER_IDS, params)}


async def erase_people(conn: Conn, ids: Sequence[UUID]) -> dict[str, int]:
    """Remove what people said and were told; the provider's ids stay as digests, so that a repeat stays a repeat."""
    params = {"ids": list(ids), "buckets": sorted({kit_ids.bucket_of(id_) for id_ in ids})}
    return {
        "messages": await execute(conn, SQL_ERASE_MESSAGES, params),
        "windows": await execute(conn, SQL_ERASE_WINDOWS, params),
    }


async def delete_older(conn: Conn, before: datetime) -> int:
    """Delete messages of before a moment: retention."""
    return await execute(conn, SQL_DELETE_OLDER, {"before": kit_ids.first_id(before)})


SQL_LIST_PROVIDER_IDS: LiteralString = """
SELECT provider_message_id FROM messages WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_INSERT_PROVIDER_IDS: LiteralString = """
INSERT INTO provider_messages (key, bucket, message_id, direction)
SELECT key, bucket, message_id, %(direction)s
  FROM unnest(%(keys)s::uuid[], %(buckets)s::smallint[], %(messages)s::uuid[]) AS t (key, bucket, message_id)
ON CONFLICT DO NOTHING
RETURNING key
"""
SQL_FIND_PROVIDER_IDS: LiteralString = """
SELECT key, message_id FROM provider_messages WHERE key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s::smallint[])
"""
SQL_COPY_MESSAGES: LiteralString = """
COPY messages (id, bucket, workspace_id, profile_id, sender_id, channel, direction, kind, text, data,
               provider_message_id, context_id, said_at, recorded_at) FROM STDIN
"""
SQL_UPSERT_WINDOWS: LiteralString = """
INSERT INTO windows AS w (profile_id, sender_id, bucket, workspace_id, last_inbound_at)
SELECT profile_id, sender_id, bucket, %(workspace)s, last_inbound_at
  FROM unnest(%(profiles)s::uuid[], %(senders)s::uuid[], %(buckets)s::smallint[], %(said)s::timestamptz[])
       AS t (profile_id, sender_id, bucket, last_inbound_at)
ON CONFLICT (profile_id, sender_id, bucket) DO UPDATE SET last_inbound_at = excluded.last_inbound_at
 WHERE w.last_inbound_at < excluded.last_inbound_at
"""
SQL_CLOSE_WINDOWS: LiteralString = """
WITH refused AS (
    SELECT * FROM unnest(%(profiles)s::uuid[], %(senders)s::uuid[], %(buckets)s::smallint[], %(closed)s::timestamptz[])
                  AS t (profile_id, sender_id, bucket, closed_at)
)
UPDATE windows w
   SET closed_at = t.closed_at
  FROM (SELECT profile_id, sender_id, bucket, closed_at FROM refused
         UNION ALL
        SELECT a.id, r.sender_id, a.bucket, r.closed_at FROM refused r JOIN profiles a ON a.merged_into = r.profile_id
       ) AS t
 WHERE w.profile_id = t.profile_id AND w.sender_id = t.sender_id AND w.bucket = t.bucket
   AND (w.closed_at IS NULL OR w.closed_at < t.closed_at)
"""
SQL_LIST_WINDOWS: LiteralString = """
SELECT w.profile_id, w.sender_id, w.last_inbound_at, w.closed_at
  FROM unnest(%(profiles)s::uuid[], %(buckets)s::smallint[]) AS t (profile_id, bucket)
  JOIN windows w ON w.profile_id = t.profile_id AND w.bucket = t.bucket
 UNION ALL
SELECT a.merged_into, w.sender_id, w.last_inbound_at, w.closed_at
  FROM profiles a
  JOIN windows w ON w.profile_id = a.id AND w.bucket = a.bucket
 WHERE a.merged_into = ANY(%(profiles)s)
"""
SQL_LIST_MESSAGES: LiteralString = """
SELECT id, workspace_id, profile_id, sender_id, channel, direction, kind, text, data, provider_message_id, context_id,
       said_at, recorded_at
  FROM messages
 WHERE profile_id = ANY(%(profiles)s)
   AND workspace_id = %(workspace)s
   AND (%(sender)s::uuid IS NULL OR sender_id = %(sender)s::uuid)
   AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
SQL_GET_MESSAGES: LiteralString = """
SELECT m.id, m.workspace_id, m.profile_id, m.sender_id, m.channel, m.direction, m.kind, m.text, m.data,
       m.provider_message_id, m.context_id, m.said_at, m.recorded_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN messages m ON m.id = t.id AND m.bucket = t.bucket
"""
SQL_ERASE_MESSAGES: LiteralString = """
DELETE FROM messages WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s::smallint[])
"""
SQL_ERASE_WINDOWS: LiteralString = """
DELETE FROM windows WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s::smallint[])
"""
SQL_DELETE_OLDER: LiteralString = """
DELETE FROM messages WHERE id < %(before)s
"""
