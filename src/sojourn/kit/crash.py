"""Named crash points: the places where a fault test kills the process.

`SOJOURN_CRASH=deliveries.dispatched:3` kills this process with SIGKILL the third time that point is passed. Several are
separated by commas. With `SOJOURN_CRASH_DIR` each point fires once for all processes that share the folder.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


def _armed() -> dict[str, int]:
    entries = [entry for entry in os.environ.get("SOJOURN_CRASH", "").split(",") if entry]
    return {name: int(count or 1) for name, _, count in (entry.partition(":") for entry in entries)}


_REMAINING = _armed()


def point(name: str) -> None:
    """Pass a crash point. Inert unless the environment arms it."""
    if not _REMAINING or name not in _REMAINING:
        return
    _REMAINING[name] -= 1
    if _REMAINING[name] > 0:
        return
    del _REMAINING[name]
    if _first(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _first(name: str) -> bool:
    folder = os.environ.get("SOJOURN_CRASH_DIR")
    if folder is None:
        return True
    try:
        (Path(folder) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
