"""The statements of media: assets, their sealed parts, and what is uploaded where."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.channels.model import MediaAsset, MediaNotFound
from sojourn.kit.database import Conn, Row, execute, fetch_all, fetch_optional, fetch_value
from sojourn.kit.ids import new_id

SELECT_MEDIA: LiteralString = """
SELECT id, workspace_id, direction, kind, mime, filename, size_bytes, sha256, state, reason, sender_id,
       provider_media_id, created_at, stored_at
  FROM media
"""


async def get_media(conn: Conn, workspace_id: UUID, media_id: UUID) -> MediaAsset:
    """One asset of a workspace. Raises MediaNotFound."""
    row = await fetch_optional(conn, SQL_GET_MEDIA, {"workspace": workspace_id, "id": media_id})
    if row is None:
        raise MediaNotFound(media_id=media_id)
    return MediaAsset.of(row)


SQL_GET_MEDIA: LiteralString = SELECT_MEDIA + " WHERE id = %(id)s AND workspace_id = %(workspace)s"


async def list_media(conn: Conn, workspace_id: UUID, *, before: UUID | None, limit: int) -> list[MediaAsset]:
    """Uploaded assets of a workspace, newest first."""
    params = {"workspace": workspace_id, "before": before, "limit": limit}
    return [MediaAsset.of(row) for row in await fetch_all(conn, SQL_LIST_MEDIA, params)]


SQL_LIST_MEDIA: LiteralString = (
    SELECT_MEDIA
    + """
 WHERE workspace_id = %(workspace)s AND direction = 'out' AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
)


async def list_media_by_id(conn: Conn, ids: Sequence[UUID]) -> list[MediaAsset]:
    """Stored assets among these ids."""
    return [MediaAsset.of(row) for row in await fetch_all(conn, SQL_MEDIA_BY_ID, {"ids": list(ids)})]


SQL_MEDIA_BY_ID: LiteralString = SELECT_MEDIA + " WHERE id = ANY(%(ids)s) AND state = 'stored'"


async def insert_upload(
    conn: Conn,
    workspace_id: UUID,
    *,
    kind: str,
    mime: str,
    filename: str | None,
    size_bytes: int,
    sha256: bytes,
    now: datetime,
) -> UUID | None:
    """Store a new asset; None when the workspace already has these bytes as this kind."""
    params = {
        "id": new_id(now),
        "workspace": workspace_id,
        "kind": kind,
        "mime": mime,
        "filename": filename,
        "size": size_bytes,
        "sha256": sha256,
        "now": now,
    }
    found: UUID | None = await fetch_value(conn, SQL_INSERT_UPLOAD, params)
    return found


SQL_INSERT_UPLOAD: LiteralString = """
INSERT INTO media (id, workspace_id, direction, kind, mime, filename, size_bytes, sha256, state, created_at, stored_at)
VALUES (%(id)s, %(workspace)s, 'out', %(kind)s, %(mime)s, %(filename)s, %(size)s, %(sha256)s, 'stored', %(now)s,
        %(now)s)
    ON CONFLICT (workspace_id, sha256, kind, mime) WHERE direction = 'out' DO NOTHING
RETURNING id
"""


async def find_upload(conn: Conn, workspace_id: UUID, *, sha256: bytes, kind: str, mime: str) -> UUID | None:
    """The asset that has these bytes as this kind."""
    params = {"workspace": workspace_id, "sha256": sha256, "kind": kind, "mime": mime}
    found: UUID | None = await fetch_value(conn, SQL_FIND_UPLOAD, params)
    return found


SQL_FIND_UPLOAD: LiteralString = """
SELECT id FROM media
 WHERE workspace_id = %(workspace)s AND sha256 = %(sha256)s AND kind = %(kind)s AND mime = %(mime)s
   AND direction = 'out'
"""


async def insert_inbound(conn: Conn, rows: Sequence[Row], *, now: datetime) -> list[Row]:
    """Store inbound files as pending; the same provider id again is the same row. Rows with id and is_new.

    Each row has workspace_id, sender_id, kind, mime, provider_media_id, person_hashes.
    """
    if not rows:
        return []
    params = {
        "ids": [new_id(now) for _ in rows],
        "workspaces": [row["workspace_id"] for row in rows],
        "senders": [row["sender_id"] for row in rows],
        "kinds": [row["kind"] for row in rows],
        "mimes": [row["mime"] for row in rows],
        "provider_ids": [row["provider_media_id"] for row in rows],
        "people": ["{" + ",".join(f'"\\\\x{item.hex()}"' for item in row["person_hashes"]) + "}" for row in rows],
        "now": now,
    }
    return await fetch_all(conn, SQL_INSERT_INBOUND, params)


SQL_INSERT_INBOUND: LiteralString = """
INSERT INTO media (id, workspace_id, direction, sender_id, kind, mime, provider_media_id, person_hashes, state,
                   created_at)
SELECT DISTINCT ON (n.sender_id, n.provider_media_id)
       n.id, n.workspace_id, 'in', n.sender_id, n.kind, n.mime, n.provider_media_id, n.people::bytea[], 'pending',
       %(now)s::timestamptz
  FROM unnest(%(ids)s::uuid[], %(workspaces)s::uuid[], %(senders)s::uuid[], %(kinds)s::text[], %(mimes)s::text[],
              %(provider_ids)s::text[], %(people)s::text[])
       AS n (id, workspace_id, sender_id, kind, mime, provider_media_id, people)
    ON CONFLICT (sender_id, provider_media_id) WHERE direction = 'in'
    DO UPDATE SET provider_media_id = EXCLUDED.provider_media_id
RETURNING id, workspace_id, sender_id, provider_media_id, (xmax = 0) AS is_new
"""


async def update_stored(
    conn: Conn, media_id: UUID, *, mime: str | None, size_bytes: int, sha256: bytes, now: datetime
) -> None:
    """An inbound file's bytes are here."""
    params = {"id": media_id, "mime": mime, "size": size_bytes, "sha256": sha256, "now": now}
    await execute(conn, SQL_UPDATE_STORED, params)


SQL_UPDATE_STORED: LiteralString = """
UPDATE media
   SET state = 'stored', reason = NULL, mime = coalesce(%(mime)s, mime), size_bytes = %(size)s, sha256 = %(sha256)s,
       stored_at = %(now)s
 WHERE id = %(id)s
"""


async def update_failed(conn: Conn, media_id: UUID, *, reason: str) -> None:
    """An inbound file cannot be had any more."""
    await execute(conn, SQL_UPDATE_FAILED, {"id": media_id, "reason": reason})


SQL_UPDATE_FAILED: LiteralString = "UPDATE media SET state = 'failed', reason = %(reason)s WHERE id = %(id)s"


async def insert_part(conn: Conn, media_id: UUID, part: int, content: bytes) -> None:
    """Store one sealed part; a part that was stored by an earlier try is replaced."""
    await execute(conn, SQL_INSERT_PART, {"id": media_id, "part": part, "content": content})


SQL_INSERT_PART: LiteralString = """
INSERT INTO media_blobs (media_id, part, content) VALUES (%(id)s, %(part)s, %(content)b)
    ON CONFLICT (media_id, part) DO UPDATE SET content = EXCLUDED.content
"""


async def read_parts(conn: Conn, media_id: UUID) -> AsyncIterator[bytes]:
    """The sealed parts of an asset, in order, one at a time."""
    part = 0
    while True:
        content = await fetch_value(conn, SQL_READ_PART, {"id": media_id, "part": part})
        if content is None:
            return
        yield bytes(content)
        part += 1


SQL_READ_PART: LiteralString = "SELECT content FROM media_blobs WHERE media_id = %(id)s AND part = %(part)s"


async def list_uploads(conn: Conn, ids: Iterable[UUID], senders: Iterable[UUID], *, after: datetime) -> list[Row]:
    """Provider ids of assets at senders that live longer than `after`."""
    return await fetch_all(conn, SQL_LIST_UPLOADS, {"ids": list(ids), "senders": list(senders), "after": after})


SQL_LIST_UPLOADS: LiteralString = """
SELECT media_id, sender_id, provider_media_id FROM media_uploads
 WHERE media_id = ANY(%(ids)s) AND sender_id = ANY(%(senders)s) AND expires_at > %(after)s
"""


async def upsert_upload(
    conn: Conn, media_id: UUID, sender_id: UUID, provider_media_id: str, *, now: datetime, expires_at: datetime
) -> None:
    """Remember the provider's id of an asset at a sender."""
    params = {
        "media": media_id,
        "sender": sender_id,
        "provider": provider_media_id,
        "now": now,
        "expires": expires_at,
    }
    await execute(conn, SQL_UPSERT_UPLOAD, params)


SQL_UPSERT_UPLOAD: LiteralString = """
INSERT INTO media_uploads (media_id, sender_id, provider_media_id, uploaded_at, expires_at)
VALUES (%(media)s, %(sender)s, %(provider)s, %(now)s, %(expires)s)
    ON CONFLICT (media_id, sender_id) DO UPDATE
   SET provider_media_id = EXCLUDED.provider_media_id, uploaded_at = EXCLUDED.uploaded_at,
       expires_at = EXCLUDED.expires_at
"""


async def delete_uploads(
    conn: Conn, pairs: Sequence[tuple[UUID, UUID]], *, uploaded_before: datetime
) -> set[tuple[UUID, UUID]]:
    """Forget uploads that are older than a moment; pairs of asset and sender. Those that were forgotten."""
    params = {
        "media": [pair[0] for pair in pairs],
        "senders": [pair[1] for pair in pairs],
        "before": uploaded_before,
    }
    return {(row["media_id"], row["sender_id"]) for row in await fetch_all(conn, SQL_DELETE_UPLOADS, params)}


SQL_DELETE_UPLOADS: LiteralString = """
DELETE FROM media_uploads u
 USING unnest(%(media)s::uuid[], %(senders)s::uuid[]) AS g (media_id, sender_id)
 WHERE u.media_id = g.media_id AND u.sender_id = g.sender_id AND u.uploaded_at < %(before)s
RETURNING u.media_id, u.sender_id
"""


async def delete_media_of_people(conn: Conn, workspace_id: UUID, hashes: Sequence[bytes]) -> int:
    """Erase the inbound files of people, bytes and all."""
    return await execute(conn, SQL_DELETE_OF_PEOPLE, {"workspace": workspace_id, "hashes": list(hashes)})


SQL_DELETE_OF_PEOPLE: LiteralString = """
DELETE FROM media WHERE workspace_id = %(workspace)s AND person_hashes && %(hashes)s::bytea[]
"""


async def delete_old_media(
    conn: Conn, *, before: datetime, limit: int, only: UUID | None = None, spared: Sequence[UUID] = ()
) -> int:
    """Delete inbound files received before a moment, oldest first: of `only` one workspace, or of all but `spared`."""
    params = {"before": before, "limit": limit, "only": only, "spared": list(spared)}
    return await execute(conn, SQL_DELETE_OLD, params)


SQL_DELETE_OLD: LiteralString = """
DELETE FROM media
 WHERE id IN (SELECT id FROM media
               WHERE direction = 'in' AND created_at < %(before)s AND workspace_id <> ALL(%(spared)s::uuid[])
                 AND (%(only)s::uuid IS NULL OR workspace_id = %(only)s::uuid)
               ORDER BY id LIMIT %(limit)s)
"""
