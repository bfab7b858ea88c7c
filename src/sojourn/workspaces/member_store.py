"""SQL of accounts, members of a workspace, and their links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional, fetch_value
from sojourn.workspaces.member_model import Account, Link, LinkKind, Member, MemberState, UnknownMember
from sojourn.workspaces.roles import ADMIN


async def find_account(conn: Conn, email: str) -> Account | None:
    """The account with this address (lower case), or None."""
    row = await fetch_optional(conn, SQL_FIND_ACCOUNT, {"email": email})
    return None if row is None else Account(**row)


async def get_account(conn: Conn, member_id: UUID) -> Account:
    """The account. Raises UnknownMember."""
    row = await fetch_optional(conn, SQL_GET_ACCOUNT, {"id": member_id})
    if row is None:
        raise UnknownMember(member_id=str(member_id))
    return Account(**row)


async def insert_account(conn: Conn, account_id: UUID, email: str, at: datetime) -> UUID:
    """Write an account unless the address has one; the id that the address has now."""
    found = await fetch_value(conn, SQL_INSERT_ACCOUNT, {"id": account_id, "email": email, "at": at})
    return UUID(str(found))


async def update_account(conn: Conn, account: Account, at: datetime) -> None:
    """Write what a person chose for themselves."""
    params = {"id": account.id, "language": account.language, "theme": account.theme, "shortcuts": account.shortcuts}
    await execute(conn, SQL_UPDATE_ACCOUNT, {**params, "at": at})


async def update_password(conn: Conn, member_id: UUID, digest: str, at: datetime) -> None:
    """Write a new password."""
    await execute(conn, SQL_SET_DIGEST, {"id": member_id, "digest": digest, "at": at})


async def get_member(conn: Conn, workspace_id: UUID, member_id: UUID, *, lock: bool = False) -> Member:
    """A member of this workspace; with `lock`, the row stays locked. Raises UnknownMember."""
    sql = SQL_LOCK_MEMBER if lock else SQL_GET_MEMBER
    row = await fetch_optional(conn, sql, {"workspace": workspace_id, "id": member_id})
    if row is None:
        raise UnknownMember(member_id=str(member_id))
    return _member(row)


async def list_members(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[Member]:
    """Members of a workspace, deactivated ones too, oldest account first."""
    rows = await fetch_all(conn, SQL_LIST_MEMBERS, {"workspace": workspace_id, "after": after, "limit": limit})
    return [_member(row) for row in rows]


async def list_memberships(conn: Conn, member_id: UUID) -> list[Member]:
    """Where somebody is an active member, the workspace that they signed in to last first."""
    return [_member(row) for row in await fetch_all(conn, SQL_LIST_MEMBERSHIPS, {"id": member_id})]


async def list_own_workspaces(conn: Conn, member_id: UUID) -> list[tuple[UUID, str]]:
    """Ids and names of the workspaces where somebody is an active member, by name."""
    return [(row["id"], row["name"]) for row in await fetch_all(conn, SQL_LIST_OWN_WORKSPACES, {"id": member_id})]


async def belongs_elsewhere(conn: Conn, workspace_id: UUID, member_id: UUID) -> bool:
    """Whether somebody is or was a member of another workspace, too."""
    return bool(await fetch_value(conn, SQL_BELONGS_ELSEWHERE, {"workspace": workspace_id, "id": member_id}))


async def insert_member(conn: Conn, member: Member, *, invited_by: str) -> bool:
    """Write a membership; False when there is one already."""
    params = {
        "workspace": member.workspace_id, "id": member.id, "name": member.name, "roles": list(member.roles),
        "state": member.state.value, "invited_by": invited_by, "at": member.created_at,
    }  # fmt: skip
    return await execute(conn, SQL_INSERT_MEMBER, params) > 0


async def update_member(conn: Conn, member: Member) -> None:
    """Write all that may change of a membership."""
    params = {
        "workspace": member.workspace_id, "id": member.id, "name": member.name, "roles": list(member.roles),
        "state": member.state.value, "joined_at": member.joined_at, "deactivated_at": member.deactivated_at,
        "last_signed_in_at": member.last_signed_in_at,
    }  # fmt: skip
    await execute(conn, SQL_UPDATE_MEMBER, params)


async def lock_admins(conn: Conn, workspace_id: UUID) -> list[UUID]:
    """The active admins, their rows locked in one order, so that two who demote each other cannot both succeed."""
    rows = await fetch_all(conn, SQL_LOCK_ADMINS, {"workspace": workspace_id, "admin": ADMIN})
    return [row["member_id"] for row in rows]


async def insert_link(
    conn: Conn, digest: bytes, member: Member, kind: LinkKind, *, created_by: str, at: datetime, expires_at: datetime
) -> None:
    """Write a link; those of the same kind that the member had before expire."""
    params = {
        "digest": digest, "workspace": member.workspace_id, "member": member.id, "kind": kind.value,
        "created_by": created_by, "at": at, "expires_at": expires_at,
    }  # fmt: skip
    await execute(conn, SQL_EXPIRE_LINKS, params)
    await execute(conn, SQL_INSERT_LINK, params)


async def expire_links(conn: Conn, workspace_id: UUID, member_id: UUID, at: datetime) -> None:
    """Let all unused links of a member expire now."""
    params = {"workspace": workspace_id, "member": member_id, "kind": None, "at": at}
    await execute(conn, SQL_EXPIRE_LINKS, params)


async def find_link(conn: Conn, digest: bytes, *, lock: bool = False) -> Link | None:
    """The link with this digest, used, expired or not, or None; with `lock`, nobody else uses it meanwhile."""
    row = await fetch_optional(conn, SQL_LOCK_LINK if lock else SQL_FIND_LINK, {"digest": digest})
    if row is None:
        return None
    return Link(**{**row, "kind": LinkKind(row["kind"]), "state": MemberState(row["state"])})


async def update_link_used(conn: Conn, digest: bytes, at: datetime) -> None:
    """Mark a link used."""
    await execute(conn, SQL_USE_LINK, {"digest": digest, "at": at})


async def delete_old_links(conn: Conn, before: datetime) -> int:
    """Delete links that expired before this moment."""
    return await execute(conn, SQL_DELETE_OLD_LINKS, {"before": before})


async def list_unknown_roles(conn: Conn, workspace_id: UUID, names: Sequence[str]) -> set[str]:
    """Those of the names that no role of the workspace's own has."""
    rows = await fetch_all(conn, SQL_UNKNOWN_ROLES, {"workspace": workspace_id, "names": list(names)})
    return {row["name"] for row in rows}


def _member(row: dict[str, Any]) -> Member:
    return Member(**{**row, "roles": tuple(row["roles"]), "state": MemberState(row["state"])})


SQL_FIND_ACCOUNT: LiteralString = """
SELECT id, email, password_digest, language, theme, shortcuts
  FROM members
 WHERE email = %(email)s
"""
SQL_GET_ACCOUNT: LiteralString = """
SELECT id, email, password_digest, language, theme, shortcuts
  FROM members
 WHERE id = %(id)s
"""
SQL_INSERT_ACCOUNT: LiteralString = """
INSERT INTO members (id, email, created_at, updated_at)
VALUES (%(id)s, %(email)s, %(at)s, %(at)s)
ON CONFLICT (email) DO UPDATE SET email = excluded.email
RETURNING id
"""
SQL_UPDATE_ACCOUNT: LiteralString = """
UPDATE members
   SET language = %(language)s, theme = %(theme)s, shortcuts = %(shortcuts)s, updated_at = %(at)s
 WHERE id = %(id)s
"""
SQL_SET_DIGEST: LiteralString = """
UPDATE members
   SET password_digest = %(digest)s, updated_at = %(at)s
 WHERE id = %(id)s
"""
SQL_GET_MEMBER: LiteralString = """
SELECT m.member_id AS id, m.workspace_id, a.email, m.name, m.roles, m.state, m.created_at, m.joined_at,
       m.deactivated_at, m.last_signed_in_at
  FROM memberships m
  JOIN members a ON a.id = m.member_id
 WHERE m.workspace_id = %(workspace)s AND m.member_id = %(id)s
"""
SQL_LOCK_MEMBER: LiteralString = SQL_GET_MEMBER + " FOR UPDATE OF m"
SQL_LIST_MEMBERS: LiteralString = """
SELECT m.member_id AS id, m.workspace_id, a.email, m.name, m.roles, m.state, m.created_at, m.joined_at,
       m.deactivated_at, m.last_signed_in_at
  FROM memberships m
  JOIN members a ON a.id = m.member_id
 WHERE m.workspace_id = %(workspace)s AND (%(after)s::uuid IS NULL OR m.member_id > %(after)s::uuid)
 ORDER BY m.member_id
 LIMIT %(limit)s
"""
SQL_LIST_MEMBERSHIPS: LiteralString = """
SELECT m.member_id AS id, m.workspace_id, a.email, m.name, m.roles, m.state, m.created_at, m.joined_at,
       m.deactivated_at, m.last_signed_in_at
  FROM memberships m
  JOIN members a ON a.id = m.member_id
 WHERE m.member_id = %(id)s AND m.state = 'active'
 ORDER BY m.last_signed_in_at DESC NULLS LAST, m.workspace_id
"""
SQL_LIST_OWN_WORKSPACES: LiteralString = """
SELECT w.id, w.name
  FROM memberships m
  JOIN workspaces w ON w.id = m.workspace_id
 WHERE m.member_id = %(id)s AND m.state = 'active'
 ORDER BY w.name, w.id
"""
SQL_BELONGS_ELSEWHERE: LiteralString = """
SELECT EXISTS (SELECT FROM memberships WHERE member_id = %(id)s AND workspace_id <> %(workspace)s)
"""
SQL_INSERT_MEMBER: LiteralString = """
INSERT INTO memberships (workspace_id, member_id, name, roles, state, invited_by, created_at)
VALUES (%(workspace)s, %(id)s, %(name)s, %(roles)s, %(state)s, %(invited_by)s, %(at)s)
ON CONFLICT DO NOTHING
"""
SQL_UPDATE_MEMBER: LiteralString = """
UPDATE memberships
   SET name = %(name)s, roles = %(roles)s, state = %(state)s, joined_at = %(joined_at)s,
       deactivated_at = %(deactivated_at)s, last_signed_in_at = %(last_signed_in_at)s
 WHERE workspace_id = %(workspace)s AND member_id = %(id)s
"""
SQL_LOCK_ADMINS: LiteralString = """
SELECT member_id
  FROM memberships
 WHERE workspace_id = %(workspace)s AND state = 'active' AND %(admin)s = ANY(roles)
 ORDER BY member_id
   FOR UPDATE
"""
SQL_EXPIRE_LINKS: LiteralString = """
UPDATE member_links
   SET expires_at = %(at)s
 WHERE workspace_id = %(workspace)s AND member_id = %(member)s AND used_at IS NULL AND expires_at > %(at)s
   AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
"""
SQL_INSERT_LINK: LiteralString = """
INSERT INTO member_links (digest, workspace_id, member_id, kind, created_by, created_at, expires_at)
VALUES (%(digest)s, %(workspace)s, %(member)s, %(kind)s, %(created_by)s, %(at)s, %(expires_at)s)
"""
SQL_FIND_LINK: LiteralString = """
SELECT l.workspace_id, w.name AS workspace_name, l.member_id, a.email, m.name, l.kind, l.expires_at, l.used_at, m.state,
       a.password_digest IS NOT NULL AS has_password
  FROM member_links l
  JOIN workspaces w ON w.id = l.workspace_id
  JOIN members a ON a.id = l.member_id
  JOIN memberships m ON m.workspace_id = l.workspace_id AND m.member_id = l.member_id
 WHERE l.digest = %(digest)s
"""
SQL_LOCK_LINK: LiteralString = SQL_FIND_LINK + " FOR UPDATE OF l"
SQL_USE_LINK: LiteralString = """
UPDATE member_links
   SET used_at = %(at)s
 WHERE digest = %(digest)s
"""
SQL_DELETE_OLD_LINKS: LiteralString = """
DELETE FROM member_links
 WHERE expires_at < %(before)s
"""
SQL_UNKNOWN_ROLES: LiteralString = """
SELECT n.name
  FROM unnest(%(names)s::text[]) AS n (name)
 WHERE NOT EXISTS (SELECT FROM custom_roles r WHERE r.workspace_id = %(workspace)s AND r.name = n.name)
"""
