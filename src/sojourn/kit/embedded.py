"""PostgreSQL as a supervised child process: what runs when DATABASE_URL is not set.

One process supervises the server of a data directory (a lock says who). It starts the server again when that dies.
When the supervisor itself is killed, Linux sends the server a stop signal; elsewhere the server stays, and the next
supervisor finds it by its pid file, stops it and starts its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from sojourn.kit import embedded_cluster as cluster_files
from sojourn.kit.embedded_binaries import Binaries, clean_environment, find_binaries
from sojourn.kit.embedded_cluster import Cluster, DataDirectoryBusyError, EmbeddedError, WrongMajorVersionError
from sojourn.kit.processes import describe_exit, end_with_parent

__all__ = ["DataDirectoryBusyError", "EmbeddedError", "EmbeddedServer", "WrongMajorVersionError", "database_of"]

DATABASE = "sojourn"
FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT
STOP_PATIENCE_SECONDS = 60.0
PROGRESS_EVERY_SECONDS = 5.0
RESTART_WAITS_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)
ORPHAN_PATIENCE_SECONDS = 60.0
LOG_FILE_MAX = 20 * 1024 * 1024
ORPHAN_SIGNS = ("pre-existing shared memory block", "could not bind", "another postmaster", "is in use")

Report = Callable[[str], None]


def _quiet(message: str) -> None:
    """Report to nobody."""


class EmbeddedServer:
    """One embedded PostgreSQL: `start`, then `watch` in a task for as long as it shall live, then `stop`."""

    def __init__(self, data_dir: Path, *, report: Report = _quiet) -> None:
        self._data_dir = data_dir
        self._report = report
        self._lock: IO[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._cluster: Cluster | None = None
        self._binaries: Binaries | None = None

    @property
    def url(self) -> str:
        """How to connect to the product's database."""
        return self._located().url(DATABASE)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> str:
        """Start the server and wait until it takes connections; returns its URL.

        Waits as long as crash recovery takes and reports progress. Raises DataDirectoryBusyError,
        WrongMajorVersionError or EmbeddedError, each with a text that says what to do.
        """
        self._cluster = cluster_files.locate_for(self._data_dir)
        self._lock = cluster_files.hold(self._cluster)
        try:
            self._binaries = find_binaries(self._cluster.run_as)
            await self._stop_leftover()
            cluster_files.initialise(self._cluster, self._binaries, self._report)
            cluster_files.configure(self._cluster, self._binaries)
            await self._launch()
            await self._create_database()
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def watch(self) -> None:
        """Start the server again whenever it dies. Runs until cancelled, which comes before `stop`.

        Raises EmbeddedError when the server does not start any more.
        """
        failures = 0
        while (process := self._process) is not None:
            began = time.monotonic()
            code = await process.wait()
            failures = 0 if time.monotonic() - began > 60 else failures + 1
            wait = RESTART_WAITS_SECONDS[min(failures, len(RESTART_WAITS_SECONDS) - 1)]
            self._report(f"PostgreSQL ended unexpectedly ({describe_exit(code)}); starting it again")
            await asyncio.sleep(wait)
            await self._launch()

    async def stop(self) -> None:
        """Stop the server, politely first, and give the data directory free. Doing it twice does no harm."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            await _end(process, self._report)
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    async def _launch(self) -> None:
        cluster = self._located()
        began = time.monotonic()
        while True:
            cluster_files.clear_pid_file(cluster)
            self._process = await self._spawn(cluster)
            if await self._wait_ready(self._process):
                return
            words = cluster_files.last_words(cluster)
            orphans = any(sign in line for line in words for sign in ORPHAN_SIGNS)
            if not orphans or time.monotonic() - began > ORPHAN_PATIENCE_SECONDS:
                raise EmbeddedError("PostgreSQL does not start. It said:\n  " + "\n  ".join(words))
            self._report("waiting for processes of a killed PostgreSQL to end")
            await asyncio.sleep(0.5)

    async def _spawn(self, cluster: Cluster) -> asyncio.subprocess.Process:
        if self._binaries is None:
            raise EmbeddedError("start() comes first")
        log = cluster.log_file
        if log.exists() and log.stat().st_size > LOG_FILE_MAX:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                str(self._binaries.program("postgres")),
                "-D",
                str(cluster.data),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                env=clean_environment(),
                start_new_session=True,
                preexec_fn=end_with_parent(FAST_SHUTDOWN),
                **cluster.run_as.popen_options(),  # type: ignore[arg-type]
            )

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Wait until the server takes connections; false when it ended instead. There is no limit on recovery."""
        began = reported = time.monotonic()
        while process.returncode is None:
            try:
                conn = await psycopg.AsyncConnection.connect(self._located().url("postgres"), connect_timeout=5)
            except psycopg.OperationalError:
                await asyncio.sleep(0.02 if time.monotonic() - began < 2 else 0.2)
            else:
                await conn.close()
                return True
            if time.monotonic() - reported >= PROGRESS_EVERY_SECONDS:
                reported = time.monotonic()
                words = cluster_files.last_words(self._located(), 1)
                self._report(f"PostgreSQL is not ready after {reported - began:.0f} s: {' '.join(words)}")
        return False

    async def _stop_leftover(self) -> None:
        cluster = self._located()
        pid = cluster_files.find_leftover(cluster)
        if pid is None:
            return
        self._report(f"stopping a PostgreSQL (process {pid}) that an earlier start left behind")
        began = reported = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, FAST_SHUTDOWN)
        while cluster_files.works_in(pid, cluster.data):
            await asyncio.sleep(0.05)
            if time.monotonic() - reported > PROGRESS_EVERY_SECONDS:
                reported = time.monotonic()
                self._report(f"it still writes its data to disk, {reported - began:.0f} s")
            if time.monotonic() - began > STOP_PATIENCE_SECONDS:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, IMMEDIATE_SHUTDOWN)

    async def _create_database(self) -> None:
        conn = await psycopg.AsyncConnection.connect(self._located().url("postgres"), autocommit=True)
        async with conn:
            cursor = await conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if await cursor.fetchone() is None:
                await conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(DATABASE)))

    def _located(self) -> Cluster:
        if self._cluster is None:
            raise EmbeddedError("start() comes first")
        return self._cluster


@asynccontextmanager
async def database_of(database_url: str | None, data_dir: Path, *, report: Report = _quiet) -> AsyncIterator[str]:
    """The URL of the installation's database for the length of the block.

    DATABASE_URL when it is set; else the embedded server that already runs for this data directory; else one that is
    started here and stopped at the end.
    """
    if database_url:
        yield database_url
        return
    if cluster_files.is_held(data_dir):
        yield cluster_files.locate_for(data_dir).url(DATABASE)
        return
    server = EmbeddedServer(data_dir, report=report)
    url = await server.start()
    watching = asyncio.create_task(server.watch())
    try:
        yield url
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await server.stop()


async def _end(process: asyncio.subprocess.Process, report: Report) -> None:
    for how, patience in ((FAST_SHUTDOWN, STOP_PATIENCE_SECONDS), (IMMEDIATE_SHUTDOWN, 10.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            report(f"PostgreSQL does not stop after {patience:.0f} s; insisting")
        else:
            return
