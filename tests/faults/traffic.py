"""Work that passes every hop: 1,000 messages asked for through the API, 1,000 by a journey, taps, photos, calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.acceptance.harness.receiver import Receiver
from tests.acceptance.harness.shop import Shop, crowd, template_message
from tests.acceptance.harness.story import Story

NUMBERS = ("+447700900000", "+447700900001")
RATE = 80
TEMPLATE = "order_shipped"
GRACE = timedelta(minutes=15)
TAPS = 0.1  # of those who get a message by journey: they tap, and send a photo
BATCH = 100
EVENTS_BATCH = 40  # small: a crash point on this road must be passed often enough to be met after any restart


@dataclass(slots=True)
class Traffic:
    """2,000 people (or `size`), half of them reached by the API on the second number, half by a journey on the first."""

    story: Story
    receiver: Receiver
    shop: Shop
    journey: str
    size: int

    @classmethod
    async def prepare(cls, story: Story, receiver: Receiver, *, size: int = 2_000, taps: float = TAPS) -> Traffic:
        """Templates, people who agreed, a published journey."""
        story.api.patience_seconds = 120
        shop = await Shop.open(story, numbers=NUMBERS, rate=RATE)
        reply = {"when": {"button_text": "Leave with neighbour"}, "probability": taps, "after_seconds": 2,
                 "do": [{"tap": "Leave with neighbour"}, {"action": "image"}]}  # fmt: skip
        await shop.sim.post("/sim/behaviour", {"latency_ms": [20, 60], "default": {"read": 1, "read_delay": 1,
                                                                                  "replies": [reply]}})  # fmt: skip
        buttons = [
            {"type": "QUICK_REPLY", "text": "Leave with neighbour"},
            {"type": "QUICK_REPLY", "text": "Wait for me"},
        ]
        await shop.add_template(TEMPLATE, "Your order is on its way to you.", buttons=buttons)
        await shop.consent(crowd(size + len(NUMBERS)))
        return cls(story, receiver, shop, await shop.publish(_journey(receiver.url)), size)

    @property
    def asked_directly(self) -> list[str]:
        """Those whom the API writes to."""
        return crowd(self.size)[: self.size // 2]

    @property
    def asked_by_journey(self) -> list[str]:
        """Those whom the journey writes to."""
        return crowd(self.size)[self.size // 2 :]

    async def pour(self) -> None:
        """Ask for everything, a batch at a time, both roads at once. Whatever dies meanwhile, it is asked for until taken."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask())
            group.create_task(self._tell())

    async def _ask(self) -> None:
        asked = [template_message(phone, f"order:{phone}", TEMPLATE, sender_id=self.shop.senders[1])
                 for phone in self.asked_directly]  # fmt: skip
        for start in range(0, len(asked), BATCH):
            await self.shop.deliver(asked[start : start + BATCH])
            await asyncio.sleep(0.2)

    async def _tell(self) -> None:
        events = [{"name": "order.shipped", "profile": {"phone": phone}, "properties": {"order_id": phone},
                   "idempotency_key": f"shipped:{phone}"} for phone in self.asked_by_journey]  # fmt: skip
        for start in range(0, len(events), EVENTS_BATCH):
            await self.story.api.post("/v1/events", {"events": events[start : start + EVENTS_BATCH]})
            await asyncio.sleep(0.1)

    async def pass_grace(self) -> None:
        """One more message of each number, after the last restart, settled by webhook; then the grace passes."""
        extra = crowd(self.size + len(NUMBERS))[self.size :]
        asked = [template_message(phone, f"order:{phone}", TEMPLATE, sender_id=sender)
                 for phone, sender in zip(extra, self.shop.senders, strict=True)]  # fmt: skip
        made = await self.shop.deliver(asked)
        await self.story.advance(minutes=1)
        for one in made:
            assert (await self.shop.delivery(one["id"]))["status"] == "read"
        await self.story.advance_to(self.story.now() + 2 * GRACE)
        await self.story.advance(minutes=1)

    async def check(self) -> None:
        """Exactly one message a person, the funnel sums, each call was made, and nothing needs repair."""
        total = self.size + len(NUMBERS)
        counts = await self.shop.counts(template=TEMPLATE)
        assert counts["per_recipient"] == {"messages": total, "distinct": total, "max": 1, "more_than_one": []}
        funnel = await self.story.api.get("/v1/funnel")
        silent = ("excluded", "cancelled", "expired", "queued", "deferred", "unknown", "failed", "not_reported")
        assert {name: funnel[name] for name in silent if funnel[name]} == {}
        assert funnel["requested"] == funnel["left"] == funnel["delivered"] == funnel["read"] == total
        assert (await self.story.api.get("/v1/deliveries/unknown"))["items"] == []
        await self._check_runs()
        status, figures, _ = await self.story.api.exchange("GET", "/metrics")
        assert status == 200 and "sojourn_jobs_dead 0.0" in figures

    async def _check_runs(self) -> None:
        """One run a person; whoever tapped was noted once, and the shop was called for exactly those."""
        runs = await self.story.api.items(f"/v1/journeys/{self.journey}/runs")
        assert sorted(run["run_key"] for run in runs) == sorted(self.asked_by_journey)
        reasons = {run["run_key"]: run["exit_reason"] for run in runs}
        tapped = {phone for phone in self.asked_by_journey if reasons[phone] == "noted"}
        called = {call.body["order_id"] for call in self.receiver.posted_to("/notes")}
        assert called == tapped
        counts = await self.shop.counts()
        assert counts["inbound"] == 2 * await self._taps()
        assert len(tapped) == await self._taps(journey=True)

    async def _taps(self, *, journey: bool = False) -> int:
        found, after = 0, 0
        people = {phone.lstrip("+") for phone in self.asked_by_journey}
        while after is not None:
            page: Mapping[str, Any] = await self.shop.sim.get(
                "/sim/messages", direction="in", type="button", limit=1000, after=after
            )
            found += sum(not journey or message["wa_id"] in people for message in page["messages"])
            after = page["after"]
        return found

    async def state(self) -> str:
        """What both sides say of themselves, for a test that waits in vain."""
        funnel, health = await self.story.api.get("/v1/funnel"), await self.story.api.get("/v1/health")
        return f"{funnel}\n{health}\nsimulator: {await self.story.sim.get('/sim/info')}\n{self.story.logs()}"

    async def delivered(self) -> int:
        """How many people have their message, as the simulator counts."""
        return int((await self.shop.counts(template=TEMPLATE))["per_recipient"]["distinct"])


def _journey(url: str) -> dict[str, Any]:
    return {
        "key": "shipped",
        "name": "Shipped",
        "nodes": {
            "begun": {"type": "event_trigger", "event": "order.shipped", "run_key": "event.order_id", "next": "tell"},
            "tell": {"type": "send_template", "template": TEMPLATE, "purpose": "transactional",
                     "reply_ids": ["neighbour", "wait"], "next": "hear"},
            "hear": {"type": "wait_for", "for": [{"exit": "choice", "reply": {"tap": ["neighbour", "wait"]}}],
                     "timeout": "10m", "exits": {"choice": "note", "timeout": "silent"}},
            "note": {"type": "update_profile", "set": {"delivery_note": "{{ reply.id }}"}, "next": "call"},
            "call": {"type": "call_url", "url": f"{url}/notes", "json": {"order_id": "{{ run.key }}"}, "attempts": 10,
                     "exits": {"ok": "noted", "failed": "broken"}},
            "noted": {"type": "end", "reason": "noted"},
            "silent": {"type": "end", "reason": "silent"},
            "broken": {"type": "end", "reason": "broken"},
        },
    }  # fmt: skip
