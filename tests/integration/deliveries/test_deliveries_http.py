"""Deliveries, prices and the ledger over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI

from sojourn.channels.base import Unknown
from sojourn.channels.memory import memory
from sojourn.deliveries import tasks
from sojourn.deliveries.routes import router as deliveries
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import install_error_handlers
from sojourn.messages.routes import router as messages
from sojourn.pricing.routes import router as pricing
from sojourn.workspaces.actions import create_key
from tests.integration.deliveries.world import Shop, make_shop
from tests.support.api import Api


class Answer:
    def __init__(self, status_code: int, body: Any) -> None:
        self.status_code, self._body = status_code, body

    def json(self) -> Any:
        return self._body


class Client:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, path: str, params: dict[str, Any] | None = None) -> Answer:
        answer = await self._api.call("GET", path + (f"?{urlencode(params)}" if params else ""))
        return Answer(answer.status, answer.json)

    async def post(self, path: str, json: Any = None) -> Answer:
        answer = await self._api.call("POST", path, json)
        return Answer(answer.status, answer.json)


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    return await make_shop(database, keys, now + timedelta(hours=3))


@pytest.fixture
async def api(shop: Shop) -> Client:
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = shop.db, shop.clock, shop.keys
    for router in (deliveries, messages, pricing):
        app.include_router(router)
    install_error_handlers(app)
    async with shop.db.transaction() as conn:
        _, secret = await create_key(conn, shop.workspace_id, "shop", scopes=["full"], now=shop.now)
    return Client(Api(app, secret))


def order(shop: Shop, key: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "profile_id": str(shop.people[0]),
        "purpose": "transactional",
        "channel": "memory",
        "template": {"name": "order_shipped", "variables": {"event": {"order": "B-1001"}}},
        **more,
    }


async def test_one_message_is_asked_for_sent_and_explained(api: Client, shop: Shop) -> None:
    answer = await api.post("/v1/deliveries", json=order(shop, "o-1"))
    assert answer.status_code == 202
    made = answer.json()
    assert (made["status"], made["is_new"]) == ("queued", True)
    again = await api.post("/v1/deliveries", json=order(shop, "o-1"))
    assert (again.json()["id"], again.json()["is_new"]) == (made["id"], False)
    await shop.send()
    await shop.report(shop.update(memory.sent[0].attempt_id, "delivered"))
    told = (await api.get(f"/v1/deliveries/{made['id']}")).json()
    assert told["status"] == "delivered"
    assert told["key"] == "o-1"
    assert told["body"].startswith("Your order B-1001 left with our courier")
    assert told["decision"]["summary"] == "It may be sent."
    rules = {rule["rule"]: rule["words"] for rule in told["decision"]["rules"]}
    assert rules["consent"].startswith("consent granted")
    [attempt] = told["attempts"]
    assert (attempt["number"], attempt["result"]) == (1, "accepted")
    assert attempt["decision"]["outcome"] == "allow"
    assert told["cost"]["amount_micro"] == 22_000
    [said] = (await api.get("/v1/messages", params={"profile_id": str(shop.people[0])})).json()["items"]
    assert (said["direction"], said["id"]) == ("out", made["id"])


async def test_a_batch_names_people_by_their_identities(api: Client, shop: Shop) -> None:
    people = [[{"scheme": "phone", "value": "+447000000001"}], [{"scheme": "phone", "value": "07700 900123"}]]
    body = {
        "deliveries": [
            {**order(shop, f"b-{index}"), "profile_id": None, "identities": identities}
            for index, identities in enumerate(people)
        ]
    }
    first, second = (await api.post("/v1/deliveries", json=body)).json()["deliveries"]
    assert first["profile_id"] == str(shop.people[1])
    assert first["status"] == "queued"
    assert (second["status"], second["reason"]) == ("excluded", "no_consent")
    funnel = (await api.get("/v1/funnel", params={"key_prefix": "b-"})).json()
    assert (funnel["requested"], funnel["queued"], funnel["excluded_by"]) == (2, 1, {"no_consent": 1})
    [listed] = (await api.get("/v1/deliveries", params={"reason": "no_consent"})).json()["items"]
    assert listed["id"] == second["id"]


async def test_lists_come_in_pages(api: Client, shop: Shop) -> None:
    await api.post("/v1/deliveries", json={"deliveries": [order(shop, f"p-{index}") for index in range(5)]})
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, "profile_id": str(shop.people[0]), **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/v1/deliveries", params=params)).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(set(seen)) == len(seen) == 5
    assert (await api.get("/v1/deliveries", params={"cursor": "!"})).json()["code"] == "invalid_input"


async def test_every_mistake_is_named_with_its_field(api: Client, shop: Shop) -> None:
    body = {
        "deliveries": [
            order(shop, "m-1", profile_id=None),
            order(shop, "m-2", template=None),
            order(shop, "m-3", template=None, content={"type": "text", "body": "x" * 5000}),
            order(shop, "m-4", template=None, content={"type": "nonsense"}),
        ]
    }
    answer = await api.post("/v1/deliveries", json=body)
    assert answer.status_code == 422
    fields = {error["field"]: error for error in answer.json()["errors"]}
    assert fields["deliveries.0.profile_id"]["code"] == "one_of"
    assert fields["deliveries.1.template"]["code"] == "one_of"
    assert fields["deliveries.2.content.body"]["limit"] == 4096
    assert any(field.startswith("deliveries.3.content") for field in fields)
    unknown = await api.post(
        "/v1/deliveries", json=order(shop, "m-5", profile_id="00000000-0000-7000-8000-000000000000")
    )
    assert unknown.json()["errors"][0]["code"] == "unknown_profile"


async def test_free_text_outside_of_the_window_is_refused(api: Client, shop: Shop) -> None:
    async with shop.db.transaction() as conn:
        await conn.execute(
            "INSERT INTO windows VALUES (%s, %s, %s, %s, %s)",
            [
                shop.people[0],
                shop.sender_id,
                shop.people[0].int & 255,
                shop.workspace_id,
                shop.now - timedelta(hours=25),
            ],
        )
    text = order(shop, "t-1", purpose="service", template=None, content={"type": "text", "body": "Hello"})
    answer = await api.post("/v1/deliveries", json=text)
    assert (answer.status_code, answer.json()["code"]) == (409, "window_closed")
    shop.clock.push(-timedelta(hours=2))
    assert (await api.post("/v1/deliveries", json=text)).json()["status"] == "queued"


async def test_the_unknown_lane_has_a_button(api: Client, shop: Shop) -> None:
    memory.answers.extend([lambda message: Unknown(attempt_id=message.attempt_id, reason="timeout")] * 2)
    first = (await api.post("/v1/deliveries", json=order(shop, "u-1"))).json()
    second = (await api.post("/v1/deliveries", json=order(shop, "u-2"))).json()
    await shop.send()
    lane = (await api.get("/v1/deliveries/unknown")).json()["items"]
    assert {row["delivery_id"] for row in lane} == {first["id"], second["id"]}
    settled = await api.post(f"/v1/deliveries/{first['id']}/settle", json={"arrived": True})
    assert settled.json()["status"] == "delivered"
    assert (await api.post(f"/v1/deliveries/{first['id']}/settle", json={"arrived": True})).status_code == 409
    assert (await api.post(f"/v1/deliveries/{second['id']}/resend")).json()["status"] == "queued"
    assert await shop.send() == 1
    assert (await api.get("/v1/funnel")).json()["unknown"] == 0


async def test_what_waits_is_taken_back(api: Client, shop: Shop) -> None:
    made = (await api.post("/v1/deliveries", json=order(shop, "c-1"))).json()
    answer = await api.post("/v1/deliveries/cancel", json={"delivery_ids": [made["id"]], "reason": "bought"})
    assert answer.json() == {"cancelled": 1}
    row = (await api.get(f"/v1/deliveries/{made['id']}")).json()
    assert (row["status"], row["reason"]) == ("cancelled", "bought")
    assert await tasks.send_due_deliveries(shop.work) == 0


async def test_an_own_rate_card_prices_what_arrives_after_it(api: Client, shop: Shop) -> None:
    card = {
        "name": "Test card", "currency": "EUR", "effective_from": "2026-01-01",
        "rates": {"*": {"marketing": "0.08", "utility": "0.02", "authentication": "0.02", "service": "0"}},
    }  # fmt: skip
    assert (await api.post("/v1/rate-cards", json=card)).json()["rates_micro"]["*"]["utility"] == 20_000
    assert (await api.post("/v1/rate-cards", json=card)).json()["code"] == "rate_card_exists"
    wrong = {**card, "currency": "USD", "rates": {"*": {"postcards": "-1"}}}
    codes = {error["code"] for error in (await api.post("/v1/rate-cards", json=wrong)).json()["errors"]}
    assert codes == {"unknown_category", "out_of_range"}
    price = {"number": "+447700900101", "category": "utility", "currency": "EUR"}
    assert (await api.get("/v1/estimate", params=price)).json()["amount_micro"] == 20_000
    assert (await api.get("/v1/estimate", params={**price, "window_open": True})).json()["amount_micro"] == 0
    assert (await api.get("/v1/estimate", params={**price, "currency": "BRL"})).json()["code"] == "no_rate"
    await api.post("/v1/deliveries", json=order(shop, "r-1"))
    await shop.send()
    await shop.report(shop.update(memory.sent[0].attempt_id, "read"))
    [cost] = await shop.rows("SELECT amount_micro, currency FROM costs")
    assert cost == {"amount_micro": 20_000, "currency": "EUR"}


async def test_cancelling_names_what_it_takes_back(api: Client, shop: Shop) -> None:
    for body in ({}, {"reason": "changed"}, {"profile_id": None}):
        answer = await api.post("/v1/deliveries/cancel", json=body)
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error["code"] == "one_of"
        assert error["limit"] == ["delivery_ids", "profile_id", "run_id", "owner_id"]
    assert (await api.post("/v1/deliveries/cancel", json={"delivery_ids": []})).json() == {"cancelled": 0}


async def test_a_list_may_begin_at_any_moment(api: Client, shop: Shop) -> None:
    await api.post("/v1/deliveries", json=order(shop, "o-1"))
    for since, count in (("1960-01-01T00:00:00Z", 1), ("0001-01-01T00:00:00Z", 1), ("9999-12-31T23:59:59Z", 0)):
        answer = await api.get("/v1/deliveries", params={"since": since})
        assert (answer.status_code, len(answer.json()["items"])) == (200, count)
