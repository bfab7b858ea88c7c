"""Runs on a real database: started, moved, due, held; each thing once."""

from __future__ import annotations

import json
from datetime import timedelta

from sojourn.conversations.model import Reply
from sojourn.conversations.signals import ReplyRouted
from sojourn.journeys import actions
from sojourn.journeys.interpreter.run import UrlAnswered
from sojourn.journeys.store import runs as store
from sojourn.kit.database import execute, fetch_all
from sojourn.profiles import store as profiles
from tests.support.journeys import World

ORDER = """
  start: {type: event_trigger, event: order.confirmed, run_key: event.order_id, next: wait}
  wait:
    type: wait_for
    for:
      - {exit: shipped, event: order.shipped, match: order_id, if: {path: event.carrier, op: exists}}
      - {exit: cancelled, event: order.cancelled, match: order_id}
    timeout: 2d
    exits: {shipped: note, cancelled: stopped, timeout: late}
  note: {type: set_variable, set: {carrier: '{{ event.carrier }}'}, next: nap}
  nap: {type: wait_time, for: 1h, next: check}
  check:
    type: condition
    cases: [{exit: known, if: {path: profile.first_name, value: Anna}}]
    exits: {known: mark, else: done}
  mark: {type: update_profile, set: {last_carrier: '{{ run.carrier }}'}, next: again}
  again:
    type: condition
    cases: [{exit: seen, if: {path: profile.last_carrier, value: '{{ run.carrier }}'}}]
    exits: {seen: done, else: late}
  done: {type: end, reason: shipped}
  stopped: {type: end, reason: cancelled}
  late: {type: end, reason: late}
"""


async def test_two_orders_of_one_person_are_two_runs_and_each_hears_its_own_events(world: World) -> None:
    await world.publish(ORDER)
    await world.receive(
        world.event("order.confirmed", order_id="B-1001"), world.event("order.confirmed", order_id="B-1002")
    )
    await world.receive(world.event("order.shipped", order_id="B-1001", carrier="PakketX"))
    assert {run.run_key: run.node for run in await world.runs()} == {"B-1001": "nap", "B-1002": "wait"}
    await world.pass_time(hours=1)
    first, second = await world.runs()
    assert (first.state, first.exit_reason, first.due_at) == ("finished", "shipped", None)
    assert (second.state, second.node) == ("waiting", "wait")
    assert await world.steps(first) == [
        "start → next",
        "wait → shipped",
        "note → next",
        "nap → next",
        "check → known",
        "mark → next",
        "again → seen",
        "done → end",
    ]
    anna = await profiles.get_profile(world.conn, world.caller.workspace_id, world.anna)
    assert anna.attributes["last_carrier"] == "PakketX"
    await world.pass_time(days=2)
    assert (await world.run("B-1002")).exit_reason == "late"


async def test_the_same_events_again_do_nothing_more(world: World) -> None:
    await world.publish(ORDER)
    confirmed = world.event("order.confirmed", order_id="B-1")
    shipped = world.event("order.shipped", order_id="B-1", carrier="X")
    await world.receive(confirmed, confirmed)
    await world.receive(confirmed, shipped, shipped)
    await world.pass_time(hours=1)
    steps = await world.steps(await world.run("B-1"))
    await world.receive(confirmed, shipped)
    [run] = await world.runs()
    assert (run.state, await world.steps(run)) == ("finished", steps)


async def test_one_batch_with_start_and_continuation_happens_in_order(world: World) -> None:
    await world.publish(ORDER)
    others = [await world.person(f"p{index}") for index in range(20)]
    events = [world.event("order.confirmed", person, order_id="A") for person in others]
    events += [world.event("order.shipped", person, order_id="A", carrier="X") for person in others]
    await world.receive(*events)
    assert {run.node for run in await world.runs()} == {"nap"}
    assert await world.pass_time(hours=1) == 20
    assert {run.exit_reason for run in await world.runs()} == {"shipped"}


async def test_a_finished_run_lets_a_new_one_begin_and_an_open_one_does_not(world: World) -> None:
    await world.publish(ORDER)
    await world.receive(world.event("order.confirmed", order_id="B-1"), world.event("order.confirmed", order_id="B-1"))
    assert len(await world.runs()) == 1
    await world.receive(world.event("order.cancelled", order_id="B-1"))
    await world.receive(world.event("order.confirmed", order_id="B-1"))
    assert [run.state for run in await world.runs()] == ["finished", "waiting"]


async def test_runs_stay_in_the_version_in_which_they_began(world: World) -> None:
    await world.publish(ORDER)
    await world.receive(world.event("order.confirmed", order_id="old"))
    _, _ = await world.publish(ORDER.replace("reason: late", "reason: too_late"))
    await world.receive(world.event("order.confirmed", order_id="new"))
    await world.pass_time(days=2)
    assert {run.run_key: run.exit_reason for run in await world.runs()} == {"old": "late", "new": "too_late"}


CALL = """
  start: {type: event_trigger, event: a, next: call}
  call:
    type: call_url
    url: https://shop.example/points
    json: {who: '{{ profile.first_name }}'}
    save: {points: data.points}
    exits: {ok: check, failed: broken}
  check: {type: condition, cases: [{exit: rich, if: {path: run.points, op: gt, value: 10}}], exits: {rich: rich, else: broken}}
  rich: {type: end, reason: rich}
  broken: {type: end, reason: broken}
"""


async def test_a_call_is_a_job_and_its_answer_counts_once(world: World) -> None:
    await world.publish(CALL)
    await world.receive(world.event("a"))
    [job] = await world.jobs("journeys.call_urls")
    payload = json.loads(bytes(job["payload"]))
    assert (payload["url"], payload["body"], payload["seq"]) == ("https://shop.example/points", {"who": "Anna"}, 1)
    run = await world.run()
    answer = UrlAnswered(seq=1, exit="ok", status=200, values={"points": 11})
    await actions.answer_runs(world.conn, [(run.id, answer), (run.id, answer)], keys=world.keys, now=world.now)
    run = await world.run()
    assert (run.exit_reason, run.memory["variables"]) == ("rich", {"points": 11})


SEND = """
  start: {type: event_trigger, event: a, next: send}
  send: {type: send_message, purpose: service, text: 'Hi {{ profile.first_name }}', exits: {excluded: refused}, next: ask}
  ask:
    type: branch_reply
    cases: [{exit: yes, text: yes}]
    no_answer_after: 1h
    exits: {yes: yes, else: other, no_answer: silent}
  refused: {type: end, reason: refused}
  yes: {type: end, reason: yes}
  other: {type: end, reason: other}
  silent: {type: end, reason: silent}
"""


async def test_a_refused_message_lets_the_run_go_on_in_the_same_transaction(world: World) -> None:
    await world.publish(SEND)
    await world.receive(world.event("a"))
    run = await world.run()
    assert run.exit_reason == "refused"
    [step] = [step for step in await world.steps(run) if step.startswith("send")]
    assert step.startswith("send → excluded.")


async def to_question(world: World) -> None:
    """Bring Anna's run past its message, as if that had been accepted."""
    await execute(
        world.conn, "UPDATE runs SET state = 'waiting', ended_at = NULL, exit_reason = NULL, node = 'send', seq = 1"
    )
    await execute(world.conn, "DELETE FROM steps WHERE seq > 0")
    await world.report(await world.run(), "accepted")


def said(world: World, run_id, text: str, number: int = 1) -> ReplyRouted:
    reply = Reply(
        message_id=f"m{number}", provider_message_id=f"wamid.{number}", sender_id=world.anna, kind="text", text=text
    )
    return ReplyRouted(
        workspace_id=world.caller.workspace_id,
        profile_id=world.anna,
        owner_kind="journey",
        run_id=run_id,
        message=reply,
        at=world.now,
    )


async def test_a_reply_moves_its_run_once(world: World) -> None:
    await world.publish(SEND)
    await world.receive(world.event("a"))
    await to_question(world)
    run = await world.run()
    assert (run.node, run.due_at) == ("ask", world.now + timedelta(hours=1))
    reply = said(world, run.id, "Yes!")
    await actions.receive_replies(world.conn, [reply, reply], keys=world.keys, now=world.now)
    assert (await world.run()).exit_reason == "yes"
    await actions.receive_replies(world.conn, [reply], keys=world.keys, now=world.now)
    assert (await world.steps(await world.run()))[-1] == "yes → end"


async def test_no_answer_leaves_by_its_own_exit(world: World) -> None:
    await world.publish(SEND)
    await world.receive(world.event("a"))
    await to_question(world)
    await world.pass_time(hours=1)
    assert (await world.run()).exit_reason == "silent"
    assert await fetch_all(world.conn, "SELECT 1 AS one FROM open_questions", {}) == []


async def test_a_paused_journey_keeps_what_comes_and_goes_on_with_it(world: World) -> None:
    journey, _ = await world.publish(ORDER)
    for key in ("shipped", "timed", "quiet"):
        await world.receive(world.event("order.confirmed", order_id=key))
    await actions.pause_journey(world.conn, world.caller, journey.id, now=world.now)
    await world.receive(
        world.event("order.shipped", order_id="shipped", carrier="X"), world.event("order.confirmed", order_id="new")
    )
    await world.pass_time(hours=47)
    assert {run.state for run in await world.runs()} == {"held"}
    await actions.resume_journey(world.conn, world.caller, journey.id, now=world.now)
    assert len(await world.jobs("journeys.release_runs")) == 1
    assert await store.release_held(world.conn, journey.id, limit=100, now=world.now) == 3
    await world.pass_time(minutes=1)
    assert {run.run_key: (run.state, run.node) for run in await world.runs()} == {
        "shipped": ("waiting", "nap"),
        "timed": ("waiting", "wait"),
        "quiet": ("waiting", "wait"),
    }
    await world.pass_time(hours=2)
    assert {run.run_key: run.exit_reason for run in await world.runs()} == {
        "shipped": "shipped",
        "timed": "late",
        "quiet": "late",
    }


async def test_erasing_a_person_ends_their_runs_and_forgets_what_they_remember(world: World) -> None:
    await world.publish(ORDER)
    await world.receive(world.event("order.confirmed", order_id="B-1"))
    await world.receive(world.event("order.shipped", order_id="B-1", carrier="secret"))
    counts = await actions.erase_profiles(world.conn, [world.anna], world.now)
    [run] = await world.runs()
    assert (counts["runs"], run.state, run.exit_reason, run.memory, run.run_key) == (1, "cancelled", "erased", {}, "")


async def test_a_claim_from_a_watermark_and_from_the_beginning_see_the_same_runs(world: World) -> None:
    await world.publish(ORDER)
    await world.receive(world.event("order.confirmed", order_id="B-1"))
    due = (await world.run("B-1")).due_at
    assert due is not None
    later = due + timedelta(minutes=1)
    for since, found in ((None, 1), (due, 1), (due + timedelta(seconds=1), 0)):
        claimed = await store.claim_due(world.conn, now=later, since=since, limit=10)
        assert len(claimed) == found
    assert len(await store.claim_due(world.conn, now=later, since=None, limit=10, buckets=range(256))) == 1
    assert await store.find_next_due(world.conn) == due
