"""Hands live news to the streams of this process: one reader of the table for all of them, no connection kept.

A stream holds a bounded queue. One that takes its news too slowly loses them and is told to `reset`, which means: ask
again for what is on the screen. Rows may become visible a little later than their ids say, so that the reader looks
back; what it has seen in that time it does not read twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from sojourn.kit import live
from sojourn.kit.clock import system_now
from sojourn.kit.database import Database
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.ids import first_id
from sojourn.kit.live import StoredEvent

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 0.25
AWAY_SECONDS = 1.0  # between looks while the database is away
QUEUE_MAX = 200  # pieces of news that wait for a slow stream
READ_MAX = 1_000  # rows a look
STREAMS_MAX = 1_000  # a process
# A topic that is a view of another one's rows.
VIEWS = {"messages": ("messages", "deliveries")}


@dataclass(slots=True, eq=False)
class Stream:
    """One browser's subscription. `must_check`: somebody's rights changed, perhaps this one's."""

    workspace_id: UUID
    topics: frozenset[str]
    actor: str
    queue: deque[tuple[StoredEvent, str]] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_reset: bool = False
    must_check: bool = False
    is_over: bool = False

    def offer(self, event: StoredEvent) -> None:
        """Queue what is news for this stream; too much of it becomes a reset."""
        for topic in topics_of(event, self.topics):
            if len(self.queue) >= QUEUE_MAX:
                self.lose()
                return
            self.queue.append((event, topic))
            self.woken.set()

    def lose(self) -> None:
        """Drop what waits: the browser has to look for itself."""
        self.queue.clear()
        self.is_reset = True
        self.woken.set()

    async def wait(self, seconds: float) -> None:
        """Return when there is something to do, or after this time."""
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return
        self.woken.clear()


def topics_of(event: StoredEvent, wanted: Iterable[str]) -> list[str]:
    """Those of the wanted topics that a row is news of."""
    found = []
    for topic in wanted:
        name, _, id_ = topic.partition(":")
        if (
            event.topic == topic
            or event.topic in VIEWS.get(topic, ())
            or (name == "profile" and id_ in event.profiles)
            or (name == "phone" and id_ in event.senders)
        ):
            found.append(topic)
    return found


class Hub:
    """All streams of a process, and the one reader behind them, which runs while there is a stream."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._streams: set[Stream] = set()
        self._reader: asyncio.Task[None] | None = None
        self._newest = first_id(system_now())
        self._read_at: datetime = system_now()
        self._seen: dict[UUID, None] = {}
        self._closing = False

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def position(self) -> UUID:
        """Up to where everything was handed on; a stream that resumes here misses nothing."""
        return max(self._newest, first_id(self._read_at))

    def open(self, stream: Stream) -> None:
        """Add a stream; news from now on reach it."""
        if not self._streams:
            self._newest, self._seen, self._read_at = first_id(system_now()), {}, system_now()
        self._streams.add(stream)
        if self._closing:
            stream.is_over = True
            stream.woken.set()
        elif self._reader is None or self._reader.done():
            self._reader = asyncio.get_running_loop().create_task(self._read_on())

    def close(self, stream: Stream) -> None:
        """Remove a stream; the reader rests when it was the last one."""
        self._streams.discard(stream)
        if not self._streams and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def end_all(self) -> None:
        """End every stream: the process is about to stop."""
        self._closing = True
        for stream in self._streams:
            stream.is_over = True
            stream.woken.set()

    async def _read_on(self) -> None:
        while True:
            try:
                full = await self._look()
                await asyncio.sleep(0 if full else LOOK_EVERY_SECONDS)
            except DatabaseUnavailable:
                await asyncio.sleep(AWAY_SECONDS)
            except Exception as error:
                log.error("live_reader_failed", error=type(error).__name__, exc_info=error)
                await asyncio.sleep(AWAY_SECONDS)

    async def _look(self) -> bool:
        """Hand on what is new; whether there may be more at once."""
        began = system_now()
        after = first_id(live.moment_of(self._newest) - live.OVERLAP)
        async with self._database().transaction() as conn:
            events = await live.read_new(conn, after=after, seen=list(self._seen), limit=READ_MAX)
        if began - self._read_at > live.KEPT:
            for stream in self._streams:
                stream.lose()
        self._read_at = began
        for event in events:
            self._seen[event.id] = None
            self._hand_on(event)
        if events:
            self._newest = max(self._newest, events[-1].id)
            oldest = first_id(live.moment_of(self._newest) - live.OVERLAP)
            self._seen = {id_: None for id_ in self._seen if id_ >= oldest}
        return len(events) >= READ_MAX

    def _hand_on(self, event: StoredEvent) -> None:
        for stream in self._streams:
            if stream.workspace_id != event.workspace_id:
                continue
            if event.topic == live.ACCESS:
                actor: Any = event.payload.get("actor")
                if actor is None or actor == stream.actor:
                    stream.must_check = True
                    stream.woken.set()
            else:
                stream.offer(event)
