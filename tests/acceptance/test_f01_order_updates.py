"""F1. Order and delivery updates, two orders at once."""

from __future__ import annotations

from typing import Any

import pytest

from .harness.receiver import Receiver
from .harness.shop import Shop
from .harness.story import Story

ANNA = "+447700900101"
PHOTO_HOST = "photos.briskcoffee.example"
PHOTO = f"https://{PHOTO_HOST}/B-1001.jpg"


def order_journey(shop_url: str) -> dict[str, Any]:
    """One run an order; a tap is noted on that order, told to the shop, and answered in the chat."""
    coming = [
        {"exit": "shipped", "event": "order.shipped", "match": "order_id"},
        {"exit": "out", "event": "order.out_for_delivery", "match": "order_id"},
        {"exit": "delivered", "event": "order.delivered", "match": "order_id"},
    ]
    exits = {"shipped": "send_shipped", "out": "send_out", "delivered": "send_delivered", "timeout": "silent"}
    return {
        "key": "order-updates",
        "name": "Order updates",
        "nodes": {
            "confirmed": {"type": "event_trigger", "event": "order.confirmed", "run_key": "event.order_id",
                          "next": "send_confirmed"},
            "send_confirmed": {"type": "send_template", "template": "order_confirmed", "purpose": "transactional",
                               "next": "on_the_way"},
            "on_the_way": {"type": "wait_for", "for": coming, "timeout": "30d", "exits": exits},
            "send_shipped": {"type": "send_template", "template": "order_shipped", "purpose": "transactional",
                             "next": "on_the_way"},
            "send_out": {"type": "send_template", "template": "order_out_for_delivery", "purpose": "transactional",
                         "reply_ids": ["neighbour", "safe_place"], "next": "at_the_door"},
            "at_the_door": {
                "type": "wait_for",
                "for": [coming[2], {"exit": "choice", "reply": {"tap": ["neighbour", "safe_place"]}}],
                "timeout": "7d",
                "exits": {"delivered": "send_delivered", "choice": "note_choice", "timeout": "silent"},
            },
            "note_choice": {"type": "set_variable", "set": {"delivery_note": "{{ reply.id }}"}, "next": "tell_shop"},
            "tell_shop": {
                "type": "call_url", "method": "POST", "url": f"{shop_url}/orders/{{{{ run.key }}}}/delivery-note",
                "json": {"order_id": "{{ run.key }}", "delivery_note": "{{ run.delivery_note }}"},
                "exits": {"ok": "say_noted", "failed": "say_noted"},
            },
            "say_noted": {"type": "send_message", "purpose": "transactional", "text": "Noted", "next": "at_the_door"},
            "send_delivered": {"type": "send_template", "template": "order_delivered", "purpose": "transactional",
                               "next": "done"},
            "done": {"type": "end", "reason": "delivered"},
            "silent": {"type": "end", "reason": "no_news"},
        },
    }  # fmt: skip


async def prepare(story: Story, receiver: Receiver) -> tuple[Shop, str, str]:
    """Templates, Anna with her consent, the journey; ids of her profile and of the journey."""
    shop = await Shop.open(story)
    await shop.sim.post("/sim/fixtures", {"hosts": [PHOTO_HOST]})
    await shop.people(
        [{"wa_id": ANNA, "name": "Anna", "behaviour": {"delivered_delay": 1, "read": 1, "read_delay": 4}}]
    )
    order = {"order_id": "{{ event.order_id }}"}
    await shop.add_template(
        "order_confirmed", "Thank you! Order {{order_id}} over {{total}} EUR is confirmed.",
        variables={**order, "total": "{{ event.total }}"},
    )  # fmt: skip
    await shop.add_template(
        "order_shipped", "Order {{order_id}} is on its way with {{carrier}}, track it with {{track}} at any time.",
        variables={**order, "carrier": "{{ event.carrier }}", "track": "{{ event.track }}"},
    )  # fmt: skip
    await shop.add_template(
        "order_out_for_delivery", "Order {{order_id}} comes today between {{eta}} o'clock.",
        variables={**order, "eta": "{{ event.eta }}"},
        buttons=[{"type": "QUICK_REPLY", "text": "Leave with neighbour"}, {"type": "QUICK_REPLY", "text": "Safe place"}],
    )  # fmt: skip
    await shop.add_template(
        "order_delivered", "Order {{order_id}} was delivered. Enjoy!", variables=order,
        header={"format": "IMAGE", "example": {"header_handle": ["4::aW1hZ2U="]}, "media": {"link": "{{ event.photo }}"}},
    )  # fmt: skip
    [anna] = await shop.consent(
        [ANNA], at=story.at("12:00", days=-21), attributes={"first_name": "Anna"},
        evidence={"form_id": "co-7", "wording": "Order updates on WhatsApp", "wording_version": "v3", "language": "en"},
    )  # fmt: skip
    return shop, anna, await shop.publish(order_journey(receiver.url))


@pytest.mark.story(middle="shipped")
async def test_two_orders_at_once_stay_apart(story: Story, receiver: Receiver) -> None:
    shop, anna, journey = await prepare(story, receiver)
    # The first message's delivered report is held back, so that `read` comes first.
    late = {"kind": "delay", "match": {"kind": "delivered"}, "seconds": 600, "count": 1}
    await shop.sim.post("/sim/scenarios", late)

    await story.advance_to(story.at("09:00:00"))
    await shop.event("order.confirmed", ANNA, "conf-1001", order_id="B-1001", total="34.50", items=2)
    await story.step("confirmed")
    await story.advance_to(story.at("09:00:20"))
    await shop.event("order.confirmed", ANNA, "conf-1002", order_id="B-1002", total="12.00", items=1)
    await story.advance_to(story.at("09:30"))
    live = await shop.api.items(f"/v1/journeys/{journey}/runs", state="waiting")
    assert sorted(run["run_key"] for run in live) == ["B-1001", "B-1002"]

    await story.advance_to(story.at("11:00"))
    for _ in range(2):
        await shop.event("order.shipped", ANNA, "ship-1001", order_id="B-1001", carrier="PakketX", track="PX123")
    await story.step("shipped")

    await story.advance_to(story.at("14:00"))
    await shop.event("order.out_for_delivery", ANNA, "out-1001", order_id="B-1001", eta="15:00–16:00")
    await story.step("out for delivery")
    await story.advance_to(story.at("14:05"))
    await shop.act(ANNA, "tap", text="Leave with neighbour")
    await story.step("tapped")

    await story.advance_to(story.at("15:42"))
    await shop.event("order.delivered", ANNA, "done-1001", order_id="B-1001", photo=PHOTO)
    await story.step("delivered")
    await story.advance_to(story.at("18:00"))

    counts = await shop.counts()
    assert counts["by_template"] == {
        "order_confirmed": 2, "order_shipped": 1, "order_out_for_delivery": 1, "order_delivered": 1
    }  # fmt: skip
    said = [message.get("template") or message["text"] for message in await shop.received(ANNA)]
    assert said == ["order_confirmed", "order_confirmed", "order_shipped", "order_out_for_delivery", "Noted",
                    "order_delivered"]  # fmt: skip
    [picture] = [one for one in await shop.received(ANNA) if one.get("template") == "order_delivered"]
    assert picture["header"]["type"].lower() == "image"

    await check_read_with_both_times(shop, anna)
    await check_the_tap(shop, receiver, journey)
    await check_the_cost(shop, anna)
    [waiting] = await shop.api.items(f"/v1/journeys/{journey}/runs", state="waiting")
    assert (waiting["run_key"], waiting["node"]) == ("B-1002", "on_the_way")
    [finished] = await shop.api.items(f"/v1/journeys/{journey}/runs", state="finished")
    assert (finished["run_key"], finished["exit_reason"]) == ("B-1001", "delivered")
    assert (await shop.api.get("/v1/health"))["quiet"]


async def check_read_with_both_times(shop: Shop, anna: str) -> None:
    """Every message ends at read; the first one's `read` came before its `delivered`, and both times are kept."""
    deliveries = await shop.api.items("/v1/deliveries", profile_id=anna)
    assert len(deliveries) == 6
    for delivery in deliveries:
        assert delivery["status"] == "read", delivery
        assert delivery["delivered_at"] <= delivery["read_at"]


async def check_the_tap(shop: Shop, receiver: Receiver, journey: str) -> None:
    """The note stands on B-1001 only, and the shop was told once."""
    calls = [call for call in receiver.calls if call.method == "POST"]
    assert {call.path for call in calls} == {"/orders/B-1001/delivery-note"}
    [call] = receiver.posted_to("/orders/B-1001/delivery-note")
    assert call.body == {"order_id": "B-1001", "delivery_note": "neighbour"}
    runs = {run["run_key"]: run["id"] for run in await shop.api.items(f"/v1/journeys/{journey}/runs")}
    first = await shop.api.get(f"/v1/runs/{runs['B-1001']}")
    other = await shop.api.get(f"/v1/runs/{runs['B-1002']}")
    assert first["variables"] == {"delivery_note": "neighbour"}
    assert other["variables"] == {}


async def check_the_cost(shop: Shop, anna: str) -> None:
    """Four utility templates at 0.0200; the one inside the window and the free text cost nothing."""
    costs: dict[str, int] = {}
    for row in await shop.api.items("/v1/deliveries", profile_id=anna):
        detail = await shop.delivery(row["id"])
        assert detail["cost"]["currency"] == "EUR"
        name = row["template"] or "free text"
        costs[name] = costs.get(name, 0) + detail["cost"]["amount_micro"]
    assert costs == {
        "order_confirmed": 40_000, "order_shipped": 20_000, "order_out_for_delivery": 20_000, "order_delivered": 0,
        "free text": 0,
    }  # fmt: skip
    assert sum(costs.values()) == 80_000  # 0.0800 EUR


@pytest.mark.skip(reason="joins with the console: the inspector shows the run of B-1002 waiting")
async def test_the_inspector_shows_the_waiting_order() -> None:
    raise NotImplementedError
