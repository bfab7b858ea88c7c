"""A statement that takes too long, a lock that nobody releases: 503 with a time to come back, a retry of the job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from fastapi import FastAPI

from sojourn.kit import jobs, jobs_batches, json
from sojourn.kit.clock import Clock
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import (
    NO_TIMEOUTS,
    WEB_TIMEOUTS,
    WORKER_TIMEOUTS,
    Conn,
    Database,
    Timeouts,
    execute,
    fetch_all,
    fetch_value,
)
from sojourn.kit.errors import DatabaseBusy
from sojourn.kit.jobs import LEASED, Handler, Registry, Signal, Work
from sojourn.kit.web import ConnDep, install_error_handlers
from sojourn.main import Front, create_app
from sojourn.settings import Settings
from sojourn.worker import open_work
from tests.support.api import Api

SHORT = Timeouts(statement_seconds=0.2, lock_seconds=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRows(Signal):
    number: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProvider(Signal):
    number: int
    seconds: float = 0.0


async def count_rows(_work: Work, conn: Conn, batch: Sequence[CountRows]) -> None:
    for job in batch:
        await execute(conn, "SELECT pg_sleep(%(seconds)s)", {"seconds": job.seconds})
        await execute(conn, "UPDATE done SET times = times + 1 WHERE number = %(number)s", {"number": job.number})


async def call_provider(work: Work, batch: Sequence[CallProvider]) -> None:
    for job in batch:
        async with work.transaction() as conn:
            await execute(conn, "SELECT pg_sleep(%(seconds)s)", {"seconds": job.seconds})


HANDLERS = (
    Handler(message=CountRows, handle=count_rows, name="test.count"),
    Handler(message=CallProvider, handle=call_provider, name="test.call", mode=LEASED),
)


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[Database]:
    """A pool with short timeouts on a database with the table `done`, numbers 1 and 2."""
    database = Database(database_url, registry=Registry(handlers=list(HANDLERS)), timeouts=SHORT)
    await database.open()
    async with database.transaction() as conn:
        await execute(conn, "CREATE TABLE done (number int PRIMARY KEY, times int NOT NULL DEFAULT 0)")
        await execute(conn, "INSERT INTO done (number) VALUES (1), (2)")
    yield database
    await database.close()


@asynccontextmanager
async def somebody_locks(database: Database, number: int) -> AsyncIterator[None]:
    """Another session that holds a row."""
    async with database.transaction() as conn:
        await execute(conn, "SELECT FROM done WHERE number = %(number)s FOR UPDATE", {"number": number})
        yield


@pytest.fixture
def api(busy: Database) -> Api:
    app = FastAPI()
    app.state.db = busy
    install_error_handlers(app)

    @app.get("/slow")
    async def slow(conn: ConnDep) -> None:
        await execute(conn, "SELECT pg_sleep(5)")

    @app.post("/one")
    async def one(conn: ConnDep) -> int:
        return await execute(conn, "UPDATE done SET times = times + 1 WHERE number = 1")

    return Api(app, "none")


async def test_a_request_whose_statement_takes_too_long_is_told_to_come_back(api: Api) -> None:
    answer = await api.call("GET", "/slow")
    assert (answer.status, answer.json["code"], answer.json["cause"]) == (503, "database_busy", "QueryCanceled")
    assert answer.headers["retry-after"] == "2"
    assert (await api.call("POST", "/one")).status == 200  # the connection goes on


async def test_a_request_that_waits_for_a_lock_is_told_to_come_back(api: Api, busy: Database) -> None:
    async with somebody_locks(busy, 1):
        answer = await api.call("POST", "/one")
        assert (answer.status, answer.json["code"], answer.json["cause"]) == (503, "database_busy", "LockNotAvailable")
        assert answer.headers["retry-after"] == "2"
    assert (await api.call("POST", "/one")).json == 1


@pytest.fixture
def work(busy: Database, keys: KeyRing) -> Work:
    http = cast("aiohttp.ClientSession", None)
    return Work(db=busy, settings=Settings(), http=http, keys=keys, clock=Clock())


async def waiting(database: Database) -> list[tuple[int, int, str | None]]:
    async with database.transaction() as conn:
        rows = await fetch_all(conn, "SELECT payload, attempts, last_error FROM jobs ORDER BY id")
    return [(json.decode(bytes(row["payload"]))["number"], row["attempts"], row["last_error"]) for row in rows]


async def done(database: Database) -> dict[int, int]:
    async with database.transaction() as conn:
        return {row["number"]: row["times"] for row in await fetch_all(conn, "SELECT number, times FROM done")}


async def test_a_job_whose_statement_takes_too_long_is_tried_again_and_holds_nobody(work: Work) -> None:
    async with work.transaction() as conn:
        await jobs.defer(conn, [CountRows(number=1, seconds=5), CountRows(number=2)])
    await jobs_batches.run_transactional(work, HANDLERS[0])
    assert await done(work.db) == {1: 0, 2: 1}
    [(number, attempts, reason)] = await waiting(work.db)
    assert (number, attempts) == (1, 1)
    assert "QueryCanceled" in str(reason)


async def test_a_job_that_waits_for_a_lock_stays_and_is_done_later(work: Work) -> None:
    async with work.transaction() as conn:
        await jobs.defer(conn, [CountRows(number=1)])
    async with somebody_locks(work.db, 1):
        with pytest.raises(DatabaseBusy):  # the loop rests and comes back: it is not the job's fault
            await jobs_batches.run_transactional(work, HANDLERS[0])
    assert await waiting(work.db) == [(1, 0, None)]
    await jobs_batches.run_transactional(work, HANDLERS[0])
    assert (await done(work.db))[1] == 1
    assert await waiting(work.db) == []


async def test_a_leased_job_whose_statement_takes_too_long_is_tried_again(work: Work) -> None:
    async with work.transaction() as conn:
        await jobs.defer(conn, [CallProvider(number=1, seconds=5), CallProvider(number=2)])
    await jobs_batches.run_leased(work, HANDLERS[1])
    [(number, attempts, reason)] = await waiting(work.db)
    assert (number, attempts) == (1, 1)
    assert "QueryCanceled" in str(reason)


async def limits_of(database: Database) -> tuple[str, str]:
    async with database.transaction() as conn:
        statement = await fetch_value(conn, "SHOW statement_timeout")
        return statement, await fetch_value(conn, "SHOW lock_timeout")


async def test_web_is_shorter_than_workers_and_commands_have_none(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, data_dir=tmp_path)
    front = create_app(settings)
    assert isinstance(front, Front)
    async with front.app.router.lifespan_context(front.app):
        assert await limits_of(front.app.state.db) == ("10s", "3s")
    async with open_work(settings) as tools:
        assert await limits_of(tools.db) == ("2min", "30s")
    assert WEB_TIMEOUTS.statement_seconds < WORKER_TIMEOUTS.statement_seconds
    assert Timeouts(statement_seconds=0, lock_seconds=0) == NO_TIMEOUTS
    command = Database(database_url)
    await command.open()
    assert await limits_of(command) == ("0", "0")
    await command.close()
