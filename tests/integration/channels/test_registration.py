"""A number is registered with its PIN over HTTP; the PIN is found nowhere afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.kit import json
from tests.integration.channels.conftest import PHONE, Bench, Sim, Web

PIN, OTHER_PIN = "271828", "314159"


async def audit_of(bench: Bench, sender_id: object) -> list[tuple[str, Any]]:
    rows = await bench.rows(
        "SELECT action, changes FROM audit_entries WHERE object_id = %(id)s ORDER BY id", id=str(sender_id)
    )
    return [(row["action"], row["changes"]) for row in rows]


async def all_text(bench: Bench) -> str:
    """Everything that the database holds."""
    tables = await bench.rows(
        "SELECT format('SELECT t::text AS row FROM %%I t', relname) AS sql FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return "\n".join([row["row"] for table in tables for row in await bench.rows(table["sql"])])


async def test_a_pending_number_is_registered_checked_and_active(
    bench: Bench, web: Web, sim: Sim, capfd: pytest.CaptureFixture[str]
) -> None:
    await sim.post(f"/sim/phones/{PHONE}", {"registered": False})
    sender = await bench.add_sender(sim.url, active=False)
    pending = await bench.check(sender)
    assert (pending.state, pending.state_reason) == ("failed", "number_pending: register it first")
    body = {"pin": PIN, "data_localization_region": "DE"}
    status, shown = await web.call("POST", f"/v1/senders/{sender.id}/register", body)
    assert (status, shown["state"]) == (200, "checking")
    assert (await bench.check(sender)).state == "active"
    assert await audit_of(bench, sender.id) == [("sender.registered", {"data_localization_region": "DE"})]
    written = capfd.readouterr()
    for text in (json.encode(shown).decode(), await all_text(bench), written.out, written.err):
        assert PIN not in text


async def test_a_wrong_pin_is_refused_with_metas_words_and_noted(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    assert (await web.call("POST", f"/v1/senders/{sender.id}/register", {"pin": PIN}))[0] == 200
    status, problem = await web.call("POST", f"/v1/senders/{sender.id}/register", {"pin": OTHER_PIN})
    assert (status, problem["code"], problem["provider_code"]) == (409, "provider_refused", 133005)
    assert problem["advice"]
    assert OTHER_PIN not in str(problem)
    assert (await audit_of(bench, sender.id))[-1] == ("sender.registration_refused", {"provider_code": 133005})


async def test_after_ten_tries_meta_wants_a_rest(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    answers = [await web.call("POST", f"/v1/senders/{sender.id}/register", {"pin": PIN}) for _ in range(11)]
    assert [status for status, _ in answers] == [200] * 10 + [409]
    assert answers[-1][1]["provider_code"] == 133016


@pytest.mark.parametrize("pin", ["12345", "1234567", "12345a", "１２３４５６", 123456, None])
async def test_a_pin_is_six_digits_and_a_mistake_does_not_repeat_it(pin: Any, bench: Bench, web: Web) -> None:
    sender = await bench.add_sender("http://127.0.0.1:9")
    status, problem = await web.call("POST", f"/v1/senders/{sender.id}/register", {"pin": pin})
    assert (status, problem["code"]) == (422, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == ["pin"]
    assert pin is None or str(pin) not in str(problem)


async def test_nobody_answers_and_nothing_to_register(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender("http://127.0.0.1:9")
    status, problem = await web.call("POST", f"/v1/senders/{sender.id}/register", {"pin": PIN})
    assert (status, problem["code"]) == (503, "provider_unreachable")
    memory = (await web.call("POST", "/v1/senders", {"name": "Preview", "channel": "memory"}))[1]
    status, problem = await web.call("POST", f"/v1/senders/{memory['id']}/register", {"pin": PIN})
    assert (status, problem["code"]) == (409, "no_whatsapp_number")
