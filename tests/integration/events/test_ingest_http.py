"""The hot ways in over HTTP: our own shape and Segment's."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import segment.analytics
import uvicorn

from sojourn.events import store
from sojourn.events.asgi import PATHS, events_app, segment_app
from sojourn.kit.clock import Clock
from sojourn.kit.database import Database
from sojourn.profiles.model import Identity, Scheme
from sojourn.profiles.store import find_by_identity, get_profile
from sojourn.workspaces import actions as workspaces
from sojourn.workspaces.model import KeyKind


class Shop:
    """A workspace with keys, and the two plain callables in front of it."""

    def __init__(self, database, workspace, api_key, write_key):
        self.database, self.workspace, self.api_key, self.write_key = database, workspace, api_key, write_key
        self.state = SimpleNamespace(db=database, clock=Clock())

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        scope["app"] = SimpleNamespace(state=self.state)
        await (events_app if scope["path"].startswith("/v1/events") else segment_app)(scope, receive, send)

    async def post(self, path, body, *, key=None, headers=(), method="POST"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(b"authorization", f"Bearer {key or self.api_key}".encode()), *headers],
        }

        async def receive():
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message):
            sent.append(message)

        await self(scope, receive, send)
        answer = json.loads(sent[1]["body"])
        return SimpleNamespace(status=sent[0]["status"], headers=dict(sent[0]["headers"]), json=answer)

    async def count(self):
        async with self.database.transaction() as conn:
            return await store.count_events(conn, self.workspace.id)

    async def find(self, scheme, value):
        async with self.database.transaction() as conn:
            identity = Identity(Scheme(scheme), value)
            found = (await find_by_identity(conn, self.workspace.id, [identity])).get(identity)
            return found and await get_profile(conn, self.workspace.id, found)


@pytest.fixture
async def shop(database):
    now = datetime.now(UTC)
    async with database.transaction() as conn:
        workspace = await workspaces.create_workspace(conn, "Bean There", now=now)
        _, api_key = await workspaces.create_key(conn, workspace.id, "api", now=now)
        _, write_key = await workspaces.create_key(conn, workspace.id, "web", kind=KeyKind.WRITE, now=now)
    return Shop(database, workspace, api_key, write_key)


async def test_one_event_is_accepted_with_a_receipt_and_a_repeat_gets_the_same(shop):
    event = {"name": "order.shipped", "profile": {"phone": "07700 900101"}, "idempotency_key": "k1"}
    first = await shop.post("/v1/events", event)
    again = await shop.post("/v1/events", event)
    assert (first.status, again.status) == (202, 202)
    assert first.json["is_new"]
    assert again.json == {**first.json, "is_new": False}
    assert (await shop.find("phone", "+447700900101")).country == "GB"


async def test_a_batch_takes_the_good_events_and_names_the_bad_ones(shop):
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    events = [
        {"name": "a", "profile": {"external_id": "u1", "attributes": {"first_name": "Anna"}}},
        {"name": "a b", "profile": {"external_id": "u1"}},
        {"name": "a", "profile": {"phone": "abc"}},
        {"name": "a"},
        {"name": "a", "profile": {"external_id": "u1"}, "occurred_at": soon},
        {"name": "a", "profile": {"external_id": "u1"}, "occurred_at": "2026-03-03T08:00:00"},
        {"name": "a", "profile_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
        {"name": "a", "profile": {"external_id": "u1"}, "colour": "red"},
        {"name": "b", "profile": {"external_id": "u2"}, "properties": {"text": "nul\u0000nul"}},
    ]
    answer = await shop.post("/v1/events", {"events": events})
    assert answer.status == 202
    assert (answer.json["recorded"], answer.json["refused"]) == (2, 7)
    assert [event is not None for event in answer.json["events"]] == [True, *[False] * 7, True]
    assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [
        ("events[1].name", "invalid_event_name"),
        ("events[2].profile.phone", "invalid_phone"),
        ("events[3].profile", "required"),
        ("events[4].occurred_at", "in_the_future"),
        ("events[5].occurred_at", "wrong_type"),
        ("events[7].colour", "unknown_field"),
        ("events[6].profile_id", "unknown_profile"),
    ]
    assert await shop.count() == {"a": 1, "b": 1}
    assert (await shop.find("external_id", "u1")).attributes == {"first_name": "Anna"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 422, "malformed_body"),
        (b"[]", 422, "malformed_body"),
        (b"\xff\xfe", 422, "malformed_body"),
        (b'{"events": []}', 422, "malformed_body"),
        (b'{"name": 7, "profile": {"external_id": "a"}}', 422, "invalid_input"),
        (b'{"name": "a", "profile": {}}', 422, "invalid_input"),
        (json.dumps({"name": "a", "profile": {"external_id": "a"}, "properties": {"x": "y" * 600_000}}), 413, None),
        (b" " * 4_300_000, 413, "body_too_large"),
    ],
)
async def test_a_bad_body_gets_a_problem_with_a_code(shop, body, status, code):
    answer = await shop.post("/v1/events", body if isinstance(body, bytes) else body.encode())
    if code is None:
        assert answer.json["status"] in (413, 422)
        assert "limit" in str(answer.json)
    else:
        assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers[b"content-type"] == b"application/problem+json"
    assert await shop.count() == {}


async def test_the_wrong_key_path_or_method_leaves_nothing(shop):
    event = {"name": "a", "profile": {"external_id": "u1"}}
    assert (await shop.post("/v1/events", event, key="sk_wrong")).status == 401
    assert (await shop.post("/v1/events/x", event)).status == 404
    assert (await shop.post("/v1/events", event, method="GET")).status == 405
    async with shop.database.transaction() as conn:
        _, reader = await workspaces.create_key(conn, shop.workspace.id, "r", scopes=["read"], now=datetime.now(UTC))
    answer = await shop.post("/v1/events", event, key=reader)
    assert (answer.status, answer.json["code"]) == (403, "missing_right")
    assert await shop.count() == {}


async def test_a_revoked_key_stops_within_a_second(shop):
    event = {"name": "a", "profile": {"external_id": "u1"}}
    assert (await shop.post("/v1/events", event)).status == 202
    async with shop.database.transaction() as conn:
        await conn.execute("UPDATE api_keys SET revoked_at = now()")
    await asyncio.sleep(1.05)
    assert (await shop.post("/v1/events", event)).status == 401


async def test_a_lost_database_is_a_503_that_says_when_to_come_back(shop):
    await shop.database.close()
    shop.state.db = Database("host=/nonexistent dbname=x", max_size=1)
    shop.state.db._pool.timeout = 0.1
    await shop.state.db.open(wait=False)
    try:
        answer = await shop.post("/v1/events", {"name": "a", "profile": {"external_id": "u1"}})
    finally:
        await shop.state.db.close()
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert int(answer.headers[b"retry-after"]) > 0


LOSE_TWICE = """
CREATE SEQUENCE tries;
CREATE FUNCTION lose_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= 2 THEN
        RAISE EXCEPTION 'somebody else was faster' USING ERRCODE = '40P01';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lose_twice AFTER INSERT ON events EXECUTE FUNCTION lose_twice();
"""


async def test_an_event_that_meets_a_deadlock_is_recorded_once_without_the_caller_noticing(shop):
    async with shop.database.transaction() as conn:
        await conn.execute(LOSE_TWICE)
    answer = await shop.post("/v1/events", {"name": "a", "profile": {"external_id": "u1"}})
    assert (answer.status, answer.json["is_new"]) == (202, True)
    assert await shop.count() == {"a": 1}


async def test_gzip_is_unpacked_under_the_limit(shop):
    event = {"name": "a", "profile": {"external_id": "u1"}}
    packed = [(b"content-encoding", b"gzip")]
    assert (await shop.post("/v1/events", gzip.compress(json.dumps(event).encode()), headers=packed)).status == 202
    bomb = gzip.compress(b" " * 50_000_000)
    assert (await shop.post("/v1/events", bomb, headers=packed)).status == 413
    assert (await shop.post("/v1/events", b"no gzip", headers=packed)).json["code"] == "malformed_body"


async def test_every_segment_call_is_understood(shop):
    calls = [
        {"type": "track", "anonymousId": "z", "event": "Product Viewed", "properties": {"sku": "1"}, "messageId": "m1"},
        {
            "type": "identify",
            "userId": "u1",
            "anonymousId": "z",
            "traits": {"firstName": "Anna", "phone": "+447700900101"},
        },
        {"type": "page", "userId": "u1", "name": "Home"},
        {"type": "screen", "userId": "u1", "name": "Start"},
        {"type": "group", "userId": "u1", "groupId": "g1"},
        {"type": "alias", "userId": "u1", "previousId": "old-browser"},
        {"type": "track", "userId": "u1", "event": "order_shipped", "messageId": "m2"},
        {"type": "track", "userId": "u1", "event": "order_shipped", "messageId": "m2"},
        {"type": "track", "event": "nobody"},
        {"type": "dance", "userId": "u1"},
    ]
    answer = await shop.post("/v1/batch", {"batch": calls}, key=shop.write_key)
    assert (answer.status, answer.json["success"], answer.json["refused"]) == (200, True, 2)
    assert [error["field"] for error in answer.json["errors"]] == ["batch[8].userId", "batch[9].type"]
    assert await shop.count() == {"product_viewed": 1, "page_viewed": 1, "screen_viewed": 1, "order_shipped": 1}
    anna = await shop.find("external_id", "u1")
    assert anna.attributes == {"first_name": "Anna", "group_id": "g1"}
    for scheme, value in (("anonymous_id", "z"), ("anonymous_id", "old-browser"), ("phone", "+447700900101")):
        assert (await shop.find(scheme, value)).id == anna.id


async def test_single_segment_calls_take_basic_authentication(shop):
    headers = [(b"authorization", b"Basic " + base64.b64encode(f"{shop.write_key}:".encode()))]
    for path, body in (
        ("/v1/identify", {"userId": "u1", "traits": {"email": "Anna@Example.com", "phone": "nonsense"}}),
        ("/v1/track", {"userId": "u1", "event": "a"}),
    ):
        answer = await shop.post(path, body, headers=headers)
        assert (answer.status, answer.json) == (200, {"success": True})
    anna = await shop.find("email", "anna@example.com")
    assert anna.attributes == {"phone": "nonsense"}


async def test_the_segment_python_library_delivers_unchanged(shop):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(shop, host="127.0.0.1", port=port, lifespan="off", log_level="error"))
    serving = asyncio.create_task(server.serve())
    errors = []

    def send():
        for packed in (False, True):
            client = segment.analytics.Client(
                shop.write_key, host=f"http://127.0.0.1:{port}", gzip=packed, on_error=lambda *a: errors.append(a)
            )
            client.identify("u1", {"first_name": "Anna", "phone": "+447700900101"})
            for number in range(30):
                client.track("u1", "Order Shipped", {"order": f"B-{number}", "packed": packed})
            client.alias("z", "u1")
            client.flush()
            client.join()

    while not server.started:
        await asyncio.sleep(0.01)
    thread = threading.Thread(target=send)
    thread.start()
    deadline = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    thread.join(1)
    server.should_exit = True
    await serving
    assert errors == []
    assert await shop.count() == {"order_shipped": 60}
    assert (await shop.find("phone", "+447700900101")).attributes == {"first_name": "Anna"}


def test_every_path_is_known_to_one_of_the_two():
    assert set(PATHS) == {
        "/v1/events", "/v1/batch", "/v1/import", "/v1/identify", "/v1/track", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias",
    }  # fmt: skip
