"""Runs of two profiles that became one person: one run a key, and each event reaches all of that person's runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Database
from sojourn.profiles import actions as profiles
from tests.support.journeys import World, make_world
from tests.support.waiting import start_and_wait_for

PARCEL = """
  start: {type: event_trigger, event: order.shipped, run_key: event.order_id, next: wait}
  wait:
    type: wait_for
    for: [{exit: delivered, event: order.delivered, match: order_id}]
    timeout: 2d
    exits: {delivered: done, timeout: done}
  done: {type: end}
"""


async def become_one(world: World, *, loser: UUID, winner: UUID) -> None:
    await profiles.merge_profile(
        world.conn, world.caller.workspace_id, loser_id=loser, winner_id=winner, actor="system", now=world.now
    )


@pytest.mark.parametrize("wins", ["who has the run", "who has none"])
async def test_while_a_run_with_a_key_is_open_the_same_order_starts_no_second_one_for_the_person(
    world: World, wins: str
) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    await world.receive(world.event("order.shipped", order_id="Q1"))
    winner, loser = (world.anna, bert) if wins == "who has the run" else (bert, world.anna)
    await become_one(world, loser=loser, winner=winner)
    await world.receive(world.event("order.shipped", winner, order_id="Q1"))
    [run] = await world.runs()
    assert (run.profile_id, run.state) == (world.anna, "waiting")
    await world.receive(world.event("order.shipped", winner, order_id="Q2"))
    assert [run.run_key for run in await world.runs()] == ["Q1", "Q2"]


async def test_an_order_told_of_one_profile_before_the_merge_and_of_the_other_after_it_is_one_run(world: World) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    early = world.event("order.shipped", world.anna, order_id="Q1")
    await become_one(world, loser=world.anna, winner=bert)
    late = world.event("order.shipped", bert, order_id="Q1")
    await world.receive(late, early)
    assert len(await world.runs()) == 1


async def test_once_the_run_has_ended_the_same_order_starts_another(world: World) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    await world.receive(world.event("order.shipped", order_id="Q1"))
    await become_one(world, loser=world.anna, winner=bert)
    await world.receive(world.event("order.delivered", bert, order_id="Q1"))
    await world.receive(world.event("order.shipped", bert, order_id="Q1"))
    assert [run.state for run in await world.runs()] == ["finished", "waiting"]


async def test_profiles_that_were_merged_by_way_of_a_third_are_one_person_too(world: World) -> None:
    await world.publish(PARCEL)
    bert, carl = await world.person("Bert"), await world.person("Carl")
    await world.receive(world.event("order.shipped", order_id="Q1"))
    await become_one(world, loser=world.anna, winner=bert)
    await become_one(world, loser=bert, winner=carl)
    await world.receive(world.event("order.shipped", carl, order_id="Q1"))
    assert len(await world.runs()) == 1


async def test_events_of_both_profiles_in_one_batch_all_reach_the_run(world: World) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    await world.receive(world.event("order.shipped", order_id="Q1"), world.event("order.shipped", order_id="Q2"))
    own = world.event("order.delivered", world.anna, order_id="Q1")  # recorded before the merge, read after it
    await become_one(world, loser=world.anna, winner=bert)
    await world.receive(own, world.event("order.delivered", bert, order_id="Q2"))
    assert [run.state for run in await world.runs()] == ["finished", "finished"]


async def test_an_event_of_the_merged_profile_reaches_runs_of_the_one_that_stands_for_it(world: World) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    own = world.event("order.delivered", world.anna, order_id="Q1")
    await become_one(world, loser=world.anna, winner=bert)
    await world.receive(world.event("order.shipped", bert, order_id="Q1"))
    await world.receive(own)
    assert (await world.run("Q1")).state == "finished"


async def test_after_the_merge_was_undone_each_has_runs_of_their_own(world: World) -> None:
    await world.publish(PARCEL)
    bert = await world.person("Bert")
    await world.receive(world.event("order.shipped", order_id="Q1"))
    await become_one(world, loser=world.anna, winner=bert)
    await profiles.unmerge_profile(
        world.conn, world.caller.workspace_id, loser_id=world.anna, winner_id=bert, actor="system", now=world.now
    )
    await world.receive(world.event("order.shipped", bert, order_id="Q1"))
    assert sorted(run.profile_id for run in await world.runs()) == sorted([world.anna, bert])


async def test_a_merge_waits_for_the_run_that_is_just_starting(
    database: Database, now: datetime, keys: KeyRing
) -> None:
    async with database.transaction() as conn:
        world = await make_world(conn, now, keys)
        bert = await world.person("Bert")
        await world.publish(PARCEL)

    async def merge(conn: Conn) -> None:
        await become_one(replace(world, conn=conn), loser=world.anna, winner=bert)

    async with database.transaction() as starting:
        world.conn = starting
        await world.receive(world.event("order.shipped", world.anna, order_id="Q1"))
        merging = await start_and_wait_for(database, starting, merge)
    await merging
    async with database.transaction() as world.conn:
        await world.receive(world.event("order.shipped", bert, order_id="Q1"))
        assert len(await world.runs()) == 1


async def test_two_profiles_of_a_person_do_not_start_the_same_run_at_once(
    database: Database, now: datetime, keys: KeyRing
) -> None:
    async with database.transaction() as conn:
        world = await make_world(conn, now, keys)
        bert = await world.person("Bert")
        await world.publish(PARCEL)
        early = world.event("order.shipped", world.anna, order_id="Q1")
        await become_one(world, loser=world.anna, winner=bert)
    late = world.event("order.shipped", bert, order_id="Q1")

    async def receive(conn: Conn) -> None:
        await replace(world, conn=conn).receive(late)

    async with database.transaction() as first:
        await replace(world, conn=first).receive(early)
        second = await start_and_wait_for(database, first, receive)
    await second
    async with database.transaction() as world.conn:
        assert len(await world.runs()) == 1
