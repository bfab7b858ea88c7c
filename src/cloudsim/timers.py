"""Things that fall due on the virtual clock. A push of the clock fires them in order of their due time."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any

from cloudsim.clock import Clock

SLICE = 400  # timers fired before other requests get their turn
TICK_SECONDS = 0.004
IDLE_TICK_SECONDS = 0.02

Action = Callable[..., None]


class Timers:
    """`now()` is the due time while a timer fires, so that what it causes is dated as if nobody had pushed."""

    def __init__(self, clock: Clock, report: Callable[[Exception], None]) -> None:
        self._clock = clock
        self._report = report
        self._heap: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._number = itertools.count()
        self._firing_at: float | None = None

    def now(self) -> float:
        return self._clock.now() if self._firing_at is None else self._firing_at

    def at(self, due: float, action: Action, *args: Any) -> None:
        heapq.heappush(self._heap, (due, next(self._number), action, args))

    def after(self, seconds: float, action: Action, *args: Any) -> None:
        self.at(self.now() + seconds, action, *args)

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def is_due(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.now()

    def clear(self) -> None:
        self._heap.clear()

    def fire_due(self, limit: int = SLICE) -> int:
        """Fire at most `limit` due timers, the earliest first; return how many fired.

        A timer that raises is reported and does not stop the others.
        """
        heap = self._heap
        moment = self._clock.now()
        fired = 0
        try:
            while heap and heap[0][0] <= moment and fired < limit:
                due, _, action, args = heapq.heappop(heap)
                self._firing_at = due
                fired += 1
                try:
                    action(*args)
                except Exception as error:
                    self._report(error)
        finally:
            self._firing_at = None
        return fired

    async def run(self) -> None:
        """Fire what falls due, for ever."""
        while True:
            if self.fire_due() == SLICE:
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(TICK_SECONDS if self._is_near() else IDLE_TICK_SECONDS)

    def _is_near(self) -> bool:
        return bool(self._heap) and self._heap[0][0] - self._clock.now() < IDLE_TICK_SECONDS
