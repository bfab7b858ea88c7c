"""Members and roles: who may give whom what, and that somebody is always left who can."""

from __future__ import annotations

import asyncio

import pytest

from sojourn.kit.database import fetch_all
from sojourn.kit.errors import InvalidInput
from sojourn.workspaces import actions, member_actions, member_store, role_actions, sessions
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.member_model import LastAdmin, MemberExists, RoleInUse, UnknownMember
from sojourn.workspaces.model import MissingRight
from sojourn.workspaces.rights import RIGHTS
from sojourn.workspaces.roles import BUILT_IN, Role, rights_of_roles
from tests.support.browser import Browser, make_app, make_member


@pytest.fixture
async def workspace(conn, now):
    return await actions.create_workspace(conn, "Bean There", now=now)


async def join(conn, workspace_id, email, *roles, now):
    invited = await member_actions.invite_member(conn, "system", workspace_id, email, "Some One", roles, now=now)
    return await member_actions.use_link(conn, invited.token, name=None, password_digest="digest", now=now)


def caller_of(workspace_id, *rights):
    return Caller(workspace_id, "member:0", frozenset(rights))


async def test_an_address_is_a_member_once(conn, workspace, now):
    await join(conn, workspace.id, "ann@example.com", "viewer", now=now)
    with pytest.raises(MemberExists):
        await join(conn, workspace.id, " ANN@example.com", "viewer", now=now)


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "a@b.c,d@e.f", "x" * 250 + "@a.nl"]
)
async def test_what_is_no_address_is_refused_with_all_other_mistakes(conn, workspace, now, email):
    with pytest.raises(InvalidInput) as refused:
        await member_actions.invite_member(conn, "system", workspace.id, email, " ", ["viewer", "boss"], now=now)
    assert {error["field"] for error in refused.value.errors} == {"email", "name", "roles[1]"}


async def test_nobody_gives_away_more_than_they_have(conn, workspace, now):
    some = caller_of(workspace.id, "members.write", "members.read", "profiles.read")
    with pytest.raises(MissingRight):
        await member_actions.invite_member(conn, some, workspace.id, "ann@example.com", "Ann", ["admin"], now=now)
    with pytest.raises(MissingRight):
        await role_actions.create_role(conn, some, Role(name="big", title="Big", rights=frozenset({"keys.write"})), now)
    small = Role(name="small", title="Small", rights=frozenset({"profiles.read"}))
    await role_actions.create_role(conn, some, small, now)
    invited = await member_actions.invite_member(conn, some, workspace.id, "ann@example.com", "Ann", ["small"], now=now)
    assert invited.member.roles == ("small",)


async def test_nobody_takes_over_or_puts_out_who_may_do_more(conn, workspace, now):
    admin = await join(conn, workspace.id, "ann@example.com", "admin", now=now)
    await join(conn, workspace.id, "ben@example.com", "admin", now=now)
    some = caller_of(workspace.id, "members.write", "members.read")
    for act in (member_actions.make_reset, member_actions.deactivate_member):
        with pytest.raises(MissingRight):
            await act(conn, some, workspace.id, admin.id, now)
    with pytest.raises(MissingRight):
        await member_actions.change_member(conn, some, workspace.id, admin.id, {"roles": ["viewer"]}, now)


async def test_a_role_of_ones_own_gives_its_rights_at_once_and_goes_when_nobody_has_it(conn, workspace, now):
    admin = caller_of(workspace.id, "*")
    await role_actions.create_role(
        conn, admin, Role(name="reader", title="Reader", rights=frozenset({"profiles.read"})), now
    )
    member = await join(conn, workspace.id, "ann@example.com", "reader", now=now)
    cookie = await sessions.open_session(conn, member.id, workspace.id)
    digest = sessions.digest_of(cookie)
    assert (await sessions.find_session(conn, digest)).rights == {"profiles.read"}
    await role_actions.change_role(conn, admin, "reader", title=None, rights=["events.read"], now=now)
    assert (await sessions.find_session(conn, digest)).rights == {"events.read"}
    with pytest.raises(RoleInUse):
        await role_actions.delete_role(conn, admin, "reader", now)
    await member_actions.change_member(conn, admin, workspace.id, member.id, {"roles": ["viewer"]}, now)
    await role_actions.delete_role(conn, admin, "reader", now)
    assert (await sessions.find_session(conn, digest)).rights == rights_of_roles(["viewer"])


@pytest.mark.parametrize(
    ("role", "field"),
    [
        (Role(name="Big Boss", title="Boss", rights=frozenset({"profiles.read"})), "name"),
        (Role(name="boss", title=" ", rights=frozenset({"profiles.read"})), "title"),
        (Role(name="boss", title="Boss", rights=frozenset({"profiles.eat"})), "rights"),
        (Role(name="boss", title="Boss", rights=frozenset()), "rights"),
    ],
)
async def test_a_role_with_a_mistake_is_refused(conn, workspace, now, role, field):
    with pytest.raises(InvalidInput) as refused:
        await role_actions.create_role(conn, caller_of(workspace.id, "*"), role, now)
    assert refused.value.errors[0]["field"] == field


async def test_the_last_admin_stays(conn, workspace, now):
    ann = await join(conn, workspace.id, "ann@example.com", "admin", now=now)
    invited = await member_actions.invite_member(
        conn, "system", workspace.id, "cy@example.com", "Cy", ["admin"], now=now
    )
    with pytest.raises(LastAdmin):
        await member_actions.deactivate_member(conn, "system", workspace.id, ann.id, now)
    with pytest.raises(LastAdmin):
        await member_actions.change_member(conn, "system", workspace.id, ann.id, {"roles": ["viewer"]}, now)
    await member_actions.use_link(conn, invited.token, name=None, password_digest="digest", now=now)
    await member_actions.deactivate_member(conn, "system", workspace.id, ann.id, now)
    with pytest.raises(LastAdmin):
        await member_actions.deactivate_member(conn, "system", workspace.id, invited.member.id, now)
    back = await member_actions.activate_member(conn, "system", workspace.id, ann.id, now)
    assert (back.state, back.deactivated_at) == ("active", None)


async def test_two_admins_who_put_each_other_out_at_once_do_not_both_succeed(database, now):
    async with database.transaction() as conn:
        place = await actions.create_workspace(conn, "Bean There", now=now)
        ids = [(await join(conn, place.id, f"{name}@example.com", "admin", now=now)).id for name in ("ann", "ben")]

    async def put_out(member_id):
        async with database.transaction() as conn:
            await member_actions.deactivate_member(conn, "system", place.id, member_id, now)

    results = await asyncio.gather(*(put_out(member_id) for member_id in ids), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["LastAdmin", "NoneType"]


async def test_deactivation_ends_every_session_and_link_at_once(database, keys, now):
    async with database.transaction() as conn:
        place = await actions.create_workspace(conn, "Bean There", now=now)
    app = make_app(database, keys, now)
    await make_member(database, place.id, "ann@example.com", "admin", now=now)
    ben_id = await make_member(database, place.id, "ben@example.com", "viewer", now=now)
    ann, ben = Browser(app), Browser(app)
    await ann.sign_in("ann@example.com")
    await ben.sign_in("ben@example.com")
    reset = (await ann.call("POST", f"/v1/members/{ben_id}/reset")).json["link"].rpartition("/")[2]
    assert (await ben.call("GET", "/v1/workspace")).status == 200
    assert (await ann.call("POST", f"/v1/members/{ben_id}/deactivate")).json["state"] == "deactivated"
    assert (await ben.call("GET", "/v1/workspace")).status == 401
    assert (await Browser(app).sign_in("ben@example.com")).status == 401
    assert (await ann.call("GET", f"/v1/links/{reset}")).json["code"] == "link_expired"
    assert (await ann.call("POST", f"/v1/members/{ben_id}/activate")).json["state"] == "active"
    assert (await ben.call("GET", "/v1/workspace")).status == 401
    assert (await Browser(app).sign_in("ben@example.com")).status == 200


async def test_a_right_that_is_lost_is_lost_with_the_next_request(database, keys, now):
    async with database.transaction() as conn:
        place = await actions.create_workspace(conn, "Bean There", now=now)
    app = make_app(database, keys, now)
    await make_member(database, place.id, "ann@example.com", "admin", now=now)
    ben_id = await make_member(database, place.id, "ben@example.com", "admin", now=now)
    ann, ben = Browser(app), Browser(app)
    await ann.sign_in("ann@example.com")
    await ben.sign_in("ben@example.com")
    assert (await ben.call("GET", "/v1/members")).status == 200
    await ann.call("PATCH", f"/v1/members/{ben_id}", {"roles": ["viewer"]})
    lost = await ben.call("GET", "/v1/members")
    assert (lost.status, lost.json["code"], lost.json["right"]) == (403, "missing_right", "members.read")


async def test_another_workspace_knows_nothing_of_a_member(conn, workspace, now):
    other = await actions.create_workspace(conn, "Tea There", now=now)
    member = await join(conn, workspace.id, "ann@example.com", "viewer", now=now)
    with pytest.raises(UnknownMember):
        await member_store.get_member(conn, other.id, member.id)
    again = await join(conn, other.id, "ann@example.com", "editor", now=now)
    assert again.id == member.id
    await member_actions.change_member(conn, "system", other.id, member.id, {"name": "Other Name"}, now)
    assert (await member_store.get_member(conn, workspace.id, member.id)).name == "Some One"


async def test_every_change_of_a_member_is_in_the_trail_without_names(conn, workspace, now):
    ann = await join(conn, workspace.id, "ann@example.com", "admin", now=now)
    ben = await join(conn, workspace.id, "ben@example.com", "viewer", now=now)
    who = Caller(workspace.id, f"member:{ann.id}", frozenset({"*"}))
    await member_actions.change_member(conn, who, workspace.id, ben.id, {"name": "Bernard", "roles": ["editor"]}, now)
    await member_actions.make_reset(conn, who, workspace.id, ben.id, now)
    await member_actions.deactivate_member(conn, who, workspace.id, ben.id, now)
    await member_actions.activate_member(conn, who, workspace.id, ben.id, now)
    rows = await fetch_all(
        conn,
        "SELECT actor, action, object_id, changes FROM audit_entries WHERE actor = %(a)s ORDER BY id",
        {"a": who.actor},
    )
    assert {row["object_id"] for row in rows} == {str(ann.id), str(ben.id)}
    about_ben = {row["action"]: row["changes"] for row in rows if row["object_id"] == str(ben.id)}
    assert set(about_ben) == {"member.changed", "member.reset_made", "member.deactivated", "member.activated"}
    assert about_ben["member.changed"] == {"name": "changed", "roles": {"from": ["viewer"], "to": ["editor"]}}
    assert "example.com" not in str(rows)


def test_every_role_has_only_rights_that_exist():
    for role in BUILT_IN:
        assert role.rights - {"*"} <= RIGHTS, role.name
    assert rights_of_roles(["no such role"], ["no.such_right"]) == frozenset()
