"""HTTP: signing in and out, who one is, and the links that let people in.

Stands above the folders because the answer to "who am I" has a bit of everything that a browser needs at its start.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from sojourn import VERSION
from sojourn.channels import store as channels
from sojourn.channels.model import Sender
from sojourn.imports.model import FILE_MAX
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn, Database
from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import JSON_BODY_MAX, MAX_LIMIT, ConnDep, Now
from sojourn.settings import Settings
from sojourn.workspaces import attempts, member_actions, member_store, passwords, sessions, store
from sojourn.workspaces.access import CallerDep, SessionDep
from sojourn.workspaces.access_news import tell_rights_changed
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.member_model import Link, LinkKind, Member, MemberState, Session, WrongCredentials
from sojourn.workspaces.model import UnknownWorkspace
from sojourn.workspaces.roles import spelled_out

router = APIRouter(prefix="/v1", tags=["session"])

LANGUAGE = r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
Password = Annotated[SecretStr, Field(max_length=1000)]


class SignIn(BaseModel):
    """An e-mail address and a password."""

    model_config = ConfigDict(extra="forbid")
    email: str = Field(max_length=1000)
    password: Password


class MyMember(BaseModel):
    """The member who signed in."""

    id: UUID
    name: str
    email: str
    language: str | None
    theme: str
    shortcuts: bool
    roles: list[str]


class MyKey(BaseModel):
    """The API key of the request."""

    id: UUID
    name: str


class MyWorkspace(BaseModel):
    """What every page needs to know about the workspace."""

    id: UUID
    name: str
    timezone: str
    currency: str | None
    default_language: str
    default_country: str
    brake: bool
    allow_list_on: bool


class MySender(BaseModel):
    """A sender, as far as everybody may know: above all whether it is real."""

    id: UUID
    name: str
    phone_number: str | None
    state: str
    simulated: bool
    quality: str | None

    @classmethod
    def of(cls, sender: Sender) -> MySender:
        """From the stored sender."""
        return cls(**{name: getattr(sender, name) for name in cls.model_fields})


class WorkspaceName(BaseModel):
    """A workspace that the member can turn to."""

    id: UUID
    name: str


class Limits(BaseModel):
    """Sizes that this installation accepts."""

    page_rows: int = MAX_LIMIT
    json_body_bytes: int = JSON_BODY_MAX
    import_file_bytes: int = FILE_MAX
    password_characters_min: int = passwords.SHORTEST


class Me(BaseModel):
    """Who makes the request (a member, or a key), what they may do, and where. `csrf_token` is for writes by cookie."""

    member: MyMember | None
    key: MyKey | None
    rights: list[str]
    workspace: MyWorkspace
    workspaces: list[WorkspaceName]
    senders: list[MySender]
    csrf_token: str | None
    limits: Limits = Field(default_factory=Limits)
    version: str = VERSION


class MeChange(BaseModel):
    """What to change about oneself; what is left out stays. A language of null follows the browser."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"\S")
    language: str | None = Field(default=None, pattern=LANGUAGE, max_length=35)
    theme: Literal["system", "light", "dark"] | None = None
    shortcuts: bool | None = None


class PasswordChange(BaseModel):
    """The password that holds now, and the new one."""

    model_config = ConfigDict(extra="forbid")
    current: Password
    new: Password


class WorkspaceChoice(BaseModel):
    """The workspace to turn to."""

    model_config = ConfigDict(extra="forbid")
    workspace_id: UUID


class LinkDetails(BaseModel):
    """What a link is for. With `asks_for_own_password` it is opened by the password that the account has already."""

    kind: LinkKind
    email: str
    name: str
    workspace: str
    expires_at: datetime
    asks_for_own_password: bool

    @classmethod
    def of(cls, link: Link) -> LinkDetails:
        """From the stored link."""
        return cls(
            kind=link.kind, email=link.email, name=link.name, workspace=link.workspace_name,
            expires_at=link.expires_at, asks_for_own_password=link.asks_for_own_password,
        )  # fmt: skip


class LinkUse(BaseModel):
    """The password to choose, and one's name where the invitation has it wrong."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, max_length=1000)
    password: Password


@router.post("/session")
async def sign_in(body: SignIn, request: Request, response: Response, now: Now) -> Me:
    """Sign in. Nothing in the answer, not even its time, tells whether there is a member with this address."""
    sessions.require_own_origin(request, _settings(request))
    email = member_actions.normal_email(body.email)
    tries = await _count(request, email)
    async with _database(request).transaction() as conn:
        account = await member_store.find_account(conn, email)
        places = await member_store.list_memberships(conn, account.id) if account else []
    digest = account.password_digest if account else None
    if not await passwords.matches(digest, body.password.get_secret_value()) or not places:
        raise WrongCredentials
    async with _database(request).transaction() as conn:
        await attempts.forgive_attempt(conn, tries)
        member = await member_store.get_member(conn, places[0].workspace_id, places[0].id, lock=True)
        if member.state is not MemberState.ACTIVE:
            raise WrongCredentials
        return await _let_in(conn, request, response, member, now)


@router.delete("/session", status_code=204)
async def sign_out(request: Request, response: Response, conn: ConnDep, session: SessionDep, now: Now) -> None:
    """Sign out: the session ends, and the browser forgets its cookie."""
    await sessions.delete_session(conn, session.digest)
    await tell_rights_changed(conn, session.workspace_id, f"member:{session.member_id}", now)
    sessions.clear_cookie(response, _settings(request))


@router.post("/session/workspace")
async def change_workspace(body: WorkspaceChoice, request: Request, conn: ConnDep, session: SessionDep, now: Now) -> Me:
    """Turn this session to another workspace of the member."""
    places = await member_store.list_memberships(conn, session.member_id)
    chosen = next((place for place in places if place.workspace_id == body.workspace_id), None)
    if chosen is None:
        raise UnknownWorkspace(workspace_id=str(body.workspace_id))
    await sessions.update_session_workspace(conn, session.digest, chosen.workspace_id)
    await tell_rights_changed(conn, session.workspace_id, f"member:{session.member_id}", now)
    await member_store.update_member(conn, replace(chosen, last_signed_in_at=system_now()))
    turned = await sessions.find_session(conn, session.digest)
    assert turned is not None
    return await _me_of_member(conn, request, turned)


@router.get("/me")
async def get_me(request: Request, conn: ConnDep, caller: CallerDep) -> Me:
    """Who makes this request, their rights, the workspace with its senders, and what a browser needs to begin."""
    cookie = sessions.cookie_of(request)
    session = await sessions.find_session(conn, sessions.digest_of(cookie)) if cookie else None
    return await _me_of_member(conn, request, session) if session else await _me_of_key(conn, caller)


@router.patch("/me")
async def change_me(body: MeChange, request: Request, conn: ConnDep, session: SessionDep, now: Now) -> Me:
    """Change one's name, language, theme, or whether single keys are shortcuts."""
    given = body.model_dump(exclude_unset=True)
    if given.get("name") is not None:
        actor = Caller(session.workspace_id, f"member:{session.member_id}", session.rights)
        changes = {"name": given["name"]}
        await member_actions.change_member(conn, actor, session.workspace_id, session.member_id, changes, now)
    account = await member_store.get_account(conn, session.member_id)
    chosen = {
        name: value
        for name, value in given.items()
        if name == "language" or (name in {"theme", "shortcuts"} and value is not None)
    }
    if chosen:
        await member_store.update_account(conn, replace(account, **chosen), system_now())
    return await _me_of_member(conn, request, session)


@router.post("/me/password", status_code=204)
async def change_password(body: PasswordChange, request: Request, session: SessionDep, now: Now) -> None:
    """Change one's password. Other browsers are signed out; this one stays."""
    database = _database(request)
    async with database.transaction() as conn:
        account = await member_store.get_account(conn, session.member_id)
    passwords.check_password(body.new.get_secret_value(), email=account.email, field="new")
    tries = await _count(request, account.email)
    if not await passwords.matches(account.password_digest, body.current.get_secret_value()):
        raise InvalidInput([{"field": "current", "code": "wrong_password", "message": "this is not your password"}])
    digest = await passwords.digest_of(body.new.get_secret_value())
    async with database.transaction() as conn:
        await attempts.forgive_attempt(conn, tries)
        await member_actions.change_password(conn, session, digest, now)


@router.get("/links/{token}")
async def get_link(token: str, conn: ConnDep) -> LinkDetails:
    """What an invitation or a reset link is for; whoever holds the link may know."""
    return LinkDetails.of(await member_actions.get_link(conn, token))


@router.post("/links/{token}")
async def use_link(token: str, body: LinkUse, request: Request, response: Response, now: Now) -> Me:
    """Choose a password and sign in. Somebody who has an account here already gives its password instead."""
    sessions.require_own_origin(request, _settings(request))
    async with _database(request).transaction() as conn:
        link = await member_actions.get_link(conn, token)
        account = await member_store.get_account(conn, link.member_id)
    tries = await _count(request, account.email)
    password, digest = body.password.get_secret_value(), None
    if link.asks_for_own_password:
        if not await passwords.matches(account.password_digest, password):
            raise WrongCredentials
    else:
        passwords.check_password(password, email=account.email)
        digest = await passwords.digest_of(password)
    async with _database(request).transaction() as conn:
        await attempts.forgive_attempt(conn, tries)
        member = await member_actions.use_link(conn, token, name=body.name, password_digest=digest, now=now)
        return await _let_in(conn, request, response, member, now)


async def _count(request: Request, email: str) -> attempts.Tries:
    client = request.client.host if request.client else None
    tries = attempts.tries_of(request.app.state.keys, email, client)
    async with _database(request).transaction() as conn:
        await attempts.count_attempt(conn, tries, system_now())
    return tries


async def _let_in(conn: Conn, request: Request, response: Response, member: Member, now: datetime) -> Me:
    cookie = await member_actions.sign_in(conn, member, now)
    sessions.set_cookie(response, cookie, _settings(request))
    session = await sessions.find_session(conn, sessions.digest_of(cookie))
    assert session is not None
    return await _me_of_member(conn, request, session)


async def _me_of_member(conn: Conn, request: Request, session: Session) -> Me:
    account = await member_store.get_account(conn, session.member_id)
    member = await member_store.get_member(conn, session.workspace_id, session.member_id)
    places = await member_store.list_own_workspaces(conn, session.member_id)
    mine = MyMember(
        id=member.id, name=member.name, email=member.email, language=account.language, theme=account.theme,
        shortcuts=account.shortcuts, roles=list(member.roles),
    )  # fmt: skip
    workspace, senders = await _place(conn, session.workspace_id)
    return Me(
        member=mine,
        key=None,
        rights=spelled_out(session.rights),
        workspace=workspace,
        workspaces=[WorkspaceName(id=id_, name=name) for id_, name in places],
        senders=senders,
        csrf_token=sessions.csrf_token_of(request.app.state.keys, session.digest),
    )


async def _me_of_key(conn: Conn, caller: Caller) -> Me:
    key = await store.find_key_by_id(conn, caller.workspace_id, UUID(caller.actor.removeprefix("key:")))
    workspace, senders = await _place(conn, caller.workspace_id)
    return Me(
        member=None,
        key=None if key is None else MyKey(id=key.id, name=key.name),
        rights=spelled_out(caller.rights),
        workspace=workspace,
        workspaces=[WorkspaceName(id=workspace.id, name=workspace.name)],
        senders=senders,
        csrf_token=None,
    )


async def _place(conn: Conn, workspace_id: UUID) -> tuple[MyWorkspace, list[MySender]]:
    """The workspace and its senders. Its currency is that of its first sender that has one."""
    place = await store.get_workspace(conn, workspace_id)
    senders = await channels.list_senders(conn, workspace_id)
    workspace = MyWorkspace(
        id=place.id, name=place.name, timezone=place.timezone,
        currency=next((sender.currency for sender in senders if sender.currency), None),
        default_language=place.default_language, default_country=place.default_country,
        brake=place.settings.brake, allow_list_on=place.settings.allow_list_on,
    )  # fmt: skip
    return workspace, [MySender.of(sender) for sender in senders]


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _database(request: Request) -> Database:
    database: Database = request.app.state.db
    return database
