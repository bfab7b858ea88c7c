"""Members: invite, change, deactivate, and let in by link. Every change leaves an audit entry with ids only."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.ids import new_id
from sojourn.workspaces import audit, member_store, role_store, sessions
from sojourn.workspaces.access_news import tell_rights_changed, tell_sessions_ended
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.member_model import (
    LASTS,
    LastAdmin,
    Link,
    LinkExpired,
    LinkKind,
    LinkUsed,
    Member,
    MemberElsewhere,
    MemberExists,
    MemberNotActive,
    MemberNotInvited,
    MemberState,
    Session,
    UnknownLink,
)
from sojourn.workspaces.roles import ADMIN, BY_NAME, rights_of_roles

EMAIL = re.compile(r"[^@\s\x00-\x1f,;<>]+@[^@\s\x00-\x1f,;<>]+\.[^@\s\x00-\x1f.,;<>]+")
EMAIL_MAX = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A member with the secret of the link that lets them in; the secret is kept nowhere."""

    member: Member
    token: str


def normal_email(text: str) -> str:
    """An address as it is stored: trimmed, lower case."""
    return unicodedata.normalize("NFC", text.strip()).lower()


async def invite_member(
    conn: Conn, actor: Caller | str, workspace_id: UUID, email: str, name: str, roles: Sequence[str], *, now: datetime
) -> Invited:
    """Add a member, who joins by the link. Raises InvalidInput, MemberExists, MissingRight for more than one's own."""
    address = normal_email(email)
    errors = _check_name(name)
    if not EMAIL.fullmatch(address) or len(address) > EMAIL_MAX:
        errors.append({"field": "email", "code": "invalid_email", "message": "an address such as name@example.com"})
    granted = await _check_roles(conn, actor, workspace_id, roles, errors)
    account_id = await member_store.insert_account(conn, new_id(system_now()), address, system_now())
    member = Member(
        id=account_id, workspace_id=workspace_id, email=address, name=name.strip(), roles=granted,
        state=MemberState.INVITED, created_at=now, joined_at=None, deactivated_at=None, last_signed_in_at=None,
    )  # fmt: skip
    if not await member_store.insert_member(conn, member, invited_by=_actor_of(actor)):
        raise MemberExists(member_id=str(account_id))
    await _record(conn, actor, member, "member.invited", {"roles": list(granted)}, now)
    return Invited(member=member, token=await _make_link(conn, actor, member, LinkKind.INVITATION))


async def change_member(
    conn: Conn, actor: Caller | str, workspace_id: UUID, member_id: UUID, changes: Mapping[str, Any], now: datetime
) -> Member:
    """Change `name` or `roles`; roles take effect with the member's next request. Raises LastAdmin, MissingRight."""
    admins = await member_store.lock_admins(conn, workspace_id)
    member = await member_store.get_member(conn, workspace_id, member_id, lock=True)
    errors = _check_name(changes["name"]) if "name" in changes else []
    roles = member.roles
    if "roles" in changes:
        await _require_rights_of(conn, actor, member)
        roles = await _check_roles(conn, actor, workspace_id, changes["roles"], errors)
    if errors:
        raise InvalidInput(errors)
    if ADMIN not in roles and admins == [member_id]:
        raise LastAdmin(member_id=str(member_id))
    changed = replace(member, name=str(changes.get("name", member.name)).strip(), roles=roles)
    if changed == member:
        return member
    await member_store.update_member(conn, changed)
    told: dict[str, object] = {}
    if changed.name != member.name:
        told["name"] = "changed"
    if changed.roles != member.roles:
        told["roles"] = {"from": list(member.roles), "to": list(changed.roles)}
        await tell_rights_changed(conn, workspace_id, f"member:{member_id}", now)
    await _record(conn, actor, member, "member.changed", told, now)
    return changed


async def renew_invitation(
    conn: Conn, actor: Caller | str, workspace_id: UUID, member_id: UUID, now: datetime
) -> Invited:
    """A new invitation; the link before it stops working. Raises MemberNotInvited for who has joined."""
    member = await member_store.get_member(conn, workspace_id, member_id, lock=True)
    if member.state is not MemberState.INVITED:
        raise MemberNotInvited(state=member.state.value)
    await _require_rights_of(conn, actor, member)
    await _record(conn, actor, member, "member.invited_again", {}, now)
    return Invited(member=member, token=await _make_link(conn, actor, member, LinkKind.INVITATION))


async def make_reset(conn: Conn, actor: Caller | str, workspace_id: UUID, member_id: UUID, now: datetime) -> Invited:
    """A link by which a member sets a new password; the old one works until then.

    Raises MemberNotActive, MissingRight when the member may do more than the caller, and MemberElsewhere: an admin of
    one workspace must not get into another one by a member who belongs to both. `system` may.
    """
    member = await member_store.get_member(conn, workspace_id, member_id, lock=True)
    if member.state is not MemberState.ACTIVE:
        raise MemberNotActive(state=member.state.value)
    await _require_rights_of(conn, actor, member)
    if isinstance(actor, Caller) and await member_store.belongs_elsewhere(conn, workspace_id, member_id):
        raise MemberElsewhere(member_id=str(member_id))
    await _record(conn, actor, member, "member.reset_made", {}, now)
    return Invited(member=member, token=await _make_link(conn, actor, member, LinkKind.RESET))


async def deactivate_member(
    conn: Conn, actor: Caller | str, workspace_id: UUID, member_id: UUID, now: datetime
) -> Member:
    """End a member's access at once: sessions and links of this workspace. Repeating changes nothing.

    Raises LastAdmin, and MissingRight when the member may do more than the caller.
    """
    admins = await member_store.lock_admins(conn, workspace_id)
    member = await member_store.get_member(conn, workspace_id, member_id, lock=True)
    if member.state is MemberState.DEACTIVATED:
        return member
    await _require_rights_of(conn, actor, member)
    if admins == [member_id]:
        raise LastAdmin(member_id=str(member_id))
    changed = replace(member, state=MemberState.DEACTIVATED, deactivated_at=now)
    await member_store.update_member(conn, changed)
    await member_store.expire_links(conn, workspace_id, member_id, system_now())
    await sessions.delete_sessions_of(conn, member_id, workspace_id=workspace_id)
    await tell_rights_changed(conn, workspace_id, f"member:{member_id}", now)
    await _record(conn, actor, member, "member.deactivated", {}, now)
    return changed


async def activate_member(
    conn: Conn, actor: Caller | str, workspace_id: UUID, member_id: UUID, now: datetime
) -> Member:
    """Give a deactivated member their access back; who never joined is invited again. Repeating changes nothing."""
    member = await member_store.get_member(conn, workspace_id, member_id, lock=True)
    if member.state is not MemberState.DEACTIVATED:
        return member
    await _require_rights_of(conn, actor, member)
    state = MemberState.INVITED if member.joined_at is None else MemberState.ACTIVE
    changed = replace(member, state=state, deactivated_at=None)
    await member_store.update_member(conn, changed)
    await _record(conn, actor, member, "member.activated", {}, now)
    return changed


async def get_link(conn: Conn, token: str, *, lock: bool = False) -> Link:
    """The link behind a token, if it still lets somebody in. Raises UnknownLink, LinkUsed, LinkExpired."""
    link = await member_store.find_link(conn, sessions.digest_of(token), lock=lock)
    if link is None:
        raise UnknownLink
    if link.used_at is not None:
        raise LinkUsed(kind=link.kind.value)
    wanted = MemberState.INVITED if link.kind is LinkKind.INVITATION else MemberState.ACTIVE
    if link.expires_at <= system_now() or link.state is not wanted:
        raise LinkExpired(kind=link.kind.value)
    return link


async def use_link(conn: Conn, token: str, *, name: str | None, password_digest: str | None, now: datetime) -> Member:
    """Let the member in by a link, once. `password_digest`: the new password; None when the account keeps its own.

    All other sessions of the account end when the password is reset. Raises as `get_link` does.
    """
    link = await get_link(conn, token, lock=True)
    if name is not None and (errors := _check_name(name)):
        raise InvalidInput(errors)
    await member_store.update_link_used(conn, sessions.digest_of(token), system_now())
    member = await member_store.get_member(conn, link.workspace_id, link.member_id, lock=True)
    if password_digest is not None:
        await member_store.update_password(conn, member.id, password_digest, system_now())
    if link.kind is LinkKind.RESET:
        await sessions.delete_sessions_of(conn, member.id)
        await tell_sessions_ended(conn, member.id, now)
    else:
        member = replace(member, state=MemberState.ACTIVE, joined_at=now, name=(name or member.name).strip())
        await member_store.update_member(conn, member)
    action = "member.joined" if link.kind is LinkKind.INVITATION else "member.password_reset"
    await audit.record(conn, f"member:{member.id}", member.workspace_id, action, "member", member.id, {}, now)
    return member


async def sign_in(conn: Conn, member: Member, now: datetime) -> str:
    """Begin a session of an active member; the cookie's value."""
    await member_store.update_member(conn, replace(member, last_signed_in_at=system_now()))
    await audit.record(
        conn, f"member:{member.id}", member.workspace_id, "member.signed_in", "member", member.id, {}, now
    )
    return await sessions.open_session(conn, member.id, member.workspace_id)


async def change_password(conn: Conn, session: Session, password_digest: str, now: datetime) -> None:
    """Set a new password of the signed-in member; their other sessions end."""
    await member_store.update_password(conn, session.member_id, password_digest, system_now())
    await sessions.delete_sessions_of(conn, session.member_id, but=session.digest)
    await tell_sessions_ended(conn, session.member_id, now)
    actor = f"member:{session.member_id}"
    await audit.record(
        conn, actor, session.workspace_id, "member.password_changed", "member", session.member_id, {}, now
    )


async def _make_link(conn: Conn, actor: Caller | str, member: Member, kind: LinkKind) -> str:
    token = secrets.token_urlsafe(32)
    made = system_now()
    await member_store.insert_link(
        conn, sessions.digest_of(token), member, kind,
        created_by=_actor_of(actor), at=made, expires_at=made + LASTS[kind],
    )  # fmt: skip
    return token


def _check_name(name: object) -> list[FieldError]:
    if isinstance(name, str) and 1 <= len(name.strip()) <= 200:
        return []
    return [{"field": "name", "code": "length", "limit": 200, "message": "1 to 200 characters"}]


async def _check_roles(
    conn: Conn, actor: Caller | str, workspace_id: UUID, roles: Sequence[str], errors: list[FieldError]
) -> tuple[str, ...]:
    """The roles without repetition. Raises InvalidInput with `errors` and its own, MissingRight for too much power."""
    wanted = tuple(dict.fromkeys(roles))
    own = [name for name in wanted if name not in BY_NAME]
    unknown = await member_store.list_unknown_roles(conn, workspace_id, own) if own else set()
    errors += [
        {"field": f"roles[{place}]", "code": "unknown_role", "message": name}
        for place, name in enumerate(wanted)
        if name in unknown
    ]
    if not wanted:
        errors.append({"field": "roles", "code": "required", "message": "at least one role"})
    if errors:
        raise InvalidInput(errors)
    await _require_rights(conn, actor, workspace_id, wanted)
    return wanted


async def _require_rights_of(conn: Conn, actor: Caller | str, member: Member) -> None:
    await _require_rights(conn, actor, member.workspace_id, member.roles)


async def _require_rights(conn: Conn, actor: Caller | str, workspace_id: UUID, roles: Sequence[str]) -> None:
    """Nobody hands out, resets or takes away more than they have themselves. Raises MissingRight."""
    if isinstance(actor, Caller):
        own = await role_store.list_rights_of(conn, workspace_id, roles)
        for right in sorted(rights_of_roles(roles, own)):
            actor.require(right)


def _actor_of(actor: Caller | str) -> str:
    return actor.actor if isinstance(actor, Caller) else actor


async def _record(
    conn: Conn, actor: Caller | str, member: Member, action: str, changes: Mapping[str, object], now: datetime
) -> None:
    await audit.record(conn, actor, member.workspace_id, action, "member", member.id, changes, now)
