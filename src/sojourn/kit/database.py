"""PostgreSQL by hand: a pool, transactions, and five verbs to run a statement.

Statements are `LiteralString`s beside the function that runs them, so that no text of a user can become SQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from sojourn.kit import json
from sojourn.kit.arrays import FastListDumper
from sojourn.kit.errors import DatabaseBusy, DatabaseUnavailable, StatementTimeout, TransactionLost

if TYPE_CHECKING:
    from sojourn.kit.jobs import Registry

__all__ = [
    "NO_TIMEOUTS",
    "WEB_TIMEOUTS",
    "WORKER_TIMEOUTS",
    "Conn",
    "Database",
    "Jsonb",
    "Row",
    "Timeouts",
    "copy_rows",
    "execute",
    "fetch_all",
    "fetch_one",
    "fetch_optional",
    "fetch_value",
]

Row = dict[str, Any]
Params = Mapping[str, Any] | None

set_json_dumps(json.encode)
set_json_loads(json.decode)
psycopg.adapters.register_dumper(list, FastListDumper)

WAIT_SECONDS = 3.0  # for a free connection; then the caller hears that the database is busy, or away
# How long one broken connection is tried again by itself. After that whoever needs one tries anew: the pool's own
# growing pauses would keep a process without a database for seconds after the server is back.
RETRY_SECONDS = 0.2
CONFLICTS = (
    psycopg.errors.TransactionRollback,  # not the base of the others: the library knows no classes of states
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
CONNECTION_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
SETUP_SQL: LiteralString = """
SET TIME ZONE 'UTC';
SET jit = off;
SET idle_in_transaction_session_timeout = '120s';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long one statement may run, and how long it may wait for a lock, in seconds; 0 is for ever."""

    statement_seconds: float
    lock_seconds: float


# A caller of the web process waits for an answer; a batch of a worker may be large. Commands and migrations, which a
# person watches, have no limit.
WEB_TIMEOUTS = Timeouts(statement_seconds=10, lock_seconds=3)
WORKER_TIMEOUTS = Timeouts(statement_seconds=120, lock_seconds=30)
NO_TIMEOUTS = Timeouts(statement_seconds=0, lock_seconds=0)
SQL_SET_TIMEOUTS: LiteralString = """
SELECT set_config('statement_timeout', %(statement)s, false), set_config('lock_timeout', %(lock)s, false)
"""


class Conn(psycopg.AsyncConnection[Row]):
    """A connection that yields rows as dicts and knows which handlers exist (for `jobs.announce`)."""

    registry: Registry | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wakes: set[str] = set()


async def fetch_one(conn: Conn, sql: LiteralString, params: Params = None) -> Row:
    """The one row that the statement yields. Raises LookupError when there is none."""
    row = await fetch_optional(conn, sql, params)
    if row is None:
        raise LookupError("statement yielded no row")
    return row


async def fetch_optional(conn: Conn, sql: LiteralString, params: Params = None) -> Row | None:
    """The first row, or None."""
    cursor = await conn.execute(sql, params)
    return await cursor.fetchone()


async def fetch_all(conn: Conn, sql: LiteralString, params: Params = None) -> list[Row]:
    """All rows."""
    cursor = await conn.execute(sql, params)
    return await cursor.fetchall()


async def fetch_value(conn: Conn, sql: LiteralString, params: Params = None) -> Any:
    """The first column of the first row, or None when there is no row."""
    row = await fetch_optional(conn, sql, params)
    return None if row is None else next(iter(row.values()))


async def execute(conn: Conn, sql: LiteralString, params: Params = None) -> int:
    """Run a statement; how many rows it touched (0 for statements that touch none)."""
    cursor = await conn.execute(sql, params)
    return max(cursor.rowcount, 0)


async def copy_rows(conn: Conn, sql: LiteralString, rows: Iterable[Sequence[Any]]) -> int:
    """Write rows through `COPY … FROM STDIN`: the cheapest way to insert wide rows. Returns how many."""
    count = 0
    async with conn.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            await copy.write_row(row)
            count += 1
    return count


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(
        self,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 10,
        registry: Registry | None = None,
        timeouts: Timeouts = NO_TIMEOUTS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.url = url
        self._in_use = 0
        self._served_at = 0.0
        self._timeouts = timeouts
        self._registry = registry
        self.notifier = Notifier(self)
        self._pool: AsyncConnectionPool[Conn] = AsyncConnectionPool(
            url,
            connection_class=Conn,
            kwargs={"row_factory": dict_row, "prepare_threshold": 3},
            min_size=min_size,
            max_size=max_size,
            open=False,
            configure=self._configure,
            timeout=wait_seconds,
            reconnect_timeout=RETRY_SECONDS,
            name="sojourn",
        )

    async def open(self, *, wait: bool = True, timeout: float = 30) -> None:
        """Open the pool; with `wait`, only return once a connection works, or raise DatabaseUnavailable in the end."""
        await self._pool.open(wait=False)
        deadline = time.monotonic() + timeout
        while wait:
            try:
                async with self.transaction():
                    return
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise

    async def close(self) -> None:
        """Close all connections."""
        await self.notifier.close()
        await self._pool.close()

    async def _configure(self, conn: Conn) -> None:
        conn.registry = self._registry
        await conn.set_autocommit(True)
        await conn.execute(SETUP_SQL)
        if self._timeouts != NO_TIMEOUTS:
            limits = {
                "statement": f"{round(self._timeouts.statement_seconds * 1000)}ms",
                "lock": f"{round(self._timeouts.lock_seconds * 1000)}ms",
            }
            await conn.execute(SQL_SET_TIMEOUTS, limits)
        await conn.set_autocommit(False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        """One transaction: commits when the block ends well, rolls back when it raises.

        Raises DatabaseUnavailable when the server cannot be reached or the connection breaks, DatabaseBusy when a
        lock or a free connection is not to be had in time, TransactionLost when it collided with another one and was
        taken back, StatementTimeout when a statement takes too long. When it breaks during COMMIT the outcome is not
        known: the caller must not claim success, and may repeat what is idempotent.
        """
        began_at = time.monotonic()
        try:
            async with self._pool.connection() as conn:
                with self._counted():
                    conn.wakes.clear()
                    yield conn
            self._served_at = time.monotonic()
            if conn.wakes:
                self.notifier.wake(conn.wakes)
        except PoolTimeout as error:
            is_alive = self._in_use > 0 or self._served_at > began_at
            raise (DatabaseBusy if is_alive else DatabaseUnavailable)(cause=type(error).__name__) from error
        except CONNECTION_ERRORS as error:
            raise _unavailable(error) from error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1

    def stats(self) -> dict[str, int]:
        """What the pool says of itself: `pool_size`, `pool_available`, `requests_waiting` and more."""
        return self._pool.get_stats()

    @asynccontextmanager
    async def listen(self, channel: LiteralString) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A connection of its own, outside the pool, that listens on a channel."""
        conn = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        try:
            await conn.execute("LISTEN " + channel)
            yield conn
        finally:
            await asyncio.shield(conn.close())


def _unavailable(error: Exception) -> DatabaseUnavailable:
    cause = type(error).__name__
    match error:
        case psycopg.errors.QueryCanceled():
            return StatementTimeout(cause=cause)
        case _ if isinstance(error, CONFLICTS):
            return TransactionLost(cause=cause)
        case psycopg.errors.LockNotAvailable():
            return DatabaseBusy(cause=cause)
        case _:
            return DatabaseUnavailable(cause=cause)


class Notifier:
    """Hints after a commit: at most one NOTIFY a process and 20 ms, and at once to listeners in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self.local: Callable[[set[str]], None] | None = None
        self.process = uuid4().hex

    def wake(self, names: set[str]) -> None:
        """Remember names to hint at; the first leave at once, what follows within 20 ms is put together."""
        if self.local is not None:
            self.local(names)
        self._names |= names
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._names:
            names, self._names = self._names, set()
            try:
                async with self._database.transaction() as conn:
                    await execute(conn, SQL_NOTIFY, {"hint": f"{self.process} {','.join(sorted(names))}"})
            except DatabaseUnavailable:
                return  # only a hint is lost: workers look by themselves every second
            await asyncio.sleep(NOTIFY_EVERY_SECONDS)

    async def close(self) -> None:
        """End the sender."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


NOTIFY_EVERY_SECONDS = 0.02
SQL_NOTIFY: LiteralString = "SELECT pg_notify('sojourn_jobs', %(hint)s)"
