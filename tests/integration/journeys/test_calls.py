"""Calling addresses: answers, retries, and what must never be reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from sojourn.journeys import calls
from sojourn.journeys.signals import CallUrl
from sojourn.kit import guarded_http
from sojourn.settings import AllowPrivate


class Shop:
    """An HTTP server that answers as told and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Any] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(SimpleNamespace(headers=request.headers, body=await request.text(), method=request.method))
        match request.path:
            case "/ok":
                return web.json_response({"data": {"points": 7, "long": "x" * 5000}})
            case "/redirect":
                raise web.HTTPFound("/ok")
            case "/hang":
                await asyncio.sleep(5)
            case "/big":
                return web.Response(text='"' + "x" * 300_000 + '"')
            case "/text":
                return web.Response(text="thanks")
        return web.Response(status=int(request.path.strip("/")))


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shop = Shop(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield shop
    await runner.cleanup()


def job(url: str, *, save: dict[str, str] | None = None, timeout: float = 5.0) -> CallUrl:
    return CallUrl(
        workspace_id=UUID(int=1), profile_id=UUID(int=2), run_id=UUID(int=3), seq=4, method="POST", url=url,
        headers={"X-Shop": "brisk"}, body={"a": 1}, save=save or {}, timeout_seconds=timeout, attempts=3,
    )  # fmt: skip


async def ask(url: str, *, allow_private: AllowPrivate = True, **more: Any) -> calls.Outcome:
    async with guarded_http.open_session(allow_private=allow_private) as http:
        return await calls.call(http, job(url, **more), allow_private=allow_private)


async def test_an_answer_gives_the_values_that_were_asked_for(shop: Shop) -> None:
    outcome = await ask(shop.url + "/ok", save={"points": "data.points", "none": "data.gone"})
    assert (outcome.answer.exit, outcome.answer.values) == ("ok", {"points": 7, "none": None})
    [seen] = shop.seen
    assert (seen.headers["Idempotency-Key"], seen.headers["X-Shop"], seen.body) == (
        f"{UUID(int=3)}:4",
        "brisk",
        '{"a":1}',
    )


@pytest.mark.parametrize(
    ("path", "error", "again"),
    [
        ("/500", "status", True),
        ("/503", "status", True),
        ("/429", "status", True),
        ("/404", "status", False),
        ("/redirect", "status", False),
        ("/text", "answer_not_json", False),
        ("/big", "answer_too_long", False),
        ("/ok", "value_too_long", False),
        ("/hang", "timeout", True),
    ],
)
async def test_a_call_that_went_wrong_says_how_and_whether_to_try_again(
    shop: Shop, path: str, error: str, again: bool
) -> None:
    outcome = await ask(shop.url + path, save={"x": "data.long"}, timeout=0.3)
    assert (outcome.answer.exit, outcome.answer.error, outcome.again) == ("failed", error, again)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"]
)
async def test_our_own_network_is_out_of_reach(shop: Shop, host: str) -> None:
    outcome = await ask(f"http://{host}:{shop.url.rpartition(':')[2]}/ok", allow_private=False)
    assert (outcome.answer.error, outcome.again) == ("private_address", False)
    assert shop.seen == []


LOCAL = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.0.1.1"]
ELSEWHERE = [
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fd00::1]",
    "0.0.0.0",
    "100.64.0.1",
]


@pytest.mark.parametrize("host", LOCAL)
async def test_the_demo_reaches_this_machine(shop: Shop, host: str) -> None:
    outcome = await ask(f"http://{host}:{shop.url.rpartition(':')[2]}/ok", allow_private="loopback")
    assert outcome.answer.error in (None, "connection_failed")  # some of these stand for an address we do not listen on
    assert outcome.answer.error != "private_address"


@pytest.mark.parametrize("host", ELSEWHERE)
async def test_the_demo_reaches_no_other_network(shop: Shop, host: str) -> None:
    outcome = await ask(f"http://{host}:{shop.url.rpartition(':')[2]}/ok", allow_private="loopback")
    assert (outcome.answer.error, outcome.again) == ("private_address", False)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "nonsense", "http://[::1", "http://x:99999999/"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    assert (await ask(url)).answer.error == "url_invalid"


async def test_nobody_listening_is_tried_again(shop: Shop) -> None:
    outcome = await ask("http://127.0.0.1:9/")
    assert (outcome.answer.error, outcome.again) == ("connection_failed", True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("2606:4700::1111", True),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert guarded_http.is_public(address) is public
