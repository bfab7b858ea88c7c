"""The product clock: system time plus an offset that demo and tests may push.

Moments about people (due, window, quiet hours, expiry), sender rates and retry times of sends use it. Timeouts, leases
and sign-in sessions use the system clock (`system_now`).
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

CHECK_EVERY_SECONDS = 0.02


def system_now() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


class Clock:
    """Reads the offset from a file that is replaced atomically; without a file the offset is zero."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._offset = timedelta(0)
        self._seen: tuple[int, int] | None = None
        self._checked = -1.0
        if file is not None:  # before anybody asks: a thread beside the first reader must not see an offset of zero
            self._reload(file)

    @property
    def file(self) -> Path | None:
        """The offset file, where this clock can be pushed at all."""
        return self._file

    def now(self) -> datetime:
        """The product's present moment, aware, UTC."""
        return system_now() + self.offset()

    def offset(self) -> timedelta:
        """How far the product clock runs ahead (or behind) of the system clock."""
        if self._file is None:
            return self._offset
        moment = time.monotonic()
        if moment - self._checked >= CHECK_EVERY_SECONDS:
            self._checked = moment
            self._reload(self._file)
        return self._offset

    def _reload(self, file: Path) -> None:
        try:
            stat = file.stat()
        except FileNotFoundError:
            return
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen == self._seen:
            return
        try:
            self._offset = timedelta(seconds=float(json.loads(file.read_text())["offset_seconds"]))
        except (ValueError, KeyError, TypeError, FileNotFoundError):
            return
        self._seen = seen

    def push(self, offset: timedelta) -> None:
        """Set the offset, for every process that reads the same file. Raises RuntimeError without a file."""
        if self._file is None:
            raise RuntimeError("this clock cannot be pushed: SOJOURN_CLOCK_FILE is not set")
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
        temporary.replace(self._file)
        self._checked = -1.0
