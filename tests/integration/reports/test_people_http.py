"""Workspace, keys, people, rules and timelines over HTTP."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from sojourn.events import routes as events
from sojourn.kit.clock import Clock
from sojourn.kit.jobs import Registry
from sojourn.kit.web import install_error_handlers
from sojourn.profiles import routes as profiles
from sojourn.reports import routes as reports
from sojourn.workspaces import routes as workspaces
from sojourn.workspaces.actions import create_key, create_workspace
from tests.support.api import Api


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
async def api(database):
    clock = Clock()
    async with database.transaction() as conn:
        workspace = await create_workspace(conn, "Bean There", now=clock.now())
        _, key = await create_key(conn, workspace.id, "api", now=clock.now())
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = database, clock, SimpleNamespace()
    for folder in (workspaces, profiles, events, reports):
        app.include_router(folder.router)
    install_error_handlers(app)
    return Api(app, key)


async def test_the_workspace_is_shown_and_changed_with_a_trace(api):
    shown = await api.call("GET", "/v1/workspace")
    assert (shown.json["name"], shown.json["settings"]["brake"]) == ("Bean There", False)
    changed = await api.call("PATCH", "/v1/workspace", {"settings": {"brake": True}})
    assert changed.json["settings"]["brake"] is True
    bad = await api.call("PATCH", "/v1/workspace", {"settings": {"survey_days": "x"}, "timezone": None})
    assert (bad.status, bad.json["errors"][0]["field"]) == (422, "settings.survey_days")
    trail = await api.call("GET", "/v1/audit?object_kind=workspace&limit=1")
    assert trail.json["items"][0]["changes"] == {"settings.brake": {"from": False, "to": True}}
    older = await api.call("GET", f"/v1/audit?object_kind=workspace&limit=1&cursor={trail.json['next_cursor']}")
    assert older.json["items"][0]["action"] == "workspace.created"
    assert (await api.call("GET", "/v1/audit?cursor=!")).json["errors"][0]["code"] == "invalid_cursor"


async def test_a_key_is_shown_once_and_opens_only_its_rights(api):
    made = await api.call("POST", "/v1/api-keys", {"name": "reader", "scopes": ["read"]})
    secret, key_id = made.json["secret"], made.json["key"]["id"]
    assert made.status == 201
    assert secret not in str((await api.call("GET", "/v1/api-keys")).json)
    assert (await api.call("GET", "/v1/profiles", key=secret)).status == 200
    refused = await api.call("POST", "/v1/profiles", {"profiles": [{"email": "a@b.example"}]}, key=secret)
    assert (refused.status, refused.json["code"], refused.json["right"]) == (403, "missing_right", "profiles.write")
    assert (await api.call("GET", "/v1/profiles", key="sk_nothing")).json["code"] == "unauthenticated"
    assert (await api.call("DELETE", f"/v1/api-keys/{key_id}")).json["revoked_at"]
    assert (await api.call("GET", "/v1/profiles", key=secret)).status == 401


async def test_people_are_written_found_changed_and_merged(api):
    people = [
        {"external_id": "u1", "phone": "07700 900101", "attributes": {"first_name": "Anna"}},
        {"phone": "nonsense"},
        {"attributes": {"x": 1}},
        {"email": "Anna@Example.com"},
    ]
    written = await api.call("POST", "/v1/profiles", {"profiles": people})
    assert [one is not None for one in written.json["profiles"]] == [True, False, False, True]
    assert [(one["field"], one["code"]) for one in written.json["errors"]] == [
        ("profiles[1].phone", "invalid_phone"),
        ("profiles[2]", "no_identity"),
    ]
    anna, other = written.json["profiles"][0]["profile_id"], written.json["profiles"][3]["profile_id"]
    found = await api.call("GET", f"/v1/profiles?phone={quote('+44 7700 900101')}")
    assert [one["id"] for one in found.json["items"]] == [anna]
    assert (await api.call("GET", "/v1/profiles?phone=x")).json["errors"][0]["field"] == "phone"
    assert (await api.call("GET", "/v1/profiles?email=nobody@b.example")).json["items"] == []
    trail = await api.call("GET", "/v1/audit?object_kind=profile&object_id=phone")
    assert (trail.json["items"][0]["action"], trail.json["items"][0]["object_id"]) == ("profile.searched", "phone")
    first = await api.call("GET", "/v1/profiles?limit=1")
    rest = await api.call("GET", f"/v1/profiles?limit=1&cursor={first.json['next_cursor']}")
    assert {first.json["items"][0]["id"], rest.json["items"][0]["id"]} == {anna, other}
    assert rest.json["next_cursor"] is None
    changed = await api.call("PATCH", f"/v1/profiles/{anna}", {"attributes": {"first_name": None, "city": "Leeds"}})
    assert changed.json["attributes"] == {"city": "Leeds"}
    merged = await api.call("POST", f"/v1/profiles/{anna}/merge", {"loser_id": other})
    assert {one["scheme"] for one in merged.json["identities"]} == {"external_id", "phone", "email"}
    assert (await api.call("GET", f"/v1/profiles/{other}")).json["id"] == anna
    unknown = await api.call("GET", "/v1/profiles/01890a5d-ac96-774b-bcce-b302099a8057")
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_profile")


async def test_a_declared_type_is_enforced(api):
    assert (await api.call("PUT", "/v1/attributes/size", {"type": "number"})).json["is_declared"]
    person = {"external_id": "u1", "attributes": {"size": "large"}}
    refused = await api.call("POST", "/v1/profiles", {"profiles": [person]})
    assert refused.json["errors"] == [
        {"field": "profiles[0].attributes.size", "code": "wrong_attribute_type", "limit": "number"}
    ]
    event = {"name": "a", "profile": person}
    assert (await api.call("POST", "/v1/events", event)).json["errors"][0]["code"] == "wrong_attribute_type"
    assert (await api.call("PUT", "/v1/attributes/size", {"type": "color"})).status == 422


async def test_a_timeline_shows_what_happened_newest_first(api):
    rule = {"name": "big", "base_name": "order", "conditions": [{"path": "total", "op": "gt", "value": 100}]}
    made = await api.call("POST", "/v1/event-rules", rule)
    assert made.status == 201
    for hour, total in ((9, 20), (10, 200)):
        event = {
            "name": "order",
            "profile": {"external_id": "u1"},
            "properties": {"total": total},
            "occurred_at": f"2026-03-03T{hour:02}:00:00Z",
        }
        answer = await api.call("POST", "/v1/events", event)
        assert answer.status == 202
    path = f"/v1/profiles/{answer.json['profile_id']}/timeline"
    page = await api.call("GET", f"{path}?limit=2")
    assert {one["title"] for one in page.json["items"]} == {"order", "big"}
    rest = await api.call("GET", f"{path}?limit=2&cursor={page.json['next_cursor']}")
    assert [(one["title"], one["data"]["properties"]["total"]) for one in rest.json["items"]] == [("order", 20)]
    assert rest.json["next_cursor"] is None
    assert [one["name"] for one in (await api.call("GET", "/v1/event-rules")).json["items"]] == ["big"]
    assert (await api.call("DELETE", f"/v1/event-rules/{made.json['id']}")).status == 204
    assert (await api.call("DELETE", f"/v1/event-rules/{made.json['id']}")).json["code"] == "unknown_event_rule"


async def test_the_hot_ways_in_are_described(api):
    described = api.app.openapi()["paths"]
    assert {"/v1/events", "/v1/batch", "/v1/track", "/v1/identify"} <= set(described)
    assert "requestBody" in described["/v1/events"]["post"]
