"""Sending over real HTTP: accepted, refused, reported by signed callbacks."""

from tests.integration.cloudsim.conftest import NADIA, PHONE, order_shipped, spring_sale, text


async def test_a_template_is_accepted_sent_delivered_and_read(sim, callback):
    wamid = await sim.send(order_shipped(biz_opaque_callback_data="job-55:step-2"))
    await sim.quiet()
    statuses = callback.statuses()
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["id"] for status in statuses} == {wamid}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"job-55:step-2"}
    assert statuses[0]["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "type": "regular",
        "category": "utility",
    }
    counts = await sim.get("/sim/counts")
    assert counts["accepted"] == 1
    assert counts["per_recipient"]["max"] == 1


async def test_free_text_needs_an_open_window(sim, callback):
    await sim.send(text())
    await sim.quiet()
    [failed] = callback.statuses()
    assert failed["status"] == "failed"
    assert failed["errors"][0]["code"] == 131047
    await sim.act("text", text="Do you ship to Leeds?")
    await sim.send(text())
    await sim.quiet()
    assert [status["status"] for status in callback.statuses()] == ["failed", "sent", "delivered", "read"]
    await sim.advance(24 * 3600 + 1)
    await sim.send(text())
    await sim.quiet()
    assert callback.statuses()[-1]["errors"][0]["code"] == 131047


async def test_a_tap_comes_back_with_its_context(sim, callback):
    wamid = await sim.send(order_shipped())
    await sim.quiet()
    await sim.act("tap", text="Stop updates")
    await sim.quiet()
    [message] = callback.messages()
    assert message["button"] == {"payload": "Stop updates", "text": "Stop updates"}
    assert message["context"] == {"from": "15557700100", "id": wamid}


async def test_stop_marketing_is_told_and_enforced(sim, callback):
    await sim.act("stop_marketing")
    await sim.send(spring_sale())
    await sim.quiet()
    [value] = callback.changes("user_preferences")
    assert value["user_preferences"][0]["value"] == "stop"
    assert callback.statuses()[-1]["errors"][0]["code"] == 131050


async def test_the_clock_decides_when_things_happen(sim, callback):
    await sim.post("/sim/behaviour", {"default": {"sent_delay": 60, "delivered_delay": 60, "read_delay": 3600}})
    await sim.send(order_shipped())
    await sim.quiet()
    assert callback.statuses() == []
    assert (await sim.get("/sim/info"))["next_due_at"] is not None
    await sim.advance(86400)
    times = [int(status["timestamp"]) for status in callback.statuses()]
    assert [status["status"] for status in callback.statuses()] == ["sent", "delivered", "read"]
    assert times[1] - times[0] in {60, 59, 61}
    assert times[2] - times[1] in {3600, 3599, 3601}


async def test_the_chat_shows_the_text_with_its_parameters(sim):
    await sim.send(order_shipped())
    await sim.quiet()
    chat = await sim.get(f"/sim/people/{NADIA}/chat?phone_number_id={PHONE}")
    [message] = chat["messages"]
    assert message["text"] == "Hi Nadia, parcel HT-81 left our warehouse today."
    assert message["buttons"][0]["url"] == "https://tea.example/t/HT-81"
    assert message["status"] == "read"
