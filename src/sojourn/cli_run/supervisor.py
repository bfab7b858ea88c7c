"""Child processes that are started, watched, started again when they die, and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sojourn.kit.processes import describe_exit, end_with_parent

RESTART_WAITS_SECONDS = (0.05, 0.5, 1.0, 2.0, 5.0, 10.0)
LIVED_WELL_SECONDS = 30.0
STOP_PATIENCE_SECONDS = 15.0
LOG_FILE_MAX = 20 * 1024 * 1024
LAST_LINES = 6
HOPELESS_FAILURES = 3

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One child: its name for people, its command, and what it adds to the environment."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


class ChildFailedError(Exception):
    """A child ended before it was of any use; the text has its last words."""


class Supervisor:
    """Keeps programs running until `stop`. Their output goes to `<log_dir>/<name>.log`."""

    def __init__(self, log_dir: Path, *, report: Report) -> None:
        self._log_dir = log_dir
        self._report = report
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    async def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        self._processes[program.name] = await self._spawn(program)
        self._tasks[program.name] = asyncio.create_task(self._keep(program))

    def pid(self, name: str) -> int | None:
        """The process id of a program while it runs."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.returncode is None else None

    def gave_up(self, name: str) -> bool:
        """Whether a program died so often in a row that waiting for it is hopeless; it is still being tried."""
        return self._failures.get(name, 0) >= HOPELESS_FAILURES

    def last_words(self, name: str) -> str:
        """The last lines that a program printed."""
        with contextlib.suppress(FileNotFoundError):
            text = self._log_file(name).read_bytes()[-16384:].decode(errors="replace")
            return "\n".join(text.strip().splitlines()[-LAST_LINES:])
        return ""

    async def stop(self, *names: str) -> None:
        """Stop the named programs (all of them without names), politely first. Twice does no harm."""
        chosen = names or tuple(self._processes)
        tasks = [task for name in chosen if (task := self._tasks.pop(name, None)) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        processes = [process for name in chosen if (process := self._processes.pop(name, None)) is not None]
        await asyncio.gather(*[_end(process) for process in processes])

    async def _keep(self, program: Program) -> None:
        while True:
            began = time.monotonic()
            code = await self._processes[program.name].wait()
            lived_well = time.monotonic() - began > LIVED_WELL_SECONDS
            failures = self._failures[program.name] = 1 if lived_well else self._failures.get(program.name, 0) + 1
            self._report(f"{program.name} ended unexpectedly ({describe_exit(code)}); starting it again")
            await asyncio.sleep(RESTART_WAITS_SECONDS[min(failures, len(RESTART_WAITS_SECONDS)) - 1])
            self._processes[program.name] = await self._spawn(program)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        log = self._log_file(program.name)
        if log.exists() and log.stat().st_size > LOG_FILE_MAX:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                *program.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **program.env},
                start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
                preexec_fn=end_with_parent(signal.SIGTERM),
            )

    def _log_file(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"


async def _end(process: asyncio.subprocess.Process) -> None:
    for how, patience in ((signal.SIGTERM, STOP_PATIENCE_SECONDS), (signal.SIGKILL, 5.0)):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
