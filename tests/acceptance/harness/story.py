"""One story: database, web, workers and simulator as programs of their own, and a clock that can be pushed."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from . import postgres
from .api import GONE, Api, Refused
from .clock import StoryClock
from .disturbances import PLAIN, Disturbance
from .ports import Ports
from .processes import Child

ROOT = Path(__file__).resolve().parents[3]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
START = datetime(2026, 3, 3, 9, 0, tzinfo=AMSTERDAM)
MIGRATIONS = ROOT / "src/sojourn/migrations"
WORKSPACE = "Brisk Coffee"
SETTLE_SECONDS = 90.0  # real time within which a hop must come to rest
POLL_SECONDS = 0.004
STREAM_SECONDS = 0.1  # without rest for so long, it may be a stream

SOJOURN = [sys.executable, "-m", "sojourn"]
CLOUDSIM = [sys.executable, "-m", "cloudsim.main"]


@dataclass(frozen=True, slots=True)
class Rest:
    """What both sides say: whether they rest, and when the next thing of either falls due."""

    quiet: bool
    due: datetime | None


class Story:
    """Everything a story needs. `open` starts it, `close` ends all its programs."""

    def __init__(
        self,
        *,
        start: datetime = START,
        disturbance: Disturbance = PLAIN,
        workers: int = 1,
        middle: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sojourn-story-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.disturbance = disturbance
        self.clock = StoryClock(self.folder / "clock.json", start)
        self.restarts = 0
        self.steps: list[str] = []
        self._middle = middle
        self._ports = Ports()
        self.web_port, self.sim_port = self._ports.take(), self._ports.take()
        self.web_url, self.sim_url = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{self.sim_port}"
        self.database = postgres.Postgres(self.folder / "database", self.folder / "postgres.log")
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SOJOURN_", "DATABASE_"))},
            "PYTHONPATH": str(ROOT / "src"),
            "DATABASE_URL": self.database.url,
            "SOJOURN_DATA_DIR": str(self.folder / "data"),
            "SOJOURN_CLOCK_FILE": str(self.clock.file),
            "SOJOURN_PORT": str(self.web_port),
            "SOJOURN_PUBLIC_URL": self.web_url,
            "SOJOURN_ALLOW_PRIVATE_URLS": "1",
            "CLOUDSIM_CLOCK_FILE": str(self.clock.file),
            **(environment or {}),
        }
        self.web = self._child("web", [*SOJOURN, "serve"])
        self.workers = [self._child(f"worker{number}", [*SOJOURN, "work"]) for number in range(workers)]
        self.simulator = self._child(
            "cloudsim", [*CLOUDSIM, "--port", str(self.sim_port), "--clock-file", str(self.clock.file)]
        )
        self.api = Api(self.web_url)
        self.sim = Api(self.sim_url)

    async def open(self) -> None:
        """Start all programs, make a workspace and its key."""
        (self.folder / "data").mkdir()
        self.simulator.start()
        postgres.copy_prepared(self.folder / "database", [*SOJOURN, "migrate"], MIGRATIONS)
        self.database.start()
        self.start_product()
        self.api.token = self.create_key()
        await self.until_up()

    async def until_up(self, seconds: float = 30.0) -> None:
        """Wait until simulator and web answer; raises with the logs when one of them ended instead."""
        deadline = time.monotonic() + seconds
        for api, path in ((self.sim, "/sim/info"), (self.api, "/v1/health")):
            while True:
                self._check_programs()
                try:
                    status, body, _ = await api.exchange("GET", path, patience_seconds=0)
                except GONE as error:
                    status, body = 0, repr(error)
                if status == 200:
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{api.base_url}{path}: {status} {body}\n{self.logs()}")
                await asyncio.sleep(0.02)

    def start_product(self, extra_env: dict[str, str] | None = None) -> None:
        """Start web and workers."""
        for child in (self.web, *self.workers):
            child.start(extra_env)

    def create_key(self, *, name: str = "story", scopes: Sequence[str] = ("full",), write_key: bool = False) -> str:
        """A new API key of the workspace "Brisk Coffee", made through the command line as an operator would."""
        arguments = ["--write-key"] if write_key else [part for scope in scopes for part in ("--scope", scope)]
        place = ("--workspace", WORKSPACE, "--timezone", "Europe/Amsterdam", "--country", "NL")
        return self.command("keys", "create", name, *place, *arguments)

    def command(self, *arguments: str) -> str:
        """Run one `sojourn` command to its end; what it printed."""
        done = subprocess.run(
            [*SOJOURN, *arguments], env=self.env, cwd=self.folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"sojourn {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    async def close(self) -> None:
        """End all programs and remove what they wrote."""
        await self.api.close()
        await self.sim.close()
        for child in (self.web, *self.workers, self.simulator):
            child.kill()
        self.database.stop()
        self._ports.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- time -------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The present moment of the story."""
        return self.clock.now()

    def at(self, text: str, *, days: int = 0) -> datetime:
        """A wall-clock time of the story's first day, or of `days` later."""
        return self.clock.at(text, days=days)

    async def advance(self, **span: float) -> None:
        """Move time on by so much (`seconds=`, `minutes=`, `hours=`, `days=`)."""
        await self.advance_to(self.now() + timedelta(**span))

    async def advance_to(self, moment: datetime) -> None:
        """Move time to `moment`, stopping wherever something falls due on the way, until all that has happened.

        What falls due within one second fires together, in order of its due time. While a stream of messages runs
        there is no rest between two of them: then time moves on by a second at the most, once nothing is late.
        """
        while True:
            due = await self.settle()
            if self.now() >= moment:
                return
            hop = moment if due is None else min(moment, _whole_second(due))
            self.clock.push(max(hop, self.now()))

    async def settle(self, seconds: float = SETTLE_SECONDS) -> datetime | None:
        """Wait until nothing is due, at work or in flight on either side, or a stream is on time.

        Returns what falls due next.
        """
        moment, began = self.now(), time.monotonic()
        while True:
            found = await self._look()
            if found.quiet and (found.due is None or found.due > self.now()):
                again = await self._look()  # what the simulator posted meanwhile shows at the product
                if again.quiet:
                    return again.due
            if time.monotonic() - began > STREAM_SECONDS and await self._is_stream(found, moment):
                return found.due
            self._check_programs()
            if time.monotonic() - began > seconds:
                raise AssertionError(await self._unrest(seconds))
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> Rest:
        health = await self.api.get("/v1/health", brief=True)
        info = await self.sim.get("/sim/info")
        dues = [due for due in (_moment(health["next_due_at"]), _moment(info["next_due_at"])) if due is not None]
        return Rest(quiet=health["quiet"] and info["quiet"], due=min(dues, default=None))

    async def _is_stream(self, found: Rest, moment: datetime) -> bool:
        """Whether all that was due by then is under way, the next thing is less than a second off, and no queue grows."""
        if found.due is None or found.due <= moment or found.due - self.now() > timedelta(seconds=1):
            return False
        health = await self.api.get("/v1/health")
        posts = await self.sim.get("/sim/webhooks")
        return posts["queued"] < 100 and all(queue["oldest_age_seconds"] < 0.5 for queue in health["queues"])

    async def until(self, what: Any, *, seconds: float = 20.0) -> Any:
        """Wait in real time, without touching the clock, until the coroutine function answers something true."""
        deadline = time.monotonic() + seconds
        while True:
            answer = await what()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"not true within {seconds} s: {getattr(what, '__name__', what)}")
            await asyncio.sleep(POLL_SECONDS)

    def _check_programs(self) -> None:
        for child in (self.database.child, self.web, *self.workers, self.simulator):
            child.check()

    async def _unrest(self, seconds: float) -> str:
        found = [f"no rest within {seconds} s at {self.now().isoformat()}"]
        try:
            found.append(f"product: {await self.api.get('/v1/health')}")
            found.append(f"simulator: {await self.sim.get('/sim/info')}")
        except (Refused, *GONE) as error:
            found.append(repr(error))
        return "\n".join([*found, self.logs()])

    # --- disturbances -----------------------------------------------------------------------------------------------

    async def step(self, name: str) -> None:
        """Name a step of the story. With the restart disturbance everything is killed at one of them."""
        number = len(self.steps)
        self.steps.append(name)
        wanted = self.disturbance.restart_step
        if self.disturbance.restart and (name == self._middle if wanted is None else number == wanted):
            await self.restart()

    async def restart(self, *, web: bool = True, workers: bool = True, database: bool = True) -> None:
        """SIGKILL, and start again on the same data. The simulator stays up; its webhooks meet refused connections."""
        self.kill(web=web, workers=workers, database=database)
        self.revive()
        await self.until_up()

    def kill(self, *, web: bool = True, workers: bool = True, database: bool = True) -> None:
        """SIGKILL at once, the database first."""
        if database:
            os.kill(self.database.child.pid, signal.SIGKILL)
        for child in [*([self.web] if web else []), *(self.workers if workers else [])]:
            child.kill()
        if database:
            self.database.kill()

    def revive(self, extra_env: dict[str, str] | None = None) -> None:
        """Start whatever is dead."""
        self.restarts += 1
        if not self.database.child.is_running():
            self.database.start()
        for child in (self.web, *self.workers):
            if not child.is_running():
                child.start(extra_env)

    # --- looking ----------------------------------------------------------------------------------------------------

    def logs(self, lines: int = 40) -> str:
        """The ends of all logs, for a failed test."""
        parts = []
        for child in (self.web, *self.workers, self.simulator, self.database.child):
            parts += [f"--- {child.name} (exit {child.returncode})", child.last_words(lines)]
        return "\n".join(parts)

    def _child(self, name: str, command: list[str]) -> Child:
        return Child(name, command, env=self.env, log=self.folder / f"{name}.log", cwd=self.folder)


def _whole_second(moment: datetime) -> datetime:
    return datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
