"""Templates, media, numbers, subscriptions and the smaller edges over real HTTP."""

import base64
import hashlib
import io

import aiohttp
import pytest
from aiohttp import web

from tests.integration.cloudsim.conftest import APP, NADIA, PHONE, SECRET, VERIFY, WABA, free_port, text

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
AUTH = {"Authorization": "Bearer EAAsimulated"}


def draft(**more):
    return {
        "name": "welcome",
        "language": "en",
        "category": "UTILITY",
        "components": [
            {"type": "body", "text": "Hi {{1}}, we have your parcel here.", "example": {"body_text": [["Nadia"]]}}
        ],
        **more,
    }


async def test_a_template_is_reviewed_told_edited_and_deleted(sim, callback):
    await sim.post("/sim/behaviour", {"review_delay": 60})
    made = await sim.post(f"/v26.0/{WABA}/message_templates", draft())
    assert made["status"] == "PENDING"
    await sim.advance(61)
    [told] = callback.changes("message_template_status_update")
    assert (told["event"], told["message_template_id"]) == ("APPROVED", int(made["id"]))
    shown = await sim.get(f"/v26.0/{made['id']}?fields=name,status,quality_score{{score}}")
    assert shown == {"name": "welcome", "status": "APPROVED", "quality_score": {"score": "UNKNOWN"}, "id": made["id"]}
    edited = draft()["components"]
    edited[0]["text"] = "Hi {{1}}, we have your parcel there."
    assert (await sim.post(f"/v26.0/{made['id']}", {"components": edited}))["success"]
    assert (await sim.call("POST", f"/v26.0/{made['id']}", {"components": edited}))[1]["error"][
        "error_subcode"
    ] == 2388039
    await sim.advance(61)
    assert (await sim.call("POST", f"/v26.0/{made['id']}", {"components": edited}))[0] == 400
    await sim.call("DELETE", f"/v26.0/{WABA}/message_templates?name=welcome")
    _, again = await sim.call("POST", f"/v26.0/{WABA}/message_templates", draft())
    assert again["error"]["error_subcode"] == 2388023


async def test_promotional_utility_becomes_marketing(sim, callback):
    body = draft(components=[{"type": "BODY", "text": "Big sale, 20% off everything today."}])
    made = await sim.post(f"/v26.0/{WABA}/message_templates", body)
    await sim.quiet()
    assert (await sim.get(f"/v26.0/{made['id']}?fields=category"))["category"] == "MARKETING"
    [told] = callback.changes("template_category_update")
    assert (told["previous_category"], told["new_category"]) == ("UTILITY", "MARKETING")


@pytest.mark.parametrize(
    ("change", "subcode"),
    [
        (
            {"components": [{"type": "BODY", "text": "{{1}} is here for you now", "example": {"body_text": [["x"]]}}]},
            2388299,
        ),
        (
            {
                "components": [
                    {
                        "type": "BODY",
                        "text": "Hi {{1}} {{2}} how are you today my friend",
                        "example": {"body_text": [["x", "y"]]},
                    }
                ]
            },
            2388072,
        ),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}, ok", "example": {"body_text": [["x"]]}}]}, 2388293),
        ({"components": [{"type": "BODY", "text": "Hi {{1}, we have your parcel"}]}, 2388072),
        (
            {
                "components": [
                    {"type": "BODY", "text": "Hi {{2}}, we have your parcel", "example": {"body_text": [["x"]]}}
                ]
            },
            2388072,
        ),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}, we have your parcel"}]}, 2388072),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 2388040),
        ({"components": [{"type": "BODY", "text": "Hello"}, {"type": "FOOTER", "text": "x {{1}}"}]}, 2388073),
        (
            {"components": [{"type": "HEADER", "format": "TEXT", "text": "x" * 61}, {"type": "BODY", "text": "Hello"}]},
            2388047,
        ),
        ({"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hello"}]}, 2388047),
        (
            {
                "components": [
                    {"type": "BODY", "text": "Hello"},
                    {
                        "type": "BUTTONS",
                        "buttons": [
                            {"type": "QUICK_REPLY", "text": "a"},
                            {"type": "URL", "text": "b", "url": "https://x.example"},
                            {"type": "QUICK_REPLY", "text": "c"},
                        ],
                    },
                ]
            },
            2388040,
        ),
        ({"name": "order_shipped", "language": "en_GB"}, 2388024),
    ],
)
async def test_template_rules(sim, change, subcode):
    status, answer = await sim.call("POST", f"/v26.0/{WABA}/message_templates", draft(**change))
    assert status == 400
    assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (100, subcode)
    assert answer["error"]["error_user_title"]


async def test_lists_are_paged_with_cursors(sim):
    path = f"/v26.0/{WABA}/message_templates?fields=name&limit=1"
    first = await sim.get(path)
    assert [item["name"] for item in first["data"]] == ["order_shipped"]
    second = await sim.get(f"{path}&after={first['paging']['cursors']['after']}")
    assert [item["name"] for item in second["data"]] == ["spring_sale"]
    assert "next" not in second["paging"]
    async with sim.http.get(first["paging"]["next"], headers=AUTH) as answer:
        assert (await answer.json())["data"] == second["data"]
        assert "X-Business-Use-Case-Usage" in answer.headers
    status, answer = await sim.call("GET", f"{path}&after=nonsense")
    assert (status, answer["error"]["code"]) == (400, 131059)


async def upload(sim, content: bytes = PNG, kind: str = "image/png") -> tuple[int, dict]:
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": kind})
    form.add_field("file", io.BytesIO(content), filename="x.png", content_type=kind)
    async with sim.http.post(f"{sim.url}/v26.0/{PHONE}/media", data=form, headers=AUTH) as answer:
        return answer.status, await answer.json()


async def test_media_goes_up_and_down_and_expires(sim, callback):
    status, made = await upload(sim)
    assert status == 200
    shown = await sim.get(f"/v26.0/{made['id']}")
    assert (shown["mime_type"], shown["file_size"], shown["sha256"]) == (
        "image/png",
        len(PNG),
        hashlib.sha256(PNG).hexdigest(),
    )
    async with sim.http.get(shown["url"], headers=AUTH) as answer:
        assert await answer.read() == PNG
        assert answer.headers["Content-Type"] == "image/png"
    async with sim.http.get(shown["url"]) as answer:
        assert answer.status == 401
    await sim.advance(301)
    async with sim.http.get(shown["url"], headers=AUTH) as answer:
        assert answer.status == 404
    await sim.act("text", text="Hi")
    await sim.send({"messaging_product": "whatsapp", "to": "+" + NADIA, "type": "image", "image": {"id": made["id"]}})
    await sim.advance(30 * 86400)
    assert callback.statuses()[0]["status"] == "sent"
    assert (await sim.call("GET", f"/v26.0/{made['id']}"))[1]["error"]["error_subcode"] == 33


async def test_media_of_the_wrong_kind_is_refused_or_fails(sim, callback):
    status, answer = await upload(sim, kind="image/tiff")
    assert (status, answer["error"]["code"]) == (400, 100)
    _, made = await upload(sim, PNG + b"\0" * (5 << 20))
    await sim.act("text", text="Hi")
    await sim.send({"messaging_product": "whatsapp", "to": "+" + NADIA, "type": "image", "image": {"id": made["id"]}})
    await sim.advance(1)
    assert [status["errors"][0]["code"] for status in callback.statuses()] == [131053]


async def test_a_photo_from_a_person_can_be_fetched(sim, callback):
    await sim.act("image", base64=base64.b64encode(PNG).decode(), mime_type="image/png", caption="broken lid")
    await sim.quiet()
    [message] = callback.messages()
    assert message["image"]["caption"] == "broken lid"
    assert message["image"]["sha256"] == base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    async with sim.http.get(message["image"]["url"], headers=AUTH) as answer:
        assert await answer.read() == PNG


async def test_links_are_fetched_from_loopback_and_fixtures_only(sim, callback):
    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=PNG, content_type="image/png")

    app = web.Application()
    app.router.add_get("/x.png", picture)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await sim.post("/sim/fixtures", {"hosts": ["cdn.example"]})
    await sim.act("text", text="Hi")
    for link in (
        f"http://127.0.0.1:{port}/x.png",
        f"http://127.0.0.1:{port}/y.png",
        "https://cdn.example/x.png",
        "https://a.example/x",
    ):
        await sim.send({"messaging_product": "whatsapp", "to": "+" + NADIA, "type": "image", "image": {"link": link}})
        await sim.quiet()
        await sim.advance(1)
    await runner.cleanup()
    final = [status["status"] for status in callback.statuses() if status["status"] in {"read", "failed"}]
    assert final == ["read", "failed", "read", "failed"]


async def test_subscribing_asks_the_callback_to_prove_itself(sim, callback):
    token = f"{APP}|{SECRET}"
    fields = {
        "object": "whatsapp_business_account",
        "callback_url": callback.url,
        "verify_token": VERIFY,
        "fields": "messages",
    }
    path = f"/v26.0/{APP}/subscriptions"
    assert await sim.call("POST", path, fields, token=token) == (200, {"success": True})
    assert (await sim.call("POST", path, {**fields, "verify_token": "wrong"}, token=token))[0] == 400
    shown = (await sim.call("GET", path, token=token))[1]
    assert shown["data"][0]["callback_url"] == callback.url
    await sim.act("stop_marketing")
    await sim.act("text", text="Hi")
    await sim.quiet()
    assert callback.changes("user_preferences") == []
    assert len(callback.messages()) == 1


async def test_an_override_takes_the_messages_of_its_number(sim, callback):
    configuration = {"webhook_configuration": {"override_callback_uri": callback.url, "verify_token": VERIFY}}
    await sim.post("/sim/setup", {"app": {"callback_url": "http://127.0.0.1:1/nowhere"}})
    assert await sim.post(f"/v26.0/{PHONE}", configuration) == {"success": True}
    await sim.act("text", text="Hi")
    await sim.quiet()
    assert len(callback.messages()) == 1
    shown = await sim.get(f"/v26.0/{PHONE}?fields=webhook_configuration")
    assert shown["webhook_configuration"]["phone_number"] == callback.url
    configuration["webhook_configuration"]["override_callback_uri"] = ""
    await sim.post(f"/v26.0/{PHONE}", configuration)
    assert (
        "phone_number" not in (await sim.get(f"/v26.0/{PHONE}?fields=webhook_configuration"))["webhook_configuration"]
    )


async def test_unsubscribed_accounts_are_silent(sim, callback):
    path = f"/v26.0/{WABA}/subscribed_apps"
    assert (await sim.get(path))["data"][0]["whatsapp_business_api_data"]["id"] == APP
    assert (await sim.call("DELETE", path))[1] == {"success": True}
    await sim.act("text", text="Hi")
    await sim.quiet()
    assert callback.posts == []
    await sim.post(path)
    await sim.act("text", text="Hi")
    await sim.quiet()
    assert len(callback.messages()) == 1


async def test_a_number_is_added_verified_and_registered(sim):
    made = await sim.post(
        f"/v26.0/{WABA}/phone_numbers", {"cc": "44", "phone_number": "7700900999", "verified_name": "Tea"}
    )
    register = {"messaging_product": "whatsapp", "pin": "123456"}
    assert (await sim.call("POST", f"/v26.0/{made['id']}/register", register))[1]["error"]["code"] == 133006
    await sim.post(f"/v26.0/{made['id']}/request_code", {"code_method": "SMS", "language": "en"})
    assert (await sim.call("POST", f"/v26.0/{made['id']}/verify_code", {"code": "x"}))[1]["error"]["code"] == 136025
    phones = (await sim.get("/sim/phones"))["phone_numbers"]
    [code] = [phone["verification_code"] for phone in phones if phone["id"] == made["id"]]
    await sim.post(f"/v26.0/{made['id']}/verify_code", {"code": code})
    await sim.post(f"/v26.0/{made['id']}/register", register)
    assert (await sim.call("POST", f"/v26.0/{made['id']}/register", {**register, "pin": "654321"}))[1]["error"][
        "code"
    ] == 133005
    for _ in range(8):
        _, answer = await sim.call("POST", f"/v26.0/{made['id']}/register", register)
    assert answer["error"]["code"] == 133016
    await sim.advance(72 * 3600 + 1)
    assert (await sim.call("POST", f"/v26.0/{made['id']}/register", register))[0] == 200


async def test_the_small_edges(sim):
    profile = {
        "messaging_product": "whatsapp",
        "about": "Tea",
        "websites": ["https://tea.example"],
        "vertical": "RETAIL",
    }
    await sim.post(f"/v26.0/{PHONE}/whatsapp_business_profile", profile)
    shown = await sim.get(f"/v26.0/{PHONE}/whatsapp_business_profile?fields=about,websites")
    assert shown["data"] == [{"about": "Tea", "websites": ["https://tea.example"], "messaging_product": "whatsapp"}]
    await sim.post(f"/v26.0/{PHONE}/conversational_automation", {"prompts": ["Track my order"]})
    assert (await sim.get(f"/v26.0/{PHONE}?fields=conversational_automation"))["conversational_automation"]["prompts"]
    code = await sim.post(f"/v26.0/{PHONE}/message_qrdls", {"prefilled_message": "Hi", "generate_qr_image": "SVG"})
    assert code["deep_link_url"].endswith(code["code"])
    assert (await sim.get(f"/v26.0/{PHONE}/message_qrdls/{code['code']}"))["data"] == [code]
    assert (await sim.call("DELETE", f"/v26.0/{PHONE}/message_qrdls/{code['code']}"))[1] == {"success": True}
    health = await sim.get(f"/v26.0/{PHONE}?fields=health_status")
    assert health["health_status"]["can_send_message"] == "AVAILABLE"
    assert (await sim.get(f"/v26.0/{WABA}?fields=currency,timezone_id"))["currency"] == "EUR"
    assert (await sim.call("GET", f"/v26.0/{PHONE}?fields=nonsense"))[1]["error"]["code"] == 100
    assert (await sim.call("GET", "/v26.0/nonsense"))[1]["error"]["code"] == 2500
    assert (await sim.call("GET", f"/v26.0/{PHONE}", token=""))[1]["error"]["code"] == 200
    debug = await sim.get("/v26.0/debug_token?input_token=EAAsimulated")
    assert debug["data"]["is_valid"]


async def test_message_history_names_the_events(sim):
    await sim.act("text", text="Hi")
    wamid = await sim.send(text())
    await sim.quiet()
    found = await sim.get(f"/v26.0/{PHONE}/message_history?message_id={wamid.replace('+', '%2B').replace('=', '%3D')}")
    events = found["data"][0]["events"]["data"]
    assert [event["delivery_status"] for event in events] == ["SENT", "DELIVERED", "READ"]


async def test_a_file_goes_up_in_parts_and_becomes_a_handle(sim):
    started = await sim.post(f"/v26.0/{APP}/uploads?file_name=x.png&file_length={len(PNG)}&file_type=image/png")
    session = started["id"]
    for offset, part in ((0, PNG[:20]), (20, PNG[20:])):
        headers = {"Authorization": "OAuth EAAsimulated", "file_offset": str(offset)}
        async with sim.http.post(f"{sim.url}/v26.0/{session}", data=part, headers=headers) as answer:
            body = await answer.json()
            assert answer.status == 200, body
    made = await sim.post(
        f"/v26.0/{WABA}/message_templates",
        draft(
            name="with_picture",
            components=[
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [body["h"]]}},
                {"type": "BODY", "text": "Look"},
            ],
        ),
    )
    assert made["id"]


async def test_a_template_from_the_library_is_approved_at_once(sim):
    library = await sim.get("/v26.0/message_template_library?search=delivery")
    assert [entry["name"] for entry in library["data"]] == ["delivery_update_1"]
    made = await sim.post(
        f"/v26.0/{WABA}/message_templates",
        {"name": "mine", "language": "en", "category": "UTILITY", "library_template_name": "delivery_update_1"},
    )
    await sim.quiet()
    assert (await sim.get(f"/v26.0/{made['id']}?fields=status"))["status"] == "APPROVED"


async def test_templates_and_flows_move_between_accounts_of_a_portfolio(sim):
    await sim.post("/sim/setup", {"wabas": [{"id": WABA}, {"id": "309"}]})
    moved = await sim.post(
        "/v26.0/309/migrate_message_templates", {"source_waba_id": WABA, "count": 10, "page_number": 0}
    )
    assert len(moved["migrated_templates"]) == 2
    await sim.post(f"/v26.0/{WABA}/flows", {"name": "slots", "categories": ["OTHER"]})
    found = await sim.post(f"/v26.0/309/migrate_flows?source_waba_id={WABA}&source_flow_names=slots,nothing")
    assert [flow["source_name"] for flow in found["migrated_flows"]] == ["slots"]
    assert [flow["source_name"] for flow in found["failed_flows"]] == ["nothing"]
