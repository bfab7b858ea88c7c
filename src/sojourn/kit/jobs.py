"""Work for later, as rows in the caller's transaction: signals, jobs, and who handles them.

`announce` tells news (any number of handlers), `defer` gives an order (exactly one). Both write rows on the connection
that they are given, so that change and consequence commit together. NOTIFY after the commit is a hint that saves
waiting; the rows are the record. `jobs_runner.py` has the loops that run handlers, `jobs_batches.py` one batch,
`jobs_store.py` the statements.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sojourn.kit import ids, jobs_store, json
from sojourn.kit.database import Conn
from sojourn.kit.jobs_store import JobRow

if TYPE_CHECKING:
    import aiohttp

    from sojourn.kit.clock import Clock
    from sojourn.kit.crypto import KeyRing
    from sojourn.kit.database import Database
    from sojourn.settings import Settings

DEFAULT_PRIORITY = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Signal:
    """Base of signals (past tense, news) and jobs (imperative, orders): frozen dataclasses that JSON can carry."""

    __slots__ = ()

    def ordering_key(self) -> str | None:
        """Jobs of one handler with the same key run oldest first, never two at once. None: no order."""
        return None

    def job_profile(self) -> UUID | None:
        """The person whom this is about: gives the bucket, and lets an erasure find the job."""
        value = getattr(self, "profile_id", None)
        return value if isinstance(value, UUID) else None

    def job_workspace(self) -> UUID | None:
        """The tenant, where there is one."""
        value = getattr(self, "workspace_id", None)
        return value if isinstance(value, UUID) else None


class Mode(StrEnum):
    """How a handler runs."""

    TRANSACTIONAL = "transactional"  # claim, work and delete in one transaction; no network
    LEASED = "leased"  # the claim commits a lease and an attempt; own transactions; may run twice


TRANSACTIONAL = Mode.TRANSACTIONAL
LEASED = Mode.LEASED


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One subscriber of a message: `handle(work, conn, batch)` if transactional, `handle(work, batch)` if leased.

    `wanted(conn, workspace_id)` is asked before news becomes a job: what nobody of a workspace wants costs no row.
    """

    message: type[Signal]
    handle: Callable[..., Awaitable[None]]
    name: str
    mode: Mode = TRANSACTIONAL
    batch: int = 200
    ordered: bool = False
    max_attempts: int = 10
    lease_seconds: float = 20.0  # kept alive while its worker lives, so a short one costs nothing
    concurrency: int = 1
    wanted: Callable[[Conn, UUID], Awaitable[bool]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """Something done again and again on the product clock, by one worker at a time; missed rounds fire once."""

    name: str
    every: timedelta
    handle: Callable[[Work], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Something that looks for due rows of its own table.

    `handle(work)` does one batch and says how many rows; it is called again at once while that is more than zero.
    `next_due(conn, now)` is the moment of the earliest row that waits for time, or None. `busy(conn, now)` says whether
    something is in flight that no row in `jobs` shows.
    """

    name: str
    handle: Callable[[Work], Awaitable[int]]
    next_due: Callable[[Conn, datetime], Awaitable[datetime | None]] | None = None
    busy: Callable[[Conn, datetime], Awaitable[bool]] | None = None
    concurrency: int = 1
    idle_seconds: float = 1.0


class Registry:
    """The handlers, pollers and periodic jobs that web and worker are started with."""

    def __init__(
        self,
        handlers: Sequence[Handler] = (),
        pollers: Sequence[Poller] = (),
        periodics: Sequence[Periodic] = (),
    ) -> None:
        self.handlers = tuple(handlers)
        self.pollers = tuple(pollers)
        self.periodics = tuple(periodics)
        names = [h.name for h in handlers] + [p.name for p in pollers] + [p.name for p in periodics]
        if len(set(names)) != len(names):
            raise ValueError(f"a name is used twice: {sorted(n for n in set(names) if names.count(n) > 1)}")
        self._by_message: dict[type[Signal], tuple[Handler, ...]] = {}
        for handler in handlers:
            self._by_message[handler.message] = (*self._by_message.get(handler.message, ()), handler)

    def handlers_of(self, message: type[Signal]) -> tuple[Handler, ...]:
        """Who wants messages of this class."""
        return self._by_message.get(message, ())


@dataclass(slots=True, kw_only=True)
class Work:
    """What a handler may use: database, settings, HTTP session, keys, the product clock."""

    db: Database
    settings: Settings
    http: aiohttp.ClientSession
    keys: KeyRing
    clock: Clock

    def transaction(self) -> Any:
        """A transaction: `async with work.transaction() as conn`."""
        return self.db.transaction()

    def now(self) -> datetime:
        """The product clock's moment."""
        return self.clock.now()


async def announce(conn: Conn, signals: Sequence[Signal], *, priority: int = DEFAULT_PRIORITY) -> None:
    """Tell news: one job for each handler of each signal, in the caller's transaction."""
    registry = _registry(conn)
    rows = []
    for signal in signals:
        for handler in registry.handlers_of(type(signal)):
            if handler.wanted is None or await _is_wanted(conn, handler, signal.job_workspace()):
                rows.append(_row(signal, handler, due_at=EPOCH, priority=priority))  # noqa: PERF401
    await _write(conn, rows)


async def is_heard(conn: Conn, message: type[Signal], workspace_id: UUID) -> bool:
    """Whether anybody wants news of this class from a workspace: asked where making the news costs something."""
    if conn.registry is None:
        return False
    for handler in conn.registry.handlers_of(message):
        if await _is_wanted(conn, handler, workspace_id):
            return True
    return False


async def _is_wanted(conn: Conn, handler: Handler, workspace_id: UUID | None) -> bool:
    return handler.wanted is None or (workspace_id is not None and await handler.wanted(conn, workspace_id))


async def defer(
    conn: Conn, jobs: Sequence[Signal], *, due_at: datetime | None = None, priority: int = DEFAULT_PRIORITY
) -> None:
    """Give orders: each job has exactly one handler. `due_at` (product clock) holds it back until then.

    Raises LookupError when a job's class has no handler or several.
    """
    registry = _registry(conn)
    rows = []
    for job in jobs:
        handlers = registry.handlers_of(type(job))
        if len(handlers) != 1:
            raise LookupError(f"{type(job).__name__} has {len(handlers)} handlers; a job has one")
        rows.append(_row(job, handlers[0], due_at=due_at or EPOCH, priority=priority))
    await _write(conn, rows)


def wake(conn: Conn, *names: str) -> None:
    """After this transaction commits, hint to the workers that these handlers or pollers have something to do."""
    conn.wakes.update(names)


def _registry(conn: Conn) -> Registry:
    if conn.registry is None:
        raise LookupError("this connection knows no handlers: it was not opened by a Database with a registry")
    return conn.registry


def _row(message: Signal, handler: Handler, *, due_at: datetime, priority: int) -> JobRow:
    profile = message.job_profile()
    key = message.ordering_key() if handler.ordered else None
    if profile is not None:
        bucket = ids.bucket_of(profile)
    elif key is not None:
        bucket = ids.bucket_of_key(key)
    else:
        bucket = None
    id_ = next_job_id(bucket)
    return (
        id_,
        ids.bucket_of(id_),
        handler.name,
        key,
        priority,
        due_at,
        message.job_workspace(),
        profile,
        json.encode(message),
    )


async def _write(conn: Conn, rows: Sequence[JobRow]) -> None:
    if not rows:
        return
    await jobs_store.insert_jobs(conn, rows)
    conn.wakes.update(row[2] for row in rows)


_last_tick = 0


def next_job_id(bucket: int | None) -> UUID:
    """A UUIDv7 of the system clock whose order within a process is the order of calls.

    The 12 bits after the version carry the fraction of the millisecond (RFC 9562, section 6.2, method 3).
    """
    global _last_tick  # noqa: PLW0603
    tick = max(time.time_ns() * 4096 // 1_000_000, _last_tick + 1)
    _last_tick = tick
    base = ids.new_id(EPOCH, bucket).int & ((1 << 64) - 1)
    return UUID(int=((tick >> 12) << 80) | (0x7 << 76) | ((tick & 0xFFF) << 64) | base)
