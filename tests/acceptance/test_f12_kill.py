"""F12. Kill the process: 1,000 recipients at 20 a second, lost answers, kill -9 twice, webhooks doubled and shuffled."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from .harness.shop import Shop, crowd, template_message
from .harness.story import Story

SIZE, RATE, RUNS = 1_000, 20, 200
PEOPLE = crowd(SIZE)
WAITERS = crowd(RUNS, start=500_000)
RANK = {
    name: rank
    for rank, name in enumerate(
        ("queued", "unknown", "accepted", "held", "sent", "failed", "delivered", "read")
    )
}  # fmt: skip
GRACE = timedelta(minutes=15)
WAIT_JOURNEY = {
    "key": "reminder",
    "name": "A wait that ends during the outage",
    "nodes": {
        "begun": {"type": "event_trigger", "event": "cart.updated", "next": "rest"},
        "rest": {"type": "wait_time", "until": "{{ event.until }}", "next": "note"},
        "note": {"type": "update_profile", "set": {"reminded": True}, "next": "done"},
        "done": {"type": "end", "reason": "reminded"},
    },
}


class Watch:
    """Looks at all deliveries again and again, and remembers any status that went backwards."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._seen: dict[str, str] = {}
        self.backwards: list[tuple[str, str, str]] = []

    async def look(self) -> None:
        """Compare with the look before."""
        async for row in self._shop.api.pages("/v1/deliveries"):
            before, now = self._seen.get(row["id"], "queued"), row["status"]
            if RANK[now] < RANK[before]:
                self.backwards.append((row["id"], before, now))
            self._seen[row["id"]] = now


async def prepare(story: Story) -> tuple[Shop, str]:
    """1,000 people to write to, 200 people in a journey that waits, a simulator that doubles, shuffles and loses."""
    shop = await Shop.open(story, rate=RATE)
    await shop.sim.post("/sim/behaviour", {"latency_ms": 150, "default": {"read": 1.0, "read_delay": 1}})
    rules: list[dict[str, Any]] = [{"kind": "answer_lost", "match": {"endpoint": "messages"}, "every": 100}]
    if not story.disturbance.doubled:
        rules.append({"kind": "duplicate", "times": 1})
    if not story.disturbance.shuffled:
        rules.append({"kind": "shuffle", "seconds": 3})
    await shop.sim.post("/sim/scenarios", {"rules": rules})
    await shop.add_template("order_shipped", "Your order is on its way to you.")
    await shop.consent(PEOPLE)
    return shop, await shop.publish(WAIT_JOURNEY)


async def kill_in_flight(story: Story, shop: Shop, at: datetime, back_at: datetime) -> datetime:
    """kill -9 of web and workers at this second, while messages are on their way; the moment at which they are back."""
    await story.advance_to(at - timedelta(seconds=1))
    accepted = (await shop.counts())["accepted"]
    story.clock.push(at)

    async def more_arrived() -> bool:
        return (await shop.counts())["accepted"] > accepted

    await story.until(more_arrived)
    story.kill(database=story.disturbance.restart)
    story.clock.push(max(back_at, story.now()))
    await asyncio.sleep(0.5)  # the simulator's posts meet refused connections
    story.revive()
    await story.until_up()
    return story.now()


@pytest.mark.story()
async def test_two_kills_lose_nothing_and_send_nothing_twice(story: Story) -> None:
    shop, journey = await prepare(story)
    watch = Watch(shop)
    start = story.at("09:05:00")
    await story.advance_to(start)
    due = (start + timedelta(seconds=20)).isoformat()
    events = [{"name": "cart.updated", "profile": {"phone": phone}, "properties": {"until": due},
               "idempotency_key": f"cart-{phone}"} for phone in WAITERS]  # fmt: skip
    await shop.api.post("/v1/events", {"events": events})
    asked = await shop.deliver([template_message(phone, f"ship:{phone}", "order_shipped") for phone in PEOPLE])
    assert {one["status"] for one in asked} == {"queued"}

    back = await kill_in_flight(story, shop, start + timedelta(seconds=17), start + timedelta(seconds=24))
    await watch.look()
    await kill_in_flight(story, shop, start + timedelta(seconds=31), start + timedelta(seconds=33))
    await watch.look()
    await story.advance_to(start + timedelta(seconds=45))
    await watch.look()
    await story.advance_to(start + timedelta(minutes=2))
    await watch.look()
    await story.advance_to(start + 2 * GRACE)
    await watch.look()

    counts = await shop.counts(template="order_shipped")
    assert counts["per_recipient"] == {"messages": SIZE, "distinct": SIZE, "max": 1, "more_than_one": []}
    assert counts["unanswered"] >= SIZE // 100
    assert watch.backwards == []
    await check_attempts(shop, asked)
    await check_the_funnel(shop)
    await check_the_waits(shop, journey, due=datetime.fromisoformat(due), back=back)


async def check_attempts(shop: Shop, asked: list[dict[str, Any]]) -> None:
    """What was sent again had not arrived: of each delivery the simulator knows exactly one attempt, and it was settled."""
    arrived: dict[str, int] = {}
    after: int | None = 0
    while after is not None:
        page = await shop.sim.get("/sim/messages", template="order_shipped", limit=1000, after=after)
        for message in page["messages"]:
            attempt = message["biz_opaque_callback_data"]
            arrived[attempt] = arrived.get(attempt, 0) + 1
        after = page["after"]
    assert len(arrived) == SIZE and set(arrived.values()) == {1}
    unanswered = 0
    for one in asked[:: SIZE // 100]:
        detail = await shop.delivery(one["id"])
        known = [attempt for attempt in detail["attempts"] if attempt["id"] in arrived]
        assert len(known) == 1, detail
        unanswered += known[0]["state"] == "settled"
        again = [attempt for attempt in detail["attempts"] if attempt["id"] not in arrived]
        for earlier in again:  # only after the grace, never blindly
            gap = datetime.fromisoformat(known[0]["dispatched_at"]) - datetime.fromisoformat(earlier["dispatched_at"])
            assert gap >= GRACE, detail


async def check_the_funnel(shop: Shop) -> None:
    """1,000 asked for, 1,000 read, nothing left over and nothing to repair."""
    funnel = await shop.api.get("/v1/funnel", key_prefix="ship:")
    assert (funnel["requested"], funnel["left"], funnel["delivered"], funnel["read"]) == (SIZE, SIZE, SIZE, SIZE)
    assert (await shop.api.get("/v1/deliveries/unknown"))["items"] == []
    status, figures, _ = await shop.api.exchange("GET", "/metrics")
    assert status == 200 and "sojourn_jobs_dead 0.0" in figures


async def check_the_waits(shop: Shop, journey: str, *, due: datetime, back: datetime) -> None:
    """Each of the 200 waits that fell due during the outage ended once, within five seconds after the restart."""
    runs = await shop.api.items(f"/v1/journeys/{journey}/runs")
    assert len(runs) == RUNS and {run["exit_reason"] for run in runs} == {"reminded"}
    for run in runs:
        detail = await shop.api.get(f"/v1/runs/{run['id']}")
        [rest] = [step for step in detail["steps"] if step["node"] == "rest"]
        assert due <= datetime.fromisoformat(rest["left_at"]) <= back + timedelta(seconds=5), detail
        assert [step["node"] for step in detail["steps"]].count("note") == 1
