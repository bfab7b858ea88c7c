"""The overview and the search for people, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote
from uuid import UUID

import pytest
from fastapi import FastAPI

from sojourn.kit.database import execute
from sojourn.kit.ids import bucket_of, new_id
from sojourn.kit.jobs import Registry
from sojourn.kit.web import install_error_handlers
from sojourn.profiles import routes as profiles
from sojourn.reports import overview, overview_routes, routes
from sojourn.workspaces import routes as workspaces
from sojourn.workspaces.actions import create_key, create_workspace
from tests.support.api import Api

NOW = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
async def place(database):
    async with database.transaction() as conn:
        return await create_workspace(conn, "Bean There", timezone="Europe/Amsterdam", default_country="NL", now=NOW)


@pytest.fixture
def app(database):
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = database, SimpleNamespace(now=lambda: NOW), SimpleNamespace()
    for router in (workspaces.router, profiles.router, overview_routes.router, routes.router):
        app.include_router(router)
    install_error_handlers(app)
    return app


@pytest.fixture
async def api(app, database, place):
    async with database.transaction() as conn:
        _, key = await create_key(conn, place.id, "api", now=NOW)
    return Api(app, key)


def test_today_and_yesterday_are_days_on_the_wall_even_when_the_clocks_change():
    today, yesterday = overview.spans(datetime(2026, 3, 29, 10, 0, tzinfo=UTC), "Europe/Amsterdam")
    assert today.begins_at == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert today.ends_at == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
    assert yesterday.begins_at == datetime(2026, 3, 27, 23, 0, tzinfo=UTC)
    assert yesterday.ends_at == datetime(2026, 3, 28, 11, 0, tzinfo=UTC)


async def add_delivery(conn, workspace_id, profile_id, at, **moments):
    id_ = new_id(at, bucket_of(profile_id))
    values = {"sent_at": None, "delivered_at": None, "read_at": None, "replied_at": None, **moments}
    await execute(
        conn, SQL_DELIVERY, {"id": id_, "b": bucket_of(id_), "w": workspace_id, "p": profile_id, "at": at, **values}
    )
    return id_


SQL_DELIVERY = """
INSERT INTO deliveries (id, bucket, workspace_id, profile_id, requested_at, planned_at, lane, channel, purpose, owner_kind,
                        status, sent_at, delivered_at, read_at, replied_at)
VALUES (%(id)s, %(b)s, %(w)s, %(p)s, %(at)s, %(at)s, 1, 'whatsapp', 'marketing', 'api', 'sent', %(sent_at)s,
        %(delivered_at)s, %(read_at)s, %(replied_at)s)
"""
SQL_COST = """
INSERT INTO costs (delivery_id, bucket, workspace_id, profile_id, sender_id, category, type, amount_micro, currency, charged_at)
VALUES (%(id)s, %(b)s, %(w)s, %(p)s, %(id)s, 'marketing', 'regular', %(amount)s, 'EUR', %(at)s)
"""
SQL_MESSAGE = """
INSERT INTO messages (id, bucket, workspace_id, profile_id, sender_id, channel, direction, kind, text, provider_message_id,
                      said_at, recorded_at)
VALUES (%(id)s, %(b)s, %(w)s, %(p)s, %(id)s, 'whatsapp', %(direction)s, 'text', %(text)s, %(id)s::text, %(at)s, %(at)s)
"""


async def test_the_overview_counts_today_and_yesterday_until_the_same_hour(api, database, place):
    made = await api.call(
        "POST",
        "/v1/profiles",
        {"profiles": [{"phone": "+31612345678", "attributes": {"first_name": "Anna", "last_name": "Berg"}}]},
    )
    anna = UUID(made.json["profiles"][0]["profile_id"])
    hour = timedelta(hours=1)
    async with database.transaction() as conn:
        other = await create_workspace(conn, "Tea There", now=NOW)
        first = await add_delivery(
            conn,
            place.id,
            anna,
            NOW - hour,
            sent_at=NOW - hour,
            delivered_at=NOW - hour,
            read_at=NOW - hour,
            replied_at=NOW,
        )
        await add_delivery(conn, place.id, anna, NOW - 20 * hour, sent_at=NOW - 2 * hour)  # yesterday's, sent today
        await add_delivery(conn, place.id, anna, NOW - 26 * hour, sent_at=NOW - 26 * hour)
        await add_delivery(conn, place.id, anna, NOW - 22 * hour, sent_at=NOW - 22 * hour)  # yesterday, later than now
        await add_delivery(conn, other.id, anna, NOW - hour, sent_at=NOW - hour)
        row = {"b": bucket_of(anna), "w": place.id, "p": anna}
        await execute(conn, SQL_COST, {**row, "id": first, "amount": 88_300, "at": NOW - hour})
        await execute(conn, SQL_MESSAGE, {**row, "id": first, "direction": "out", "text": "x" * 500, "at": NOW - hour})
        inbound = new_id(NOW - timedelta(minutes=1), bucket_of(anna))
        await execute(conn, SQL_MESSAGE, {**row, "id": inbound, "direction": "in", "text": "thanks", "at": NOW})
    seen = (await api.call("GET", "/v1/overview")).json
    assert seen["today"] == {
        "sent": 2, "delivered": 1, "read": 1, "replied": 0, "opted_out": 0, "cost_micros": 88_300, "currency": "EUR",
    }  # fmt: skip
    assert (seen["yesterday_same_hour"]["sent"], seen["yesterday_same_hour"]["cost_micros"]) == (1, None)
    newest, older = seen["recent_messages"]
    assert (newest["direction"], newest["text_preview"], newest["profile_name"]) == ("in", "thanks", "Anna Berg")
    assert (newest["delivery_id"], newest["status"]) == (None, None)
    assert (older["delivery_id"], older["status"], len(older["text_preview"])) == (str(first), "sent", 120)
    assert {step["id"]: step["done"] for step in seen["checklist"]} == {
        "connect_sender": False, "approve_template": False, "bring_people": True, "collect_consent": False,
        "publish_journey": False, "invite_member": False,
    }  # fmt: skip
    timeline = (await api.call("GET", f"/v1/profiles/{anna}/timeline")).json["items"]
    assert [one["data"]["text"] for one in timeline if one["kind"] == "message"] == ["thanks"]


async def test_what_needs_somebody_says_where_to_go(api, database, place):
    sender = new_id(NOW)
    async with database.transaction() as conn:
        await execute(conn, SQL_SENDER, {"id": sender, "w": place.id, "now": NOW})
        await execute(conn, "UPDATE workspaces SET settings = '{\"brake\": true}' WHERE id = %(w)s", {"w": place.id})
    needs = (await api.call("GET", "/v1/overview")).json["needs_you"]
    assert [(one["text_code"], one["link"]) for one in needs] == [
        ("brake_on", "/settings/workspace"), ("sender_stopped", f"/settings/senders/{sender}"),
    ]  # fmt: skip
    assert needs[1]["data"] == {"name": "Shop", "reason": "auth"}


SQL_SENDER = """
INSERT INTO senders (id, workspace_id, channel, name, api_version, state, stopped_reason, throughput_per_s, timezone,
                     created_at, updated_at)
VALUES (%(id)s, %(w)s, 'whatsapp', 'Shop', 'v26.0', 'stopped', 'auth', 70, 'UTC', %(now)s, %(now)s)
"""


async def test_messages_are_left_out_for_who_may_not_read_them(app, api):
    made = await api.call("POST", "/v1/api-keys", {"name": "figures", "scopes": ["reports.read"]})
    seen = await Api(app, made.json["secret"]).call("GET", "/v1/overview")
    assert (seen.status, seen.json["recent_messages"]) == (200, [])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("06 1234 5678", {"anna"}), ("+31612345678", {"anna"}), ("612345", {"anna", "bob"}), ("5678", {"anna"}),
        ("ANNA@EXAMPLE.COM", {"anna"}), ("@example", {"anna"}), ("u-77", {"bob"}), ("berg", {"anna", "bob"}),
        ("Anna B", {"anna"}), ("berg anna", {"anna"}), ("bob anna", set()), ("Zoë", {"zoe"}), ("%", {"zoe"}), ("_", set()),
        ("\\", set()), ("612345670", set()), ("100%", {"zoe"}),
    ],
)  # fmt: skip
async def test_people_are_found_by_what_somebody_types(api, typed, found):
    people = [
        {
            "phone": "+31612345678",
            "email": "anna@example.com",
            "attributes": {"first_name": "Anna", "last_name": "Berg"},
        },
        {"phone": "+31612345999", "external_id": "u-77", "attributes": {"name": "Bob van den Berg"}},
        {"email": "z@b.example", "attributes": {"first_name": "Zoë", "last_name": "100%"}},
    ]
    made = (await api.call("POST", "/v1/profiles", {"profiles": people})).json["profiles"]
    ids = dict(zip([one["profile_id"] for one in made], ["anna", "bob", "zoe"], strict=True))
    answer = await api.call("GET", f"/v1/profiles?q={quote(typed)}")
    assert {ids[one["id"]] for one in answer.json["items"]} == found


async def test_a_search_is_in_the_trail_without_what_was_typed_and_stays_in_its_workspace(app, api, database):
    async with database.transaction() as conn:
        other = await create_workspace(conn, "Tea There", now=NOW)
        _, key = await create_key(conn, other.id, "api", now=NOW)
    people = [{"external_id": f"u{number}", "attributes": {"name": "Anna"}} for number in range(3)]
    await api.call("POST", "/v1/profiles", {"profiles": people})
    assert (await Api(app, key).call("GET", "/v1/profiles?q=anna")).json["items"] == []
    page = await api.call("GET", "/v1/profiles?q=anna&limit=2")
    rest = await api.call("GET", f"/v1/profiles?q=anna&limit=2&cursor={page.json['next_cursor']}")
    assert (len(page.json["items"]), len(rest.json["items"]), rest.json["next_cursor"]) == (2, 1, None)
    trail = (await api.call("GET", "/v1/audit?object_kind=profile&object_id=q")).json["items"]
    assert {entry["action"] for entry in trail} == {"profile.searched"}
    assert "anna" not in str(trail).lower()
