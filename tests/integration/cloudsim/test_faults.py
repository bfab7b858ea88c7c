"""Faults on the wire: lost answers, refusals, callbacks that come twice, late, in bulk, broken or never."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from tests.integration.cloudsim.conftest import NADIA, PHONE, order_shipped, spring_sale, text

MESSAGES = f"/v26.0/{PHONE}/messages"


async def test_an_answer_lost_after_acceptance_still_sends_the_message(sim, callback):
    await sim.post("/sim/scenarios", {"kind": "answer_lost", "match": {"endpoint": "messages"}, "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await sim.send(order_shipped(biz_opaque_callback_data="a1"))
    await sim.quiet()
    assert [status["biz_opaque_callback_data"] for status in callback.statuses()] == ["a1"] * 3
    counts = await sim.get("/sim/counts")
    assert (counts["accepted"], counts["unanswered"]) == (1, 1)
    await sim.send(order_shipped())


async def test_a_refused_or_hanging_call_leaves_no_message(sim):
    for rule in ({"kind": "refuse"}, {"kind": "timeout", "ms": 50}):
        await sim.post("/sim/scenarios", {**rule, "count": 1})
        with pytest.raises(aiohttp.ClientError):
            await sim.send(order_shipped())
    await sim.post("/sim/scenarios", {"kind": "timeout", "ms": 60_000, "count": 1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await sim.send(order_shipped())
    assert (await sim.get("/sim/counts"))["accepted"] == 0


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"kind": "rate_limit"}, 429, 130429),
        ({"kind": "server_error"}, 503, 2),
        ({"kind": "token_expired"}, 401, 190),
        ({"kind": "error", "code": 131000}, 500, 131000),
        ({"kind": "template_paused"}, 400, 132015),
    ],
)
async def test_errors_on_demand(sim, rule, status, code):
    await sim.post(
        "/sim/scenarios", {**rule, "match": {"template": "spring_sale", "recipient": "+" + NADIA}, "nth": [2]}
    )
    await sim.send(spring_sale())
    error = await sim.refused(spring_sale())
    assert (error["status"], error["code"]) == (status, code)
    await sim.send(order_shipped())


async def test_a_malformed_answer_is_no_json(sim):
    await sim.post("/sim/scenarios", {"kind": "malformed_json", "count": 1})
    with pytest.raises(json.JSONDecodeError):
        await sim.send(order_shipped())


async def test_a_rule_with_a_typo_is_refused(sim):
    status, answer = await sim.call("POST", "/sim/scenarios", {"kind": "anser_lost"})
    assert status == 400
    assert "anser_lost" in answer["error"]["message"]


async def test_callbacks_come_twice(sim, callback):
    await sim.post("/sim/scenarios", {"kind": "duplicate", "match": {"kind": "delivered"}, "times": 2})
    await sim.send(order_shipped())
    await sim.quiet()
    await sim.advance(1)
    assert sorted(status["status"] for status in callback.statuses()) == ["delivered"] * 3 + ["read", "sent"]


async def test_callbacks_come_late_and_are_held_until_released(sim, callback):
    await sim.post(
        "/sim/scenarios",
        {
            "rules": [
                {"kind": "delay", "match": {"kind": "sent"}, "seconds": 600},
                {"kind": "withhold", "match": {"kind": "delivered"}},
            ]
        },
    )
    await sim.send(order_shipped())
    await sim.quiet()
    assert [status["status"] for status in callback.statuses()] == ["read"]
    await sim.advance(601)
    assert [status["status"] for status in callback.statuses()] == ["read", "sent"]
    await sim.post("/sim/webhooks/release")
    await sim.quiet()
    assert [status["status"] for status in callback.statuses()] == ["read", "sent", "delivered"]


async def test_broken_callbacks(sim, callback):
    await sim.post(
        "/sim/scenarios",
        {"rules": [{"kind": "bad_signature", "match": {"kind": "sent"}}, {"kind": "lose", "match": {"kind": "read"}}]},
    )
    await sim.send(order_shipped())
    await sim.quiet()
    assert callback.unsigned == 1
    assert [status["status"] for status in callback.statuses()] == ["delivered"]


async def test_a_refused_callback_comes_again_on_the_published_schedule(sim, callback):
    callback.refuse = 6
    await sim.act("text", text="Hi")
    await sim.quiet()
    schedule = (await sim.get("/sim/info"))["webhook_retry_schedule_seconds"]
    assert schedule[:6] == [0, 1, 2, 5, 10, 30]
    await sim.advance(sum(schedule[:4]) + 0.5)
    assert callback.messages() == []
    for seconds in schedule[4:6]:
        await sim.advance(seconds + 0.5)
    for _ in range(6):
        await sim.advance(60)
    assert [message["text"]["body"] for message in callback.messages()] == ["Hi"]
    counts = await sim.get("/sim/counts")
    assert counts["posts"]["failed"] == 6


async def test_a_callback_nobody_takes_is_given_up_after_seven_days(sim, callback):
    callback.refuse = 10_000
    await sim.act("text", text="Hi")
    for _ in range(40):
        info = await sim.get("/sim/wait_quiet")
        if info["next_due_at"] is None:
            break
        await sim.post("/sim/clock", {"to": info["next_due_at"]})
        await sim.quiet()
    counts = await sim.get("/sim/counts")
    assert counts["posts"]["dropped"] == 1
    assert (await sim.get("/sim/info"))["offset_seconds"] < 7 * 86400 + 1


async def test_statuses_are_batched(sim, callback):
    await sim.post("/sim/phones/" + PHONE, {"throughput_mps": 100_000})
    await sim.post("/sim/webhooks", {"batch": 100, "linger_ms": 50})
    sends = [sim.send(order_shipped(f"+4477009{number:05d}")) for number in range(60)]
    wamids = await asyncio.gather(*sends)
    await sim.quiet()
    assert len(callback.statuses()) == 180
    assert len(callback.posts) < 20
    assert {status["id"] for status in callback.statuses()} == set(wamids)
    counts = await sim.get("/sim/counts?template=order_shipped&states=1")
    assert counts["per_recipient"] == {"messages": 60, "distinct": 60, "max": 1, "more_than_one": []}
    assert counts["states"] == {"read": 60}


async def test_any_body_can_be_posted(sim, callback):
    await sim.post("/sim/webhooks/send", {"value": {"messages": [{"id": "wamid.x", "type": "hologram"}]}, "times": 2})
    await sim.post("/sim/webhooks/send", {"body": "not json", "sign": False})
    await sim.quiet()
    assert [message["type"] for message in callback.messages()] == ["hologram"] * 2
    assert callback.unsigned == 1
    assert callback.raw[-1] == b"not json"


async def test_the_clock_file_is_shared_both_ways(sim):
    await sim.post("/sim/clock", {"to": "2031-01-02T03:04:05Z"})
    assert json.loads(sim.clock_file.read_text())["offset_seconds"] > 86400
    assert (await sim.get("/sim/info"))["now"].startswith("2031-01-02T03:04")
    fresh = sim.clock_file.with_suffix(".new")
    fresh.write_text('{"offset_seconds": 7200}')
    fresh.replace(sim.clock_file)
    assert (await sim.get("/sim/info"))["offset_seconds"] == 7200


async def test_foreign_hosts_and_origins_are_refused(sim):
    assert (await sim.call("GET", "/sim/info", headers={"Host": "evil.example"}))[0] == 403
    assert (await sim.call("POST", "/sim/reset", {}, headers={"Origin": "http://evil.example"}))[0] == 403
    assert (await sim.call("POST", "/sim/people", {"wa_id": NADIA}, headers={"Origin": sim.url}))[0] == 200
    assert (await sim.call("POST", "/sim/nonsense", {}))[0] == 404
    assert (await sim.call("DELETE", "/sim/setup"))[0] == 405


async def test_the_page_is_served_with_a_policy(sim):
    async with sim.http.get(sim.url + "/") as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "innerHTML" not in await answer.text()


async def test_setup_twice_is_setup_once(sim):
    spec = {
        "phone_numbers": [{"display_phone_number": "+44 7700 900000"}],
        "templates": [
            {
                "name": "hello",
                "language": "en",
                "category": "UTILITY",
                "components": [{"type": "BODY", "text": "Hello"}],
            }
        ],
    }
    first = await sim.post("/sim/setup", spec)
    await sim.post("/sim/reset")
    second = await sim.post("/sim/setup", spec)
    third = await sim.post("/sim/setup", spec)
    assert first == second == third


async def test_messages_are_listed_page_by_page(sim):
    for number in range(5):
        await sim.send(order_shipped(biz_opaque_callback_data=f"a{number}"))
    await sim.quiet()
    first = await sim.get("/sim/messages?direction=out&limit=3")
    second = await sim.get(f"/sim/messages?direction=out&limit=3&after={first['after']}")
    assert [m["biz_opaque_callback_data"] for m in first["messages"] + second["messages"]] == [
        f"a{n}" for n in range(5)
    ]
    assert second["after"] is None
    assert (await sim.get("/sim/messages?opaque=a3"))["total"] == 1


async def test_a_product_that_is_down_gets_everything_when_it_is_back(sim, callback, unused_callback_port):
    await sim.post("/sim/setup", {"app": {"callback_url": f"http://127.0.0.1:{unused_callback_port}/hook"}})
    await sim.send(order_shipped())
    await sim.quiet()
    info = await sim.get("/sim/info")
    assert info["waiting_posts"] == 3
    with contextlib.suppress(aiohttp.ClientError):
        await sim.send(text())
