"""Profiles that were merged are one person: what concerned one of them concerns both, whichever id is given."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from sojourn.channels.memory import memory
from sojourn.deliveries.routes import router as deliveries
from sojourn.deliveries.store import limits
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import install_error_handlers
from sojourn.messages import store as message_store
from sojourn.messages.routes import router as messages
from sojourn.profiles.merges import merge_profile
from sojourn.reports.routes import router as reports
from sojourn.workspaces.actions import create_key
from sojourn.workspaces.model import WorkspaceSettings
from tests.integration.deliveries.world import Shop, answer, make_shop, promotion, request
from tests.support.api import Api

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    settings = WorkspaceSettings(marketing_cap=1, marketing_cap_days=7)
    return await make_shop(database, keys, now + 3 * HOUR, people=3, settings=settings)


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


@pytest.mark.parametrize("loser", [0, 1])
@pytest.mark.parametrize("asked_for", [0, 1])
async def test_what_either_had_counts_for_the_cap(shop: Shop, loser: int, asked_for: int) -> None:
    await shop.request(promotion(shop.people[0], "p1"))
    await shop.send()
    await merge(shop, loser, 1 - loser)
    [second] = await shop.request(promotion(shop.people[asked_for], "p2"))
    assert (second.status, second.reason) == ("excluded", "cap")


@pytest.mark.parametrize("loser", [0, 1])
async def test_of_what_waits_for_both_only_what_the_cap_allows_leaves(shop: Shop, loser: int) -> None:
    made = await shop.request(promotion(shop.people[0], "p1"), promotion(shop.people[1], "p2"))
    await merge(shop, loser, 1 - loser)
    await shop.send()
    rows = [await shop.row(delivery) for delivery in made]
    assert sorted((row["status"], row["reason"]) for row in rows) == [("accepted", None), ("excluded", "cap")]
    assert len(memory.sent) == 1


@pytest.mark.parametrize("loser", [0, 1])
async def test_a_rest_that_the_platform_asked_for_either_counts(shop: Shop, loser: int) -> None:
    async with shop.db.transaction() as conn:
        await limits.update_saturated(conn, shop.workspace_id, [(shop.people[0], shop.now + HOUR)])
    await merge(shop, loser, 1 - loser)
    [delivery] = await shop.request(promotion(shop.people[1]))
    assert (delivery.status, delivery.reason) == ("excluded", "saturated")


@pytest.mark.parametrize("loser", [0, 1])
async def test_the_window_that_either_opened_is_the_persons(shop: Shop, loser: int) -> None:
    pair = (shop.people[0], shop.sender_id, shop.now)
    async with shop.db.transaction() as conn:
        await message_store.upsert_windows(conn, shop.workspace_id, [pair], shop.now)
    await merge(shop, loser, 1 - loser)
    [delivery] = await shop.request(answer(shop.people[1]))
    assert delivery.status == "queued"
    async with shop.db.transaction() as conn:
        winner = (shop.people[1 - loser], shop.sender_id, shop.now)
        await message_store.close_windows(conn, [winner])
    [refused] = await shop.request(answer(shop.people[1], "a2"))
    assert (refused.status, refused.reason) == ("excluded", "window_closed")
