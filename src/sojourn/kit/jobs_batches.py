"""One batch of a handler: claim, work, done; and what becomes of jobs that fail.

A failing batch is cut in two until the poisoned job stands alone; that one is tried again with growing waits, then goes
to the dead letters. A leased job that kills its worker has its attempt counted and comes back alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import msgspec
import psycopg
import structlog

from sojourn.kit import crash, jobs_store, json
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn, Row
from sojourn.kit.errors import DatabaseUnavailable, StatementTimeout
from sojourn.kit.jobs import Handler, Mode, Signal, Work

log = structlog.get_logger(__name__)

BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LAST_SECONDS = 600.0


async def run_transactional(work: Work, handler: Handler) -> int:
    """One batch of a transactional handler: claim, work and delete in one transaction. How many jobs it saw."""
    rows: list[Row] = []
    try:
        async with work.db.transaction() as conn:
            rows = await _claim(conn, handler, work.now())
            if rows:
                await _handle(work, conn, handler, rows)
    except Exception as error:
        if _is_passing(error):
            raise
        await _cut(work, handler, rows, error)
    return len(rows)


def _is_passing(error: Exception) -> bool:
    """Whether another try later may well succeed with the same jobs: a lost connection, a deadlock, a held lock.

    A statement that ran out of time is the doing of a job, or of too many together.
    """
    return isinstance(error, DatabaseUnavailable) and not isinstance(error, StatementTimeout)


async def _claim(conn: Conn, handler: Handler, now: datetime, *, retried: bool | None = None) -> list[Row]:
    moment = system_now()
    limit = 1 if retried else handler.batch
    if not handler.ordered:
        return await jobs_store.lock_ready(conn, handler.name, now=now, system_now=moment, limit=limit, retried=retried)
    heads = await jobs_store.lock_heads(conn, handler.name, now=now, system_now=moment, limit=limit, retried=retried)
    if not heads or handler.mode is Mode.LEASED:
        return heads
    spare = handler.batch - len(heads)
    keys = [row["ordering_key"] for row in heads if row["attempts"] == 0]
    if spare <= 0 or not keys:
        return heads
    followers = await jobs_store.lock_followers(
        conn, handler.name, keys, [row["id"] for row in heads], now=now, limit=spare
    )
    return sorted([*heads, *followers], key=lambda row: row["id"].int)


async def _handle(work: Work, conn: Conn, handler: Handler, rows: Sequence[Row]) -> None:
    await handler.handle(work, conn, _decode(handler, rows))
    crash.point("jobs.handled")
    await jobs_store.delete_jobs(conn, *_keys(rows))


async def _cut(work: Work, handler: Handler, rows: Sequence[Row], error: Exception) -> None:
    """A batch failed: find the job that did it, let the others through, hold that one back."""
    if not rows:
        raise error
    if len(rows) == 1:
        await _fail(work, handler, rows[0], error, attempts=rows[0]["attempts"] + 1)
        return
    for part in _parts(handler, rows):
        try:
            async with work.db.transaction() as conn:
                held = await jobs_store.lock_jobs(conn, *_keys(part))
                if held:
                    await _handle(work, conn, handler, held)
        except Exception as part_error:
            if _is_passing(part_error):
                raise
            await _cut(work, handler, part, part_error)
            if _one_key(part):
                return  # what waits behind the failed job of this key must not overtake it


def _parts(handler: Handler, rows: Sequence[Row]) -> list[list[Row]]:
    """Two halves; a key is only cut when it stands alone, and then job by job, oldest first."""
    if not handler.ordered:
        middle = len(rows) // 2
        return [list(rows[:middle]), list(rows[middle:])]
    groups = [list(group) for _, group in groupby(sorted(rows, key=_key_order), key=lambda row: row["ordering_key"])]
    if len(groups) == 1:
        return [[row] for row in groups[0]]
    middle = len(groups) // 2
    return [[row for group in half for row in group] for half in (groups[:middle], groups[middle:])]


def _key_order(row: Row) -> tuple[str, int]:
    return row["ordering_key"] or "", row["id"].int


def _one_key(rows: Sequence[Row]) -> bool:
    return len(rows) == 1 and rows[0]["ordering_key"] is not None


async def run_leased(work: Work, handler: Handler) -> int:
    """One batch of a leased handler. Fresh jobs together; those that failed before one by one."""
    done = 0
    for retried in (False, True):
        async with work.db.transaction() as conn:
            rows = await _claim(conn, handler, work.now(), retried=retried)
            if rows:
                until = system_now() + timedelta(seconds=handler.lease_seconds)
                await jobs_store.update_leases(conn, *_keys(rows), until)
        if rows:
            crash.point("jobs.leased")
            await _run_lease(work, handler, rows)
        done += len(rows)
    return done


async def _run_lease(work: Work, handler: Handler, rows: Sequence[Row]) -> None:
    spent = [row for row in rows if row["attempts"] >= handler.max_attempts]
    for row in spent:
        await _fail(work, handler, row, RuntimeError("its worker died each time"), attempts=row["attempts"])
    rest = [row for row in rows if row["attempts"] < handler.max_attempts]
    if not rest:
        return
    keeper = asyncio.create_task(_keep_lease(work, handler, rest))
    try:
        await _run_leased_rows(work, handler, rest)
    finally:
        keeper.cancel()


async def _run_leased_rows(work: Work, handler: Handler, rows: Sequence[Row]) -> None:
    try:
        await handler.handle(work, _decode(handler, rows))
    except Exception as error:
        if _is_passing(error):
            raise
        if len(rows) == 1:
            await _fail(work, handler, rows[0], error, attempts=rows[0]["attempts"] + 1)
            return
        middle = len(rows) // 2
        await _run_leased_rows(work, handler, rows[:middle])
        await _run_leased_rows(work, handler, rows[middle:])
        return
    crash.point("jobs.leased_done")
    async with work.db.transaction() as conn:
        await jobs_store.delete_jobs(conn, *_keys(rows))


async def _keep_lease(work: Work, handler: Handler, rows: Sequence[Row]) -> None:
    while True:
        await asyncio.sleep(handler.lease_seconds / 3)
        with contextlib.suppress(DatabaseUnavailable):
            async with work.db.transaction() as conn:
                until = system_now() + timedelta(seconds=handler.lease_seconds)
                await jobs_store.extend_leases(conn, *_keys(rows), until)


async def _fail(work: Work, handler: Handler, row: Row, error: Exception, *, attempts: int) -> None:
    reason = describe(error)
    last = attempts >= handler.max_attempts or isinstance(error, msgspec.ValidationError | msgspec.DecodeError)
    log.warning("job_failed", handler=handler.name, job_id=str(row["id"]), attempts=attempts, dead=last, reason=reason)
    async with work.db.transaction() as conn:
        if last:
            await jobs_store.bury_job(
                conn, row["id"], row["bucket"], attempts=attempts, reason=reason, died_at=system_now()
            )
            conn.wakes.add(handler.name)
        else:
            retry_at = system_now() + timedelta(seconds=backoff_seconds(attempts))
            await jobs_store.update_failed(
                conn, row["id"], row["bucket"], attempts=attempts, retry_at=retry_at, reason=reason
            )


def backoff_seconds(attempts: int) -> float:
    """How long a job rests after its n-th failure: doubling from half a second to ten minutes, spread by a fifth."""
    base = min(BACKOFF_FIRST_SECONDS * 2.0 ** (attempts - 1), BACKOFF_LAST_SECONDS)
    return base * random.uniform(0.8, 1.2)  # noqa: S311


def describe(error: BaseException) -> str:
    """An error for the dead-letter lane: its kind and text, without values that the database would add."""
    if isinstance(error, psycopg.Error):
        return f"{type(error).__name__}: {error.diag.message_primary or error}"[:500]
    return f"{type(error).__name__}: {error}"[:500]


def _decode(handler: Handler, rows: Sequence[Row]) -> list[Signal]:
    return [json.decode_as(row["payload"], handler.message) for row in rows]


def _keys(rows: Sequence[Row]) -> tuple[list[UUID], list[int]]:
    return [row["id"] for row in rows], [row["bucket"] for row in rows]
