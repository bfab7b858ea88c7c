"""Runs handlers, pollers and periodic jobs in one worker process. Any number of such processes share the work.

`jobs_batches.py` does one batch; here are the loops around it: woken by hints, paced, and looking by themselves too.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import structlog

from sojourn.kit import jobs_store
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn, fetch_value
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.jobs import Handler, Mode, Periodic, Poller, Registry, Work
from sojourn.kit.jobs_batches import describe, run_leased, run_transactional

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0  # how long a lost hint can delay work
CLOCK_CHECK_SECONDS = 0.05
PACE_SECONDS = 0.015  # between the beginnings of small steps of one loop
FULL_STEP = 50  # rows; a step of so many pays for itself
PERIODIC_LEASE = timedelta(minutes=10)


@dataclass(slots=True)
class _Loop:
    """One loop: what it does again and again, when it began to, and how it is woken."""

    name: str
    step: Callable[[], Awaitable[int]]
    poller: Poller | None = None
    enough: int | None = None
    event: asyncio.Event = field(default_factory=asyncio.Event)
    is_idle: bool = False
    was_full: bool = False
    began: float = -1.0


class Runner:
    """The job loop of a process: `run()` until cancelled."""

    def __init__(self, registry: Registry, work: Work) -> None:
        self._registry = registry
        self._work = work
        self._loops: dict[str, list[_Loop]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop` is called or the task is cancelled; batches at work are finished first on `stop`."""
        self._work.db.notifier.local = self._wake
        async with asyncio.TaskGroup() as group:
            for handler in self._registry.handlers:
                for _ in range(handler.concurrency):
                    group.create_task(self._run_loop(self._handler_loop(handler)), name=handler.name)
            for poller in self._registry.pollers:
                for _ in range(poller.concurrency):
                    group.create_task(self._run_loop(self._poller_loop(poller)), name=poller.name)
            side = [group.create_task(loop()) for loop in (self._listen, self._sweep, self._watch_clock)]
            if self._registry.periodics:
                side.append(group.create_task(self._periodic_loop()))
            await self._stopping.wait()
            for task in side:
                task.cancel()

    def stop(self) -> None:
        """Finish what is at work, claim nothing new."""
        self._stopping.set()
        self._wake_all()

    def _wake(self, names: set[str]) -> None:
        """Wake one loop of each name; it wakes another when it finds work, so that few things wake few loops."""
        for name in names:
            loops = self._loops.get(name, ())
            for loop in (*(one for one in loops if one.is_idle), *loops):
                if not loop.event.is_set():
                    loop.event.set()
                    break

    def _wake_all(self) -> None:
        for loops in self._loops.values():
            for loop in loops:
                loop.event.set()

    def _handler_loop(self, handler: Handler) -> _Loop:
        # A transactional batch takes all that is ready: when it was not full, looking again at once finds nothing.
        if handler.mode is Mode.TRANSACTIONAL:
            enough = handler.batch
            return self._add(_Loop(handler.name, lambda: run_transactional(self._work, handler), enough=enough))
        return self._add(_Loop(handler.name, lambda: run_leased(self._work, handler)))

    def _poller_loop(self, poller: Poller) -> _Loop:
        return self._add(_Loop(poller.name, lambda: poller.handle(self._work), poller=poller))

    def _add(self, loop: _Loop) -> _Loop:
        self._loops.setdefault(loop.name, []).append(loop)
        return loop

    async def _run_loop(self, loop: _Loop) -> None:
        failures = 0
        while not self._stopping.is_set():
            loop.event.clear()
            try:
                wait = await self._work_off(loop)
                failures = 0
            except DatabaseUnavailable as error:
                failures += 1
                log.warning("job_loop_waits_for_database", loop=loop.name, cause=error.data.get("cause"))
                await asyncio.sleep(min(0.05 * 2**failures, 2.0))
                continue
            except Exception as error:
                failures += 1
                log.exception("job_loop_failed", loop=loop.name, error=type(error).__name__)
                await asyncio.sleep(min(0.1 * 2**failures, 10.0))
                continue
            if not self._stopping.is_set():
                loop.is_idle = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(loop.event.wait(), wait)
                loop.is_idle = False

    async def _work_off(self, loop: _Loop) -> float | None:
        """Steps until nothing is left; how long to wait for a hint then.

        Steps follow each other at a small distance, unless one was full: so that what trickles in is done a few at a
        time, at a fraction of the price, while the first thing after a rest is done at once.
        """
        while not self._stopping.is_set():
            rest = loop.began + PACE_SECONDS - time.monotonic()
            if rest > 0 and not loop.was_full:
                await asyncio.sleep(rest)
                loop.event.clear()
            loop.began = time.monotonic()
            done = await loop.step()
            loop.was_full = done >= FULL_STEP
            if done:
                self._wake({loop.name} if len(self._loops[loop.name]) > 1 else set())
            if done == 0 or (loop.enough is not None and done < loop.enough // 2):
                break
        return None if loop.poller is None else await self._wait_seconds(loop.poller)

    async def _wait_seconds(self, poller: Poller) -> float:
        if poller.next_due is None:
            return poller.idle_seconds
        now = self._work.now()
        async with self._work.db.transaction() as conn:
            due = await poller.next_due(conn, now)
        if due is None:
            return poller.idle_seconds
        return max(0.001, min(poller.idle_seconds, (due - now).total_seconds()))

    async def _listen(self) -> None:
        while True:
            try:
                async with self._work.db.listen("sojourn_jobs") as conn:
                    self._wake_all()
                    async for notice in conn.notifies():
                        process, _, names = notice.payload.partition(" ")
                        if process != self._work.db.notifier.process:  # this process was woken when it committed
                            self._wake(set(names.split(",")))
            except (psycopg.Error, OSError) as error:
                log.warning("listener_lost", error=type(error).__name__)
            await asyncio.sleep(0.5)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(DatabaseUnavailable):
                async with self._work.db.transaction() as conn:
                    names = await jobs_store.list_ready_handlers(conn, now=self._work.now(), system_now=system_now())
                self._wake(set(names))

    async def _watch_clock(self) -> None:
        offset = self._work.clock.offset()
        while True:
            await asyncio.sleep(CLOCK_CHECK_SECONDS)
            current = self._work.clock.offset()
            if current != offset:
                offset = current
                self._wake_all()

    async def _periodic_loop(self) -> None:
        by_name = {periodic.name: periodic for periodic in self._registry.periodics}
        while True:
            with contextlib.suppress(DatabaseUnavailable):
                async with self._work.db.transaction() as conn:
                    names = await jobs_store.claim_periodic(
                        conn, list(by_name), now=self._work.now(), system_now=system_now(),
                        lease_until=system_now() + PERIODIC_LEASE,
                    )  # fmt: skip
                for name in names:
                    await self._run_periodic(by_name[name])
            await asyncio.sleep(SWEEP_SECONDS)

    async def _run_periodic(self, periodic: Periodic) -> None:
        reason = None
        try:
            await periodic.handle(self._work)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            reason = describe(error)
            log.exception("periodic_job_failed", job=periodic.name)
        async with self._work.db.transaction() as conn:
            next_at = self._work.now() + periodic.every
            await jobs_store.finish_periodic(conn, periodic.name, next_at=next_at, reason=reason)


async def is_quiet(registry: Registry, conn: Conn, now: datetime) -> bool:
    """Whether nothing is due, at work or in flight at this moment of the product clock."""
    retry_before = datetime.now(UTC) + timedelta(seconds=2)
    if await jobs_store.count_active(conn, now=now, retry_before=retry_before):
        return False
    for poller in registry.pollers:
        if poller.busy is not None and await poller.busy(conn, now):
            return False
        if poller.next_due is not None:
            due = await poller.next_due(conn, now)
            if due is not None and due <= now:
                return False
    return True


async def next_due_at(registry: Registry, conn: Conn, now: datetime) -> datetime | None:
    """The earliest moment after now at which something of the product's waits for time."""
    moments = [await jobs_store.next_due(conn, now=now)]
    for poller in registry.pollers:
        if poller.next_due is not None:
            moments.append(await poller.next_due(conn, now))  # noqa: PERF401
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


async def ping(conn: Conn) -> bool:
    """Whether the database answers."""
    return bool(await fetch_value(conn, "SELECT 1"))
