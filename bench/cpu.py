"""CPU time of processes and of all that they started, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """User and system seconds of a process, of its ended children, and of the living ones."""
    return sum(_own(child) for child in [pid, *descendants(pid)])


def descendants(pid: int) -> list[int]:
    """All living children, their children, and so on."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except FileNotFoundError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / TICKS_PER_SECOND


class Meter:
    """CPU seconds by name between `start` and `stop`."""

    def __init__(self, pids: Mapping[str, Iterable[int]]) -> None:
        self._pids = {name: tuple(some) for name, some in pids.items()}
        self._before = self._read()

    def stop(self) -> dict[str, float]:
        """CPU seconds used since this was made, by name."""
        after = self._read()
        return {name: after[name] - before for name, before in self._before.items()}

    def _read(self) -> dict[str, float]:
        own = os.getpid()  # all the others are its children, and counted by their own names
        return {
            name: sum(_own(pid) if pid == own else seconds_of(pid) for pid in pids) for name, pids in self._pids.items()
        }
