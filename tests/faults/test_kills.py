"""kill -9 of worker, web and database during 2,000 deliveries: exactly one message a person, and nothing to repair."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.acceptance.harness.receiver import Receiver
from tests.acceptance.harness.story import Story

from .supervisor import Supervisor, crash_points
from .traffic import GRACE, TEMPLATE, Traffic

SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 7))]
KILLS = 9
LONGEST = 300.0  # seconds of real time until every point has fired


async def test_every_crash_point_kills_once_and_nothing_is_lost(story: Story, receiver: Receiver) -> None:
    traffic = await Traffic.prepare(story, receiver)
    async with Supervisor(story, crash_points()) as supervisor:
        pouring = asyncio.create_task(traffic.pour())
        for share in (0.25, 0.6):  # the database goes as well, while messages are under way
            await _until_delivered(traffic, share, pouring)
            story.kill(web=False, workers=False, database=True)
        await pouring
        await _until_fired(story, supervisor)
    assert supervisor.missing() == []
    assert supervisor.starts["postgres"] == 2
    await story.until_up()
    await traffic.pass_grace()
    await traffic.check()


@pytest.mark.parametrize("seed", SEEDS)
async def test_kills_at_random_moments_lose_nothing(story: Story, receiver: Receiver, seed: int) -> None:
    traffic = await Traffic.prepare(story, receiver)
    dice = random.Random(seed)
    async with Supervisor(story):
        pouring = asyncio.create_task(traffic.pour())
        for number in range(KILLS):
            await _until_delivered(traffic, 0.08 * number, pouring)
            await asyncio.sleep(dice.uniform(0.0, 0.6))
            victim = dice.choice(("web", "workers", "database", "workers"))
            story.kill(web=victim == "web", workers=victim == "workers", database=victim == "database")
        await pouring
    await story.until_up()
    await traffic.pass_grace()
    await traffic.check()


@pytest.mark.soak
@pytest.mark.parametrize("point", crash_points())
async def test_one_crash_point_alone(story: Story, receiver: Receiver, point: str) -> None:
    traffic = await Traffic.prepare(story, receiver, size=400)
    async with Supervisor(story, [point]) as supervisor:
        await traffic.pour()
        await _until_fired(story, supervisor)
    assert supervisor.missing() == []
    await story.until_up()
    await traffic.pass_grace()
    await traffic.check()


async def test_with_webhooks_withheld_the_rest_stands_in_the_unknown_lane(story: Story, receiver: Receiver) -> None:
    size, lost = 200, 20
    traffic = await Traffic.prepare(story, receiver, size=size, taps=0)
    rules = [{"kind": "withhold"}, {"kind": "answer_lost", "match": {"endpoint": "messages"}, "every": size // lost}]
    await traffic.shop.sim.post("/sim/scenarios", {"rules": rules})
    async with Supervisor(story):
        await traffic.pour()
        await _until_delivered(traffic, 0.3)
        story.kill(web=False, workers=True, database=False)
        await story.settle()  # what was on its way and never left counts as unknown by then
    await story.until_up()
    await story.advance_to(story.now() + 4 * GRACE)

    unknown = {row["delivery_id"] for row in await story.api.items("/v1/deliveries/unknown")}
    funnel = await story.api.get("/v1/funnel")
    assert funnel["unknown"] == len(unknown) >= lost
    assert funnel["requested"] == size == funnel["unknown"] + funnel["left"]
    counts = await traffic.shop.counts(template=TEMPLATE)
    assert counts["per_recipient"]["max"] == 1
    assert counts["per_recipient"]["distinct"] <= size  # what never left waits as well: nobody knows that it did not

    await traffic.shop.sim.delete("/sim/scenarios")
    await traffic.shop.sim.post("/sim/webhooks/release")
    await story.settle()
    await traffic.pass_grace()
    await traffic.check()


async def _until_delivered(traffic: Traffic, share: float, pouring: asyncio.Task[None] | None = None) -> None:
    """Let time run on until so many people have their message; raises what ended the pouring before that."""
    deadline = asyncio.get_running_loop().time() + LONGEST
    while (delivered := await traffic.delivered()) < share * traffic.size:
        if pouring is not None and pouring.done():
            await pouring
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"{delivered} of {traffic.size} delivered: {await traffic.state()}")
        await asyncio.sleep(0.05)


async def _until_fired(story: Story, supervisor: Supervisor) -> None:
    deadline = asyncio.get_running_loop().time() + LONGEST
    while supervisor.missing():
        assert asyncio.get_running_loop().time() < deadline, f"never passed: {supervisor.missing()}\n{story.logs()}"
        await asyncio.sleep(0.1)
