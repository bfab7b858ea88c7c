"""What an endpoint may be, who is asked before anything becomes a job, and what a failure leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from sojourn.deliveries.signals import DeliveriesMoved
from sojourn.kit import guarded_http, jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, fetch_all, fetch_one, fetch_value
from sojourn.kit.errors import InvalidInput
from sojourn.outbound import actions, interest, store
from sojourn.outbound.model import WAITS, EndpointState, Event, Told, TooManyEndpoints
from sojourn.outbound.sending import Answer, call, record
from sojourn.settings import AllowPrivate
from sojourn.workspaces.actions import create_workspace
from sojourn.workspaces.caller import Caller

URL = "https://shop.example/hook"


@pytest.fixture
async def caller(conn: Conn, now: datetime) -> Caller:
    return Caller((await create_workspace(conn, "Shop", now=now)).id, "key:1", frozenset({"*"}))


async def add(conn: Conn, caller: Caller, keys: KeyRing, now: datetime, **more: Any) -> UUID:
    values: dict[str, Any] = {
        "url": URL, "events": [Event.MESSAGE_RECEIVED.value], "description": "", "include_personal_data": False,
        "allow_private": False, **more,
    }  # fmt: skip
    endpoint, secret = await actions.create_endpoint(conn, caller, keys=keys, now=now, **values)
    assert len(secret) == 32
    return endpoint.id


@pytest.mark.parametrize(
    ("url", "allow_private", "code"),
    [
        ("https://shop.example/hook", False, None),
        ("http://shop.example/hook", False, "https_required"),
        ("ftp://shop.example/hook", False, "url_invalid"),
        ("https://me:secret@shop.example/hook", False, "url_invalid"),
        ("https://shop.example:99999/", False, "url_invalid"),
        ("https://127.0.0.1/hook", False, "private_address"),
        ("https://[::1]/hook", False, "private_address"),
        ("https://169.254.169.254/latest", "loopback", "private_address"),
        ("https://10.0.0.7/hook", False, "private_address"),
        ("http://127.0.0.1:8000/hook", "loopback", None),
        ("http://10.0.0.7/hook", True, None),
    ],
)
def test_addresses(url: str, allow_private: AllowPrivate, code: str | None) -> None:
    if code is None:
        actions.check_endpoint(url, ["message.received"], allow_private=allow_private)
        return
    with pytest.raises(InvalidInput) as refused:
        actions.check_endpoint(url, ["message.received"], allow_private=allow_private)
    assert [error["code"] for error in refused.value.errors] == [code]


async def test_events_must_exist_and_endpoints_are_few(
    conn: Conn, caller: Caller, keys: KeyRing, now: datetime
) -> None:
    for events in ([], ["no.such"]):
        with pytest.raises(InvalidInput):
            await add(conn, caller, keys, now, events=events)
    for _ in range(20):
        await add(conn, caller, keys, now)
    with pytest.raises(TooManyEndpoints):
        await add(conn, caller, keys, now)


async def test_what_nobody_wants_becomes_no_job(conn: Conn, caller: Caller, keys: KeyRing, now: datetime) -> None:
    moved = DeliveriesMoved(workspace_id=caller.workspace_id, moves=[], at=now)
    assert not await jobs.is_heard(conn, DeliveriesMoved, caller.workspace_id)
    await jobs.announce(conn, [moved])
    assert await fetch_value(conn, "SELECT count(*) FROM jobs") == 0
    endpoint = await add(conn, caller, keys, now, events=["delivery.excluded"])
    assert await jobs.is_heard(conn, DeliveriesMoved, caller.workspace_id)
    await jobs.announce(conn, [moved])
    assert await fetch_value(conn, "SELECT handler FROM jobs") == "outbound.on_deliveries_moved"
    await actions.change_endpoint(conn, caller, endpoint, {"is_enabled": False}, allow_private=False, now=now)
    assert not await jobs.is_heard(conn, DeliveriesMoved, caller.workspace_id)
    assert not await jobs.is_heard(conn, DeliveriesMoved, uuid4())
    interest.forget(caller.workspace_id)


async def test_personal_data_go_only_where_they_were_asked_for(
    conn: Conn, caller: Caller, keys: KeyRing, now: datetime
) -> None:
    plain = await add(conn, caller, keys, now)
    opted = await add(conn, caller, keys, now, include_personal_data=True)
    assert await actions.wants_personal_data(conn, caller.workspace_id, Event.MESSAGE_RECEIVED)
    told = Told(
        event=Event.MESSAGE_RECEIVED, at=now, profile_id=uuid4(), data={"kind": "text"}, personal={"text": "secret"}
    )
    assert await actions.tell(conn, caller.workspace_id, [told], keys=keys, now=now) == 2
    bodies = {
        row["endpoint_id"]: keys.decrypt(bytes(row["body"]), context=actions.BODY_CONTEXT)
        for row in await fetch_all(conn, "SELECT endpoint_id, body FROM outbound_messages")
    }
    assert b"secret" not in bodies[plain]
    assert b"secret" in bodies[opted]
    assert told.profile_id is not None
    assert await actions.erase_profiles(conn, [told.profile_id]) == {"outbound_messages": 2}
    trail = await fetch_one(conn, "SELECT changes FROM audit_entries WHERE object_id = %(id)s", {"id": str(opted)})
    assert trail["changes"]["include_personal_data"] is True


async def answer_all(
    conn: Conn, caller: Caller, answers: list[Answer], now: datetime
) -> tuple[datetime, dict[str, Any]]:
    """Answer the one message's attempts, each when it is due; the moment of the last, and the message."""
    for answer in answers:
        row = await fetch_one(conn, "SELECT id, attempts, due_at FROM outbound_messages")
        now = row["due_at"] or now
        [(message, endpoint)] = await store.find_due(conn, [(row["id"], row["attempts"])])
        await record(conn, message, endpoint, answer, chance=0.0, now=now)
    return now, await fetch_one(conn, "SELECT state, attempts, due_at FROM outbound_messages")


async def test_a_message_is_tried_ten_times_then_given_up_and_the_next_success_heals(
    conn: Conn, caller: Caller, keys: KeyRing, now: datetime
) -> None:
    endpoint_id = await add(conn, caller, keys, now)
    await actions.send_test(conn, caller, endpoint_id, keys=keys, now=now)
    at, message = await answer_all(conn, caller, [Answer(status=500)] * 9 + [Answer(error="timeout")], now)
    assert at == now + sum(WAITS, timedelta())
    assert message == {"state": "dead", "attempts": 10, "due_at": None}
    endpoint = await store.get_endpoint(conn, caller.workspace_id, endpoint_id)
    assert (endpoint.state, endpoint.failing_since) == (EndpointState.FAILING, at)
    rows = await store.list_attempts(conn, endpoint_id, before=None, limit=50)
    assert [row.number for row in rows] == list(range(10, 0, -1))
    attempt = rows[0].id
    count = await actions.replay(
        conn, caller, endpoint_id, created_from=None, created_until=None, attempt_ids=[attempt], now=at
    )
    assert count == 1
    _, message = await answer_all(conn, caller, [Answer(status=204)], at)
    assert message["state"] == "delivered"
    assert (await store.get_endpoint(conn, caller.workspace_id, endpoint_id)).state is EndpointState.ACTIVE


async def test_gone_switches_an_endpoint_off(conn: Conn, caller: Caller, keys: KeyRing, now: datetime) -> None:
    endpoint_id = await add(conn, caller, keys, now)
    await actions.send_test(conn, caller, endpoint_id, keys=keys, now=now)
    _, message = await answer_all(conn, caller, [Answer(status=410)], now)
    assert message["state"] == "dead"
    endpoint = await store.get_endpoint(conn, caller.workspace_id, endpoint_id)
    assert (endpoint.state, endpoint.state_reason) == (EndpointState.DISABLED, "gone")


async def test_a_second_run_of_a_job_changes_nothing(conn: Conn, caller: Caller, keys: KeyRing, now: datetime) -> None:
    endpoint_id = await add(conn, caller, keys, now)
    message_id = await actions.send_test(conn, caller, endpoint_id, keys=keys, now=now)
    [(message, endpoint)] = await store.find_due(conn, [(message_id, 0)])
    for _ in range(2):
        await record(conn, message, endpoint, Answer(status=500), chance=0.0, now=now)
    assert await fetch_value(conn, "SELECT count(*) FROM outbound_attempts") == 1
    assert await fetch_value(conn, "SELECT attempts FROM outbound_messages") == 1


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    """A server on the loopback that would take anything."""

    async def take(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f":{site._server.sockets[0].getsockname()[1]}/hook"  # type: ignore[union-attr]
    await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(("allow_private", "expected"), [(False, (None, "private_address")), ("loopback", (200, None))])
async def test_our_own_network_is_called_only_where_that_is_allowed(
    conn: Conn, caller: Caller, keys: KeyRing, now: datetime, shop: str, host: str, allow_private: AllowPrivate,
    expected: tuple[int | None, str | None],
) -> None:  # fmt: skip
    endpoint_id = await add(conn, caller, keys, now)
    message_id = await actions.send_test(conn, caller, endpoint_id, keys=keys, now=now)
    [(message, endpoint)] = await store.find_due(conn, [(message_id, 0)])
    there = replace(endpoint, url=f"http://{host}{shop}")
    async with guarded_http.open_session(allow_private=allow_private) as http:
        answer = await call(http, message, there, keys=keys, allow_private=allow_private, now=now)
    assert (answer.status, answer.error) == expected
