"""Child processes that die with the test, write to a log file, and can be killed with -9."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


class Child:
    """One program: `start`, `kill` (SIGKILL), `stop` (SIGTERM, then insisting), `start` again."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = -1
        self._command = list(command)
        self._env = dict(env)
        self._cwd = cwd
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        assert self._process is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self, extra_env: Mapping[str, str] | None = None) -> None:
        """Start it; its output is appended to its log."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                env={**self._env, **(extra_env or {})},
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid()) if sys.platform == "linux" else None,
                **self._options,
            )
        self.restarts += 1

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, patience_seconds: float = 5.0) -> None:
        """SIGTERM; SIGKILL when that is not enough."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self, lines: int = 40) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def check(self) -> None:
        """Raises when it ended by itself."""
        if self._process is not None and self._process.poll() not in (None, -signal.SIGKILL):
            raise RuntimeError(f"{self.name} ended with {self._process.returncode}:\n{self.last_words()}")


def _die_with_parent(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
