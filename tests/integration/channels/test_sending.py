"""Sending to the simulator over real HTTP, and what comes back by webhook."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.channels import actions, store
from sojourn.channels import content as c
from sojourn.channels.base import Accepted, Failed, FailureReaction, OutboundMessage, Result, Unknown
from sojourn.channels.jobs import FetchMedia, MarkRead
from sojourn.channels.memory import memory
from sojourn.channels.model import NewSender, Sender
from sojourn.channels.signals import MessageReceived, PreferenceReported, StatusesReported
from sojourn.channels.template_calls import ProviderRefused, create_template, delete_template, list_templates
from sojourn.channels.transports import send_all
from sojourn.channels.whatsapp.tasks import fetch_media, mark_read
from sojourn.kit.crypto import KeyRing
from tests.integration.channels.conftest import NADIA, PHONE, TOKEN, WABA, Bench, Sim, Web
from tests.support import contents

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
TEMPLATE = {
    "name": "order_shipped",
    "language": "en_GB",
    "category": "UTILITY",
    "components": [
        {"type": "BODY", "text": "Hi {{1}}, your parcel left today.", "example": {"body_text": [["Nadia"]]}}
    ],
}


def message(sender: Sender, content: c.Content, address: str = f"+{NADIA}", **more: Any) -> OutboundMessage:
    return OutboundMessage(
        attempt_id=uuid4(), sender_id=sender.id, workspace_id=sender.workspace_id, address_scheme=more.pop("scheme", "phone"),
        address=address, content=content, **more,
    )  # fmt: skip


async def send(bench: Bench, sender: Sender, content: c.Content, **more: Any) -> Result:
    [result] = await send_all(bench.work, [message(sender, content, **more)])
    return result


async def quiet(sim: Sim) -> None:
    assert (await sim.get("/sim/wait_quiet?timeout_ms=5000"))["quiet"]


async def act(sim: Sim, action: str, **more: Any) -> str:
    answer = await sim.post(f"/sim/people/{NADIA}/actions", {"action": action, "phone_number_id": PHONE, **more})
    return str(answer["wamid"])


async def test_a_message_leaves_and_its_reports_carry_our_attempt(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    await act(sim, "text", text="Hello")
    await quiet(sim)
    sent = message(sender, c.Text(body="Welcome"))
    [result] = await send_all(bench.work, [sent])
    assert isinstance(result, Accepted)
    assert result.wa_id == NADIA
    await quiet(sim)
    await bench.parse_all()
    updates = [update for signal in await bench.signals(StatusesReported) for update in signal["updates"]]
    mine = [update for update in updates if update["provider_message_id"] == result.provider_message_id]
    assert {update["status"] for update in mine} >= {"sent", "delivered"}
    assert {update.get("attempt_id") for update in mine} == {str(sent.attempt_id)}
    [inbound] = await bench.signals(MessageReceived)
    assert (inbound["message"]["text"], inbound["message"]["wa_id"]) == ("Hello", NADIA)


async def test_a_person_is_addressed_by_user_id_too(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    await act(sim, "text", text="Hello")
    await quiet(sim)
    await bench.parse_all()
    [inbound] = await bench.signals(MessageReceived)
    result = await send(bench, sender, c.Text(body="Hi"), address=inbound["message"]["user_id"], scheme="bsuid")
    assert isinstance(result, Accepted)
    assert result.user_id == inbound["message"]["user_id"]
    assert isinstance(await send(bench, sender, c.Text(body="Hi"), address=NADIA, scheme="wa_id"), Accepted)


async def test_refusals_carry_the_catalogues_reaction(bench: Bench, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    unknown = await send(bench, sender, c.TemplateContent(name="nobody", language="en_GB"))
    assert isinstance(unknown, Failed)
    assert (unknown.code, unknown.reaction) == (132001, FailureReaction.TEMPLATE_OFF)
    invalid = await send(bench, sender, c.Text(body=""))
    assert isinstance(invalid, Failed)
    assert (invalid.code, invalid.reaction) == (None, FailureReaction.INVALID)
    assert "body" in invalid.details
    await sim.post("/sim/scenarios", {"kind": "rate_limit", "count": 1})
    limited = await send(bench, sender, c.Text(body="x"))
    assert isinstance(limited, Failed)
    assert limited.reaction is FailureReaction.RATE_LIMIT
    stranger = await send(
        bench, await bench.add_sender(sim.url, access_token="wrong", phone_number_id="402"), c.Text(body="x")
    )
    assert isinstance(stranger, Failed)
    assert stranger.reaction is FailureReaction.AUTH


async def test_a_sender_whose_secret_cannot_be_opened_is_stopped_and_the_others_go_on(bench: Bench, sim: Sim) -> None:
    good, bad = await bench.add_sender(sim.url), await bench.add_sender(sim.url, phone_number_id="402")
    async with bench.work.transaction() as conn:
        token = KeyRing([b"k" * 32]).encrypt(TOKEN.encode(), context="of another installation")
        await store.upsert_credentials(conn, bad.id, token=token, hint="…", now=bench.work.now())
    refused, sent = message(bad, c.Text(body="x")), message(good, c.Text(body="x"))
    results = {result.attempt_id: result for result in await send_all(bench.work, [refused, sent])}
    failed = results[refused.attempt_id]
    assert isinstance(failed, Failed)
    assert failed.reaction is FailureReaction.AUTH, "nothing left: it waits for the sender"
    assert isinstance(results[sent.attempt_id], Accepted)
    stopped = await bench.check(bad)
    assert (stopped.state.value, stopped.stopped_reason) == ("stopped", "credentials_unreadable")
    async with bench.work.transaction() as conn:
        [line, *_] = await store.list_history(conn, bad.id, what="state", limit=10)
        assert (line["new_value"], line["source"]) == ("stopped", "send")
        assert (await store.get_sender(conn, bench.workspace_id, good.id)).state.value == "active"
        sealed = bench.work.keys.encrypt(TOKEN.encode(), context=actions.TOKEN_CONTEXT)
        await store.upsert_credentials(conn, bad.id, token=sealed, hint="…", now=bench.work.now())
        await conn.execute("DELETE FROM senders WHERE id = %(id)s", {"id": good.id})
        await conn.execute("UPDATE senders SET phone_number_id = %(n)s WHERE id = %(id)s", {"n": PHONE, "id": bad.id})
    assert (await bench.check(bad)).state.value == "active", "a check with the new token lifts it"


@pytest.mark.parametrize("scenario", [{"kind": "answer_lost"}, {"kind": "malformed_json"}])
async def test_a_lost_or_broken_answer_is_unknown(bench: Bench, sim: Sim, scenario: dict[str, Any]) -> None:
    sender = await bench.add_sender(sim.url)
    await sim.post("/sim/scenarios", {**scenario, "count": 1})
    result = await send(bench, sender, c.Text(body="x"))
    assert isinstance(result, Unknown), result
    assert isinstance(await send(bench, sender, c.Text(body="x")), Accepted)


async def test_a_provider_that_cannot_be_reached_has_not_got_the_message(bench: Bench, sim: Sim) -> None:
    sender = await bench.add_sender("http://127.0.0.1:9")
    result = await send(bench, sender, c.Text(body="x"))
    assert isinstance(result, Failed)
    assert result.reaction is FailureReaction.RETRY_LATER


async def test_many_messages_of_several_channels_get_one_result_each(bench: Bench, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)

    place = actions.Place(allow_private_urls=True, has_clock_file=False)
    async with bench.work.transaction() as conn:
        other = await actions.save_sender(
            conn,
            bench.workspace_id,
            NewSender(channel="memory", name="m"),
            place=place,
            keys=bench.work.keys,
            now=bench.work.now(),
        )
        assert await store.count_live_senders(conn) == 0
    memory.clear()
    messages = [message(sender, c.Text(body=f"n {n}"), address=f"+4470000{n:05}") for n in range(600)]
    messages += [message(other, c.Text(body="x")) for _ in range(5)]
    messages.append(message(sender, c.Text(body="")))
    gone = OutboundMessage(
        attempt_id=uuid4(),
        sender_id=UUID(int=9),
        workspace_id=bench.workspace_id,
        address_scheme="phone",
        address="+447700900123",
        content=c.Text(body="x"),
    )
    results = await send_all(bench.work, [*messages, gone])
    assert {result.attempt_id for result in results} == {item.attempt_id for item in [*messages, gone]}
    assert sum(isinstance(result, Accepted) for result in results) == 605
    assert len(memory.sent) == 5


async def test_a_file_is_checked_stored_once_uploaded_once_and_reused(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    headers = {"Content-Type": "image/png"}
    status, refused = await web.call("POST", "/v1/media", data=b"GIF89a", headers={"Content-Type": "image/gif"})
    assert (status, refused["code"], refused["errors"][0]["field"]) == (422, "media_refused", "mime")
    status, refused = await web.call("POST", "/v1/media", data=b"GIF89a", headers=headers)
    assert refused["errors"][0]["code"] == "wrong_type"
    status, first = await web.call("POST", "/v1/media?filename=tea.png", data=PNG, headers=headers)
    assert status == 201
    _, again = await web.call("POST", "/v1/media", data=PNG, headers=headers)
    assert again["id"] == first["id"]
    assert (await web.call("GET", f"/v1/media/{first['id']}/content"))[1] == PNG
    stored = await bench.rows("SELECT content FROM media_blobs")
    assert PNG not in bytes(stored[0]["content"])
    image = c.Image(media=c.MediaRef(asset_id=UUID(first["id"])))
    for _ in range(2):
        results = await send_all(bench.work, [message(sender, image), message(sender, image)])
        assert all(isinstance(result, Accepted) for result in results), results
    uploads = await bench.rows("SELECT provider_media_id FROM media_uploads")
    assert len(uploads) == 1
    await bench.rows("UPDATE media_uploads SET expires_at = uploaded_at RETURNING 1")
    assert isinstance(await send(bench, sender, image), Accepted)
    assert (await bench.rows("SELECT provider_media_id FROM media_uploads")) != uploads
    await bench.rows(
        "UPDATE media_uploads SET provider_media_id = '999', uploaded_at = uploaded_at - interval '1 hour' RETURNING 1"
    )
    stale = await send(bench, sender, image)
    assert isinstance(stale, Failed)
    assert stale.reaction is FailureReaction.RETRY_AT_ONCE
    assert isinstance(await send(bench, sender, image), Accepted)
    missing = await send(bench, sender, c.Image(media=c.MediaRef(asset_id=uuid4())))
    assert isinstance(missing, Failed)
    assert missing.reaction is FailureReaction.INVALID


async def test_a_file_from_a_person_is_fetched_sealed_and_served(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    await act(sim, "image", caption="broken lid")
    await quiet(sim)
    await bench.parse_all()
    [inbound] = await bench.signals(MessageReceived)
    [job] = await bench.jobs("channels.fetch_media")
    order = FetchMedia(workspace_id=bench.workspace_id, sender_id=sender.id, media_id=UUID(job["media_id"]))
    await fetch_media(bench.work, [order])
    await fetch_media(bench.work, [order])
    asset = inbound["message"]["media"][0]["asset_id"]
    _, shown = await web.call("GET", f"/v1/media/{asset}")
    assert (shown["state"], shown["direction"], shown["kind"]) == ("stored", "in", "image")
    _, content = await web.call("GET", f"/v1/media/{asset}/content")
    assert len(content) == shown["size_bytes"] > 0


async def test_a_file_that_is_gone_is_given_up_with_a_reason(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    await act(sim, "image")
    await quiet(sim)
    await bench.parse_all()
    await bench.rows("UPDATE media SET provider_media_id = '999' RETURNING 1")
    [job] = await bench.jobs("channels.fetch_media")
    await fetch_media(
        bench.work, [FetchMedia(workspace_id=bench.workspace_id, sender_id=sender.id, media_id=UUID(job["media_id"]))]
    )
    _, shown = await web.call("GET", f"/v1/media/{job['media_id']}")
    assert (shown["state"], shown["reason"]) == ("failed", "the provider no longer has it")


async def test_read_receipts_and_platform_stops_pass_through(bench: Bench, web: Web, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    await bench.connect(sender)
    wamid = await act(sim, "text", text="Hello")
    await act(sim, "stop_marketing")
    await quiet(sim)
    await mark_read(
        bench.work,
        [MarkRead(workspace_id=bench.workspace_id, sender_id=sender.id, provider_message_id=wamid, typing=True)],
    )
    await mark_read(
        bench.work, [MarkRead(workspace_id=bench.workspace_id, sender_id=sender.id, provider_message_id="wamid.none")]
    )
    await bench.parse_all()
    [stop] = await bench.signals(PreferenceReported)
    assert (stop["value"], stop["wa_id"]) == ("stop", NADIA)


async def test_templates_are_submitted_listed_and_deleted(bench: Bench, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    made = await create_template(bench.work, sender.id, TEMPLATE)
    assert made["status"] in ("PENDING", "APPROVED")
    await quiet(sim)
    [found] = [item for item in await list_templates(bench.work, sender.id) if item["name"] == "order_shipped"]
    assert (found["id"], found["language"]) == (made["id"], "en_GB")
    with pytest.raises(ProviderRefused) as caught:
        await create_template(bench.work, sender.id, TEMPLATE)
    assert caught.value.data["subcode"] == 2388024
    await delete_template(bench.work, sender.id, "order_shipped")


async def published_flow(sim: Sim) -> str:
    """The id of the Flow `booking`, made on first use."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with sim.http.get(f"{sim.url}/v26.0/{WABA}/flows", headers=headers) as answer:
        found = (await answer.json())["data"]
    if found:
        return str(found[0]["id"])
    body = {"name": "booking", "categories": ["OTHER"], "flow_json": FLOW_JSON, "publish": True}
    async with sim.http.post(f"{sim.url}/v26.0/{WABA}/flows", json=body, headers=headers) as answer:
        return str((await answer.json())["id"])


FLOW_JSON = json.dumps(
    {
        "version": "7.3",
        "screens": [
            {
                "id": "SLOTS",
                "title": "Pick a slot",
                "terminal": True,
                "data": {"day": {"type": "string", "__example__": "Friday"}},
                "layout": {
                    "type": "SingleColumnLayout",
                    "children": [
                        {"type": "TextBody", "text": "See you then"},
                        {"type": "Footer", "label": "Done", "on-click-action": {"name": "complete", "payload": {}}},
                    ],
                },
            }
        ],
    }
)


def draw(strategy: st.SearchStrategy[c.Content]) -> list[c.Content]:
    """Some contents of a kind, the smallest first."""
    found: list[c.Content] = []

    @settings(max_examples=20, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(content: c.Content) -> None:
        found.append(content)

    collect()
    return found


async def test_no_body_that_we_build_is_refused_for_its_shape(bench: Bench, sim: Sim) -> None:
    """Every kind of content, to the simulator over HTTP: what our checks pass, it takes."""
    sender = await bench.add_sender(sim.url)
    drawn = {kind: await asyncio.to_thread(draw, strategy) for kind, strategy in contents.simulated.items()}
    flow_id = await published_flow(sim)
    drawn["flow"] = [
        msgspec.structs.replace(flow, flow_id=flow.flow_id and flow_id, mode="published") for flow in drawn["flow"]
    ]
    messages = [
        message(sender, content, address=f"+44700{place:02}{number:05}")
        for place, found in enumerate(drawn.values())
        for number, content in enumerate(found)
    ]
    results = {result.attempt_id: result for result in await send_all(bench.work, messages)}
    refused = [
        (type(item.content).__name__, results[item.attempt_id])
        for item in messages
        if not isinstance(results[item.attempt_id], Accepted)
    ]
    assert refused == []
    assert len(drawn) == len(contents.simulated)
    assert len(messages) > 200


SPECIAL = json.loads((Path(__file__).parents[2] / "cases" / "whatsapp-templates.json").read_text(encoding="utf-8"))[
    "templates"
]
# Calls and payments are answered "unknown" by the simulator.
NOT_SIMULATED = frozenset({"pay_order"})


async def test_special_templates_leave_as_the_reference_shows_them(bench: Bench, sim: Sim) -> None:
    sender = await bench.add_sender(sim.url)
    flow_id = await published_flow(sim)
    templates = [case["create"] for case in SPECIAL if case["name"] not in NOT_SIMULATED]
    listed = json.loads(json.dumps(templates).replace("550011", flow_id))
    await sim.post("/sim/setup", {"waba": {"id": WABA}, "templates": [{**item, "check": False} for item in listed]})
    refused = {}
    for place, case in enumerate(SPECIAL):
        content = c.TemplateContent(name=case["name"], language=case["create"]["language"], components=case["send"])
        result = await send(bench, sender, content, address=f"+4470099{place:05}")
        if not isinstance(result, Accepted) and case["name"] not in NOT_SIMULATED:
            refused[case["name"]] = result
    assert refused == {}
