"""The programs under measurement: embedded PostgreSQL as in production, web, worker, simulator.

The clock is pushed by a file where a figure needs that; its offset is zero otherwise, so that all processes of this
machine share one time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.cpu import Meter
from sojourn.kit.embedded import EmbeddedServer
from tests.acceptance.harness.api import Api
from tests.acceptance.harness.ports import Ports
from tests.acceptance.harness.processes import Child
from tests.acceptance.harness.story import CLOUDSIM, ROOT, SOJOURN

DATA = ROOT / "build/bench-data"


class Server:
    """The embedded server with the settings of `sojourn run`; its databases stay between runs."""

    def __init__(self, folder: Path = DATA) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = EmbeddedServer(folder, report=lambda text: print(text, file=sys.stderr))
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it."""
        await self._server.start()
        self._watch = asyncio.create_task(self._server.watch())

    async def stop(self) -> None:
        """Stop it; the data stay."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._server.stop()

    @property
    def pid(self) -> int:
        """The postmaster."""
        assert self._server.pid is not None
        return self._server.pid

    def url(self, database: str) -> str:
        """How to connect to one of its databases."""
        head, _, tail = self._server.url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{database}?{tail}"

    def has(self, database: str) -> bool:
        """Whether this database exists."""
        with self.admin() as conn:
            return bool(conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone())

    def create(self, database: str) -> str:
        """A fresh, migrated database; one with this name is dropped before."""
        self.drop(database)
        with self.admin() as conn:
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
        url = self.url(database)
        subprocess.run([*SOJOURN, "migrate"], env=_environment({"DATABASE_URL": url}), check=True, capture_output=True)
        return url

    def drop(self, database: str) -> None:
        """Remove a database."""
        with self.admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def admin(self) -> psycopg.Connection[Any]:
        """A connection for orders that stand outside of transactions."""
        return psycopg.connect(self.url("postgres"), autocommit=True)

    def checkpoint(self) -> None:
        """So that the pages written from now on are logged in full: the honest rate."""
        with self.admin() as conn:
            conn.execute("CHECKPOINT")


class Product:
    """Web, workers and simulator on one database."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url
        self.folder = Path(tempfile.mkdtemp(prefix="sojourn-bench-", dir="/tmp"))
        self._ports = Ports()
        self.web_port, self.sim_port = self._ports.take(), self._ports.take()
        self.clock_file = self.folder / "clock.json"
        self.push(0.0)
        self._env = _environment(
            {
                "DATABASE_URL": url,
                "SOJOURN_DATA_DIR": str(self.folder / "data"),
                "SOJOURN_SECRET_KEY": "c29qb3VybiBiZW5jaG1hcmsga2V5IG9mIDMyIGJ5dGVzIQ==",
                "SOJOURN_CLOCK_FILE": str(self.clock_file),
                "SOJOURN_PORT": str(self.web_port),
                "SOJOURN_PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
                "SOJOURN_ALLOW_PRIVATE_URLS": "1",
                "SOJOURN_LOG_LEVEL": "WARNING",
            }
        )
        (self.folder / "data").mkdir()
        self.web = self._child("web", [*SOJOURN, "serve"])
        self.worker = self._child("worker", [*SOJOURN, "work"])
        self.simulator = self._child(
            "simulator", [*CLOUDSIM, "--port", str(self.sim_port), "--clock-file", str(self.clock_file)]
        )
        self.api = Api(f"http://127.0.0.1:{self.web_port}", patience_seconds=30)
        self.sim = Api(f"http://127.0.0.1:{self.sim_port}", patience_seconds=30)

    def push(self, offset_seconds: float) -> None:
        """Set the product clock's lead over system time."""
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": offset_seconds}))
        fresh.replace(self.clock_file)

    async def start(self, *, web: bool = True, worker: bool = True, simulator: bool = True) -> None:
        """Start the programs and wait until they answer."""
        for child, wanted in ((self.simulator, simulator), (self.web, web), (self.worker, worker)):
            if wanted:
                child.start()
        if simulator:
            await self.sim.get("/sim/info")
        if web:
            self.api.token = self.command("keys", "create", "bench", "--workspace", "Bench")
            await self.api.get("/v1/health")

    async def close(self) -> None:
        """End all programs."""
        await self.api.close()
        await self.sim.close()
        for child in (self.web, self.worker, self.simulator):
            self.resume(child)
            child.kill()
        self._ports.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments: str) -> str:
        """One `sojourn` command to its end; what it printed."""
        done = subprocess.run([*SOJOURN, *arguments], env=self._env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"sojourn {' '.join(arguments)}: {done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    def meter(self) -> Meter:
        """Begin to count CPU, by process."""
        pids = {child.name: [child.pid] for child in (self.web, self.worker, self.simulator) if child.is_running()}
        return Meter({**pids, "database": [self.server.pid], "load": [os.getpid()]})

    @staticmethod
    def pause(child: Child) -> None:
        """Stop a process in its tracks."""
        if child.is_running():
            os.kill(child.pid, signal.SIGSTOP)

    @staticmethod
    def resume(child: Child) -> None:
        """Let it go on."""
        if child.is_running():
            os.kill(child.pid, signal.SIGCONT)

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of our own, to load and to count."""
        return psycopg.connect(self.url, autocommit=True)

    def check(self) -> None:
        """Raises when a program ended by itself."""
        for child in (self.web, self.worker, self.simulator):
            child.check()

    def _child(self, name: str, command: list[str]) -> Child:
        return Child(name, command, env=self._env, log=self.folder / f"{name}.log", cwd=self.folder)


@asynccontextmanager
async def product_on(server: Server, url: str, **which: bool) -> AsyncIterator[Product]:
    """Programs on one database for the length of the block."""
    product = Product(server, url)
    try:
        await product.start(**which)
        yield product
    except BaseException:
        for child in (product.web, product.worker, product.simulator):
            print(f"--- {child.name}\n{child.last_words()}", file=sys.stderr)
        raise
    finally:
        await product.close()


def migrations_mark() -> str:
    """A short hash of the migrations: data loaded under other ones are loaded again."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "src/sojourn/migrations").glob("[0-9]*.sql")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _environment(ours: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOJOURN_", "DATABASE_", "PG"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), **ours}
