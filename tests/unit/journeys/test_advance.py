"""What reaches a run at the wrong moment: early events, late answers, pauses, repeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from sojourn.journeys.interpreter.advance import Needs, Progress, advance, begin, hold, run_id_of
from sojourn.journeys.interpreter.compile import CompiledJourney, compile_journey
from sojourn.journeys.interpreter.run import (
    DeliveryReported,
    EventCame,
    Facts,
    Memory,
    ProfileFacts,
    ReplyCame,
    Resume,
    Run,
    TimerDue,
    UrlAnswered,
)
from sojourn.journeys.interpreter.validate import validate_text

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
ORDER = """key: order
name: Order
nodes:
  start: {type: event_trigger, event: confirmed, run_key: event.id, next: send}
  send: {type: send_template, template: t, purpose: transactional, reply_ids: [later], next: wait}
  wait:
    type: wait_for
    for:
      - {exit: shipped, event: shipped, match: id}
      - {exit: later, reply: {tap: later}}
    timeout: 1d
    exits: {shipped: done, later: asked, timeout: silent}
  done: {type: end, reason: shipped}
  asked: {type: end, reason: later}
  silent: {type: end, reason: silent}
"""


def journey_of(text: str) -> CompiledJourney:
    definition, problems = validate_text(text)
    assert definition is not None, problems
    return compile_journey(definition, journey_id=UUID(int=1), version_id=UUID(int=2))


def event(name: str, number: int = 10, **properties: Any) -> EventCame:
    return EventCame(UUID(int=number), name, properties, NOW)


def started(journey: CompiledJourney, came: EventCame) -> Run:
    run = begin(
        journey, journey.triggers[0], came, key="B-1", workspace_id=UUID(int=3), profile_id=UUID(int=4), now=NOW
    )
    assert run is not None
    return after(journey, run, None)


def after(journey: CompiledJourney, run: Run, came: Resume | None, *, at: datetime = NOW) -> Run:
    return walk(journey, run, came, at=at).run


def walk(journey: CompiledJourney, run: Run, came: Resume | None, *, at: datetime = NOW) -> Progress:
    progress = advance(journey, run, came, now=at, facts=Facts(profile=ProfileFacts(attributes={})))
    assert isinstance(progress, Progress)
    return progress


def accepted(status: str = "accepted", step_key: str = "send:1") -> DeliveryReported:
    return DeliveryReported(delivery_id=UUID(int=77), step_key=step_key, status=status, at=NOW)


def test_an_event_during_a_send_counts_for_the_wait_behind_it() -> None:
    journey = journey_of(ORDER)
    run = after(journey, started(journey, event("confirmed", id="B-1")), event("shipped", 11, id="B-1"))
    assert run.node == "send"
    progress = walk(journey, run, accepted())
    assert progress.run.exit_reason == "shipped"
    assert [step.cause for step in progress.steps] == [None, UUID(int=11), None]


def test_a_tap_that_overtakes_the_status_of_its_message_is_not_lost() -> None:
    journey = journey_of(ORDER)
    tap = ReplyCame(id=UUID(int=12), kind="button", at=NOW, tap_id="later")
    run = after(journey, started(journey, event("confirmed", id="B-1")), tap)
    assert after(journey, run, accepted()).exit_reason == "later"


def test_the_event_of_another_order_moves_nothing() -> None:
    journey = journey_of(ORDER)
    run = after(journey, started(journey, event("confirmed", id="B-1")), accepted())
    progress = walk(journey, run, event("shipped", 11, id="B-2"))
    assert not progress.is_changed
    assert progress.run.node == "wait"


def test_a_status_of_another_visit_or_said_twice_moves_nothing() -> None:
    journey = journey_of(ORDER)
    run = started(journey, event("confirmed", id="B-1"))
    assert after(journey, run, accepted(step_key="send:9")).node == "send"
    waiting = after(journey, run, accepted())
    assert not walk(journey, waiting, accepted()).steps
    assert not walk(journey, waiting, UrlAnswered(seq=1, exit="ok")).is_changed


def test_a_timer_before_its_time_does_nothing_and_at_its_time_leaves() -> None:
    journey = journey_of(ORDER)
    run = after(journey, started(journey, event("confirmed", id="B-1")), accepted())
    assert run.due_at == NOW + timedelta(days=1)
    assert not walk(journey, run, TimerDue(), at=NOW + timedelta(hours=23)).is_changed
    assert after(journey, run, TimerDue(), at=run.due_at).exit_reason == "silent"


def test_a_held_run_goes_on_with_what_came_meanwhile() -> None:
    journey = journey_of(ORDER)
    run = started(journey, event("confirmed", id="B-1"))
    held = hold(hold(run, accepted()), event("shipped", 11, id="B-1"))
    assert (held.state, held.due_at) == ("held", None)
    assert not walk(journey, held, TimerDue()).is_changed
    stored = msgspec.json.decode(msgspec.json.encode(held.memory), type=Memory)
    released = msgspec.structs.replace(held, state="waiting", memory=stored)
    assert after(journey, released, TimerDue(), at=NOW + timedelta(days=9)).exit_reason == "shipped"


def test_a_held_run_keeps_its_own_time() -> None:
    journey = journey_of(ORDER)
    run = after(journey, started(journey, event("confirmed", id="B-1")), accepted())
    held = hold(run, event("shipped", 11, id="B-9"))
    released = msgspec.structs.replace(held, state="waiting", due_at=NOW)
    going = after(journey, released, TimerDue(), at=NOW + timedelta(hours=1))
    assert (going.node, going.due_at) == ("wait", run.due_at)


def test_a_walk_that_lacks_the_profile_asks_for_it() -> None:
    journey = journey_of(
        "key: x\nname: x\nnodes:\n  start: {type: event_trigger, event: a, next: c}\n"
        "  c: {type: condition, cases: [{exit: y, if: {path: profile.a, value: 1}}], next: done}\n  done: {type: end}\n"
    )
    run = begin(
        journey, journey.triggers[0], event("a"), key="", workspace_id=UUID(int=3), profile_id=UUID(int=4), now=NOW
    )
    assert run is not None
    assert advance(journey, run, None, now=NOW) == Needs(frozenset({"profile"}))


def test_the_given_run_stays_as_it_is() -> None:
    journey = journey_of(ORDER)
    run = started(journey, event("confirmed", id="B-1"))
    before = msgspec.json.encode(run)
    walk(journey, run, event("shipped", 11, id="B-1"))
    walk(journey, run, accepted())
    assert msgspec.json.encode(run) == before


def test_an_event_starts_the_same_run_however_often_it_is_told() -> None:
    event_id = UUID("0195a000-0000-7abc-8def-0123456789ab")
    run_id = run_id_of(UUID(int=1), event_id)
    assert run_id == run_id_of(UUID(int=1), event_id)
    assert run_id != run_id_of(UUID(int=2), event_id)
    assert (run_id.bytes[:6], run_id.bytes[15], run_id.version) == (event_id.bytes[:6], event_id.bytes[15], 7)
