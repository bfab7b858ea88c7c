"""What journeys do in the worker: events, answers, statuses, called addresses, time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta

import aiohttp

from sojourn.conversations.signals import ReplyRouted
from sojourn.deliveries.signals import DeliveryStatusChanged
from sojourn.events.signals import EventRecorded
from sojourn.journeys import actions, calls
from sojourn.journeys.signals import CallUrl, ReleaseRuns
from sojourn.journeys.store import definitions
from sojourn.journeys.store import runs as store
from sojourn.kit import crash, guarded_http, jobs
from sojourn.kit.database import Conn
from sojourn.kit.jobs import LEASED, Handler, Poller, Work
from sojourn.settings import AllowPrivate

BATCH = 500  # due runs a transaction
SLACK = timedelta(seconds=5)  # how far behind the latest claimed moment a claim still looks
SWEEP_SECONDS = 10.0  # how often a claim under load begins at the left edge after all
RELEASE_BATCH = 2_000
WAITS_SECONDS = (2, 10, 60, 300)  # before the second, third, … attempt of a call


async def on_events_recorded(work: Work, conn: Conn, batch: list[EventRecorded]) -> None:
    """Events start and move runs."""
    await actions.receive_events(conn, batch, keys=work.keys, now=work.now())


async def on_delivery_status_changed(work: Work, conn: Conn, batch: list[DeliveryStatusChanged]) -> None:
    """Messages of runs were accepted, arrived, were read, or ended."""
    await actions.receive_statuses(conn, batch, keys=work.keys, now=work.now())


async def on_reply_routed(work: Work, conn: Conn, batch: list[ReplyRouted]) -> None:
    """Answers that belong to runs."""
    await actions.receive_replies(conn, batch, keys=work.keys, now=work.now())


async def release_runs(work: Work, conn: Conn, batch: list[ReleaseRuns]) -> None:
    """Runs of resumed journeys are due at once, a part at a time."""
    again = []
    for job in batch:
        if job.journey_id in await definitions.list_paused(conn, [job.journey_id]):
            continue
        if await store.release_held(conn, job.journey_id, limit=RELEASE_BATCH, now=work.now()) == RELEASE_BATCH:
            again.append(job)
    await jobs.defer(conn, again)
    jobs.wake(conn, POLLER_NAME)


async def call_urls(work: Work, batch: list[CallUrl]) -> None:
    """Call addresses and resume the runs with what they say. May run twice: an answered visit is not called again.

    A repeat after a crash carries the same idempotency key; the run takes the first answer only.
    """
    async with work.transaction() as conn:
        visits = await store.list_open_visits(conn, [job.run_id for job in batch])
    due = [job for job in batch if (job.run_id, job.seq) in visits]
    allow_private = work.settings.allow_private_urls
    async with guarded_http.open_session(allow_private=allow_private) as http, asyncio.TaskGroup() as group:
        for job in due:
            group.create_task(_call_one(work, http, job, allow_private=allow_private))


async def _call_one(work: Work, http: aiohttp.ClientSession, job: CallUrl, *, allow_private: AllowPrivate) -> None:
    outcome = await calls.call(http, job, allow_private=allow_private)
    crash.point("journeys.called")
    async with work.transaction() as conn:
        now = work.now()
        if outcome.again and job.attempt < job.attempts:
            wait = WAITS_SECONDS[min(job.attempt, len(WAITS_SECONDS)) - 1]
            await jobs.defer(conn, [replace(job, attempt=job.attempt + 1)], due_at=now + timedelta(seconds=wait))
        else:
            await actions.answer_runs(conn, [(job.run_id, outcome.answer)], keys=work.keys, now=now)


class DueRuns:
    """Advances runs whose moment has come.

    A claim begins at the latest moment claimed before (less some slack), because the left edge of the index is full of
    dead entries under load. When nothing is found there, and every few seconds anyway, it begins at the left edge: so a
    run that came in late, or that a dying worker left behind, waits for that long at the most.
    """

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self._swept_at = 0.0

    async def __call__(self, work: Work) -> int:
        """One batch; how many runs it saw."""
        now = work.now()
        if self._latest is not None and self._latest > now:
            self._latest = None  # the product clock was pushed back
        since = None
        if self._latest is not None and time.monotonic() - self._swept_at < SWEEP_SECONDS:
            since = self._latest - SLACK
        count = await self._advance(work, now, since)
        if count == 0 and since is not None:
            count = await self._advance(work, now, None)
        return count

    async def _advance(self, work: Work, now: datetime, since: datetime | None) -> int:
        async with work.transaction() as conn:
            count, latest = await actions.advance_due(conn, keys=work.keys, now=now, since=since, limit=BATCH)
        if since is None:
            self._swept_at = time.monotonic()
        if latest is not None and (self._latest is None or latest > self._latest):
            self._latest = latest
        return count


async def _next_due(conn: Conn, _now: datetime) -> datetime | None:
    return await store.find_next_due(conn)


POLLER_NAME = "journeys.advance_due_runs"
advance_due_runs = DueRuns()

HANDLERS: tuple[Handler, ...] = (
    Handler(message=EventRecorded, handle=on_events_recorded, name="journeys.on_events_recorded", ordered=True),
    Handler(
        message=DeliveryStatusChanged,
        handle=on_delivery_status_changed,
        name="journeys.on_delivery_status_changed",
        ordered=True,
    ),
    Handler(message=ReplyRouted, handle=on_reply_routed, name="journeys.on_reply_routed", ordered=True),
    Handler(message=ReleaseRuns, handle=release_runs, name="journeys.release_runs", batch=1),
    Handler(message=CallUrl, handle=call_urls, name="journeys.call_urls", mode=LEASED, batch=20, concurrency=4),
)
# Two at once: while one batch is walked here, the other is written by the database.
POLLERS: tuple[Poller, ...] = (Poller(name=POLLER_NAME, handle=advance_due_runs, next_due=_next_due, concurrency=2),)
