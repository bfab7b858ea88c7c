"""Journeys over HTTP: save, check, publish, look at runs."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from sojourn.journeys import actions
from sojourn.journeys.routes import router
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.web import install_error_handlers
from sojourn.workspaces import actions as workspaces
from tests.support.journeys import World, make_world

FILE = """key: order
name: Order
nodes:
  start: {type: event_trigger, event: order.confirmed, run_key: event.order_id, next: note}
  note: {type: set_variable, set: {order: '{{ event.order_id }}'}, next: wait}
  wait:
    type: wait_for
    for: [{exit: shipped, event: order.shipped, match: order_id}]
    timeout: 2d
    next: done
  done: {type: end}
"""


class Api:
    """The router in an app of its own, called in process."""

    def __init__(self, database: Database, now: datetime, keys: KeyRing) -> None:
        self.app = FastAPI()
        self.app.state.db = database
        self.app.state.clock = SimpleNamespace(now=lambda: now)
        self.app.state.keys = keys
        install_error_handlers(self.app)
        self.app.include_router(router)
        self.key = ""

    async def ask(self, method: str, path: str, body: str | dict[str, Any] = "", query: str = "") -> Any:
        data = json.dumps(body).encode() if isinstance(body, dict) else body.encode()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": f"/v1/{path}",
            "raw_path": f"/v1/{path}".encode(),
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Bearer {self.key}".encode())],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("test", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        await self.app(scope, receive, send)
        answer = b"".join(message.get("body", b"") for message in sent[1:])
        return SimpleNamespace(status=sent[0]["status"], json=json.loads(answer))


@pytest.fixture
async def world(database: Database, now: datetime, keys: KeyRing) -> World:
    async with database.transaction() as conn:
        return await make_world(conn, now, keys)


@pytest.fixture
async def api(database: Database, world: World, now: datetime, keys: KeyRing) -> Api:
    api = Api(database, now, keys)
    async with database.transaction() as conn:
        _, api.key = await workspaces.create_key(conn, world.caller.workspace_id, "test", now=now)
    return api


async def test_a_journey_is_saved_published_and_its_runs_are_shown(api: Api, world: World, database: Database) -> None:
    saved = await api.ask("POST", "journeys", FILE)
    assert (saved.status, saved.json["key"], saved.json["state"], saved.json["warnings"]) == (200, "order", "draft", [])
    published = await api.ask("POST", f"journeys/{saved.json['id']}/publish")
    assert (published.status, published.json["version"]["number"], published.json["draft"]) == (200, 1, None)
    async with database.transaction() as conn:
        events = [world.event("order.confirmed", order_id="B-1"), world.event("order.confirmed", order_id="B-2")]
        events.append(world.event("order.shipped", order_id="B-2"))
        await actions.receive_events(conn, events, keys=world.keys, now=world.now)

    path = f"journeys/{saved.json['id']}"
    assert (await api.ask("GET", path)).json["runs"] == {"waiting": 1, "finished": 1}
    first = await api.ask("GET", f"{path}/runs", query="limit=1")
    second = await api.ask("GET", f"{path}/runs", query=f"limit=1&cursor={first.json['next_cursor']}")
    assert {page.json["items"][0]["run_key"] for page in (first, second)} == {"B-1", "B-2"}
    assert second.json["next_cursor"] is None
    [waiting] = (await api.ask("GET", f"{path}/runs", query="state=waiting&node=wait")).json["items"]

    run = (await api.ask("GET", f"runs/{waiting['id']}")).json
    assert run["variables"] == {"order": "B-1"}
    assert run["why_here"].startswith(
        "Waits in 'wait' for the event order.shipped with the run's own order_id, until 2026-03-05"
    )
    assert [(step["node"], step["exit"]) for step in run["steps"]] == [
        ("start", "next"),
        ("note", "next"),
        ("wait", None),
    ]


async def test_the_same_file_again_changes_nothing(api: Api) -> None:
    saved = await api.ask("POST", "journeys", FILE)
    await api.ask("POST", f"journeys/{saved.json['id']}/publish")
    again = await api.ask("POST", "journeys", {"definition": FILE})
    assert (again.status, again.json["draft"], again.json["id"]) == (200, None, saved.json["id"])
    refused = await api.ask("POST", f"journeys/{saved.json['id']}/publish")
    assert (refused.status, refused.json["code"]) == (409, "nothing_to_publish")


async def test_mistakes_come_as_a_problem_with_every_path(api: Api) -> None:
    bad = FILE.replace("next: note", "next: gone").replace("timeout: 2d", "timeout: soon")
    refused = await api.ask("POST", "journeys", bad)
    assert (refused.status, refused.json["code"]) == (422, "journey_invalid")
    assert {(error["field"], error["code"]) for error in refused.json["errors"]} >= {
        ("nodes.start.next", "unknown_node"),
        ("nodes.wait.timeout", "duration"),
    }
    checked = await api.ask("POST", "journeys/validate", bad)
    assert (checked.status, checked.json["is_valid"]) == (200, False)
    assert {problem["line"] for problem in checked.json["problems"]} >= {4, 9}
    wrapped = await api.ask("POST", "journeys/validate", {"definition": {"key": "x"}})
    assert {problem["code"] for problem in wrapped.json["problems"]} == {"missing"}


async def test_pausing_and_resuming_and_what_is_not_there(api: Api) -> None:
    saved = await api.ask("POST", "journeys", FILE)
    assert (await api.ask("POST", f"journeys/{saved.json['id']}/pause")).json["code"] == "journey_state"
    await api.ask("POST", f"journeys/{saved.json['id']}/publish")
    assert (await api.ask("POST", f"journeys/{saved.json['id']}/pause")).json["state"] == "paused"
    assert (await api.ask("POST", f"journeys/{saved.json['id']}/resume")).json["state"] == "live"
    assert [one["key"] for one in (await api.ask("GET", "journeys")).json["items"]] == ["order"]
    nothing = UUID(int=5)
    assert (await api.ask("GET", f"journeys/{nothing}")).json["code"] == "unknown_journey"
    assert (await api.ask("GET", f"journeys/{nothing}/runs")).status == 404
    assert (await api.ask("GET", f"runs/{nothing}")).json["code"] == "unknown_run"
    assert (await api.ask("POST", "journeys", "\x00")).json["code"] == "journey_invalid"
    assert (await api.ask("POST", "journeys", "x" * 3_000_000)).status == 413
