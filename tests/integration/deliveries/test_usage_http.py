"""How a sender stands, over HTTP: quality over time, people of the moving day, what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from sojourn.channels import actions as channels
from sojourn.channels import store as senders
from sojourn.channels.base import Unknown
from sojourn.channels.memory import memory
from sojourn.deliveries.usage_routes import router
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import install_error_handlers
from sojourn.workspaces.actions import create_key
from tests.integration.deliveries.world import Shop, make_shop, promotion, request
from tests.support.api import Api

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: Any) -> Shop:
    return await make_shop(database, keys, now + 3 * HOUR, people=4, portfolio_limit=3)


@pytest.fixture
async def api(shop: Shop) -> Api:
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = shop.db, shop.clock, shop.keys
    app.include_router(router)
    install_error_handlers(app)
    async with shop.db.transaction() as conn:
        _, secret = await create_key(conn, shop.workspace_id, "shop", scopes=["senders.read"], now=shop.now)
    return Api(app, secret)


async def usage(api: Api, shop: Shop) -> dict[str, Any]:
    answer = await api.call("GET", f"/v1/senders/{shop.sender_id}/usage")
    assert answer.status == 200, answer.json
    return dict(answer.json)


async def test_people_of_the_last_24_hours_are_counted_once_and_leave_again(api: Api, shop: Shop) -> None:
    fresh = (await usage(api, shop))["recipients"]
    assert (fresh["limit"], fresh["used"], fresh["left"], fresh["next_free_at"]) == (3, 0, 3, None)
    first, second = shop.people[:2]
    await shop.request(request(first, "a"), request(first, "b"))
    await shop.send()
    shop.clock.push(HOUR)
    await shop.request(request(second, "c"))
    await shop.send()
    assert len(memory.sent) == 3
    used = (await usage(api, shop))["recipients"]
    assert (used["used"], used["left"]) == (2, 1)
    assert used["next_free_at"] is not None
    shop.clock.push(23 * HOUR + timedelta(minutes=1))
    assert (await usage(api, shop))["recipients"]["used"] == 1
    shop.clock.push(HOUR)
    assert (await usage(api, shop))["recipients"]["used"] == 0


async def test_without_a_limit_nobody_is_counted(api: Api, shop: Shop) -> None:
    async with shop.db.transaction() as conn:
        sender = await senders.get_sender(conn, shop.workspace_id, shop.sender_id)
        await senders.update_sender(conn, replace(sender, portfolio_limit=None), now=shop.now)
    recipients = (await usage(api, shop))["recipients"]
    assert (recipients["limit"], recipients["used"], recipients["left"]) == (None, None, None)


async def test_what_waits_is_told_apart_from_what_is_due(api: Api, shop: Shop) -> None:
    memory.answers.append(lambda message: Unknown(attempt_id=message.attempt_id, reason="timeout"))
    await shop.request(request(shop.people[0]))
    await shop.send()
    await shop.request(
        request(shop.people[1]), promotion(shop.people[2]), promotion(shop.people[3], planned_at=shop.now + HOUR)
    )
    told = await usage(api, shop)
    assert told["pending"] == {
        "waiting": 3, "due": 2, "in_flight": 0, "unknown": 1,
        "by_lane": {"authentication": 0, "transactional": 1, "service": 0, "marketing": 2},
    }  # fmt: skip
    assert told["rate"] == {"level": None, "allowed": 80, "is_chosen": True, "in_use": 80.0}


async def test_quality_has_a_history(api: Api, shop: Shop) -> None:
    for quality in ("green", "yellow", "red"):
        async with shop.db.transaction() as conn:
            result = channels.CheckResult(simulated=True, found={"quality": quality})
            await channels.apply_check(conn, shop.sender_id, result, resume=False, now=shop.now)
        shop.clock.push(HOUR)
    told = (await usage(api, shop))["quality"]
    assert told["now"] == "red"
    assert [(row["old"], row["new"]) for row in told["history"]] == [
        ("yellow", "red"),
        ("green", "yellow"),
        (None, "green"),
    ]


async def test_strangers_and_keys_without_the_right_see_nothing(api: Api, shop: Shop) -> None:
    assert (await api.call("GET", f"/v1/senders/{uuid4()}/usage")).status == 404
    async with shop.db.transaction() as conn:
        _, narrow = await create_key(conn, shop.workspace_id, "other", scopes=["events.write"], now=shop.now)
    assert (await api.call("GET", f"/v1/senders/{shop.sender_id}/usage", key=narrow)).status == 403
