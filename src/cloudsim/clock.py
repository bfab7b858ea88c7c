"""The clock that simulator and product share: system time plus an offset kept in a small JSON file."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

CHECK_EVERY_SECONDS = 0.02  # how stale the offset may be: a push by another process is seen within this


class Clock:
    """Virtual seconds since 1970. Without a file, or with a missing one, the offset starts at 0.

    The file holds `{"offset_seconds": <number>}`. `push` replaces it atomically, so that a reader sees
    the old or the new offset and never half of one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._offset = 0.0
        self._seen: tuple[int, int] | None = None
        self._checked_at = -1.0

    def now(self) -> float:
        moment = time.monotonic()
        if moment - self._checked_at >= CHECK_EVERY_SECONDS:
            self._checked_at = moment
            self._read()
        return time.time() + self._offset

    def refresh(self) -> None:
        """Look at the file now: whoever has just pushed and asks at once must not hear of the time before."""
        self._read()

    @property
    def offset_seconds(self) -> float:
        self._read()
        return self._offset

    def push(self, offset_seconds: float) -> None:
        """Set the offset and tell whoever reads the file."""
        self._offset = offset_seconds
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        fresh.write_text(json.dumps({"offset_seconds": offset_seconds}))
        fresh.replace(self._path)
        self._seen = _identity(self._path)

    def _read(self) -> None:
        if self._path is None:
            return
        seen = _identity(self._path)
        if seen is None or seen == self._seen:
            return
        try:
            self._offset = float(json.loads(self._path.read_text())["offset_seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return  # a writer that does not rename: the next look will find the whole file
        self._seen = seen


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def to_iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Raises ValueError for what is no ISO 8601 moment; one without a zone is read as UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
