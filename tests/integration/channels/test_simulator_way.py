"""The console's way to the simulator: only behind a simulated sender, only from our own pages, nothing goes along."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sojourn.channels import simulator_routes
from sojourn.kit.database import execute
from sojourn.kit.ids import new_id
from sojourn.kit.web import BodyLimit
from sojourn.workspaces import actions
from tests.support.browser import Browser, make_app, make_member


class Simulator:
    """Something at `/sim/…` that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[SimpleNamespace] = []
        self.answer: dict[str, Any] = {"body": b'{"ok": true}', "content_type": "application/json"}

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(
            SimpleNamespace(
                method=request.method, path=request.raw_path, headers=dict(request.headers), body=await request.read()
            )
        )
        return web.Response(**self.answer)


@pytest.fixture
async def simulator():
    simulator = Simulator()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", simulator.serve)
    server = TestServer(app)
    await server.start_server()
    simulator.url = str(server.make_url("")).rstrip("/")
    yield simulator
    await server.close()


@pytest.fixture
async def place(database, now):
    async with database.transaction() as conn:
        return await actions.create_workspace(conn, "Bean There", now=now)


@pytest.fixture
async def browser(database, keys, now, place):
    app = make_app(database, keys, now, simulator_routes.router, public_url="http://shop.test")
    await make_member(database, place.id, "ann@example.com", "editor", now=now)
    browser = Browser(BodyLimit(app, larger={simulator_routes.PREFIX: simulator_routes.BODY_MAX}))
    await browser.sign_in("ann@example.com")
    return browser


async def make_sender(database, workspace_id, base_url, now, *, simulated=True):
    sender_id = new_id(now)
    async with database.transaction() as conn:
        await execute(
            conn, SQL, {"id": sender_id, "w": workspace_id, "url": base_url, "simulated": simulated, "now": now}
        )
    return sender_id


SQL = """
INSERT INTO senders (id, workspace_id, channel, name, base_url, api_version, simulated, state, throughput_per_s, timezone,
                     created_at, updated_at)
VALUES (%(id)s, %(w)s, 'whatsapp', 'Shop', %(url)s, 'v26.0', %(simulated)s, 'active', 70, 'UTC', %(now)s, %(now)s)
"""


async def test_a_request_reaches_the_simulator_without_who_made_it(browser, simulator, database, place, now):
    sender = await make_sender(database, place.id, simulator.url, now)
    answer = await browser.call(
        "POST", f"/v1/simulator/{sender}/people/447700900123/actions?x=1&y=a%20b", {"action": "text"}
    )
    assert (answer.status, answer.json) == (200, {"ok": True})
    [asked] = simulator.asked
    assert (asked.method, asked.path) == ("POST", "/sim/people/447700900123/actions?x=1&y=a%20b")
    assert asked.body == b'{"action": "text"}'
    told = {name.lower() for name in asked.headers}
    assert not told & {"cookie", "authorization", "x-csrf-token", "origin", "referer", "x-forwarded-for"}
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["../v26.0/me", "..%2f..%2fv26.0/me", "people/../../v26.0", "//evil.test/x", "./x"])
async def test_no_path_leads_out_of_the_scripting_api(browser, simulator, database, place, now, path):
    sender = await make_sender(database, place.id, simulator.url, now)
    await browser.call("GET", f"/v1/simulator/{sender}/{path}")
    assert all(asked.path.startswith("/sim/") for asked in simulator.asked)


async def test_what_comes_back_cannot_set_cookies_or_send_elsewhere(browser, simulator, database, place, now):
    sender = await make_sender(database, place.id, simulator.url, now)
    simulator.answer = {"status": 302, "headers": {"Location": "http://evil.test/", "Set-Cookie": "sojourn_session=x"}}
    answer = await browser.call("GET", f"/v1/simulator/{sender}/info")
    assert answer.status == 302
    assert not {"location", "set-cookie"} & set(answer.headers)


async def test_there_is_no_way_to_a_real_provider_or_to_a_sender_of_others(browser, simulator, database, place, now):
    real = await make_sender(database, place.id, simulator.url, now, simulated=False)
    refused = await browser.call("GET", f"/v1/simulator/{real}/info")
    assert (refused.status, refused.json["code"]) == (404, "not_simulated")
    async with database.transaction() as conn:
        other = await actions.create_workspace(conn, "Tea There", now=now)
    theirs = await make_sender(database, other.id, simulator.url, now)
    assert (await browser.call("GET", f"/v1/simulator/{theirs}/info")).status == 404
    assert simulator.asked == []


async def test_it_needs_a_right_the_token_and_a_host_of_ours(browser, simulator, database, keys, place, now):
    sender = await make_sender(database, place.id, simulator.url, now)
    path = f"/v1/simulator/{sender}/clock"
    assert (await browser.call("POST", path, {}, x_csrf_token=None)).json["code"] == "csrf_failed"
    assert (await browser.call("GET", path, origin="http://evil.test")).json["code"] == "csrf_failed"
    assert (await browser.call("GET", path, host="evil.test", origin=None)).json["code"] == "foreign_host"
    assert (await browser.call("GET", path, host="127.0.0.1:8080", origin=None)).status == 200
    await make_member(database, place.id, "ben@example.com", "viewer", now=now)
    viewer = Browser(browser.app)
    await viewer.sign_in("ben@example.com")
    assert (await viewer.call("GET", path)).status == 200
    refused = await viewer.call("POST", path, {})
    assert (refused.status, refused.json["right"]) == (403, "simulator.write")


async def test_a_simulator_that_is_not_there_is_named(browser, database, place, now, unused_tcp_port_factory=None):
    sender = await make_sender(database, place.id, "http://127.0.0.1:9", now)
    answer = await browser.call("GET", f"/v1/simulator/{sender}/info")
    assert (answer.status, answer.json["code"]) == (503, "simulator_unreachable")


async def test_bodies_and_answers_have_a_limit(browser, simulator, database, place, now, monkeypatch):
    sender = await make_sender(database, place.id, simulator.url, now)
    simulator.answer = {"body": b"x" * 5_000_000, "content_type": "image/png"}
    answer = await browser.call("POST", f"/v1/simulator/{sender}/x", "y" * 5_000_000)
    assert (answer.status, len(answer.body), len(simulator.asked[0].body)) == (200, 5_000_000, 5_000_002)
    monkeypatch.setattr(simulator_routes, "BODY_MAX", 1000)
    assert (await browser.call("POST", f"/v1/simulator/{sender}/x", "y" * 2000)).status == 413
    assert (await browser.call("GET", f"/v1/simulator/{sender}/x")).json["code"] == "simulator_unreachable"
