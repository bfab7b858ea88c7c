"""HTTP: members of a workspace, and what their roles let them do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.workspaces import member_actions, member_store, role_actions, role_store
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.member_actions import Invited
from sojourn.workspaces.member_model import Member, MemberState
from sojourn.workspaces.pages import decode_position, page_of
from sojourn.workspaces.roles import BUILT_IN, Role, spelled_out

router = APIRouter(prefix="/v1", tags=["members"])

Read = Annotated[Caller, Depends(require_right("members.read"))]
Write = Annotated[Caller, Depends(require_right("members.write"))]


class MemberOut(BaseModel):
    """A member of this workspace."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    state: MemberState
    created_at: datetime
    joined_at: datetime | None
    deactivated_at: datetime | None
    last_signed_in_at: datetime | None

    @classmethod
    def of(cls, member: Member) -> MemberOut:
        """From the stored member."""
        values = {name: getattr(member, name) for name in cls.model_fields if name != "roles"}
        return cls(**values, roles=list(member.roles))


class MemberIn(BaseModel):
    """Who to invite."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=1000)
    name: str = Field(max_length=1000)
    roles: list[str] = Field(max_length=50)


class MemberChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, max_length=1000)
    roles: list[str] | None = Field(default=None, max_length=50)


class InvitedOut(BaseModel):
    """A member and the link to hand to them; the link is shown this once."""

    member: MemberOut
    link: str


class LinkOut(BaseModel):
    """A link to hand to somebody; it is shown this once."""

    link: str


class RoleOut(BaseModel):
    """A role with its rights, one by one."""

    name: str
    title: str
    rights: list[str]
    custom: bool

    @classmethod
    def of(cls, role: Role) -> RoleOut:
        """From the table of roles."""
        return cls(name=role.name, title=role.title, rights=spelled_out(role.rights), custom=role.custom)


class RolesOut(BaseModel):
    """Every role that a member of this workspace can have."""

    items: list[RoleOut]


class RoleIn(BaseModel):
    """A role of the workspace's own."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=100)
    title: str = Field(max_length=1000)
    rights: list[str] = Field(max_length=500)


class RoleChange(BaseModel):
    """What to change of a role; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    title: str | None = Field(default=None, max_length=1000)
    rights: list[str] | None = Field(default=None, max_length=500)


def _invited(request: Request, invited: Invited) -> InvitedOut:
    public_url = request.app.state.settings.public_url
    return InvitedOut(member=MemberOut.of(invited.member), link=f"{public_url}/invitation/{invited.token}")


@router.get("/members")
async def list_members(
    conn: ConnDep, caller: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[MemberOut]:
    """Members, those who are invited or deactivated too, oldest first."""
    found = await member_store.list_members(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(found, limit, MemberOut.of)


@router.post("/members", status_code=201)
async def invite_member(body: MemberIn, request: Request, conn: ConnDep, caller: Write, now: Now) -> InvitedOut:
    """Invite a member. The link in the answer is shown this once, works for 7 days, and is yours to hand over."""
    invited = await member_actions.invite_member(
        conn, caller, caller.workspace_id, body.email, body.name, body.roles, now=now
    )
    return _invited(request, invited)


@router.get("/members/{member_id}")
async def get_member(member_id: UUID, conn: ConnDep, caller: Read) -> MemberOut:
    """One member."""
    return MemberOut.of(await member_store.get_member(conn, caller.workspace_id, member_id))


@router.patch("/members/{member_id}")
async def change_member(member_id: UUID, body: MemberChange, conn: ConnDep, caller: Write, now: Now) -> MemberOut:
    """Change a member's name or roles; new roles hold from the member's next request on."""
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    return MemberOut.of(await member_actions.change_member(conn, caller, caller.workspace_id, member_id, changes, now))


@router.post("/members/{member_id}/invite")
async def renew_invitation(member_id: UUID, request: Request, conn: ConnDep, caller: Write, now: Now) -> InvitedOut:
    """A new invitation link for somebody who has not joined yet; the one before stops working."""
    invited = await member_actions.renew_invitation(conn, caller, caller.workspace_id, member_id, now)
    return _invited(request, invited)


@router.post("/members/{member_id}/reset")
async def make_reset(member_id: UUID, request: Request, conn: ConnDep, caller: Write, now: Now) -> LinkOut:
    """A link by which a member sets a new password, shown this once, good for 24 hours."""
    invited = await member_actions.make_reset(conn, caller, caller.workspace_id, member_id, now)
    return LinkOut(link=f"{request.app.state.settings.public_url}/reset/{invited.token}")


@router.post("/members/{member_id}/deactivate")
async def deactivate_member(member_id: UUID, conn: ConnDep, caller: Write, now: Now) -> MemberOut:
    """End a member's access at once: their sessions, links and open streams."""
    return MemberOut.of(await member_actions.deactivate_member(conn, caller, caller.workspace_id, member_id, now))


@router.post("/members/{member_id}/activate")
async def activate_member(member_id: UUID, conn: ConnDep, caller: Write, now: Now) -> MemberOut:
    """Give a deactivated member their access back."""
    return MemberOut.of(await member_actions.activate_member(conn, caller, caller.workspace_id, member_id, now))


@router.get("/roles")
async def list_roles(conn: ConnDep, caller: Read) -> RolesOut:
    """The table of rights: the built-in roles, then the workspace's own."""
    own = await role_store.list_roles(conn, caller.workspace_id)
    return RolesOut(items=[RoleOut.of(role) for role in (*BUILT_IN, *own)])


@router.post("/roles", status_code=201)
async def create_role(body: RoleIn, conn: ConnDep, caller: Write, now: Now) -> RoleOut:
    """Add a role; nobody can put a right into it that they do not have."""
    role = Role(name=body.name, title=body.title, rights=frozenset(body.rights), custom=True)
    return RoleOut.of(await role_actions.create_role(conn, caller, role, now))


@router.patch("/roles/{name}")
async def change_role(name: str, body: RoleChange, conn: ConnDep, caller: Write, now: Now) -> RoleOut:
    """Change a role of the workspace's own; its members feel it with their next request."""
    return RoleOut.of(await role_actions.change_role(conn, caller, name, title=body.title, rights=body.rights, now=now))


@router.delete("/roles/{name}", status_code=204)
async def delete_role(name: str, conn: ConnDep, caller: Write, now: Now) -> None:
    """Delete a role of the workspace's own that nobody has."""
    await role_actions.delete_role(conn, caller, name, now)
