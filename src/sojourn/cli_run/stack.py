"""`sojourn run`: database, migrations, simulator, web and workers in one go, and all of it stopped again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from sojourn import demo
from sojourn.cli_run import place
from sojourn.cli_run.supervisor import ChildFailedError, Program, Supervisor
from sojourn.kit.clock import system_now
from sojourn.kit.database import Database
from sojourn.kit.embedded import EmbeddedServer
from sojourn.kit.installation_keys import open_keys
from sojourn.kit.migrate import migrate
from sojourn.settings import Settings

READY_PATIENCE_SECONDS = 120.0
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What `sojourn run` was asked for. `demo`: simulator, demo data and a clock that can be pushed."""

    settings: Settings
    demo: bool = True
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What is up and ready: for the closing panel."""

    address: str
    data_dir: Path
    seconds: float
    api_key: str | None = None
    sign_in: str | None = None
    stage: demo.Stage | None = None


@dataclass(slots=True)
class _Parts:
    supervisor: Supervisor
    server: EmbeddedServer | None = None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    watching: asyncio.Task[None] | None = None


async def run_stack(
    plan: RunPlan, *, report: Report, on_ready: Callable[[Running], None], on_story: Callable[[list[str]], None]
) -> int:
    """Start everything, tell when it is ready, play the demo's order, run until SIGINT or SIGTERM. The exit code.

    Raises CannotRunError, EmbeddedError, MigrationError, WrongInstallationKey or ChildFailedError, with texts for
    people, after everything that was started has been stopped again.
    """
    began = time.monotonic()
    settings = plan.settings
    stop = _stop_event()
    lock = place.hold_data_dir(settings.data_dir.resolve(), address=f"http://{settings.host}:{settings.port}")
    parts = _Parts(Supervisor(settings.data_dir / "logs", report=report))
    try:
        place.require_free_port(settings.host, settings.port)
        starting = asyncio.create_task(_start(plan, parts, report, began))
        await _first(starting, stop)
        if not starting.cancelled():
            running = starting.result()
            on_ready(running)
            playing = asyncio.create_task(_play(running, report, on_story))
            await _first(stop, parts.failed)
            playing.cancel()
            await asyncio.wait([playing])
        if parts.failed.is_set():
            raise ChildFailedError(parts.reason)
        report("stopping")
        return 0
    finally:
        await _stop(parts)
        lock.close()


async def _start(plan: RunPlan, parts: _Parts, report: Report, began: float) -> Running:
    settings = plan.settings
    simulator_port = place.pick_port("127.0.0.1", settings.port + 1) if plan.demo else None
    clock_file = settings.clock_file or (settings.data_dir / "clock.json" if plan.demo else None)
    if simulator_port is not None and clock_file is not None:
        await parts.supervisor.start(_simulator(simulator_port, clock_file))
    url = await _database(settings, parts, report)
    applied = await migrate(url, at=system_now())
    if applied:
        report(f"applied {len(applied)} migrations")
    await _check_keys(settings, url)
    env = _environment(settings, url, clock_file, plan)
    await parts.supervisor.start(_ours("web", "serve", env))
    for number in range(1, plan.workers + 1):
        await parts.supervisor.start(_ours(f"worker-{number}", "work", env))
    address = f"http://{settings.host}:{settings.port}"
    await _wait_for(f"{address}/v1/ready", "web", parts)
    api_key = sign_in = stage = None
    if simulator_port is not None:
        simulator = f"http://127.0.0.1:{simulator_port}"
        await _wait_for(f"{simulator}/sim/info", "simulator", parts)
        stage = demo.Stage(database_url=url, address=address, simulator=simulator, data_dir=settings.data_dir)
        try:
            api_key = await demo.open_shop(stage, report=report)
            sign_in = demo.sign_in_of(stage)
        except demo.DemoFailedError as error:
            report(str(error))  # everything else runs, and its logs help to find out why
    return Running(
        address=address,
        data_dir=settings.data_dir,
        seconds=time.monotonic() - began,
        api_key=api_key,
        sign_in=sign_in,
        stage=stage,
    )


async def _play(running: Running, report: Report, on_story: Callable[[list[str]], None]) -> None:
    if running.stage is None or running.api_key is None:
        return
    try:
        on_story(await demo.play_order(running.stage))
    except demo.DemoFailedError as error:
        report(str(error))


async def _database(settings: Settings, parts: _Parts, report: Report) -> str:
    if settings.database_url:
        return settings.database_url
    parts.server = EmbeddedServer(settings.data_dir, report=report)
    url = await parts.server.start()
    parts.watching = asyncio.create_task(parts.server.watch())

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            parts.reason = str(error)
            parts.failed.set()

    parts.watching.add_done_callback(ended)
    return url


async def _check_keys(settings: Settings, url: str) -> None:
    database = Database(url, max_size=1)
    await database.open()
    try:
        await open_keys(database, settings)
    finally:
        await database.close()


def _environment(settings: Settings, url: str, clock_file: Path | None, plan: RunPlan) -> dict[str, str]:
    env = {
        "DATABASE_URL": url,
        "SOJOURN_DATA_DIR": str(settings.data_dir),
        "SOJOURN_HOST": settings.host,
        "SOJOURN_PORT": str(settings.port),
        "SOJOURN_PUBLIC_URL": settings.public_url,
    }
    if clock_file is not None:
        env["SOJOURN_CLOCK_FILE"] = str(clock_file)
    if plan.demo and not settings.allow_private_urls:
        env["SOJOURN_ALLOW_PRIVATE_URLS"] = "loopback"  # simulator and the demo's own shop; no other network
    return env


def _ours(name: str, command: str, env: dict[str, str]) -> Program:
    return Program(name=name, command=[sys.executable, "-m", "sojourn", command], env=env)


def _simulator(port: int, clock_file: Path) -> Program:
    where = ["--host", "127.0.0.1", "--port", str(port), "--clock-file", str(clock_file)]
    return Program(name="simulator", command=[sys.executable, "-m", "cloudsim.main", *where])


async def _wait_for(url: str, name: str, parts: _Parts) -> None:
    deadline = time.monotonic() + READY_PATIENCE_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with session.get(url) as answer:
                    if answer.status < 500:
                        return
            if parts.supervisor.gave_up(name):
                break
            await asyncio.sleep(0.05)
    words = parts.supervisor.last_words(name) or "nothing"
    raise ChildFailedError(f"{name} does not come up at {url}. It said:\n{words}")


async def _stop(parts: _Parts) -> None:
    await parts.supervisor.stop()
    if parts.watching is not None:
        parts.watching.cancel()
        await asyncio.wait([parts.watching])
    if parts.server is not None:
        await parts.server.stop()


async def _first(*waits: asyncio.Event | asyncio.Task[Running]) -> None:
    """Wait until one of these happens; cancels what we made for waiting, and a start that is cut short."""
    own = [asyncio.create_task(wait.wait()) for wait in waits if isinstance(wait, asyncio.Event)]
    given = [wait for wait in waits if isinstance(wait, asyncio.Task)]
    try:
        await asyncio.wait([*own, *given], return_when=asyncio.FIRST_COMPLETED)
    finally:
        unfinished = [task for task in [*own, *given] if not task.done()]
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    count = 0

    def ask() -> None:
        nonlocal count
        count += 1
        stop.set()
        if count > 2:  # somebody presses Ctrl-C again and again: the children end with us
            os._exit(130)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    return stop
