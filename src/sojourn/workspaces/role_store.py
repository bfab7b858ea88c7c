"""SQL of the roles that a workspace made itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional, fetch_value
from sojourn.workspaces.roles import Role


async def list_roles(conn: Conn, workspace_id: UUID) -> list[Role]:
    """The workspace's own roles, by name."""
    return [_role(row) for row in await fetch_all(conn, SQL_LIST_ROLES, {"workspace": workspace_id})]


async def lock_role(conn: Conn, workspace_id: UUID, name: str) -> Role | None:
    """One role, its row locked, or None."""
    row = await fetch_optional(conn, SQL_LOCK_ROLE, {"workspace": workspace_id, "name": name})
    return None if row is None else _role(row)


async def insert_role(conn: Conn, workspace_id: UUID, role: Role, at: datetime) -> bool:
    """Write a new role; False when there is one of this name."""
    return await execute(conn, SQL_INSERT_ROLE, _params(workspace_id, role, at)) > 0


async def update_role(conn: Conn, workspace_id: UUID, role: Role, at: datetime) -> None:
    """Write title and rights."""
    await execute(conn, SQL_UPDATE_ROLE, _params(workspace_id, role, at))


async def delete_role(conn: Conn, workspace_id: UUID, name: str) -> None:
    """Delete a role."""
    await execute(conn, SQL_DELETE_ROLE, {"workspace": workspace_id, "name": name})


async def count_members_with(conn: Conn, workspace_id: UUID, name: str) -> int:
    """How many members, deactivated ones too, have this role."""
    return int(await fetch_value(conn, SQL_COUNT_MEMBERS_WITH, {"workspace": workspace_id, "name": name}))


async def list_rights_of(conn: Conn, workspace_id: UUID, names: Sequence[str]) -> list[str]:
    """What those of the workspace's own roles give that are among the names."""
    rows = await fetch_all(conn, SQL_LIST_RIGHTS_OF, {"workspace": workspace_id, "names": list(names)})
    return [row["right_name"] for row in rows]


def _params(workspace_id: UUID, role: Role, at: datetime) -> dict[str, Any]:
    return {
        "workspace": workspace_id, "name": role.name, "title": role.title, "rights": sorted(role.rights), "at": at,
    }  # fmt: skip


def _role(row: dict[str, Any]) -> Role:
    return Role(name=row["name"], title=row["title"], rights=frozenset(row["rights"]), custom=True)


SQL_LIST_ROLES: LiteralString = """
SELECT name, title, rights
  FROM custom_roles
 WHERE workspace_id = %(workspace)s
 ORDER BY name
"""
SQL_LOCK_ROLE: LiteralString = """
SELECT name, title, rights
  FROM custom_roles
 WHERE workspace_id = %(workspace)s AND name = %(name)s
   FOR UPDATE
"""
SQL_INSERT_ROLE: LiteralString = """
INSERT INTO custom_roles (workspace_id, name, title, rights, created_at, updated_at)
VALUES (%(workspace)s, %(name)s, %(title)s, %(rights)s, %(at)s, %(at)s)
ON CONFLICT DO NOTHING
"""
SQL_UPDATE_ROLE: LiteralString = """
UPDATE custom_roles
   SET title = %(title)s, rights = %(rights)s, updated_at = %(at)s
 WHERE workspace_id = %(workspace)s AND name = %(name)s
"""
SQL_DELETE_ROLE: LiteralString = """
DELETE FROM custom_roles
 WHERE workspace_id = %(workspace)s AND name = %(name)s
"""
SQL_COUNT_MEMBERS_WITH: LiteralString = """
SELECT count(*)
  FROM memberships
 WHERE workspace_id = %(workspace)s AND %(name)s = ANY(roles)
"""
SQL_LIST_RIGHTS_OF: LiteralString = """
SELECT DISTINCT granted.name AS right_name
  FROM custom_roles r CROSS JOIN LATERAL unnest(r.rights) AS granted (name)
 WHERE r.workspace_id = %(workspace)s AND r.name = ANY(%(names)s::text[])
"""
