"""Signing in: cookie and token, counted attempts, links, and what ends a session."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sojourn.kit.clock import system_now
from sojourn.kit.database import execute, fetch_all, fetch_value
from sojourn.workspaces import actions, attempts, member_actions, member_store, sessions
from tests.support.browser import ORIGIN, PASSWORD, Browser, make_app, make_member

ANN, BEN = "ann@example.com", "ben@example.com"


@pytest.fixture
async def place(database, now):
    """A workspace with one admin."""
    async with database.transaction() as conn:
        workspace = await actions.create_workspace(conn, "Bean There", now=now)
    await make_member(database, workspace.id, ANN, "admin", now=now)
    return workspace


@pytest.fixture
def app(database, keys, now, place):
    return make_app(database, keys, now)


@pytest.fixture
async def ann(app):
    browser = Browser(app)
    assert (await browser.sign_in(ANN)).status == 200
    return browser


async def test_signing_in_gives_a_cookie_that_scripts_cannot_read_and_says_who_one_is(app, place):
    browser = Browser(app)
    answer = await browser.sign_in(" Ann@Example.com ")
    assert answer.status == 200
    assert answer.json["member"]["email"] == ANN
    assert answer.json["member"]["roles"] == ["admin"]
    assert answer.json["workspace"] == {
        "id": str(place.id), "name": "Bean There", "timezone": "Europe/London", "currency": None,
        "default_language": "en", "default_country": "GB", "brake": False, "allow_list_on": False,
    }  # fmt: skip
    assert "members.write" in answer.json["rights"]
    attributes = {part.strip().lower() for part in browser.set_cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=1209600"} <= attributes
    assert "secure" not in attributes
    me = await browser.call("GET", "/v1/me")
    assert me.json == answer.json


async def test_the_cookie_is_secure_where_the_product_is_reached_by_https(database, keys, now, place):
    browser = Browser(make_app(database, keys, now, public_url="https://shop.test"))
    answer = await browser.call("POST", "/v1/session", {"email": ANN, "password": PASSWORD}, origin="https://shop.test")
    assert answer.status == 200
    assert "; secure" in browser.set_cookie.lower()


async def test_neither_cookie_nor_password_is_stored(database, ann):
    async with database.transaction() as conn:
        for table in (
            "SELECT row_to_json(t)::text AS row FROM member_sessions t",
            "SELECT row_to_json(t)::text AS row FROM members t",
        ):
            for row in await fetch_all(conn, table):
                assert ann.cookie not in row["row"]
                assert PASSWORD not in row["row"]


async def test_a_wrong_password_says_nothing_about_who_exists(app):
    known = await Browser(app).sign_in(ANN, "not the password")
    unknown = await Browser(app).sign_in("nobody@example.com", "not the password")
    assert (known.status, known.json) == (unknown.status, unknown.json)
    assert (known.status, known.json["code"]) == (401, "wrong_credentials")


async def test_too_many_attempts_are_refused_even_with_the_right_password_until_the_window_ends(app, database):
    browser = Browser(app)
    for _ in range(attempts.PAIR_MAX):
        assert (await browser.sign_in(ANN, "not the password")).status == 401
    refused = await browser.sign_in(ANN)
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["retry-after"]) <= 900
    nobody = [await browser.sign_in("nobody@example.com", "x") for _ in range(attempts.PAIR_MAX + 1)]
    assert [one.status for one in nobody] == [401] * attempts.PAIR_MAX + [429]
    elsewhere = Browser(app, client="192.0.2.9")
    assert (await elsewhere.sign_in(ANN)).status == 200
    async with database.transaction() as conn:
        await execute(conn, "UPDATE sign_in_attempts SET ends_at = %(at)s", {"at": system_now()})
    assert (await browser.sign_in(ANN)).status == 200


async def test_attempts_at_once_are_counted_one_by_one(app):
    answers = await asyncio.gather(*(Browser(app).sign_in(ANN, "not the password") for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [401] * attempts.PAIR_MAX + [429] * (12 - attempts.PAIR_MAX)


async def test_one_network_address_cannot_try_many_members(database, keys):
    tries = [attempts.tries_of(keys, f"member{number}@example.com", "192.0.2.7") for number in range(60)]
    refused = 0
    for one in tries:
        try:
            async with database.transaction() as conn:
                await attempts.count_attempt(conn, one, system_now())
        except attempts.TooManyAttempts:
            refused += 1
    assert refused == 60 - attempts.ADDRESS_MAX


def test_an_ipv6_network_counts_as_one_address(keys):
    one, two = (attempts.tries_of(keys, ANN, address) for address in ("2001:db8::1", "2001:db8::ffff:1"))
    assert one == two
    assert attempts.tries_of(keys, ANN, "2001:db8:0:1::1") != one
    assert attempts.tries_of(keys, ANN, "::ffff:192.0.2.1") == attempts.tries_of(keys, ANN, "192.0.2.1")


async def test_signing_in_takes_earlier_failures_back(app):
    browser = Browser(app)
    for _ in range(3):
        for _ in range(attempts.PAIR_MAX - 1):
            await browser.sign_in(ANN, "not the password")
        assert (await browser.sign_in(ANN)).status == 200


@pytest.mark.parametrize("token", [None, "", "wrong", "å"])
async def test_a_write_by_cookie_needs_the_token(ann, token):
    sent = None if token is None else token.encode().decode("latin-1")
    refused = await ann.call("PATCH", "/v1/workspace", {"name": "Mine"}, x_csrf_token=sent)
    assert (refused.status, refused.json["code"]) == (403, "csrf_failed")
    assert (await ann.call("GET", "/v1/workspace", x_csrf_token=None)).json["name"] == "Bean There"
    assert (await ann.call("PATCH", "/v1/workspace", {"name": "Mine"})).status == 200


async def test_the_token_of_another_session_does_not_do(app, ann):
    other = Browser(app)
    await other.sign_in(ANN)
    assert (await ann.call("PATCH", "/v1/workspace", {"name": "x"}, x_csrf_token=other.csrf)).status == 403


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://shop.test.evil.test", "https://shop.test:444"])
async def test_a_page_of_another_site_can_neither_write_nor_sign_in(app, ann, origin):
    refused = await ann.call("PATCH", "/v1/workspace", {"name": "x"}, origin=origin)
    assert (refused.status, refused.json["code"]) == (403, "csrf_failed")
    body = {"email": ANN, "password": PASSWORD}
    assert (await Browser(app).call("POST", "/v1/session", body, origin=origin)).json["code"] == "csrf_failed"


async def test_the_address_that_the_browser_itself_uses_is_ours(ann):
    answer = await ann.call("PATCH", "/v1/workspace", {"name": "y"}, host="localhost:81", origin="http://localhost:81")
    assert answer.status == 200
    assert (await ann.call("PATCH", "/v1/workspace", {"name": "z"}, host="localhost:81", origin=ORIGIN)).status == 200
    assert (await ann.call("PATCH", "/v1/workspace", {"name": "w"}, origin=None)).status == 200


async def test_signing_out_ends_the_session_on_the_server(ann, app):
    copy = Browser(app, cookie=ann.cookie)
    out = await ann.call("DELETE", "/v1/session")
    assert (out.status, ann.cookie) == (204, None)
    assert (await copy.call("GET", "/v1/me")).status == 401


@pytest.mark.parametrize(("column", "age"), [("last_used_at", timedelta(hours=13)), ("created_at", timedelta(days=15))])
async def test_a_session_ends_when_it_is_idle_or_old(ann, database, column, age):
    statements = {
        "last_used_at": "UPDATE member_sessions SET last_used_at = %(at)s",
        "created_at": "UPDATE member_sessions SET created_at = %(at)s",
    }
    async with database.transaction() as conn:
        await execute(conn, statements[column], {"at": system_now() - age})
    assert (await ann.call("GET", "/v1/me")).status == 401
    async with database.transaction() as conn:
        assert await sessions.delete_ended_sessions(conn, system_now()) == 1


async def test_using_a_session_keeps_it_alive(ann, database):
    async with database.transaction() as conn:
        await execute(
            conn, "UPDATE member_sessions SET last_used_at = %(at)s", {"at": system_now() - timedelta(hours=11)}
        )
    assert (await ann.call("GET", "/v1/me")).status == 200
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT last_used_at FROM member_sessions") > system_now() - timedelta(minutes=1)


async def test_an_invitation_lets_somebody_in_once(app, ann, database):
    made = await ann.call("POST", "/v1/members", {"email": "Ben@Example.com", "name": "Ben", "roles": ["viewer"]})
    assert made.status == 201
    assert made.json["member"]["state"] == "invited"
    assert made.json["link"].startswith(f"{ORIGIN}/invitation/")
    token = made.json["link"].rpartition("/")[2]
    visitor = Browser(app)
    link = await visitor.call("GET", f"/v1/links/{token}")
    told = {name: link.json[name] for name in ("kind", "email", "name", "workspace", "asks_for_own_password")}
    assert told == {
        "kind": "invitation", "email": BEN, "name": "Ben", "workspace": "Bean There", "asks_for_own_password": False,
    }  # fmt: skip
    weak = await visitor.call("POST", f"/v1/links/{token}", {"password": "short"})
    assert (weak.status, weak.json["errors"][0]["code"]) == (422, "too_short")
    joined = await visitor.call("POST", f"/v1/links/{token}", {"name": "Benjamin", "password": PASSWORD})
    assert joined.status == 200
    assert (joined.json["member"]["name"], joined.json["member"]["roles"]) == ("Benjamin", ["viewer"])
    assert (await visitor.call("GET", "/v1/me")).status == 200
    again = await visitor.call("POST", f"/v1/links/{token}", {"password": PASSWORD})
    assert (again.status, again.json["code"]) == (410, "link_used")
    async with database.transaction() as conn:
        assert not await fetch_all(
            conn, "SELECT FROM member_links WHERE encode(digest, 'escape') LIKE %(t)s", {"t": token}
        )


async def test_a_link_that_nobody_made_is_unknown_and_one_that_is_too_old_has_expired(app, ann, database):
    assert (await Browser(app).call("GET", "/v1/links/nothing")).json["code"] == "unknown_link"
    made = await ann.call("POST", "/v1/members", {"email": BEN, "name": "Ben", "roles": ["viewer"]})
    token = made.json["link"].rpartition("/")[2]
    async with database.transaction() as conn:
        await execute(conn, "UPDATE member_links SET expires_at = %(at)s", {"at": system_now()})
    old = await Browser(app).call("GET", f"/v1/links/{token}")
    assert (old.status, old.json["code"]) == (410, "link_expired")
    assert (await Browser(app).call("POST", f"/v1/links/{token}", {"password": PASSWORD})).status == 410


async def test_a_new_invitation_ends_the_one_before(app, ann):
    made = await ann.call("POST", "/v1/members", {"email": BEN, "name": "Ben", "roles": ["viewer"]})
    again = await ann.call("POST", f"/v1/members/{made.json['member']['id']}/invite")
    old, new = (answer.json["link"].rpartition("/")[2] for answer in (made, again))
    assert (await Browser(app).call("GET", f"/v1/links/{old}")).json["code"] == "link_expired"
    assert (await Browser(app).call("GET", f"/v1/links/{new}")).status == 200


async def test_a_reset_sets_a_password_and_signs_out_everywhere(app, ann, database, place, now):
    ben_id = await make_member(database, place.id, BEN, "viewer", now=now)
    ben = Browser(app)
    await ben.sign_in(BEN)
    made = await ann.call("POST", f"/v1/members/{ben_id}/reset")
    assert made.json["link"].startswith(f"{ORIGIN}/reset/")
    assert (await ben.call("GET", "/v1/me")).status == 200
    visitor = Browser(app)
    used = await visitor.call(
        "POST", f"/v1/links/{made.json['link'].rpartition('/')[2]}", {"password": "another harbour 8"}
    )
    assert used.status == 200
    assert (await ben.call("GET", "/v1/me")).status == 401
    assert (await Browser(app).sign_in(BEN)).status == 401
    assert (await Browser(app).sign_in(BEN, "another harbour 8")).status == 200


async def test_the_own_password_is_changed_by_who_knows_it(app, ann):
    other = Browser(app)
    await other.sign_in(ANN)
    wrong = await ann.call("POST", "/v1/me/password", {"current": "no", "new": "another harbour 8"})
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "current")
    weak = await ann.call("POST", "/v1/me/password", {"current": PASSWORD, "new": "1234567890"})
    assert (weak.status, weak.json["errors"][0]["field"]) == (422, "new")
    assert (await ann.call("POST", "/v1/me/password", {"current": PASSWORD, "new": "another harbour 8"})).status == 204
    assert (await ann.call("GET", "/v1/me")).status == 200
    assert (await other.call("GET", "/v1/me")).status == 401
    assert (await Browser(app).sign_in(ANN, "another harbour 8")).status == 200


async def test_a_member_changes_what_they_are_called_and_how_they_see_it(ann):
    body = {"name": "Ann B", "language": "nl", "theme": "dark", "shortcuts": False}
    me = (await ann.call("PATCH", "/v1/me", body)).json["member"]
    assert {name: me[name] for name in body} == body
    assert (await ann.call("PATCH", "/v1/me", {"language": None})).json["member"]["language"] is None
    assert (await ann.call("PATCH", "/v1/me", {"theme": "purple"})).status == 422


async def test_a_key_has_no_session_but_may_ask_who_it_is(app, database, place, now):
    async with database.transaction() as conn:
        key, secret = await actions.create_key(conn, place.id, "shop", scopes=["read"], now=now)
    api = Browser(app, headers={"authorization": f"Bearer {secret}"})
    me = (await api.call("GET", "/v1/me")).json
    assert (me["member"], me["key"], me["csrf_token"]) == (None, {"id": str(key.id), "name": "shop"}, None)
    refused = await api.call("PATCH", "/v1/me", {"theme": "dark"})
    assert (refused.status, refused.json["code"]) == (403, "members_only")


async def test_a_cookie_beside_a_key_counts_for_nothing(ann):
    assert (await ann.call("GET", "/v1/me", authorization="Bearer sk_nobody")).status == 401


async def test_an_account_of_another_workspace_joins_with_its_own_password_and_turns_between_them(
    app, ann, database, place, now
):
    async with database.transaction() as conn:
        other = await actions.create_workspace(conn, "Tea There", now=now)
    await make_member(database, other.id, BEN, "viewer", now=now)
    made = await ann.call("POST", "/v1/members", {"email": BEN, "name": "Ben", "roles": ["editor"]})
    token = made.json["link"].rpartition("/")[2]
    ben = Browser(app)
    assert (await ben.call("GET", f"/v1/links/{token}")).json["asks_for_own_password"]
    wrong = await ben.call("POST", f"/v1/links/{token}", {"password": "chosen by somebody else"})
    assert (wrong.status, wrong.json["code"]) == (401, "wrong_credentials")
    joined = (await ben.call("POST", f"/v1/links/{token}", {"password": PASSWORD})).json
    assert (joined["workspace"]["name"], joined["member"]["roles"]) == ("Bean There", ["editor"])
    assert [one["name"] for one in joined["workspaces"]] == ["Bean There", "Tea There"]
    ben.csrf = joined["csrf_token"]
    turned = (await ben.call("POST", "/v1/session/workspace", {"workspace_id": str(other.id)})).json
    assert (turned["workspace"]["name"], turned["member"]["roles"]) == ("Tea There", ["viewer"])
    stranger = await ann.call("POST", "/v1/session/workspace", {"workspace_id": str(other.id)})
    assert (stranger.status, stranger.json["code"]) == (404, "unknown_workspace")
    reset = await ann.call("POST", f"/v1/members/{joined['member']['id']}/reset")
    assert (reset.status, reset.json["code"]) == (409, "member_elsewhere")


async def test_signing_in_leaves_a_trail_of_ids(ann, database, place):
    async with database.transaction() as conn:
        rows = await fetch_all(
            conn, "SELECT actor, action, object_id, changes::text AS changes FROM audit_entries ORDER BY id"
        )
    account = {row["object_id"] for row in rows if row["action"] == "member.signed_in"}
    assert len(account) == 1
    assert not any(
        "ann" in str(row).lower().replace("channel", "") for row in rows if row["action"].startswith("member.")
    )


async def test_a_member_who_is_deactivated_between_two_steps_is_not_let_in(database, place, now):
    async with database.transaction() as conn:
        await make_second_admin(conn, place.id, now)
        account = await member_store.find_account(conn, ANN)
        await member_actions.deactivate_member(conn, "system", place.id, account.id, now)
        assert await member_store.list_memberships(conn, account.id) == []


async def make_second_admin(conn, workspace_id, now):
    invited = await member_actions.invite_member(
        conn, "system", workspace_id, "zoe@example.com", "Zoe", ["admin"], now=now
    )
    await member_actions.use_link(conn, invited.token, name=None, password_digest="x", now=now)
