"""SQL of opt-in forms and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Jsonb, execute, fetch_all, fetch_one, fetch_optional, fetch_value


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredForm:
    """An opt-in form with its newest version."""

    id: UUID
    workspace_id: UUID
    slug: str
    version: int
    is_open: bool
    content: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    """An opt-in link: the code in its text, and what people agree to by sending it."""

    id: UUID
    workspace_id: UUID
    code: str
    content: dict[str, Any]
    created_at: datetime
    closed_at: datetime | None


async def find_form(conn: Conn, slug: str) -> StoredForm | None:
    """The form with this name, of whatever workspace, or None."""
    row = await fetch_optional(conn, SQL_FIND_FORM, {"slug": slug})
    return None if row is None else StoredForm(**row)


async def list_forms(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[StoredForm]:
    """Forms of a workspace, oldest first."""
    rows = await fetch_all(conn, SQL_LIST_FORMS, {"workspace": workspace_id, "after": after, "limit": limit})
    return [StoredForm(**row) for row in rows]


async def upsert_form(
    conn: Conn,
    workspace_id: UUID,
    *,
    form_id: UUID,
    slug: str,
    content: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> StoredForm:
    """Write a form or its next version."""
    params = {
        "id": form_id,
        "workspace": workspace_id,
        "slug": slug,
        "content": Jsonb(content),
        "actor": actor,
        "now": now,
    }
    row = await fetch_one(conn, SQL_UPSERT_FORM, params)
    await execute(conn, SQL_INSERT_VERSION, {**params, "version": row["version"]})
    return StoredForm(**row, content=dict(content))


async def update_form_open(conn: Conn, workspace_id: UUID, slug: str, *, is_open: bool, now: datetime) -> bool:
    """Open or close a form; whether there is one."""
    params = {"workspace": workspace_id, "slug": slug, "open": is_open, "now": now}
    return await execute(conn, SQL_UPDATE_OPEN, params) > 0


async def list_versions(conn: Conn, form_id: UUID) -> list[tuple[int, dict[str, Any]]]:
    """All versions of a form, newest first."""
    rows = await fetch_all(conn, SQL_LIST_VERSIONS, {"form": form_id})
    return [(row["version"], row["content"]) for row in rows]


async def count_hit(conn: Conn, workspace_id: UUID, client_hash: bytes, window_start: datetime) -> int:
    """Count one submission of a client; how many in this window so far."""
    params = {"workspace": workspace_id, "client": client_hash, "window": window_start}
    return int(await fetch_value(conn, SQL_COUNT_HIT, params))


async def delete_hits(conn: Conn, before: datetime) -> int:
    """Forget counts of windows that began before a moment."""
    return await execute(conn, SQL_DELETE_HITS, {"before": before})


async def insert_link(
    conn: Conn, workspace_id: UUID, *, link_id: UUID, code: str, content: Mapping[str, Any], actor: str, now: datetime
) -> StoredLink:
    """Write a link."""
    params = {"id": link_id, "workspace": workspace_id, "code": code, "content": Jsonb(content), "actor": actor}
    return StoredLink(**await fetch_one(conn, SQL_INSERT_LINK, {**params, "now": now}))


async def find_link(conn: Conn, workspace_id: UUID, link_id: UUID) -> StoredLink | None:
    """A link by id, or None."""
    row = await fetch_optional(conn, SQL_FIND_LINK, {"workspace": workspace_id, "id": link_id})
    return None if row is None else StoredLink(**row)


async def list_links(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[StoredLink]:
    """Links of a workspace, oldest first."""
    rows = await fetch_all(conn, SQL_LIST_LINKS, {"workspace": workspace_id, "after": after, "limit": limit})
    return [StoredLink(**row) for row in rows]


async def find_links_by_code(conn: Conn, workspace_id: UUID, codes: Iterable[str]) -> dict[str, StoredLink]:
    """Open links by the codes in people's texts."""
    params = {"workspace": workspace_id, "codes": list(codes)}
    return {row["code"]: StoredLink(**row) for row in await fetch_all(conn, SQL_LINKS_BY_CODE, params)}


SQL_FIND_FORM: LiteralString = """
SELECT f.id, f.workspace_id, f.slug, f.version, f.is_open, v.content, f.created_at, f.updated_at
  FROM opt_in_forms f
  JOIN opt_in_form_versions v ON v.form_id = f.id AND v.version = f.version
 WHERE f.slug = %(slug)s
"""
SQL_LIST_FORMS: LiteralString = """
SELECT f.id, f.workspace_id, f.slug, f.version, f.is_open, v.content, f.created_at, f.updated_at
  FROM opt_in_forms f
  JOIN opt_in_form_versions v ON v.form_id = f.id AND v.version = f.version
 WHERE f.workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR f.id > %(after)s::uuid)
 ORDER BY f.id
 LIMIT %(limit)s
"""
SQL_UPSERT_FORM: LiteralString = """
INSERT INTO opt_in_forms AS f (id, workspace_id, slug, version, created_at, updated_at)
VALUES (%(id)s, %(workspace)s, %(slug)s, 1, %(now)s, %(now)s)
ON CONFLICT (slug) DO UPDATE SET version = f.version + 1, updated_at = %(now)s, is_open = true
RETURNING f.id, f.workspace_id, f.slug, f.version, f.is_open, f.created_at, f.updated_at
"""
SQL_INSERT_VERSION: LiteralString = """
INSERT INTO opt_in_form_versions (form_id, version, content, created_by, created_at)
SELECT id, %(version)s, %(content)s, %(actor)s, %(now)s FROM opt_in_forms WHERE slug = %(slug)s
"""
SQL_UPDATE_OPEN: LiteralString = """
UPDATE opt_in_forms SET is_open = %(open)s, updated_at = %(now)s
 WHERE workspace_id = %(workspace)s AND slug = %(slug)s
"""
SQL_LIST_VERSIONS: LiteralString = """
SELECT version, content FROM opt_in_form_versions WHERE form_id = %(form)s ORDER BY version DESC
"""
SQL_COUNT_HIT: LiteralString = """
INSERT INTO opt_in_hits AS h (workspace_id, client_hash, window_start, hits)
VALUES (%(workspace)s, %(client)s, %(window)s, 1)
ON CONFLICT (workspace_id, client_hash, window_start) DO UPDATE SET hits = h.hits + 1
RETURNING hits
"""
SQL_DELETE_HITS: LiteralString = "DELETE FROM opt_in_hits WHERE window_start < %(before)s"
SQL_INSERT_LINK: LiteralString = """
INSERT INTO opt_in_links (id, workspace_id, code, content, created_by, created_at)
VALUES (%(id)s, %(workspace)s, %(code)s, %(content)s, %(actor)s, %(now)s)
RETURNING id, workspace_id, code, content, created_at, closed_at
"""
SQL_FIND_LINK: LiteralString = """
SELECT id, workspace_id, code, content, created_at, closed_at
  FROM opt_in_links
 WHERE workspace_id = %(workspace)s AND id = %(id)s
"""
SQL_LIST_LINKS: LiteralString = """
SELECT id, workspace_id, code, content, created_at, closed_at
  FROM opt_in_links
 WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_LINKS_BY_CODE: LiteralString = """
SELECT id, workspace_id, code, content, created_at, closed_at
  FROM opt_in_links
 WHERE workspace_id = %(workspace)s AND code = ANY(%(codes)s) AND closed_at IS NULL
"""
