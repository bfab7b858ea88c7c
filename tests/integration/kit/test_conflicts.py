"""Transactions that lose against others are tried again; a pool that is dry is waited for, and is not a lost database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, LiteralString

import pytest
from fastapi import FastAPI, Request

from sojourn.kit.conflicts import TRIES
from sojourn.kit.database import Conn, Database, execute, fetch_all, fetch_value
from sojourn.kit.errors import DatabaseBusy
from sojourn.kit.jobs import Registry
from sojourn.kit.web import ConnDep, install_error_handlers
from tests.support.api import Api

MOVE: LiteralString = "UPDATE stock SET amount = amount + %(by)s WHERE name = %(name)s"
# A sequence keeps counting when the transaction is taken back.
SETUP: LiteralString = """
CREATE TABLE stock (name text PRIMARY KEY, amount int NOT NULL DEFAULT 0);
INSERT INTO stock (name) VALUES ('beans'), ('cups');
CREATE SEQUENCE tries;
CREATE FUNCTION lose(times int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= times THEN
        RAISE EXCEPTION 'somebody else was faster' USING ERRCODE = '40001';
    END IF;
END $$;
"""


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def stock(database: Database) -> AsyncIterator[Database]:
    """A database with two amounts, and a function that loses its first tries."""
    async with database.transaction() as conn:
        await conn.execute(SETUP)
    yield database


async def lose(conn: Conn, times: int) -> None:
    await execute(conn, "SELECT lose(%(times)s)", {"times": times})


async def amounts(database: Database) -> dict[str, int]:
    async with database.transaction() as conn:
        return {row["name"]: row["amount"] for row in await fetch_all(conn, "SELECT name, amount FROM stock")}


class Meeting:
    """Lets the first `count` that come wait for each other; later ones pass."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._all = asyncio.Event()

    async def join(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._all.set()
        await self._all.wait()


@pytest.fixture
def api(stock: Database) -> Api:
    app = FastAPI()
    app.state.db = stock
    install_error_handlers(app)
    meeting = Meeting(2)

    @app.post("/move")
    async def move(body: dict[str, Any], conn: ConnDep) -> int:
        for place, name in enumerate(body["names"]):
            if place == 1:
                await meeting.join()
            await execute(conn, MOVE, {"name": name, "by": body["by"]})
        return int(body["by"])

    @app.post("/lose/{times}")
    async def lose_some(times: int, body: dict[str, int], conn: ConnDep) -> int:
        await execute(conn, MOVE, {"name": "beans", "by": body["by"]})
        await lose(conn, times)
        return body["by"]

    @app.post("/two")
    async def two(request: Request, conn: ConnDep) -> None:
        await fetch_value(conn, "SELECT 1")
        async with request.app.state.db.transaction() as own:
            await lose(own, 1)

    return Api(app, "none")


async def test_requests_that_lock_each_other_out_are_both_answered(api: Api, stock: Database) -> None:
    bodies = [{"names": ["beans", "cups"], "by": 1}, {"names": ["cups", "beans"], "by": 10}]
    answers = await asyncio.gather(*[api.call("POST", "/move", body) for body in bodies])
    assert [(answer.status, answer.json) for answer in answers] == [(200, 1), (200, 10)]
    assert await amounts(stock) == {"beans": 11, "cups": 11}


async def test_a_request_that_loses_is_tried_again_with_its_body(api: Api, stock: Database) -> None:
    answer = await api.call("POST", f"/lose/{TRIES - 1}", {"by": 5})
    assert (answer.status, answer.json) == (200, 5)
    assert (await amounts(stock))["beans"] == 5


async def test_a_request_that_always_loses_is_told_to_come_back(api: Api, stock: Database) -> None:
    answer = await api.call("POST", "/lose/1000", {"by": 5})
    assert (answer.status, answer.json["code"], answer.json["cause"]) == (503, "database_busy", "SerializationFailure")
    assert answer.headers["retry-after"] == "2"
    assert (await amounts(stock))["beans"] == 0
    async with stock.transaction() as conn:
        assert await fetch_value(conn, "SELECT last_value FROM tries") == TRIES


async def test_a_route_with_transactions_of_its_own_is_not_run_twice(api: Api, stock: Database) -> None:
    answer = await api.call("POST", "/two")
    assert (answer.status, answer.json["code"]) == (503, "database_busy")
    async with stock.transaction() as conn:
        assert await fetch_value(conn, "SELECT last_value FROM tries") == 1


async def test_whoever_finds_all_connections_in_use_waits_for_one(database_url: str) -> None:
    pool = Database(database_url, max_size=1)
    await pool.open()
    try:
        async with pool.transaction():
            waiting = asyncio.create_task(pool_answers(pool))
            while not pool.stats()["requests_waiting"]:
                await asyncio.sleep(0)
        assert await waiting == 1
    finally:
        await pool.close()


async def test_a_pool_that_stays_dry_is_busy_and_not_away(database_url: str) -> None:
    pool = Database(database_url, max_size=1, wait_seconds=0.05)
    await pool.open()
    try:
        async with pool.transaction():
            with pytest.raises(DatabaseBusy) as caught:
                await pool_answers(pool)
        assert caught.value.code == "database_busy"
        assert await pool_answers(pool) == 1
    finally:
        await pool.close()


async def pool_answers(pool: Database) -> int:
    async with pool.transaction() as conn:
        return int(await fetch_value(conn, "SELECT 1"))
