"""Senders over HTTP: saved, checked against the simulator, changed, stopped; secrets never come out."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from sojourn.channels import actions, store
from sojourn.channels.jobs import CheckSender
from sojourn.channels.whatsapp.tasks import check_senders, probe_senders
from tests.integration.channels.conftest import APP, PHONE, SECRET, TOKEN, WABA, Bench, Sim, Web


def new_sender(base_url: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "Harbour Tea", "phone_number_id": PHONE, "waba_id": WABA, "app_id": APP, "app_secret": SECRET,
        "access_token": TOKEN, "base_url": base_url, **more,
    }  # fmt: skip


async def get(web: Web, sender_id: str) -> dict[str, Any]:
    status, shown = await web.call("GET", f"/v1/senders/{sender_id}")
    assert status == 200
    return dict(shown)


async def test_a_sender_is_checked_on_save_and_shows_no_secret(bench: Bench, web: Web, sim: Sim) -> None:
    status, saved = await web.call("POST", "/v1/senders", new_sender(sim.url, is_default=True))
    assert (status, saved["state"], saved["token_hint"]) == (201, "checking", TOKEN[-4:])
    [job] = await bench.jobs("channels.check_senders")
    assert job["sender_id"] == saved["id"]
    async with bench.work.transaction() as conn:
        sender = await store.find_default_sender(conn, bench.workspace_id)
    assert sender is not None
    await bench.check(sender)
    shown = await get(web, saved["id"])
    assert (shown["state"], shown["simulated"], shown["verified_name"]) == ("active", True, "Harbour Tea Co.")
    assert (shown["throughput_level"], shown["throughput_per_s"], shown["phone_number"]) == (
        "high",
        1000,
        "+15557700100",
    )
    listed = (await web.call("GET", "/v1/senders"))[1]
    for text in (json.dumps(saved), json.dumps(shown), json.dumps(listed)):
        assert TOKEN not in text
        assert SECRET not in text
    rows = await bench.rows("SELECT access_token FROM sender_credentials")
    assert TOKEN.encode() not in bytes(rows[0]["access_token"])
    _, history = await web.call("GET", f"/v1/senders/{saved['id']}/history")
    assert ("state", "checking", "active") in {
        (item["what"], item["old_value"], item["new_value"]) for item in history["items"]
    }


async def test_a_rate_that_a_person_chose_stays_whatever_meta_allows(bench: Bench, web: Web, sim: Sim) -> None:
    _, saved = await web.call("POST", "/v1/senders", new_sender(sim.url, throughput_per_s=40))
    assert (saved["throughput_per_s"], saved["throughput_is_chosen"]) == (40, True)
    async with bench.work.transaction() as conn:
        sender = await store.get_sender(conn, bench.workspace_id, UUID(saved["id"]))
    first = await bench.check(sender)
    assert (first.throughput_level, first.throughput_per_s) == ("high", 40)
    async with bench.work.transaction() as conn:
        await actions.set_sender_rate(conn, sender.id, 1000, bench.work.now(), source="webhook")
    assert (await get(web, saved["id"]))["throughput_per_s"] == 40
    _, freed = await web.call("PATCH", f"/v1/senders/{sender.id}", {"throughput_per_s": None})
    assert (freed["throughput_per_s"], freed["throughput_is_chosen"]) == (1000, False)
    await web.call("PATCH", f"/v1/senders/{sender.id}", {"throughput_per_s": 70})
    assert (await bench.check(sender)).throughput_per_s == 70


async def test_a_wrong_token_fails_with_its_reason_and_a_right_one_heals(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url, access_token="wrong", active=False)
    failed = await bench.check(sender)
    assert failed.state == "failed"
    assert failed.state_reason is not None
    assert failed.state_reason.startswith("190")
    _, changed = await web.call("PATCH", f"/v1/senders/{sender.id}", {"access_token": TOKEN})
    assert changed["state"] == "checking"
    assert (await bench.check(sender)).state == "active"


async def test_a_token_that_expires_fails_the_sender_at_the_next_probe(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    assert (await bench.check(sender)).state == "active"
    await probe_senders(bench.work)
    assert len(await bench.jobs("channels.check_senders")) == 2
    await sim.post("/sim/scenarios", {"kind": "token_expired"})
    assert (await bench.check(sender)).state == "failed"


async def test_an_unreachable_provider_leaves_a_working_sender_on(bench: Bench, web: Web, sim: Sim) -> None:
    working = await bench.add_sender("http://127.0.0.1:9", phone_number_id="402")
    fresh = await bench.add_sender("http://127.0.0.1:9", active=False, phone_number_id="403")
    assert (await bench.check(working)).state == "active"
    assert (await bench.check(fresh)).state == "failed"


async def test_a_stop_ends_by_check_only_when_asked_to(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.check(sender)
    _, stopped = await web.call("POST", f"/v1/senders/{sender.id}/stop", {"reason": "stocktaking"})
    assert (stopped["state"], stopped["stopped_reason"], stopped["state_reason"]) == (
        "stopped",
        "member",
        "stocktaking",
    )
    assert (await bench.check(sender)).state == "stopped"
    assert (await bench.check(sender, resume=True)).state == "active"
    async with bench.work.transaction() as conn:
        assert await actions.stop_sender(conn, sender.id, "auth", bench.work.now(), detail="190: expired")
        assert not await actions.stop_sender(conn, sender.id, "auth", bench.work.now())
    assert (await bench.check(sender)).state == "active"


async def test_our_webhook_is_entered_at_the_provider_and_shaken_hands_with(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    shown = await get(web, str(sender.id))
    assert shown["webhook"]["url"] == f"{web.url}/webhooks/whatsapp/{sender.app_key}"
    assert shown["webhook"]["verified_at"] is not None
    _, history = await web.call("GET", f"/v1/senders/{sender.id}/history")
    assert [item["new_value"] for item in history["items"] if item["what"] == "webhook"] == ["connected"]


async def test_a_pushed_clock_and_a_live_sender_exclude_each_other(
    bench: Bench, web: Web, sim: Sim, tmp_path: Any
) -> None:
    bench.work.settings = replace(bench.work.settings, clock_file=tmp_path / "clock.json")
    simulated = await bench.add_sender(sim.url, active=False)
    assert (await bench.check(simulated)).state == "active"
    live = await bench.add_sender(web.url, active=False, phone_number_id="402")
    assert str((await bench.check(live)).state_reason).startswith("live_sender_with_clock_file")


async def test_a_simulator_that_does_not_answer_is_not_taken_for_a_live_provider(
    bench: Bench, web: Web, sim: Sim, tmp_path: Any
) -> None:
    bench.work.settings = replace(bench.work.settings, clock_file=tmp_path / "clock.json")
    working = await bench.add_sender("http://127.0.0.1:9", phone_number_id="402")
    checked = await bench.check(working)
    assert (checked.state, checked.simulated) == ("active", True)
    assert str(checked.state_reason).startswith("unreachable")


async def test_a_sender_is_active_only_once_its_reports_reach_us(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url, active=False)
    job = CheckSender(workspace_id=bench.workspace_id, sender_id=sender.id, connect=True)
    await check_senders(bench.work, [job])
    shown = await get(web, str(sender.id))
    assert (shown["state"], shown["webhook"]["verified_at"] is not None) == ("active", True)


async def test_bad_requests_name_field_and_limit(bench: Bench, web: Web) -> None:
    status, problem = await web.call("POST", "/v1/senders", {"name": "x"})
    assert (status, problem["code"]) == (422, "invalid_input")
    assert {error["field"] for error in problem["errors"]} == {"phone_number_id", "waba_id", "access_token", "app_id"}
    status, problem = await web.call(
        "POST", "/v1/senders", new_sender("https://10.0.0.1", throughput_per_s=1001, extra=1)
    )
    assert {(error["field"], error.get("limit")) for error in problem["errors"]} == {
        ("throughput_per_s", 1000),
        ("extra", None),
    }
    status, problem = await web.call("POST", "/v1/senders", new_sender("ftp://x"))
    assert (status, problem["code"]) == (422, "address_refused")
    assert (await web.call("POST", "/v1/senders", new_sender("http://127.0.0.1:9")))[0] == 201
    status, problem = await web.call("POST", "/v1/senders", new_sender("http://127.0.0.1:9"))
    assert (status, problem["code"]) == (409, "sender_exists")
    status, problem = await web.call("GET", "/v1/senders/018f0000-0000-7000-8000-000000000000")
    assert (status, problem["code"]) == (404, "sender_not_found")


async def test_a_memory_sender_is_active_at_once(bench: Bench, web: Web) -> None:
    status, saved = await web.call("POST", "/v1/senders", {"name": "Preview", "channel": "memory"})
    assert (status, saved["state"], saved["simulated"]) == (201, "active", True)


async def test_the_catalogue_is_served(bench: Bench, web: Web) -> None:
    _, page = await web.call("GET", "/v1/error-catalogue")
    entry = next(item for item in page["items"] if item["code"] == 131050)
    assert (entry["reaction"], entry["where"]) == ("platform_opt_out", "webhook")
    assert entry["cause"]
    assert entry["advice"]


async def test_a_default_moves(bench: Bench, web: Web) -> None:
    first = (await web.call("POST", "/v1/senders", {"name": "A", "channel": "memory", "is_default": True}))[1]
    second = (await web.call("POST", "/v1/senders", {"name": "B", "channel": "memory", "is_default": True}))[1]
    _, page = await web.call("GET", "/v1/senders")
    assert {item["id"]: item["is_default"] for item in page["items"]} == {first["id"]: False, second["id"]: True}
    await web.call("PATCH", f"/v1/senders/{first['id']}", {"is_default": True, "timezone": "Europe/London"})
    async with bench.work.transaction() as conn:
        found = await store.find_default_sender(conn, bench.workspace_id, "memory")
    assert found is not None
    assert str(found.id) == first["id"]
