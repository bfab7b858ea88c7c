"""Profiles that were merged are one person: what concerned one of them concerns both, whichever id is given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from sojourn.deliveries.routes import router as deliveries
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import install_error_handlers
from sojourn.messages.routes import router as messages
from sojourn.profiles.merges import merge_profile
from sojourn.reports.routes import router as reports
from sojourn.workspaces.actions import create_key
from tests.integration.deliveries.world import Shop, make_shop, request
from tests.support.api import Api

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    return await make_shop(database, keys, now + 3 * HOUR, people=3)


async def merge(shop: Shop, loser: int, winner: int) -> None:
    async with shop.db.transaction() as conn:
        await merge_profile(
            conn, shop.workspace_id, loser_id=shop.people[loser], winner_id=shop.people[winner], actor="t", now=shop.now
        )


@pytest.fixture
async def api(shop: Shop) -> Api:
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = shop.db, shop.clock, shop.keys
    for router in (deliveries, messages, reports):
        app.include_router(router)
    install_error_handlers(app)
    async with shop.db.transaction() as conn:
        _, secret = await create_key(conn, shop.workspace_id, "shop", scopes=["full"], now=shop.now)
    return Api(app, secret)


@pytest.mark.parametrize("loser", [0, 1])
@pytest.mark.parametrize("named", [0, 1])
async def test_cancelling_for_a_person_reaches_what_waits_for_any_of_their_profiles(
    api: Api, shop: Shop, loser: int, named: int
) -> None:
    later = shop.now + HOUR
    for index in range(3):
        await shop.request(request(shop.people[index], f"k{index}", planned_at=later))
    await merge(shop, loser, 1 - loser)
    answer = await api.call("POST", "/v1/deliveries/cancel", {"profile_id": str(shop.people[named])})
    assert answer.json == {"cancelled": 2}
    shop.clock.push(HOUR)
    assert await shop.send() == 1


async def listed(api: Api, path: str) -> list[Any]:
    answer = await api.call("GET", path)
    assert answer.status == 200
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.parametrize("loser", [0, 1])
async def test_lists_of_a_person_show_all_of_them(api: Api, shop: Shop, loser: int) -> None:
    made = await shop.request(*(request(profile, "order-1") for profile in shop.people))
    await shop.send()
    await merge(shop, loser, 1 - loser)
    theirs = {str(delivery.id) for delivery in made[:2]}
    for profile in shop.people[:2]:
        assert set(await listed(api, f"/v1/deliveries?profile_id={profile}")) == theirs
        assert set(await listed(api, f"/v1/messages?profile_id={profile}")) == theirs
        assert theirs <= set(await listed(api, f"/v1/profiles/{profile}/timeline"))
    assert await listed(api, f"/v1/deliveries?profile_id={shop.people[2]}") == [str(made[2].id)]
