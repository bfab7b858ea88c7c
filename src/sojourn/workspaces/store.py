"""SQL of workspaces, API keys and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from sojourn.kit.database import Conn, Jsonb, execute, fetch_all, fetch_optional
from sojourn.workspaces.model import ApiKey, AuditEntry, KeyKind, UnknownWorkspace, Workspace, WorkspaceSettings


async def get_workspace(conn: Conn, workspace_id: UUID) -> Workspace:
    """The workspace. Raises UnknownWorkspace."""
    row = await fetch_optional(conn, SQL_GET_WORKSPACE, {"id": workspace_id})
    if row is None:
        raise UnknownWorkspace(workspace_id=str(workspace_id))
    return _workspace(row)


async def lock_workspace(conn: Conn, workspace_id: UUID) -> Workspace:
    """The workspace, its row locked until the transaction ends. Raises UnknownWorkspace."""
    row = await fetch_optional(conn, SQL_LOCK_WORKSPACE, {"id": workspace_id})
    if row is None:
        raise UnknownWorkspace(workspace_id=str(workspace_id))
    return _workspace(row)


async def list_workspaces(conn: Conn) -> list[Workspace]:
    """All workspaces of the installation, oldest first."""
    return [_workspace(row) for row in await fetch_all(conn, SQL_LIST_WORKSPACES)]


async def insert_workspace(conn: Conn, workspace: Workspace) -> None:
    """Write a new workspace."""
    await execute(conn, SQL_INSERT_WORKSPACE, _params(workspace))


async def update_workspace(conn: Conn, workspace: Workspace) -> None:
    """Write all that may change of a workspace."""
    await execute(conn, SQL_UPDATE_WORKSPACE, _params(workspace))


def _params(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "timezone": workspace.timezone,
        "default_language": workspace.default_language,
        "default_country": workspace.default_country,
        "settings": Jsonb(workspace.settings),
        "created_at": workspace.created_at,
        "updated_at": workspace.updated_at,
    }


def _workspace(row: dict[str, Any]) -> Workspace:
    settings = msgspec.convert(row.pop("settings"), WorkspaceSettings)
    return Workspace(settings=settings, **row)


async def insert_key(conn: Conn, key: ApiKey, digest: bytes) -> None:
    """Write a new key with the digest of its secret."""
    params = {name: getattr(key, name) for name in ApiKey.__slots__}
    await execute(conn, SQL_INSERT_KEY, {**params, "scopes": list(key.scopes), "digest": digest})


async def find_key(conn: Conn, digest: bytes) -> ApiKey | None:
    """The key with this digest, valid or not, or None."""
    row = await fetch_optional(conn, SQL_FIND_KEY, {"digest": digest})
    return None if row is None else _key(row)


async def find_key_by_id(conn: Conn, workspace_id: UUID, key_id: UUID) -> ApiKey | None:
    """The key with this id, or None."""
    row = await fetch_optional(conn, SQL_FIND_KEY_BY_ID, {"workspace": workspace_id, "id": key_id})
    return None if row is None else _key(row)


async def list_keys(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[ApiKey]:
    """Keys of a workspace, revoked ones too, oldest first."""
    rows = await fetch_all(conn, SQL_LIST_KEYS, {"workspace": workspace_id, "after": after, "limit": limit})
    return [_key(row) for row in rows]


async def touch_key(conn: Conn, key_id: UUID, at: datetime) -> None:
    """Note that a key was used; does not wait for a row that somebody else is noting."""
    await execute(conn, SQL_TOUCH_KEY, {"id": key_id, "at": at})


async def update_key_revoked(conn: Conn, workspace_id: UUID, key_id: UUID, at: datetime) -> bytes | None:
    """Mark a key revoked. Its digest, or None when there is no such unrevoked key."""
    row = await fetch_optional(conn, SQL_REVOKE_KEY, {"workspace": workspace_id, "id": key_id, "at": at})
    return None if row is None else bytes(row["digest"])


def _key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**{**row, "kind": KeyKind(row["kind"]), "scopes": tuple(row["scopes"])})


async def insert_audit_entries(conn: Conn, workspace_id: UUID, entries: list[AuditEntry]) -> None:
    """Append entries; nothing ever changes one."""
    columns: dict[str, list[Any]] = {name: [getattr(entry, name) for entry in entries] for name in AuditEntry.__slots__}
    columns["changes"] = [Jsonb(entry.changes) for entry in entries]
    await execute(conn, SQL_INSERT_AUDIT, {**columns, "workspace": workspace_id})


async def list_audit_entries(
    conn: Conn,
    workspace_id: UUID,
    *,
    actor: str | None = None,
    action: str | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
    begins_at: datetime | None = None,
    ends_at: datetime | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[AuditEntry]:
    """Entries of a workspace, newest first, older than `before`. An action that ends with `.*` is a beginning."""
    is_beginning = action is not None and action.endswith(".*")
    params = {
        "workspace": workspace_id, "actor": actor, "action": None if is_beginning else action,
        "action_start": action[:-1] if action is not None and is_beginning else None,
        "object_kind": object_kind, "object_id": object_id, "begins_at": begins_at, "ends_at": ends_at,
        "before": before, "limit": limit,
    }  # fmt: skip
    return [AuditEntry(**row) for row in await fetch_all(conn, SQL_LIST_AUDIT, params)]


SQL_GET_WORKSPACE: LiteralString = """
SELECT id, name, timezone, default_language, default_country, settings, created_at, updated_at
  FROM workspaces
 WHERE id = %(id)s
"""
SQL_LOCK_WORKSPACE: LiteralString = SQL_GET_WORKSPACE + " FOR UPDATE"
SQL_LIST_WORKSPACES: LiteralString = """
SELECT id, name, timezone, default_language, default_country, settings, created_at, updated_at
  FROM workspaces
 ORDER BY id
"""
SQL_INSERT_WORKSPACE: LiteralString = """
INSERT INTO workspaces (id, name, timezone, default_language, default_country, settings, created_at, updated_at)
VALUES (%(id)s, %(name)s, %(timezone)s, %(default_language)s, %(default_country)s, %(settings)s, %(created_at)s,
        %(updated_at)s)
"""
SQL_UPDATE_WORKSPACE: LiteralString = """
UPDATE workspaces
   SET name = %(name)s, timezone = %(timezone)s, default_language = %(default_language)s,
       default_country = %(default_country)s, settings = %(settings)s, updated_at = %(updated_at)s
 WHERE id = %(id)s
"""
SQL_INSERT_KEY: LiteralString = """
INSERT INTO api_keys (id, workspace_id, name, kind, prefix, digest, scopes, created_by, created_at, last_used_at,
                      expires_at, revoked_at)
VALUES (%(id)s, %(workspace_id)s, %(name)s, %(kind)s, %(prefix)s, %(digest)s, %(scopes)s, %(created_by)s,
        %(created_at)s, %(last_used_at)s, %(expires_at)s, %(revoked_at)s)
"""
SQL_FIND_KEY: LiteralString = """
SELECT id, workspace_id, name, kind, prefix, scopes, created_by, created_at, last_used_at, expires_at, revoked_at
  FROM api_keys
 WHERE digest = %(digest)s
"""
SQL_FIND_KEY_BY_ID: LiteralString = """
SELECT id, workspace_id, name, kind, prefix, scopes, created_by, created_at, last_used_at, expires_at, revoked_at
  FROM api_keys
 WHERE workspace_id = %(workspace)s AND id = %(id)s
"""
SQL_LIST_KEYS: LiteralString = """
SELECT id, workspace_id, name, kind, prefix, scopes, created_by, created_at, last_used_at, expires_at, revoked_at
  FROM api_keys
 WHERE workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_TOUCH_KEY: LiteralString = """
UPDATE api_keys
   SET last_used_at = %(at)s
 WHERE id = (SELECT id FROM api_keys WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)
"""
SQL_REVOKE_KEY: LiteralString = """
UPDATE api_keys
   SET revoked_at = %(at)s
 WHERE workspace_id = %(workspace)s AND id = %(id)s AND revoked_at IS NULL
RETURNING digest
"""
SQL_INSERT_AUDIT: LiteralString = """
INSERT INTO audit_entries (id, workspace_id, actor, action, object_kind, object_id, changes, recorded_at)
SELECT id, %(workspace)s, actor, action, object_kind, object_id, changes, recorded_at
  FROM unnest(%(id)s::uuid[], %(actor)s::text[], %(action)s::text[], %(object_kind)s::text[], %(object_id)s::text[],
              %(changes)s::jsonb[], %(recorded_at)s::timestamptz[])
       AS t (id, actor, action, object_kind, object_id, changes, recorded_at)
"""
SQL_LIST_AUDIT: LiteralString = """
SELECT id, actor, action, object_kind, object_id, changes, recorded_at
  FROM audit_entries
 WHERE workspace_id = %(workspace)s
   AND (%(object_kind)s::text IS NULL OR object_kind = %(object_kind)s::text)
   AND (%(object_id)s::text IS NULL OR object_id = %(object_id)s::text)
   AND (%(actor)s::text IS NULL OR actor = %(actor)s::text)
   AND (%(action)s::text IS NULL OR action = %(action)s::text)
   AND (%(action_start)s::text IS NULL OR starts_with(action, %(action_start)s::text))
   AND (%(begins_at)s::timestamptz IS NULL OR recorded_at >= %(begins_at)s::timestamptz)
   AND (%(ends_at)s::timestamptz IS NULL OR recorded_at < %(ends_at)s::timestamptz)
   AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
