"""The shop's own system hears what happens: signed, tried again after failures, replayed on demand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from standardwebhooks import Webhook

from .harness.receiver import Call, Receiver
from .harness.shop import Shop, template_message
from .harness.story import Story

ANNA, BEN = "+447700900411", "+447700900412"
ALL = ["message.received", "delivery.status_changed", "delivery.excluded", "consent.changed", "template.state_changed",
       "sender.state_changed", "journey.run_ended", "profile.erased"]  # fmt: skip
HEARD_AFTER_SECONDS = 1.1  # of real time: processes remember for a second what is wanted


async def add(shop: Shop, receiver: Receiver, path: str, **more: Any) -> tuple[str, str]:
    """An endpoint for everything; its id and secret."""
    made = await shop.api.post("/v1/webhook-endpoints", {"url": receiver.url + path, "events": ALL, **more})
    return made["endpoint"]["id"], made["secret"]


def told(receiver: Receiver, path: str, event: str) -> list[dict[str, Any]]:
    """What an endpoint heard of a kind, each message once."""
    found = {call.headers["webhook-id"]: call.body for call in receiver.calls if call.path == path}
    return [body["data"] for body in found.values() if body["type"] == event]


async def attempts_of(shop: Shop, endpoint: str) -> list[dict[str, Any]]:
    return await shop.api.items(f"/v1/webhook-endpoints/{endpoint}/attempts")


def verified(secret: str, call: Call) -> Any:
    """What the library of the standard makes of a call; it raises for a wrong signature."""
    return Webhook(secret).verify(call.raw, call.headers)


@pytest.mark.story(middle="told")
async def test_what_happens_is_told_signed_and_without_words(story: Story, receiver: Receiver) -> None:
    shop = await Shop.open(story)
    plain, secret = await add(shop, receiver, "/plain")
    opted, _ = await add(shop, receiver, "/personal", include_personal_data=True)
    await asyncio.sleep(HEARD_AFTER_SECONDS)
    await shop.people([{"wa_id": ANNA, "name": "Anna"}, {"wa_id": BEN, "name": "Ben"}])
    await shop.add_template("parcel_left", "Your parcel has left us today.")
    await shop.publish({"key": "short", "name": "Short", "nodes": {
        "start": {"type": "event_trigger", "event": "parcel.left", "next": "done"},
        "done": {"type": "end", "reason": "over"}}})  # fmt: skip
    [anna] = await shop.consent([ANNA])
    await shop.act(ANNA, "text", text="my cat is Ottoline")
    await shop.event("parcel.left", ANNA, key="left-1")
    [sent] = await shop.deliver([template_message(ANNA, "told-1", "parcel_left")])
    [refused] = await shop.deliver([template_message(BEN, "told-2", "parcel_left")])
    await shop.api.post(f"/v1/senders/{shop.senders[0]}/stop", {"reason": "for the test"})
    await story.step("told")
    await story.advance(seconds=20)

    async def all_told() -> bool:
        return all(told(receiver, "/plain", event) for event in ALL[:3] + ["journey.run_ended", "sender.state_changed"])

    await story.until(all_told)
    [received] = told(receiver, "/plain", "message.received")
    assert (received["profile_id"], received["kind"]) == (anna, "text")
    [excluded] = told(receiver, "/plain", "delivery.excluded")
    assert (excluded["delivery_id"], excluded["reason"]) == (refused["id"], "no_consent")
    assert {one["delivery_id"] for one in told(receiver, "/plain", "delivery.status_changed")} >= {sent["id"]}
    assert {one["state"] for one in told(receiver, "/plain", "consent.changed")} == {"granted"}
    assert told(receiver, "/plain", "template.state_changed")[-1]["state"] == "approved"
    [over] = told(receiver, "/plain", "journey.run_ended")
    assert (over["profile_id"], over["reason"]) == (anna, "over")

    calls = [call for call in receiver.calls if call.path == "/plain"]
    assert all(verified(secret, call)["type"] in ALL for call in calls)
    written = b"".join(call.raw for call in calls)
    assert b"Ottoline" not in written and ANNA.removeprefix("+").encode() not in written
    [personal] = told(receiver, "/personal", "message.received")
    assert personal["personal"]["text"] == "my cat is Ottoline"
    assert {"scheme": "phone", "value": ANNA} in [
        {**one, "value": "+" + one["value"].removeprefix("+")} for one in personal["personal"]["identities"]
    ] or personal["personal"]["identities"]

    report = await shop.api.post(f"/v1/profiles/{anna}/erasure", {})
    assert report["counts"]["outbound_messages"]["erased"] > 0
    await story.until(lambda: _heard_of_erasure(receiver, report["id"]))
    assert all(one["profile_id"] != anna for one in await attempts_of(shop, plain))
    assert {one["id"] for one in await shop.api.items("/v1/webhook-endpoints")} == {plain, opted}


async def _heard_of_erasure(receiver: Receiver, erasure_id: str) -> bool:
    return any(one["erasure_id"] == erasure_id for one in told(receiver, "/plain", "profile.erased"))


async def test_failures_are_tried_again_and_messages_replayed(story: Story, receiver: Receiver) -> None:
    shop = Shop(story.api, story.sim, story.sim_url)
    endpoint, old = await add(shop, receiver, "/hook")
    receiver.status = 500
    sent = await shop.api.post(f"/v1/webhook-endpoints/{endpoint}/test")
    await story.until(lambda: _tried(shop, endpoint, 1))
    await story.advance(seconds=6)
    await story.until(lambda: _tried(shop, endpoint, 2))
    [second, first] = await attempts_of(shop, endpoint)
    assert (first["number"], first["status_code"], second["state"]) == (1, 500, "waiting")
    await story.step("failed twice")
    receiver.status = 200
    await story.advance(minutes=6)
    await story.until(lambda: _tried(shop, endpoint, 3))
    [last, *_] = await attempts_of(shop, endpoint)
    assert (last["message_id"], last["status_code"], last["state"]) == (sent["message_id"], 200, "delivered")
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len({call.raw for call in receiver.calls}) == 1

    rotated = await shop.api.post(f"/v1/webhook-endpoints/{endpoint}/rotate")
    begun = (await attempts_of(shop, endpoint))[-1]["attempted_at"]
    window = {"from": story.at("00:00").isoformat(), "until": story.at("23:59").isoformat()}
    assert first["attempted_at"] == begun
    assert await shop.api.post(f"/v1/webhook-endpoints/{endpoint}/replay", window) == {"replayed": 1}
    await story.until(lambda: _tried(shop, endpoint, 4))
    both = receiver.calls[-1]
    assert both.headers["webhook-id"] == receiver.calls[0].headers["webhook-id"]
    assert verified(old, both) == verified(rotated["secret"], both)
    await story.advance(hours=25)
    await shop.api.post(f"/v1/webhook-endpoints/{endpoint}/replay", {"attempt_ids": [last["id"]]})
    await story.until(lambda: _tried(shop, endpoint, 5))
    assert verified(rotated["secret"], receiver.calls[-1])["type"] == "endpoint.test"
    assert " " not in receiver.calls[-1].headers["webhook-signature"]

    receiver.status = 410
    await shop.api.post(f"/v1/webhook-endpoints/{endpoint}/test")
    await story.until(lambda: _is_off(shop, endpoint))
    status, problem, _ = await shop.api.exchange("POST", f"/v1/webhook-endpoints/{endpoint}/test")
    assert (status, problem["code"]) == (409, "endpoint_disabled")


async def _tried(shop: Shop, endpoint: str, times: int) -> bool:
    return len(await attempts_of(shop, endpoint)) >= times


async def _is_off(shop: Shop, endpoint: str) -> bool:
    return bool((await shop.api.get(f"/v1/webhook-endpoints/{endpoint}"))["state"] == "disabled")
