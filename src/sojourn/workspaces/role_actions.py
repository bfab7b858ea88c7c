"""Roles of a workspace's own: make, change, delete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.workspaces import audit, role_store
from sojourn.workspaces.access_news import tell_rights_changed
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.member_model import RoleExists, RoleInUse, UnknownRole
from sojourn.workspaces.rights import RIGHTS
from sojourn.workspaces.roles import BY_NAME, Role

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TITLE_MAX = 100


async def create_role(conn: Conn, caller: Caller, role: Role, now: datetime) -> Role:
    """Add a role. Raises InvalidInput, RoleExists, and MissingRight for a right that the caller does not have."""
    made = replace(role, title=role.title.strip(), custom=True)
    _check(made)
    _require_all(caller, made.rights)
    if made.name in BY_NAME or not await role_store.insert_role(conn, caller.workspace_id, made, now):
        raise RoleExists(name=made.name)
    changes = {"rights": sorted(made.rights)}
    await audit.record(conn, caller, caller.workspace_id, "role.created", "role", made.name, changes, now)
    return made


async def change_role(
    conn: Conn, caller: Caller, name: str, *, title: str | None, rights: Iterable[str] | None, now: datetime
) -> Role:
    """Change title or rights; members feel it with their next request. Raises as `create_role`, and UnknownRole."""
    role = await role_store.lock_role(conn, caller.workspace_id, name)
    if role is None:
        raise UnknownRole(name=name)
    changed = replace(
        role,
        title=role.title if title is None else title.strip(),
        rights=role.rights if rights is None else frozenset(rights),
    )
    _check(changed)
    if changed == role:
        return role
    _require_all(caller, changed.rights | role.rights)
    await role_store.update_role(conn, caller.workspace_id, changed, now)
    await tell_rights_changed(conn, caller.workspace_id, None, now)
    changes = {"rights": {"from": sorted(role.rights), "to": sorted(changed.rights)}}
    await audit.record(conn, caller, caller.workspace_id, "role.changed", "role", name, changes, now)
    return changed


async def delete_role(conn: Conn, caller: Caller, name: str, now: datetime) -> None:
    """Delete a role that nobody has. Raises UnknownRole, RoleInUse."""
    role = await role_store.lock_role(conn, caller.workspace_id, name)
    if role is None:
        raise UnknownRole(name=name)
    count = await role_store.count_members_with(conn, caller.workspace_id, name)
    if count:
        raise RoleInUse(name=name, members=count)
    await role_store.delete_role(conn, caller.workspace_id, name)
    changes = {"rights": sorted(role.rights)}
    await audit.record(conn, caller, caller.workspace_id, "role.deleted", "role", name, changes, now)


def _check(role: Role) -> None:
    errors: list[FieldError] = [
        {"field": "rights", "code": "unknown_right", "message": right} for right in sorted(role.rights - RIGHTS)
    ]
    if not NAME.fullmatch(role.name):
        errors.append({"field": "name", "code": "invalid_name", "message": "small letters, digits and _, 40 at most"})
    if not 1 <= len(role.title) <= TITLE_MAX:
        errors.append({"field": "title", "code": "length", "limit": TITLE_MAX, "message": "1 to 100 characters"})
    if not role.rights:
        errors.append({"field": "rights", "code": "required", "message": "at least one right"})
    if errors:
        raise InvalidInput(errors)


def _require_all(caller: Caller, rights: Iterable[str]) -> None:
    for right in sorted(rights):
        caller.require(right)
