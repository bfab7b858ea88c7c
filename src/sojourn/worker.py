"""Builds a worker process: the job loop over the handlers, pollers and periodic jobs in `subscriptions.py`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import structlog

from sojourn.kit.clock import Clock
from sojourn.kit.database import WORKER_TIMEOUTS, Database
from sojourn.kit.installation_keys import open_keys
from sojourn.kit.jobs import Registry, Work
from sojourn.kit.jobs_runner import Runner
from sojourn.kit.logs import configure_logs
from sojourn.kit.memory import spare_collector
from sojourn.privacy.erasing import apply_again
from sojourn.settings import Settings
from sojourn.subscriptions import REGISTRY

log = structlog.get_logger(__name__)

CONNECTIONS = 600  # open HTTP connections: the fastest sender's rate times a slow answer
TOTAL_TIMEOUT_SECONDS = 30.0


@asynccontextmanager
async def open_work(settings: Settings, *, registry: Registry = REGISTRY, wait: bool = True) -> AsyncIterator[Work]:
    """Everything that handlers need, opened and closed again.

    Raises ValueError when no database is named, WrongInstallationKey when the keys are not those of the database.
    """
    if settings.database_url is None:
        raise ValueError("DATABASE_URL is not set: `sojourn run` starts an embedded server, a bare worker does not")
    database = Database(settings.database_url, max_size=settings.pool_size, registry=registry, timeouts=WORKER_TIMEOUTS)
    await database.open(wait=wait, timeout=300)
    try:
        keys = await open_keys(database, settings)
    except BaseException:
        await database.close()
        raise
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=0, ttl_dns_cache=60)
    timeout = aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_SECONDS)
    try:
        jar = aiohttp.DummyCookieJar()  # no provider of ours sets cookies; looking them up costs at each send
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session:
            yield Work(
                db=database,
                settings=settings,
                http=session,
                keys=keys,
                clock=Clock(settings.clock_file),
            )
    finally:
        await database.close()


async def work(settings: Settings) -> None:
    """Run handlers until SIGTERM or SIGINT; batches at work are finished first."""
    async with open_work(settings) as tools:
        await apply_again(tools.transaction, keys=tools.keys, data_dir=settings.data_dir, now=tools.now())
        runner = Runner(REGISTRY, tools)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runner.stop)
        log.info("worker_started", handlers=len(REGISTRY.handlers), pollers=len(REGISTRY.pollers))
        await runner.run()
        log.info("worker_stopped")


def run(settings: Settings) -> None:
    """The worker process, from the first line to the last."""
    configure_logs(settings.log_level)
    spare_collector()
    with contextlib.suppress(KeyboardInterrupt):
        _run_loop(settings)


def _run_loop(settings: Settings) -> None:
    import uvloop  # noqa: PLC0415  (absent on Windows, where asyncio's own loop does)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(settings))
