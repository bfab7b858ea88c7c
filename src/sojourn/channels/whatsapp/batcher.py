"""Collects webhook bodies for a moment and stores them with one statement; a post is answered after the commit.

While a commit is under way the next batch grows, so that batches are as large as the database is slow. When the
database is lost, every waiting post is told so: nothing is acknowledged that is not stored.
"""

import asyncio

import psycopg
import structlog

from sojourn.channels import webhook_store
from sojourn.channels.webhook_store import NewBody
from sojourn.kit import crash, jobs
from sojourn.kit.clock import Clock
from sojourn.kit.database import Database
from sojourn.kit.errors import AppError, DatabaseUnavailable, Kind

log = structlog.get_logger(__name__)

COLLECT_SECONDS = 0.0025
BATCH_MAX_BODIES = 500
BATCH_MAX_BYTES = 8 * 1024 * 1024
WAITING_MAX_BYTES = 64 * 1024 * 1024
FLUSHES_MAX = 2
PARSER = "channels.parse_webhooks"  # the poller that is woken


class Overloaded(AppError):
    """More webhooks wait to be stored than fit in memory; send again later."""

    kind = Kind.UNAVAILABLE
    code = "overloaded"


class _Batch:
    __slots__ = ("bodies", "done", "failure", "size")

    def __init__(self) -> None:
        self.bodies: list[NewBody] = []
        self.size = 0
        self.done = asyncio.Event()
        self.failure: AppError | None = None


class Batcher:
    """Stores the webhook bodies of one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._open: _Batch | None = None
        self._due = False
        self._waiting_bytes = 0
        self._flushes: set[asyncio.Task[None]] = set()

    async def store(self, body: NewBody) -> None:
        """Return once the body is committed. Raises DatabaseUnavailable or Overloaded when it is not."""
        size = len(body.sealed)
        if self._waiting_bytes + size > WAITING_MAX_BYTES:
            raise Overloaded
        batch = self._open
        if batch is None:
            batch = self._open = _Batch()
            asyncio.get_running_loop().call_later(COLLECT_SECONDS, self._on_collected, batch)
        batch.bodies.append(body)
        batch.size += size
        self._waiting_bytes += size
        if len(batch.bodies) >= BATCH_MAX_BODIES or batch.size >= BATCH_MAX_BYTES:
            self._on_collected(batch)
        await batch.done.wait()
        if batch.failure is not None:
            raise batch.failure

    def _on_collected(self, batch: _Batch) -> None:
        """Store the open batch, or remember to do so when a flush is free. A batch may grow past its size then."""
        if batch is not self._open:
            return
        if len(self._flushes) >= FLUSHES_MAX:
            self._due = True
            return
        self._open, self._due = None, False
        task = asyncio.get_running_loop().create_task(self._flush(batch))
        self._flushes.add(task)
        task.add_done_callback(self._on_flushed)

    def _on_flushed(self, task: asyncio.Task[None]) -> None:
        self._flushes.discard(task)
        if self._due and self._open is not None:
            self._on_collected(self._open)

    async def _flush(self, batch: _Batch) -> None:
        try:
            async with self._database.transaction() as conn:
                await webhook_store.insert_bodies(conn, batch.bodies, now=self._clock.now())
                jobs.wake(conn, PARSER)
            crash.point("channels.webhooks_stored")
        except AppError as error:
            batch.failure = error
        except psycopg.Error as error:
            log.exception("webhooks_not_stored", count=len(batch.bodies))
            batch.failure = DatabaseUnavailable(cause=type(error).__name__)
        except BaseException:
            batch.failure = DatabaseUnavailable(cause="stopped")
            raise
        finally:
            self._waiting_bytes -= batch.size
            batch.done.set()
