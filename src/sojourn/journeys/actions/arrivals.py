"""What comes for runs: events, answers, news of deliveries, answered calls, time. Each in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from sojourn.conversations.signals import ReplyRouted
from sojourn.deliveries.signals import DeliveryStatusChanged
from sojourn.events.signals import EventRecorded
from sojourn.journeys.actions import engine, versions
from sojourn.journeys.actions.engine import Arrival
from sojourn.journeys.interpreter.advance import begin, hold, start_key
from sojourn.journeys.interpreter.run import (
    DeliveryReported,
    EventCame,
    ReplyCame,
    Resume,
    Run,
    TimerDue,
    UrlAnswered,
)
from sojourn.journeys.store import definitions
from sojourn.journeys.store import runs as store
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import store as profiles
from sojourn.profiles.model import ProfileId

T = TypeVar("T")
REPLIES = UUID("4b3f4f2e-5a0e-5d27-9c3e-6c1f6a3b2d10")  # namespace of the ids that answers get


async def receive_events(conn: Conn, batch: Sequence[EventRecorded], *, keys: KeyRing, now: datetime) -> None:
    """Resume the runs that listen to these events and start the journeys that they trigger.

    Several events of one person happen one after the other. The same event again does nothing more. Profiles that
    were merged are one person: an event of either reaches the runs of both, and while one of them has a run open
    under a key, neither starts a second one.
    """
    people = await profiles.list_people(conn, [event.profile_id for event in batch])
    for wave in _waves(batch, lambda event: people[event.profile_id]):
        started_by = await _list_started_by(conn, wave)
        await _resume_listeners(conn, wave, people, keys=keys, now=now)
        await _start(conn, wave, started_by, keys=keys, now=now)


async def receive_replies(conn: Conn, batch: Sequence[ReplyRouted], *, keys: KeyRing, now: datetime) -> None:
    """Give answers to the runs that own them. The same answer again does nothing more."""
    mine = [reply for reply in batch if reply.owner_kind == "journey" and reply.run_id is not None]
    for wave in _waves(mine, lambda reply: reply.run_id):
        pairs = [(reply.run_id, _reply(reply)) for reply in wave if reply.run_id is not None]
        await _resume_by_id(conn, pairs, keys=keys, now=now)


async def receive_statuses(conn: Conn, batch: Sequence[DeliveryStatusChanged], *, keys: KeyRing, now: datetime) -> None:
    """Tell runs how far their messages got."""
    mine = [news for news in batch if news.owner_kind == "journey" and news.run_id is not None and news.step_key]
    for wave in _waves(mine, lambda news: news.run_id):
        pairs = [
            (
                news.run_id,
                DeliveryReported(
                    delivery_id=news.delivery_id, step_key=news.step_key, status=news.status, at=news.at,
                    reason=news.reason, reaction=news.reaction,
                ),
            )
            for news in wave if news.run_id is not None and news.step_key is not None
        ]  # fmt: skip
        await _resume_by_id(conn, pairs, keys=keys, now=now)


async def answer_runs(conn: Conn, answers: Sequence[tuple[UUID, UrlAnswered]], *, keys: KeyRing, now: datetime) -> None:
    """Give runs the answers of the addresses that they called. An answer to an earlier visit does nothing."""
    for wave in _waves(answers, lambda answer: answer[0]):
        await _resume_by_id(conn, wave, keys=keys, now=now)


async def advance_due(
    conn: Conn, *, keys: KeyRing, now: datetime, since: datetime | None, limit: int
) -> tuple[int, datetime | None]:
    """Advance up to `limit` runs whose moment has come. How many were claimed, and the latest moment among them."""
    runs = await store.claim_due(conn, now=now, since=since, limit=limit)
    if not runs:
        return 0, None
    latest = max(run.due_at for run in runs if run.due_at is not None)
    await _resume(conn, [(run, TimerDue()) for run in runs], keys=keys, now=now)
    return len(runs), latest


async def _list_started_by(conn: Conn, wave: Sequence[EventRecorded]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    pairs = {(event.workspace_id, event.name) for event in wave}
    for workspace_id, version_id in await definitions.list_started_by(conn, pairs):
        found.setdefault(workspace_id, []).append(version_id)
    return found


async def _resume_listeners(
    conn: Conn,
    wave: Sequence[EventRecorded],
    people: Mapping[UUID, tuple[ProfileId, ...]],
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    event_of: dict[UUID, EventRecorded] = {one: event for event in wave for one in people[event.profile_id]}
    listeners = await store.lock_listening(conn, event_of, {event.name for event in wave})
    if not listeners:
        return
    compiled = await versions.get_compiled(conn, {run.version_id for run in listeners})
    pairs: list[tuple[Run, Resume]] = []
    for run in listeners:
        event = event_of[run.profile_id]
        if run.version_id in compiled and event.name in compiled[run.version_id].listens:
            pairs.append((run, EventCame(event.event_id, event.name, event.properties, event.occurred_at)))
    await _resume(conn, await _unseen(conn, pairs), keys=keys, now=now)


async def _start(
    conn: Conn,
    wave: Sequence[EventRecorded],
    started_by: dict[UUID, list[UUID]],
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    if not started_by:
        return
    compiled = await versions.get_compiled(conn, [id_ for ids in started_by.values() for id_ in ids])
    fresh: list[Run] = []
    for event in wave:
        came = EventCame(event.event_id, event.name, event.properties, event.occurred_at)
        for version_id in started_by.get(event.workspace_id, ()):
            journey = compiled[version_id]
            for trigger in journey.triggers:
                key = start_key(trigger, came) if trigger.event == came.name else None
                if key is None:
                    continue
                run = begin(
                    journey, trigger, came, key=key, workspace_id=event.workspace_id, profile_id=event.profile_id,
                    now=now,
                )  # fmt: skip
                if run is not None:
                    fresh.append(run)
                    break
    if fresh:
        await engine.start_runs(conn, await _without_twins(conn, fresh), keys=keys, now=now)


async def _without_twins(conn: Conn, fresh: Sequence[Run]) -> list[Run]:
    """Leave out runs whose person has one of the same key open under another of their profiles.

    Within one profile the table itself sees to that. The lock keeps two profiles of a person from starting the same
    run at once, and a merge from coming in between.
    """
    people = await profiles.lock_people(conn, [run.profile_id for run in fresh])
    members = [one for person in people.values() if len(person) > 1 for one in person]
    taken = await store.list_open_keys(conn, members) if members else set()
    return [
        run
        for run in fresh
        if not any((one, run.journey_id, run.key) in taken for one in people[run.profile_id] if one != run.profile_id)
    ]


async def _resume_by_id(conn: Conn, pairs: Sequence[tuple[UUID, Resume]], *, keys: KeyRing, now: datetime) -> None:
    runs = await store.lock_runs(conn, [run_id for run_id, _ in pairs])
    found = [(runs[run_id], came) for run_id, came in pairs if run_id in runs and runs[run_id].state in OPEN]
    await _resume(conn, await _unseen(conn, found), keys=keys, now=now)


async def _resume(conn: Conn, pairs: Sequence[tuple[Run, Resume]], *, keys: KeyRing, now: datetime) -> None:
    """Advance runs; those of paused journeys stand still and remember what came."""
    if not pairs:
        return
    paused = await definitions.list_paused(conn, {run.journey_id for run, _ in pairs})
    going: list[Arrival] = [(run, came) for run, came in pairs if run.journey_id not in paused and run.state != "held"]
    still = [hold(run, came) for run, came in pairs if run.journey_id in paused or run.state == "held"]
    if still:
        await store.update_runs(conn, still)
    await engine.advance_runs(conn, going, keys=keys, now=now)


async def _unseen(conn: Conn, pairs: Sequence[tuple[Run, Resume]]) -> list[tuple[Run, Resume]]:
    """Leave out events and answers that ended a step of the same run before."""
    causes = {came.id for _, came in pairs if isinstance(came, EventCame | ReplyCame)}
    if not causes:
        return list(pairs)
    seen = await store.list_causes(conn, [run.id for run, _ in pairs], causes)
    return [
        (run, came)
        for run, came in pairs
        if not isinstance(came, EventCame | ReplyCame) or (run.id, came.id) not in seen
    ]


def _reply(routed: ReplyRouted) -> ReplyCame:
    reply = routed.message
    return ReplyCame(
        id=uuid5(REPLIES, reply.message_id),
        kind=reply.kind,
        at=routed.at,
        text=reply.text,
        tap_id=reply.tap_id,
        tap_title=reply.tap_title,
        message_id=reply.provider_message_id,
        step_key=routed.step_key,
        media=[str(id_) for id_ in reply.media_ids],
        location=reply.location,
    )


OPEN = frozenset({"waiting", "held"})


def _waves(items: Iterable[T], key_of: Callable[[T], object]) -> list[list[T]]:
    """The first thing of each key, then the second of each, and so on: order within a key, sets across keys."""
    waves: list[list[T]] = []
    counts: dict[object, int] = {}
    for item in items:
        key = key_of(item)
        index = counts[key] = counts.get(key, -1) + 1
        if index == len(waves):
            waves.append([])
        waves[index].append(item)
    return waves
