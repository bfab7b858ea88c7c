"""F11. STOP races a running campaign. Here 5,000 deliveries asked for through the API at 20 a second to one sender."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from .harness.dump import dump, mentions
from .harness.shop import Shop, crowd, template_message
from .harness.story import Story

SIZE = 5_000
RATE = 20
PEOPLE = crowd(SIZE)
T, R, S = PEOPLE[999], PEOPLE[2_999], PEOPLE[3_999]  # their turns: about 10:00:50, 10:02:30, 10:03:20
CAMPAIGN = "spring_roast"


async def prepare(story: Story, people: Sequence[str] = PEOPLE) -> tuple[Shop, dict[str, str]]:
    """A sender of 20 a second, and people who agreed to offers, 5,000 at first; their profile ids by number."""
    shop = await Shop.open(story, rate=RATE)
    await shop.add_template(CAMPAIGN, "Our spring roast is here, fresh and bright.", purpose="marketing",
                            category="marketing")  # fmt: skip
    ids = await shop.consent(people, "marketing", at=story.at("12:00", days=-30))
    return shop, dict(zip(people, ids, strict=True))


async def campaign(shop: Shop, key: str, people: list[str]) -> dict[str, str]:
    """Ask for the promotion to all these people; delivery ids by number.

    What is asked for in one request may leave in any order; so T, R and S are asked for by themselves, which makes
    their places in the queue exact.
    """
    cuts = sorted({0, len(people), *(place + step for place, phone in enumerate(people) if phone in (T, R, S)
                                     for step in (0, 1))})  # fmt: skip
    found: dict[str, str] = {}
    for start, end in itertools.pairwise(cuts):
        asked = [template_message(phone, f"{key}:{phone}", CAMPAIGN, "marketing") for phone in people[start:end]]
        found |= {phone: one["id"] for phone, one in zip(people[start:end], await shop.deliver(asked), strict=True)}
    return found


async def stop_of(shop: Shop, profile_id: str) -> dict[str, Any] | None:
    """The line of the ledger in which this person withdrew marketing on WhatsApp."""
    found = await shop.api.get(f"/v1/profiles/{profile_id}/consents")
    lines = [line for line in found["history"]
             if (line["state"], line["purpose"], line["channel"]) == ("withdrawn", "marketing", "whatsapp")]  # fmt: skip
    return lines[0] if lines else None


async def platform_stop_of(shop: Shop, profile_id: str) -> str | None:
    """When the platform said that this person wants no marketing."""
    found = await shop.api.get(f"/v1/profiles/{profile_id}/consents")
    return next((one["platform_stop_at"] for one in found["channels"] if one["channel"] == "whatsapp"), None)


@pytest.mark.story(middle="half of them sent")
async def test_a_stop_overtakes_the_queue(story: Story) -> None:
    shop, ids = await prepare(story)
    # T's message is on its way to us for a minute: it was said before the send, and arrives after it.
    late = {"kind": "delay", "match": {"kind": "text", "recipient": T}, "seconds": 60}
    await shop.sim.post("/sim/scenarios", late)

    await story.advance_to(story.at("10:00"))
    deliveries = await campaign(shop, "spring", PEOPLE)
    await story.advance_to(story.at("10:00:30"))
    await shop.act(T, "text", text="STOP")
    await story.step("somebody stopped, and nobody knows")

    await story.advance_to(story.at("10:01:00"))
    before = story.now()
    await shop.act(R, "text", text="STOP")
    stored = await story.until(lambda: stop_of(shop, ids[R]))
    allowed = timedelta(seconds=6 if story.disturbance.shuffled else 2)
    assert datetime.fromisoformat(stored["recorded_at"]) - before < allowed
    await story.step("stopped")

    await story.advance_to(story.at("10:01:20"))
    before = story.now()
    await shop.act(S, "stop_marketing")
    stop = await story.until(lambda: platform_stop_of(shop, ids[S]))
    assert datetime.fromisoformat(stop) - before < timedelta(seconds=2)
    await story.advance_to(story.at("10:02:00"))
    await story.step("half of them sent")
    await story.advance_to(story.at("10:06:00"))

    await check_who_got_it(shop, deliveries)
    await check_who_stopped_too_late(shop, deliveries[T], ids[T])
    await check_the_funnel(shop)
    await check_the_rate(shop)

    await campaign(shop, "summer", [R, S, T])
    await story.advance_to(story.at("11:00"))
    funnel = await shop.api.get("/v1/funnel", key_prefix="summer:")
    assert funnel["excluded_by"] == {"opted_out": 2, "platform_stop": 1}
    assert [len(await shop.received(phone)) for phone in (R, S, T)] == [1, 0, 2]


async def check_who_got_it(shop: Shop, deliveries: dict[str, str]) -> None:
    """Everybody once but the two; R hears one confirmation and S nothing at all."""
    counts = await shop.counts(template=CAMPAIGN)
    assert counts["per_recipient"] == {"messages": SIZE - 2, "distinct": SIZE - 2, "max": 1, "more_than_one": []}
    excluded = {phone: await shop.delivery(deliveries[phone]) for phone in (R, S)}
    assert (excluded[R]["status"], excluded[R]["reason"]) == ("excluded", "opted_out_after_queue")
    assert (excluded[S]["status"], excluded[S]["reason"]) == ("excluded", "platform_stop")
    assert excluded[R]["attempts"] == []
    [confirmation] = await shop.received(R)
    assert "no more offers" in confirmation["text"]
    assert [button["text"] for button in confirmation["buttons"]] == ["Stop everything"]
    assert await shop.received(S) == []


async def check_who_stopped_too_late(shop: Shop, delivery_id: str, profile_id: str) -> None:
    """T got it once, and the order of times shows why: said, sent, and only then heard."""
    sent, confirmation = await shop.received(T)
    assert (sent["template"], "no more offers" in confirmation["text"]) == (CAMPAIGN, True)
    delivery = await shop.delivery(delivery_id)
    line = await stop_of(shop, profile_id)
    assert line is not None
    said, heard = (datetime.fromisoformat(line[name]) for name in ("effective_at", "recorded_at"))
    accepted = datetime.fromisoformat(delivery["accepted_at"])
    assert said < accepted < heard
    assert delivery["status"] == "delivered"


async def check_the_funnel(shop: Shop) -> None:
    """It sums, and each exclusion has its reason."""
    funnel = await shop.api.get("/v1/funnel", key_prefix="spring:")
    assert funnel["requested"] == SIZE
    assert funnel["excluded_by"] == {"opted_out_after_queue": 1, "platform_stop": 1}
    assert funnel["left"] == funnel["delivered"] == SIZE - 2
    assert [funnel[name] for name in ("queued", "deferred", "unknown", "failed", "not_reported", "cancelled")] == [
        0
    ] * 6


async def check_the_rate(shop: Shop) -> None:
    """20 a second, not more: 4,998 messages take at least four minutes."""
    first = await shop.sim.get("/sim/messages", template=CAMPAIGN, limit=1)
    last = await shop.sim.get("/sim/messages", template=CAMPAIGN, limit=1, after=SIZE - 3)
    begun, ended = (datetime.fromisoformat(page["messages"][0]["at"]) for page in (first, last))
    assert ended - begun > timedelta(seconds=(SIZE - 2) / RATE * 0.95)


@pytest.mark.story(middle="erased")
async def test_an_erasure_keeps_the_stop(story: Story) -> None:
    shop, ids = await prepare(story, PEOPLE[2_990:3_010])
    near = [phone for phone in PEOPLE[2_990:3_010] if phone != R]
    await story.advance_to(story.at("10:00"))
    await campaign(shop, "spring", [*near, R])
    await story.advance(seconds=10)
    await shop.act(R, "text", text="STOP, says Rosalind Quince")
    await shop.act(R, "text", text="STOP")
    await story.until(lambda: stop_of(shop, ids[R]))
    await story.advance_to(story.at("15:00", days=2))
    digits = R.removeprefix("+")
    assert mentions(dump(story), [digits, "rosalind quince"]).keys() == {digits, "rosalind quince"}

    report = await shop.api.post("/v1/erasures", {"identities": [{"scheme": "phone", "value": R}]})
    await story.step("erased")
    assert report["profile_ids"] == [ids[R]]
    erased = {store: count["erased"] for store, count in report["counts"].items() if count["erased"]}
    assert erased.keys() >= {"messages", "identities", "profiles", "conversations", "webhook_bodies", "consents"}
    kept = {one["store"]: one["count"] for one in report["kept"]}
    assert kept["deliveries"] >= 2
    assert kept["consent_tombstones"] == report["tombstones"] > 0
    everything = dump(story)
    assert mentions(everything, [digits, "rosalind quince"]) == {}
    assert mentions(everything, [near[0].removeprefix("+")])
    funnel = await shop.api.get("/v1/funnel", key_prefix="spring:")
    assert funnel["requested"] == len(near) + 1  # sums stay true

    again = await shop.consent([R], "marketing", at=story.at("12:00", days=-30), evidence={"wording": "An old list."})
    assert again != [ids[R]]
    outcome = await campaign(shop, "summer", [R, *near])
    found = await shop.delivery(outcome[R])
    assert (found["status"], found["reason"]) == ("excluded", "opted_out")
    await story.advance(seconds=10)
    assert (await shop.delivery(outcome[near[0]]))["status"] == "delivered"
