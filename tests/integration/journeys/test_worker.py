"""Journeys in a real worker: due runs after an outage, calls with retries, events to runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sojourn.journeys import actions
from sojourn.journeys.store import inspect
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database, fetch_value
from sojourn.kit.jobs import Registry, Work
from sojourn.kit.jobs_runner import Runner
from sojourn.settings import Settings
from tests.support.journeys import World, make_world

NAP = "  start: {type: event_trigger, event: a, next: nap}\n  nap: {type: wait_time, for: 1h, next: done}\n  done: {type: end}\n"


class Hands:
    """A product clock that tests push by hand."""

    def __init__(self, now: datetime) -> None:
        self.moment = now
        self.started = now

    def now(self) -> datetime:
        return self.moment

    def offset(self) -> timedelta:
        return self.moment - self.started


@pytest.fixture
def clock(now: datetime) -> Hands:
    return Hands(now)


@pytest.fixture
async def work(database: Database, keys: KeyRing, clock: Hands) -> AsyncIterator[Work]:
    async with aiohttp.ClientSession() as http:
        settings = Settings(allow_private_urls=True)
        yield Work(db=database, settings=settings, http=http, keys=keys, clock=clock)  # type: ignore[arg-type]


@asynccontextmanager
async def worker(registry: Registry, work: Work) -> AsyncIterator[None]:
    runner = Runner(registry, work)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await task


async def until(work: Work, sql: str, expected: Any, seconds: float = 5) -> None:
    """Wait until a statement yields what is expected."""
    async with asyncio.timeout(seconds):
        while True:
            async with work.transaction() as conn:
                found = await fetch_value(conn, sql)  # type: ignore[arg-type]
            if found == expected:
                return
            await asyncio.sleep(0.02)


async def publish(work: Work, nodes: str) -> World:
    async with work.transaction() as conn:
        world = await make_world(conn, work.now(), work.keys)
        await world.publish(nodes)
    return world


async def test_two_hundred_runs_that_fell_due_during_an_outage_fire_once_each(
    registry: Registry, work: Work, clock: Hands
) -> None:
    world = await publish(work, NAP)
    async with work.transaction() as conn:
        world.conn = conn
        people = [await world.person(f"p{index}") for index in range(200)]
        await world.receive(*[world.event("a", person) for person in people])
    clock.moment += timedelta(hours=3)
    async with worker(registry, work), worker(registry, work):
        await until(work, "SELECT count(*) FROM runs WHERE state = 'finished'", 200)
    async with work.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM steps WHERE node = 'nap'") == 200


async def test_a_clock_push_makes_runs_due_at_once(registry: Registry, work: Work, clock: Hands) -> None:
    world = await publish(work, NAP)
    async with worker(registry, work):
        async with work.transaction() as conn:
            world.conn = conn
            await world.receive(world.event("a"))
        await asyncio.sleep(0.1)
        clock.moment += timedelta(hours=1)
        await until(work, "SELECT count(*) FROM runs WHERE state = 'finished'", 1, seconds=2)


async def test_a_failing_call_is_tried_again_and_its_answer_moves_the_run(
    registry: Registry, work: Work, clock: Hands
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers["Idempotency-Key"])
        return web.json_response({"points": 5}, status=503 if len(asked) < 3 else 200)

    async with serve(answer) as url:
        nodes = (
            "  start: {type: event_trigger, event: a, next: call}\n"
            f"  call: {{type: call_url, url: '{url}/x', save: {{points: points}}, exits: {{ok: done, failed: broken}}}}\n"
            "  done: {type: end, reason: fine}\n  broken: {type: end, reason: broken}\n"
        )
        world = await publish(work, nodes)
        async with worker(registry, work):
            async with work.transaction() as conn:
                world.conn = conn
                await world.receive(world.event("a"))
            for attempts in (1, 2):
                async with asyncio.timeout(5):
                    while len(asked) < attempts:
                        await asyncio.sleep(0.01)
                await until(work, "SELECT count(*) FROM jobs WHERE lease_until IS NOT NULL", 0)
                clock.moment += timedelta(seconds=60)
            await until(work, "SELECT exit_reason FROM runs", "fine")
    assert len(set(asked)) == 1


@asynccontextmanager
async def serve(handle: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    await runner.cleanup()


async def test_two_handlers_of_one_key_begin_one_run(work: Work) -> None:
    world = await publish(work, NAP)

    async def receive() -> None:
        async with work.transaction() as conn:
            event = world.event("a")
            await actions.receive_events(conn, [event], keys=work.keys, now=work.now())

    await asyncio.gather(*[receive() for _ in range(4)])
    async with work.transaction() as conn:
        found = await inspect.list_runs(conn, world.caller.workspace_id, world.journeys["order"].id, limit=10)
    assert len(found) == 1
