"""The job queue on a real PostgreSQL: nothing lost, nothing overtakes, one poisoned job holds nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import aiohttp
import pytest

from sojourn.kit import ids, jobs, jobs_batches, jobs_runner, jobs_store
from sojourn.kit.clock import Clock, system_now
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Database, execute, fetch_all, fetch_value
from sojourn.kit.jobs import LEASED, Handler, Periodic, Poller, Registry, Signal, Work
from sojourn.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(Signal):
    profile_id: UUID
    number: int
    poisoned: bool = False

    def ordering_key(self) -> str | None:
        return str(self.profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReceipt(Signal):
    number: int
    poisoned: bool = False


MARCH = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def person(bucket: int = 7) -> UUID:
    return ids.new_id(MARCH, bucket)


class Seen:
    """What handlers were given, in order, and which numbers make them fail."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.batches: list[list[int]] = []

    async def transactional(self, _work: Work, conn: Conn, batch: Sequence[OrderPlaced]) -> None:
        self.batches.append([job.number for job in batch])
        for job in batch:
            if job.poisoned:
                raise ValueError(f"poisoned {job.number}")
            await execute(conn, "INSERT INTO seen (number) VALUES (%(number)s)", {"number": job.number})

    async def leased(self, work: Work, batch: Sequence[SendReceipt]) -> None:
        self.batches.append([job.number for job in batch])
        for job in batch:
            if job.poisoned:
                raise ValueError(f"poisoned {job.number}")
        self.numbers.extend(job.number for job in batch)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def registry(seen: Seen) -> Registry:
    return Registry(
        handlers=[
            Handler(message=OrderPlaced, handle=seen.transactional, name="test.placed", ordered=True, max_attempts=2),
            Handler(message=SendReceipt, handle=seen.leased, name="test.receipt", mode=LEASED, max_attempts=2),
        ]
    )


@pytest.fixture
async def work(database: Database, keys: KeyRing, tmp_path: Path) -> AsyncIterator[Work]:
    async with database.transaction() as conn:
        await execute(conn, "CREATE TABLE seen (at bigserial, number int)")
    yield Work(
        db=database,
        settings=Settings(data_dir=tmp_path),
        http=cast("aiohttp.ClientSession", None),
        keys=keys,
        clock=Clock(tmp_path / "clock"),
    )


@asynccontextmanager
async def running(registry: Registry, work: Work) -> AsyncIterator[None]:
    runner = jobs_runner.Runner(registry, work)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await asyncio.wait_for(task, 10)


async def handled(work: Work) -> list[int]:
    async with work.transaction() as conn:
        return [row["number"] for row in await fetch_all(conn, "SELECT number FROM seen ORDER BY at")]


async def announce(work: Work, signals: Sequence[Signal]) -> None:
    async with work.transaction() as conn:
        await jobs.announce(conn, signals)


async def until(work: Work, count: int) -> list[int]:
    for _ in range(500):
        numbers = await handled(work)
        if len(numbers) >= count:
            return numbers
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {len(numbers)} of {count} handled")


async def test_a_signal_rolled_back_was_never_told(work: Work, registry: Registry) -> None:
    with pytest.raises(RuntimeError, match="rolled back"):
        async with work.transaction() as conn:
            await jobs.announce(conn, [OrderPlaced(profile_id=person(), number=1)])
            raise RuntimeError("rolled back")
    async with work.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM jobs") == 0


async def test_an_idle_worker_reacts_within_50_ms(work: Work, registry: Registry, seen: Seen) -> None:
    async with running(registry, work):
        await asyncio.sleep(0.3)
        waits = []
        for number in range(5):
            started = asyncio.get_running_loop().time()
            await announce(work, [SendReceipt(number=number)])
            while len(seen.numbers) <= number:
                await asyncio.sleep(0.001)
            waits.append(asyncio.get_running_loop().time() - started)
        assert sorted(waits)[2] < 0.05, waits


async def test_jobs_of_one_key_run_in_order_and_never_at_once(work: Work, registry: Registry) -> None:
    people = [person(bucket) for bucket in range(5)]
    for start in range(0, 100, 10):
        await announce(work, [OrderPlaced(profile_id=people[n % 5], number=n) for n in range(start, start + 10)])
    async with running(registry, work):
        numbers = await until(work, 100)
    for who in range(5):
        own = [number for number in numbers if number % 5 == who]
        assert own == sorted(own)


async def test_two_workers_share_the_work_and_do_each_job_once(work: Work, registry: Registry) -> None:
    await announce(work, [OrderPlaced(profile_id=person(n % 250), number=n) for n in range(1000)])
    async with running(registry, work), running(registry, work):
        await until(work, 1000)
    numbers = await handled(work)
    assert sorted(numbers) == list(range(1000))


async def test_a_poisoned_job_holds_only_those_behind_it(work: Work, registry: Registry, seen: Seen) -> None:
    first, second = person(1), person(2)
    await announce(
        work,
        [
            OrderPlaced(profile_id=first, number=1),
            OrderPlaced(profile_id=first, number=2, poisoned=True),
            OrderPlaced(profile_id=first, number=3),
            *(OrderPlaced(profile_id=second, number=n) for n in range(10, 20)),
        ],
    )
    handler = registry.handlers[0]
    await jobs_batches.run_transactional(work, handler)
    assert sorted(await handled(work)) == [1, *range(10, 20)]
    async with work.transaction() as conn:
        await execute(conn, "UPDATE jobs SET retry_at = NULL")
    await jobs_batches.run_transactional(work, handler)  # the second attempt is the last one
    async with work.transaction() as conn:
        [dead] = await jobs_store.list_dead(conn, workspace_id=None, handler=None, before=None, limit=10)
    assert "poisoned 2" in dead["reason"]
    assert dead["attempts"] == 2
    await jobs_batches.run_transactional(work, handler)
    assert sorted(await handled(work)) == [1, 3, *range(10, 20)]


async def test_a_dead_letter_can_be_replayed(work: Work, registry: Registry, seen: Seen) -> None:
    await announce(work, [SendReceipt(number=1, poisoned=True)])
    for _ in range(2):
        await jobs_batches.run_leased(work, registry.handlers[1])
        async with work.transaction() as conn:
            await execute(conn, "UPDATE jobs SET retry_at = NULL")
    async with work.transaction() as conn:
        assert await jobs_store.count_dead(conn) == 1
        await execute(conn, "UPDATE dead_jobs SET payload = %(p)s", {"p": b'{"number":1,"poisoned":false}'})
        assert await jobs_store.replay_dead(conn, workspace_id=None, handler=None, ids=None) == ["test.receipt"]
    await jobs_batches.run_leased(work, registry.handlers[1])
    assert seen.numbers == [1]


async def test_a_leased_job_comes_back_when_its_worker_dies(work: Work, registry: Registry, seen: Seen) -> None:
    await announce(work, [SendReceipt(number=1)])
    async with work.transaction() as conn:  # a worker that claimed and then vanished
        [row] = await jobs_store.lock_ready(conn, "test.receipt", now=MARCH, system_now=system_now(), limit=5)
        await jobs_store.update_leases(conn, [row["id"]], [row["bucket"]], system_now() + timedelta(seconds=60))
    assert await jobs_batches.run_leased(work, registry.handlers[1]) == 0
    async with work.transaction() as conn:
        await execute(conn, "UPDATE jobs SET lease_until = %(at)s", {"at": system_now() - timedelta(seconds=1)})
    assert await jobs_batches.run_leased(work, registry.handlers[1]) == 1
    assert seen.numbers == [1]


async def test_a_job_that_kills_its_worker_each_time_is_buried(work: Work, registry: Registry, seen: Seen) -> None:
    await announce(work, [SendReceipt(number=1)])
    async with work.transaction() as conn:
        await execute(conn, "UPDATE jobs SET attempts = 2")
    await jobs_batches.run_leased(work, registry.handlers[1])
    async with work.transaction() as conn:
        assert await jobs_store.count_dead(conn) == 1
    assert seen.numbers == []


async def test_a_job_for_later_waits_for_the_product_clock(work: Work, registry: Registry, seen: Seen) -> None:
    now = work.now()
    async with work.transaction() as conn:
        await jobs.defer(conn, [SendReceipt(number=1)], due_at=now + timedelta(hours=24))
    assert await jobs_batches.run_leased(work, registry.handlers[1]) == 0
    async with work.transaction() as conn:
        assert await jobs_runner.is_quiet(registry, conn, now)
        due = await jobs_runner.next_due_at(registry, conn, now)
    assert due == now + timedelta(hours=24)
    async with running(registry, work):
        work.clock.push(timedelta(hours=24, seconds=1))
        for _ in range(200):
            if seen.numbers:
                break
            await asyncio.sleep(0.01)
    assert seen.numbers == [1]


async def test_a_job_for_later_holds_nobody_of_its_key_up(work: Work, registry: Registry) -> None:
    who = person()
    async with work.transaction() as conn:
        later = [OrderPlaced(profile_id=who, number=1)]
        await jobs.defer(conn, later, due_at=work.now() + timedelta(hours=1))
    await announce(work, [OrderPlaced(profile_id=who, number=2)])
    await jobs_batches.run_transactional(work, registry.handlers[0])
    assert await handled(work) == [2]


async def test_what_json_cannot_be_read_is_buried_at_once(work: Work, registry: Registry) -> None:
    await announce(work, [SendReceipt(number=1), SendReceipt(number=2)])
    async with work.transaction() as conn:
        await execute(
            conn,
            "UPDATE jobs SET payload = %(p)s WHERE id = (SELECT id FROM jobs ORDER BY id LIMIT 1)",
            {"p": b"{"},
        )
    await jobs_batches.run_leased(work, registry.handlers[1])
    async with work.transaction() as conn:
        assert await jobs_store.count_dead(conn) == 1
        assert await fetch_value(conn, "SELECT count(*) FROM jobs") == 0


async def test_a_periodic_job_fires_once_for_all_rounds_it_missed(work: Work) -> None:
    rounds: list[datetime] = []

    async def tick(work: Work) -> None:
        rounds.append(work.now())

    registry = Registry(periodics=[Periodic(name="test.tick", every=timedelta(minutes=15), handle=tick)])
    async with running(registry, work):
        for _ in range(300):
            if rounds:
                break
            await asyncio.sleep(0.01)
        work.clock.push(timedelta(hours=24))
        for _ in range(300):
            if len(rounds) > 1:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.2)
    assert len(rounds) == 2


async def test_a_poller_is_called_again_while_it_finds_rows(work: Work) -> None:
    left = [3, 2, 1]

    async def poll(_work: Work) -> int:
        return left.pop() if left else 0

    registry = Registry(pollers=[Poller(name="test.poll", handle=poll)])
    async with running(registry, work):
        await asyncio.sleep(0.1)
    assert left == []


async def test_erasing_a_person_takes_their_jobs_and_dead_letters(work: Work, registry: Registry) -> None:
    one, other = person(1), person(2)
    await announce(work, [OrderPlaced(profile_id=one, number=1), OrderPlaced(profile_id=other, number=2)])
    async with work.transaction() as conn:
        [mine] = await fetch_all(conn, "SELECT id, bucket FROM jobs WHERE profile_id = %(p)s", {"p": one})
        await jobs_store.bury_job(conn, mine["id"], mine["bucket"], attempts=1, reason="x", died_at=system_now())
        assert await jobs_store.delete_profile_jobs(conn, [one]) == 1
        assert await fetch_value(conn, "SELECT count(*) FROM jobs") == 1
        assert await jobs_store.count_dead(conn) == 0


def test_job_ids_of_one_process_sort_in_the_order_of_calls() -> None:
    made = [jobs.next_job_id(9) for _ in range(5000)]
    assert made == sorted(made)
    assert {ids.bucket_of(id_) for id_ in made} == {9}
    assert {id_.version for id_ in made} == {7}
