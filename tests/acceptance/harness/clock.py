"""The story's clock: system time plus an offset in a file that product and simulator read."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo


class StoryClock:
    """Starts at `start` (aware) and runs on at the pace of real time; `push` moves it forward."""

    def __init__(self, file: Path, start: datetime) -> None:
        self.file = file
        self.start = start
        self.zone = start.tzinfo if isinstance(start.tzinfo, ZoneInfo) else ZoneInfo("UTC")
        self._offset = 0.0
        self._write(start.timestamp() - time.time())

    def now(self) -> datetime:
        """The present moment of the story, UTC."""
        return datetime.fromtimestamp(time.time() + self._offset, UTC)

    def push(self, moment: datetime) -> None:
        """Move to `moment`. Moving back is refused: what happened has happened."""
        offset = moment.timestamp() - time.time()
        if offset > self._offset:
            self._write(offset)

    def at(self, text: str, *, days: int = 0) -> datetime:
        """A wall-clock time ("09:00", "09:00:20") of the first day, or of `days` later, in the story's zone."""
        hour, minute, second = (*(int(part) for part in text.split(":")), 0)[:3]
        day = self.start.astimezone(self.zone) + timedelta(days=days)
        return day.replace(hour=hour, minute=minute, second=second, microsecond=0).astimezone(UTC)

    def _write(self, offset: float) -> None:
        self._offset = offset
        fresh = self.file.with_name(f"{self.file.name}.{os.getpid()}.new")
        fresh.write_text(json.dumps({"offset_seconds": offset}))
        fresh.replace(self.file)
