"""Starts again whatever dies, as a service manager would, with crash points armed."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from types import TracebackType

from tests.acceptance.harness.story import ROOT, Story

POINT = re.compile(r'crash\.point\("([a-z_.]+)"\)')
LOOK_SECONDS = 0.02
SPREAD = 3


def crash_points() -> list[str]:
    """Every crash point that the product names; a new one is found by itself."""
    source = ROOT / "src/sojourn"
    found = {name for file in source.rglob("*.py") for name in POINT.findall(file.read_text())}
    assert len(found) > 15
    return sorted(found)


class Supervisor:
    """For the length of the block, starts again what dies. Each of `points` kills one process, once in all."""

    def __init__(self, story: Story, points: list[str] | None = None) -> None:
        self._story = story
        self._points = list(points or [])
        self._folder = story.folder / "crashes"
        self._task: asyncio.Task[None] | None = None
        self.starts: Counter[str] = Counter()

    async def __aenter__(self) -> Supervisor:
        self._folder.mkdir(exist_ok=True)
        if self._points:  # from now on every process is armed
            self._story.kill(database=False)
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        if self._task.done():
            await self._task
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if kind is None:
            await self._revive()

    def fired(self) -> set[str]:
        """The points that have killed somebody."""
        return {file.name for file in self._folder.iterdir()}

    def missing(self) -> list[str]:
        """The points that have not."""
        return sorted(set(self._points) - self.fired())

    async def _watch(self) -> None:
        while True:
            await self._revive()
            await asyncio.sleep(LOOK_SECONDS)

    async def _revive(self) -> None:
        story = self._story
        if not story.database.child.is_running():
            await asyncio.to_thread(story.database.start)
            self.starts["postgres"] += 1
        for child in (story.web, *story.workers):
            if not child.is_running():
                child.check()
                child.start(self._armed())
                self.starts[child.name] += 1

    def _armed(self) -> dict[str, str]:
        """Points that have not fired; at the first, second or third time they are passed, another one at each start."""
        start = sum(self.starts.values())
        names = self.missing()
        armed = ",".join(f"{name}:{1 + (place + start) % SPREAD}" for place, name in enumerate(names))
        return {"SOJOURN_CRASH": armed, "SOJOURN_CRASH_DIR": str(self._folder)}
