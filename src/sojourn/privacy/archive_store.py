"""The statements of archives: their rows and parts, and everything that is held about a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all, fetch_optional, fetch_value
from sojourn.kit.errors import AppError, Kind
from sojourn.kit.ids import bucket_of

ArchiveKind = Literal["json", "zip"]


class UnknownArchive(AppError):
    """There is no archive with this id in the workspace; they are deleted after seven days."""

    kind = Kind.NOT_FOUND
    code = "unknown_archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A copy of what is held about one person. `counts` are entries by section."""

    id: UUID
    profile_id: UUID
    state: str
    requested_by: str
    counts: dict[str, int]
    size_bytes: int | None
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime


async def insert_archive(
    conn: Conn, id_: UUID, workspace_id: UUID, profile_id: UUID, *, actor: str, now: datetime, expires_at: datetime
) -> None:
    """Note that an archive is wanted."""
    params = {"id": id_, "workspace": workspace_id, "profile": profile_id, "actor": actor, "now": now,
              "expires": expires_at}  # fmt: skip
    await execute(conn, SQL_INSERT, params)


SQL_INSERT: LiteralString = """
INSERT INTO archives (id, workspace_id, profile_id, state, requested_by, requested_at, expires_at)
VALUES (%(id)s, %(workspace)s, %(profile)s, 'waiting', %(actor)s, %(now)s, %(expires)s)
"""


async def get_archive(conn: Conn, workspace_id: UUID, archive_id: UUID, now: datetime) -> Archive:
    """One archive that has not expired. Raises UnknownArchive."""
    row = await fetch_optional(conn, SQL_GET, {"workspace": workspace_id, "id": archive_id, "now": now})
    if row is None:
        raise UnknownArchive(archive_id=str(archive_id))
    return Archive(**row)


SQL_GET: LiteralString = """
SELECT id, profile_id, state, requested_by, counts, size_bytes, requested_at, ready_at, expires_at
  FROM archives WHERE workspace_id = %(workspace)s AND id = %(id)s AND expires_at > %(now)s
"""


async def lock_archive(conn: Conn, archive_id: UUID) -> bool:
    """Lock an archive that is not ready; false when there is none to make."""
    return await fetch_optional(conn, SQL_LOCK, {"id": archive_id}) is not None


SQL_LOCK: LiteralString = "SELECT id FROM archives WHERE id = %(id)s AND state <> 'ready' FOR UPDATE"


async def insert_part(conn: Conn, archive_id: UUID, kind: ArchiveKind, part: int, content: bytes) -> None:
    """Keep one sealed part."""
    await execute(conn, SQL_INSERT_PART, {"id": archive_id, "kind": kind, "part": part, "content": content})


SQL_INSERT_PART: LiteralString = """
INSERT INTO archive_parts (archive_id, kind, part, content) VALUES (%(id)s, %(kind)s, %(part)s, %(content)b)
"""


async def find_part(conn: Conn, archive_id: UUID, kind: ArchiveKind, part: int) -> bytes | None:
    """One sealed part, or None after the last."""
    content = await fetch_value(conn, SQL_FIND_PART, {"id": archive_id, "kind": kind, "part": part})
    return None if content is None else bytes(content)


SQL_FIND_PART: LiteralString = """
SELECT content FROM archive_parts WHERE archive_id = %(id)s AND kind = %(kind)s AND part = %(part)s
"""


async def update_state(
    conn: Conn, archive_id: UUID, state: str, *, counts: dict[str, int], size: int | None, at: datetime
) -> None:
    """Say how far an archive is."""
    params = {"id": archive_id, "state": state, "counts": Jsonb(counts), "size": size, "at": at}
    await execute(conn, SQL_UPDATE, params)


SQL_UPDATE: LiteralString = """
UPDATE archives SET state = %(state)s, counts = %(counts)s, size_bytes = %(size)s, ready_at = %(at)s WHERE id = %(id)s
"""


async def delete_of_people(conn: Conn, profile_ids: Sequence[UUID]) -> int:
    """Delete the archives of people, parts and all. How many."""
    return await execute(conn, SQL_DELETE_OF_PEOPLE, {"ids": list(profile_ids)})


SQL_DELETE_OF_PEOPLE: LiteralString = "DELETE FROM archives WHERE profile_id = ANY(%(ids)s)"


async def read_sections(
    conn: Conn, workspace_id: UUID, ids: Sequence[UUID], *, hashes: Sequence[bytes], address_keys: Sequence[str],
    identity_hashes: Sequence[bytes],
) -> dict[str, list[Row]]:  # fmt: skip
    """Everything that tables hold about a person, by section, oldest first.

    `hashes` are those of their addresses in files, `identity_hashes` those in lists; `address_keys` what they are
    compared by.
    """
    params: dict[str, Any] = {
        "workspace": workspace_id, "ids": list(ids), "buckets": sorted({bucket_of(id_) for id_ in ids}),
        "texts": [str(id_) for id_ in ids], "hashes": list(hashes), "keys": list(address_keys),
        "identity_hashes": list(identity_hashes),
    }  # fmt: skip
    return {name: await fetch_all(conn, statement, params) for name, statement in SECTIONS}


SECTIONS: tuple[tuple[str, LiteralString], ...] = (
    ("profiles", """
SELECT id, attributes, locale, timezone, country, is_test, source, created_at, updated_at, merged_into, merged_at
  FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id"""),
    ("identities", """
SELECT profile_id, scheme, value, wa_id, is_primary, state, unreachable_at, failed_days, created_at, updated_at
  FROM identities WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) ORDER BY created_at, key"""),
    ("identity_changes", """
SELECT profile_id, scheme, kind, recorded_at FROM identity_changes
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id"""),
    ("attribute_changes", """
SELECT profile_id, source, changes, changed_at FROM attribute_changes
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY changed_at, id"""),
    ("merges", """
SELECT loser_id, winner_id, keys, given, given_facts, merged_at, undone_at FROM profile_merges
 WHERE workspace_id = %(workspace)s AND (loser_id = ANY(%(ids)s) OR winner_id = ANY(%(ids)s)) ORDER BY id"""),
    ("events", """
SELECT e.id, e.profile_id, e.name, e.properties, e.source, e.occurred_at, e.recorded_at, k.key AS idempotency_key
  FROM events e
  LEFT JOIN event_keys k ON k.event_id = e.id AND k.profile_id = e.profile_id AND k.workspace_id = e.workspace_id
 WHERE e.profile_id = ANY(%(ids)s) AND e.workspace_id = %(workspace)s ORDER BY e.occurred_at, e.id"""),
    ("messages", """
SELECT id, profile_id, sender_id, channel, direction, kind, text, data, provider_message_id, context_id, said_at,
       recorded_at
  FROM messages WHERE profile_id = ANY(%(ids)s) AND workspace_id = %(workspace)s ORDER BY said_at, id"""),
    ("conversations", """
SELECT sender_id, channel, user_id, last_inbound_at, created_at FROM conversations
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id"""),
    ("windows", """
SELECT sender_id, last_inbound_at, closed_at FROM windows
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY sender_id"""),
    ("open_questions", """
SELECT sender_id, run_id, step_key, asked_at, expires_at FROM open_questions
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id"""),
    ("deliveries", """
SELECT d.id, d.profile_id, k.key, d.sender_id, d.channel, d.purpose, d.status, d.reason, d.owner_kind, d.owner_id,
       d.run_id, d.step_key, d.requested_at, d.planned_at, d.accepted_at, d.sent_at, d.delivered_at, d.read_at,
       d.failed_at, d.replied_at, d.ended_at, d.error_code, c.template, c.language, c.topic, c.evidence, c.reply_to,
       c.body, c.request, c.rendered, c.decision
  FROM deliveries d
  LEFT JOIN delivery_contents c ON c.delivery_id = d.id AND c.bucket = d.bucket
  LEFT JOIN delivery_keys k ON k.delivery_id = d.id AND k.bucket = d.bucket
 WHERE d.profile_id = ANY(%(ids)s) AND d.workspace_id = %(workspace)s ORDER BY d.id"""),
    ("attempts", """
SELECT a.delivery_id, a.number, a.state, a.dispatched_at, a.answered_at, a.result, a.provider_message_id, a.error_code,
       a.error_title, a.error_details, a.decision
  FROM deliveries d
  JOIN attempts a ON a.bucket = d.bucket
   AND a.id BETWEEN d.id AND (left(d.id::text, 32) || 'ff' || right(d.id::text, 2))::uuid
 WHERE d.profile_id = ANY(%(ids)s) AND d.bucket = ANY(%(buckets)s::smallint[]) ORDER BY a.id"""),
    ("costs", """
SELECT c.delivery_id, c.category, c.type, c.market, c.amount_micro, c.currency, c.charged_at
  FROM deliveries d JOIN costs c ON c.delivery_id = d.id AND c.bucket = d.bucket
 WHERE d.profile_id = ANY(%(ids)s) AND d.bucket = ANY(%(buckets)s::smallint[]) ORDER BY c.delivery_id"""),
    ("runs", """
SELECT r.id, r.profile_id, j.key AS journey, j.name AS journey_name, r.run_key, r.branch, r.state, r.node, r.memory,
       r.started_at, r.due_at, r.ended_at, r.exit_reason
  FROM runs r LEFT JOIN journeys j ON j.id = r.journey_id
 WHERE r.profile_id = ANY(%(ids)s) AND r.bucket = ANY(%(buckets)s) ORDER BY r.started_at, r.id"""),
    ("steps", """
SELECT s.run_id, s.seq, s.node, s.kind, s.entered_at, s.left_at, s.exit, s.detail
  FROM runs r JOIN steps s ON s.run_id = r.id AND s.bucket = r.bucket
 WHERE r.profile_id = ANY(%(ids)s) AND r.bucket = ANY(%(buckets)s) ORDER BY s.run_id, s.seq"""),
    ("consents", """
SELECT channel, purpose, topic, identity_key, granted_at, grant_expires_at, pending_at, withdrawn_at FROM consents
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY channel, purpose, topic"""),
    ("consent_blocks", """
SELECT channel, kind, blocked_at, lifted_at FROM consent_blocks
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY channel, kind"""),
    ("consent_requests", """
SELECT channel, purpose, topics, identity_key, locale, state, requested_at, expires_at, closed_at FROM consent_requests
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id"""),
    ("suppressions", """
SELECT channel, scheme, identity_key, reason, note, expires_at, created_at FROM suppressions
 WHERE workspace_id = %(workspace)s
   AND (identity_key = ANY(%(keys)s) OR identity_hash = ANY(%(identity_hashes)s::bytea[])) ORDER BY id"""),
    ("allow_list", """
SELECT identity_key, created_at FROM allow_list
 WHERE workspace_id = %(workspace)s AND identity_key = ANY(%(keys)s) ORDER BY identity_key"""),
    ("holds", """
SELECT purpose, reason, held_until, created_at FROM delivery_holds
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY created_at"""),
    ("pressure", """
SELECT saturated_until, saturations FROM pressure
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY profile_id"""),
    ("media", """
SELECT id, kind, mime, size_bytes, state, created_at FROM media
 WHERE workspace_id = %(workspace)s AND person_hashes && %(hashes)s::bytea[] ORDER BY id"""),
    ("outgoing_webhooks", """
SELECT m.id, m.event, m.state, m.created_at, e.url
  FROM outbound_messages m JOIN outbound_endpoints e ON e.id = m.endpoint_id
 WHERE m.profile_id = ANY(%(ids)s) ORDER BY m.id"""),
    ("trail", """
SELECT action, actor, recorded_at FROM audit_entries
 WHERE workspace_id = %(workspace)s AND object_kind = 'profile' AND object_id = ANY(%(texts)s) ORDER BY id"""),
)  # fmt: skip
