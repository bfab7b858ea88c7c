"""The history of attributes, and parting two profiles, over HTTP."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from sojourn.consents import routes as consents
from sojourn.kit.jobs import Registry
from sojourn.kit.web import install_error_handlers
from sojourn.profiles import routes as profiles
from sojourn.workspaces.actions import create_key, create_workspace
from tests.support.api import Api


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
async def api(database, keys, now):
    async with database.transaction() as conn:
        workspace = await create_workspace(conn, "Brisk Coffee", now=now)
        _, secret = await create_key(conn, workspace.id, "test", now=now)
    app = FastAPI()
    app.state.db, app.state.keys, app.state.clock = database, keys, SimpleNamespace(now=lambda: now)
    install_error_handlers(app)
    app.include_router(profiles.router)
    app.include_router(consents.router)
    return Api(app, secret)


async def write(api, **person):
    answer = await api.call("POST", "/v1/profiles", {"profiles": [person]})
    return answer.json["profiles"][0]["profile_id"]


async def test_the_history_is_read_in_pages_and_by_attribute(api):
    anna = await write(api, external_id="a", attributes={"tier": "silver"})
    for given in ({"tier": "gold"}, {"city": "Leeds"}, {"tier": None}):
        await api.call("PATCH", f"/v1/profiles/{anna}", {"attributes": given})
    whole = (await api.call("GET", f"/v1/profiles/{anna}/history")).json
    assert len(whole["items"]) == 3
    first = (await api.call("GET", f"/v1/profiles/{anna}/history?limit=2")).json
    rest = (await api.call("GET", f"/v1/profiles/{anna}/history?limit=2&cursor={first['next_cursor']}")).json
    assert first["items"] + rest["items"] == whole["items"]
    assert rest["next_cursor"] is None
    found = (await api.call("GET", f"/v1/profiles/{anna}/history?attribute=tier")).json["items"]
    assert {(one["source"], one["changes"][0]["old"], one["changes"][0]["new"]) for one in found} == {
        ("api", "silver", "gold"),
        ("api", "gold", None),
    }


async def test_two_are_merged_and_parted_again_each_with_their_own_consent(api):
    anna = await write(api, phone="+447700900101", attributes={"name": "Anna"})
    bea = await write(api, phone="+447700900102", attributes={"name": "Bea", "city": "Leeds"})
    grant = {"purpose": "marketing", "state": "granted", "evidence": {"wording": "Yes, send me offers"}}
    told = [{"profile_id": anna, **grant}, {"profile_id": bea, "purpose": "marketing", "state": "withdrawn"}]
    assert (await api.call("POST", "/v1/consents", {"consents": told})).status == 200
    assert (await api.call("POST", f"/v1/profiles/{anna}/merge", {"loser_id": bea})).status == 200
    assert await states(api, anna) == {"withdrawn"}
    [merged] = (await api.call("GET", f"/v1/profiles/{bea}/history")).json["items"]
    assert (merged["source"], merged["changes"]) == ("merge", [{"name": "city", "old": None, "new": "Leeds"}])

    parted = await api.call("POST", f"/v1/profiles/{anna}/unmerge", {"loser_id": bea})
    assert (parted.status, parted.json) == (
        200,
        {"profile_id": anna, "restored_id": bea, "identities": 1, "withdrawals": 0},
    )
    assert (await states(api, anna), await states(api, bea)) == ({"granted"}, {"withdrawn"})
    shown = (await api.call("GET", f"/v1/profiles/{bea}")).json
    assert (shown["id"], shown["attributes"]) == (bea, {"name": "Bea", "city": "Leeds"})
    again = await api.call("POST", f"/v1/profiles/{anna}/unmerge", {"loser_id": bea})
    assert (again.status, again.json["code"], again.json["reason"]) == (409, "unmerge_refused", "not_merged")


async def states(api, profile):
    shown = (await api.call("GET", f"/v1/profiles/{profile}/consents")).json
    return {one["state"] for one in shown["current"]}
