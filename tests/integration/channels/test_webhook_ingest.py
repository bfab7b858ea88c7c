"""Webhooks: signed bytes are kept before the 200, once; what they say is announced once; nothing strange stops them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sojourn.channels import privacy
from sojourn.channels.actions import verify_token_of
from sojourn.channels.signals import (
    IdentityChanged,
    MessageReceived,
    PreferenceReported,
    SenderChanged,
    StatusesReported,
    TemplateReviewed,
)
from sojourn.channels.whatsapp import parsing
from sojourn.channels.whatsapp.sealing import unseal
from sojourn.privacy.model import BY_NAME
from sojourn.privacy.retention import apply_retention
from tests.integration.channels.conftest import NADIA, PHONE, Bench, Web

CASES = Path(__file__).parents[2] / "cases" / "whatsapp"
BASE = "https://graph.example"


def status_body(*ids: str, phone: str = PHONE, person: str = NADIA) -> bytes:
    statuses = [{"id": id_, "status": "sent", "timestamp": "1798000020", "recipient_id": person} for id_ in ids]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": phone}, "statuses": statuses}
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "301234567890123", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()


async def bodies(bench: Bench) -> list[dict[str, Any]]:
    return await bench.rows(
        "SELECT digest, state, reason, updates, people, body FROM webhook_bodies ORDER BY received_at"
    )


async def test_a_signed_body_is_stored_sealed_and_read_back_byte_for_byte(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    body = status_body("wamid.A")
    assert await web.post_webhook(sender.app_key, body) == 200
    [row] = await bodies(bench)
    assert NADIA.encode() not in bytes(row["body"])
    assert unseal(bytes(row["body"]), bench.work.keys) == body
    assert row["state"] == "new"


async def test_a_bad_signature_gets_401_and_leaves_nothing(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    assert await web.post_webhook(sender.app_key, status_body("wamid.A"), sign_with="wrong") == 401
    assert await web.post_webhook(sender.app_key, status_body("wamid.A"), sign_with=None) == 401
    assert await web.post_webhook("unknown-key", status_body("wamid.A")) == 404
    assert await bodies(bench) == []


async def test_a_new_secret_counts_at_once(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    assert await web.post_webhook(sender.app_key, status_body("wamid.A")) == 200
    await asyncio.sleep(1.05)
    await web.call("PATCH", f"/v1/senders/{sender.id}", {"app_secret": "another"})
    assert await web.post_webhook(sender.app_key, status_body("wamid.B"), sign_with="another") == 200


async def test_a_malformed_body_with_a_good_signature_is_kept_counted_and_answered_200(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    for body in (b"{", b"", b"[1]", b'{"entry":7}', b"\xff" * 100):
        assert await web.post_webhook(sender.app_key, body) == 200
    assert await web.post_webhook(sender.app_key, status_body("wamid.A")) == 200
    assert await bench.parse_all() == 6
    assert sorted(row["state"] for row in await bodies(bench)) == ["malformed"] * 5 + ["parsed"]
    [count] = await bench.rows("SELECT field, kind, count FROM webhook_counters")
    assert count == {"field": "body", "kind": "malformed", "count": 5}
    assert len(await bench.signals(StatusesReported)) == 1


async def test_the_same_body_twice_has_one_effect(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    body = status_body("wamid.A")
    answers = await asyncio.gather(*(web.post_webhook(sender.app_key, body) for _ in range(20)))
    assert set(answers) == {200}
    await bench.parse_all()
    assert await web.post_webhook(sender.app_key, body) == 200
    await bench.parse_all()
    assert len(await bodies(bench)) == 1
    [signal] = await bench.signals(StatusesReported)
    assert len(signal["updates"]) == 1


async def test_many_statuses_become_few_jobs(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    posts = [status_body(*(f"wamid.{post}.{n}" for n in range(100))) for post in range(12)]
    await asyncio.gather(*(web.post_webhook(sender.app_key, post) for post in posts))
    assert await bench.parse_all() == 12
    signals = await bench.signals(StatusesReported)
    assert [len(signal["updates"]) for signal in signals] == [500, 500, 200]
    assert {signal["sender_id"] for signal in signals} == {str(sender.id)}


async def test_a_large_body_is_taken_and_a_larger_one_refused(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    body = status_body("wamid." + "x" * (3 * 1024 * 1024 - 500))
    assert len(body) < 3 * 1024 * 1024
    assert await web.post_webhook(sender.app_key, body) == 200
    assert await web.post_webhook(sender.app_key, body + b" " * 1000) == 413
    assert len(await bodies(bench)) == 1


async def test_a_body_for_a_number_that_is_not_ours_is_kept_and_counted(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    assert await web.post_webhook(sender.app_key, status_body("wamid.A", phone="999")) == 200
    await bench.parse_all()
    [row] = await bodies(bench)
    assert (row["state"], row["reason"]) == ("unroutable", "no sender of ours")
    assert await bench.signals(StatusesReported) == []


async def test_every_body_of_the_reference_goes_through_and_tells_its_owners(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    for file in sorted(CASES.glob("*.json")):
        body = json.dumps(json.loads(file.read_text(encoding="utf-8"))["body"]).encode()
        assert await web.post_webhook(sender.app_key, body) == 200
    assert await bench.parse_all() == 88
    assert {row["state"] for row in await bodies(bench)} == {"parsed"}
    statuses = [update for signal in await bench.signals(StatusesReported) for update in signal["updates"]]
    assert len(statuses) == 13
    messages = await bench.signals(MessageReceived)
    assert len(messages) == 24
    assert {signal["message"]["workspace_id"] for signal in messages} == {str(bench.workspace_id)}
    assert [signal["value"] for signal in await bench.signals(PreferenceReported)] == ["resume", "stop"]
    assert len(await bench.signals(IdentityChanged)) == 2
    assert {signal["event"] for signal in await bench.signals(TemplateReviewed)} == {
        "approved", "rejected", "paused", "disabled", "quality", "components_changed", "category_impending", "category_changed",
    }  # fmt: skip
    assert {signal["what"] for signal in await bench.signals(SenderChanged)} >= {
        "limit",
        "throughput",
        "name",
        "account",
        "state",
    }
    _, shown = await web.call("GET", f"/v1/senders/{sender.id}")
    assert (shown["state"], shown["stopped_reason"], shown["throughput_per_s"]) == ("stopped", "restricted", 1000)


async def test_an_inbound_file_is_ordered_once_and_its_message_names_our_asset(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    case = json.loads((CASES / "messages.image.json").read_text(encoding="utf-8"))["body"]
    await web.post_webhook(sender.app_key, json.dumps(case).encode())
    await web.post_webhook(sender.app_key, json.dumps(case, indent=1).encode())
    await bench.parse_all()
    [job] = await bench.jobs("channels.fetch_media")
    first, second = await bench.signals(MessageReceived)
    assert first["message"]["media"][0]["asset_id"] == second["message"]["media"][0]["asset_id"] == job["media_id"]


async def test_a_body_that_cannot_be_applied_blocks_no_other(
    bench: Bench, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await bench.add_sender(BASE)
    for name in ("wamid.A", "wamid.POISON", "wamid.B"):
        await web.post_webhook(sender.app_key, status_body(name))
    whole = parsing._status_update

    def breaks(home: Any, item: Any) -> Any:
        if item.provider_message_id == "wamid.POISON":
            raise ArithmeticError("a bug that only this body meets")
        return whole(home, item)

    monkeypatch.setattr(parsing, "_status_update", breaks)
    await bench.parse_all()
    assert sorted(row["state"] for row in await bodies(bench)) == ["malformed", "parsed", "parsed"]
    [broken] = [row for row in await bodies(bench) if row["state"] == "malformed"]
    assert broken["reason"] == "not applied: ArithmeticError"
    found = [
        update["provider_message_id"]
        for signal in await bench.signals(StatusesReported)
        for update in signal["updates"]
    ]
    assert sorted(found) == ["wamid.A", "wamid.B"]
    monkeypatch.undo()
    status, answer = await web.call("POST", "/v1/webhook-bodies/replay", {"states": ["malformed"]})
    assert (status, answer) == (202, {"replayed": 1})
    await bench.parse_all()
    assert {row["state"] for row in await bodies(bench)} == {"parsed"}


async def test_bodies_are_listed_without_their_content(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    for n in range(3):
        await web.post_webhook(sender.app_key, status_body(f"wamid.{n}"))
    await bench.parse_all()
    _, first = await web.call("GET", "/v1/webhook-bodies?limit=2")
    _, second = await web.call("GET", f"/v1/webhook-bodies?limit=2&cursor={first['next_cursor']}")
    digests = {item["digest"] for item in first["items"] + second["items"]}
    assert len(digests) == 3
    assert second["next_cursor"] is None
    assert NADIA not in json.dumps(first)
    status, _ = await web.call("POST", "/v1/webhook-bodies/replay", {"digests": sorted(digests), "states": ["parsed"]})
    assert status == 202
    assert await bench.parse_all() == 3


async def test_the_handshake_echoes_the_challenge_only_for_the_right_token(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    token = verify_token_of(bench.work.keys, str(sender.app_key))
    path = f"/webhooks/whatsapp/{sender.app_key}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    assert await web.call("GET", path + token) == (200, b"1158201444")
    assert (await web.call("GET", path + "wrong"))[0] == 403
    assert (await web.call("GET", f"/webhooks/whatsapp/nope?hub.verify_token={token}"))[0] == 404
    _, shown = await web.call("GET", f"/v1/senders/{sender.id}")
    assert shown["webhook"]["verify_token"] == token
    assert shown["webhook"]["verified_at"] is not None


async def test_a_lost_database_acknowledges_nothing_and_recovers_by_itself(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    assert await web.post_webhook(sender.app_key, status_body("wamid.A")) == 200
    sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    codes: list[int] = []

    async def flood(start: int) -> None:
        codes.extend([await web.post_webhook(sender.app_key, status_body(f"wamid.{start}.{n}")) for n in range(40)])

    async def kill() -> None:
        for _ in range(3):
            await asyncio.sleep(0.03)
            await bench.rows(sql)

    await asyncio.gather(*(flood(start) for start in range(8)), kill())
    assert set(codes) <= {200, 503}
    assert 200 in codes
    assert await web.post_webhook(sender.app_key, status_body("wamid.Z")) == 200
    acknowledged = codes.count(200) + 2
    assert acknowledged <= len(await bodies(bench)) <= len(codes) + 2


async def test_an_erased_person_is_taken_out_of_raw_bodies_and_files(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    value = json.loads(status_body("wamid.A"))
    other = json.loads(status_body("wamid.B", person="447700900456"))
    value["entry"][0]["changes"] += other["entry"][0]["changes"]
    await web.post_webhook(sender.app_key, json.dumps(value).encode())
    image = json.loads((CASES / "messages.image.json").read_text(encoding="utf-8"))["body"]
    await web.post_webhook(sender.app_key, json.dumps(image).encode())
    await bench.parse_all()
    await web.post_webhook(sender.app_key, b"malformed " + NADIA.encode())
    await bench.parse_all()
    async with bench.work.transaction() as conn:
        counts = await privacy.erase_profiles(
            conn, bench.workspace_id, [f"+{NADIA}", "GB.20481632641282565121"], keys=bench.work.keys
        )
    assert counts == {"webhook_bodies": 3, "media": 1}
    left = b"".join(unseal(bytes(row["body"]), bench.work.keys) for row in await bodies(bench))
    assert NADIA.encode() not in left
    assert b"447700900456" in left
    async with bench.work.transaction() as conn:
        again = await privacy.erase_profiles(conn, bench.workspace_id, [NADIA], keys=bench.work.keys)
    assert again == {"webhook_bodies": 0, "media": 0}


async def test_what_is_older_than_its_period_is_deleted(bench: Bench, web: Web) -> None:
    sender = await bench.add_sender(BASE)
    await web.post_webhook(sender.app_key, status_body("wamid.A"))
    await bench.parse_all()
    keep = BY_NAME["webhook_bodies"].keep
    assert keep is not None
    for moment, wanted in ((bench.work.now(), 0), (bench.work.now() + keep * 2, 1)):
        found = await apply_retention(bench.work.transaction, now=moment, is_dry_run=True)
        assert found["webhook_bodies"] == wanted
        assert (await apply_retention(bench.work.transaction, now=moment))["webhook_bodies"] == wanted
    assert await bodies(bench) == []
