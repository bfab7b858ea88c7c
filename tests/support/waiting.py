"""Two transactions step by step: the second is started, and the test goes on once it waits for the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, LiteralString, TypeVar

from sojourn.kit.database import Conn, Database, fetch_value

T = TypeVar("T")
# `pg_locks` is read anew each time; `pg_stat_activity` shows a transaction the same picture as long as it lasts.
SQL_IS_WAITED_FOR: LiteralString = """
SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND %(pid)s = ANY(pg_blocking_pids(pid)))
"""


async def start_and_wait_for(
    database: Database, holder: Conn, step: Callable[[Conn], Coroutine[Any, Any, T]]
) -> asyncio.Task[T]:
    """Run `step` in a transaction of its own; return once that waits for a lock which `holder` has."""

    async def run() -> T:
        async with database.transaction() as conn:
            return await step(conn)

    task = asyncio.create_task(run())
    async with database.transaction() as conn, asyncio.timeout(20):
        while not await fetch_value(conn, SQL_IS_WAITED_FOR, {"pid": holder.info.backend_pid}):
            assert not task.done(), "it did not wait"
            await asyncio.sleep(0.005)
    return task
