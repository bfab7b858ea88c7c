"""Our web side and the simulator as real HTTP servers around one real database."""

import asyncio
import contextlib
import io
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI

from sojourn.channels import actions, media_routes, registration_routes, routes, store, webhook_routes
from sojourn.channels.jobs import CheckSender, ConnectWebhook
from sojourn.channels.model import NewSender, Sender, SenderState
from sojourn.channels.signals import (
    IdentityChanged,
    MessageReceived,
    PreferenceReported,
    SenderChanged,
    StatusesReported,
    TemplateReviewed,
)
from sojourn.channels.tasks import HANDLERS, PERIODICS, POLLERS
from sojourn.channels.whatsapp import signature
from sojourn.channels.whatsapp.routes import PREFIX, webhook_app
from sojourn.channels.whatsapp.tasks import check_senders, connect_webhooks, parse_webhooks
from sojourn.kit.clock import Clock
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database, fetch_all
from sojourn.kit.jobs import Handler, Registry, Work
from sojourn.kit.web import install_error_handlers
from sojourn.settings import Settings
from sojourn.workspaces import actions as workspaces

PHONE, WABA, APP, TOKEN, SECRET = (
    "401234567890123",
    "301234567890123",
    "501234567890123",
    "EAAsimulated",
    "test_app_secret",
)
NADIA = "447700900123"
SIGNALS = (StatusesReported, MessageReceived, PreferenceReported, TemplateReviewed, IdentityChanged, SenderChanged)


async def never(*_: Any) -> None:
    """Stands for a subscriber of another folder: the tests read the jobs that wait for it."""


REGISTRY = Registry(
    (*HANDLERS, *(Handler(message=signal, handle=never, name=f"test.{signal.__name__}") for signal in SIGNALS)),
    POLLERS,
    PERIODICS,
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, registry=REGISTRY)
    await database.open()
    yield database
    await database.close()


@dataclass
class Bench:
    """What a test has in hand: tools of a worker, and shortcuts."""

    work: Work
    workspace_id: UUID
    key: str

    async def signals(self, kind: type[Any]) -> list[dict[str, Any]]:
        """The stored signals of a class, oldest first."""
        async with self.work.transaction() as conn:
            rows = await fetch_all(
                conn, "SELECT payload FROM jobs WHERE handler = %(h)s ORDER BY id", {"h": f"test.{kind.__name__}"}
            )
        return [json.loads(row["payload"]) for row in rows]

    async def jobs(self, handler: str) -> list[dict[str, Any]]:
        async with self.work.transaction() as conn:
            rows = await fetch_all(conn, "SELECT payload FROM jobs WHERE handler = %(h)s ORDER BY id", {"h": handler})
        return [json.loads(row["payload"]) for row in rows]

    async def rows(self, sql: Any, **params: Any) -> list[dict[str, Any]]:
        async with self.work.transaction() as conn:
            return await fetch_all(conn, sql, params)

    async def parse_all(self) -> int:
        count = 0
        while found := await parse_webhooks(self.work):
            count += found
        return count

    async def add_sender(self, base_url: str, *, active: bool = True, **more: Any) -> Sender:
        """A WhatsApp sender that points at a simulator; active without having been checked."""
        new = NewSender(
            **{
                "channel": "whatsapp", "name": "Harbour Tea", "phone_number_id": PHONE, "waba_id": WABA, "app_id": APP,
                "app_secret": SECRET, "access_token": TOKEN, "base_url": base_url, "phone_number": "+15557700100", **more,
            }
        )  # fmt: skip
        now = self.work.now()
        place = actions.Place(allow_private_urls=True, has_clock_file=False)
        async with self.work.transaction() as conn:
            sender = await actions.save_sender(conn, self.workspace_id, new, place=place, keys=self.work.keys, now=now)
            if active:
                await store.update_sender(conn, replace(sender, state=SenderState.ACTIVE, simulated=True), now=now)
            return await store.get_sender(conn, self.workspace_id, sender.id)

    async def check(self, sender: Sender, *, resume: bool = False) -> Sender:
        job = CheckSender(workspace_id=self.workspace_id, sender_id=sender.id, resume=resume)
        await check_senders(self.work, [job])
        async with self.work.transaction() as conn:
            return await store.get_sender(conn, self.workspace_id, sender.id)

    async def connect(self, sender: Sender) -> None:
        await connect_webhooks(self.work, [ConnectWebhook(workspace_id=self.workspace_id, sender_id=sender.id)])


@pytest.fixture
async def bench(database: Database, keys: KeyRing) -> AsyncIterator[Bench]:
    clock = Clock()
    async with database.transaction() as conn:
        workspace = await workspaces.create_workspace(conn, "Harbour Tea", now=clock.now())
        _, key = await workspaces.create_key(conn, workspace.id, "tests", now=clock.now())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=600)) as http:
        settings = Settings(allow_private_urls=True, public_url="http://127.0.0.1:1")
        yield Bench(Work(db=database, settings=settings, http=http, keys=keys, clock=clock), workspace.id, key)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Web:
    """Our web side at a real address."""

    url: str
    bench: Bench

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.bench.key}", **more.pop("headers", {})}
        async with self.bench.work.http.request(method, self.url + path, json=body, headers=headers, **more) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw[:1] in b"{[" else raw

    async def post_webhook(self, key: str | None, body: bytes, *, sign_with: str | None = SECRET) -> int:
        headers = {"Content-Type": "application/json"}
        if sign_with is not None:
            headers["X-Hub-Signature-256"] = signature.sign(sign_with.encode(), body).decode()
        async with self.bench.work.http.post(
            f"{self.url}{PREFIX}{key}", data=io.BytesIO(body), headers=headers
        ) as answer:
            return answer.status


@pytest.fixture
async def web(bench: Bench, database: Database, keys: KeyRing) -> AsyncIterator[Web]:
    app = FastAPI()
    app.state.db, app.state.keys, app.state.clock = database, keys, bench.work.clock
    for router in (routes.router, registration_routes.router, media_routes.router, webhook_routes.router):
        app.include_router(router)
    install_error_handlers(app)

    async def front(scope: Any, receive: Any, send: Any) -> None:
        scope["app"] = app
        await (webhook_app if scope["path"].startswith(PREFIX) else app)(scope, receive, send)

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app.state.settings = bench.work.settings = replace(bench.work.settings, public_url=url)
    server = _Server(uvicorn.Config(front, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield Web(url, bench)
    server.should_exit = True
    await task


@dataclass
class Sim:
    """The simulator at a real address."""

    url: str
    http: aiohttp.ClientSession

    async def post(self, path: str, body: Any = None) -> Any:
        async with self.http.post(self.url + path, json=body) as answer:
            data = await answer.json()
            assert answer.status == 200, data
            return data

    async def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.http.get(self.url + path, headers=headers) as answer:
            data = await answer.json()
            assert answer.status == 200, data
            return data


@pytest.fixture(scope="session")
def sim_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    clock = tmp_path_factory.mktemp("channels") / "clock.json"
    command = [
        sys.executable,
        "-m",
        "cloudsim.main",
        "--port",
        str(port),
        "--clock-file",
        str(clock),
        "--latency-ms",
        "0",
    ]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3] / "src")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def sim(sim_process: str, bench: Bench) -> Sim:
    made = Sim(sim_process, bench.work.http)
    for _ in range(400):
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await made.get("/sim/info")
            break
        await asyncio.sleep(0.05)
    await made.post("/sim/reset", {"offset_seconds": 0})
    await made.post("/sim/behaviour", {"instant": True})
    await made.post(
        "/sim/setup",
        {
            "waba": {"id": WABA},
            "app": {"id": APP, "secret": SECRET},
            "phone_numbers": [
                {
                    "id": PHONE,
                    "display_phone_number": "+1 555-770-0100",
                    "verified_name": "Harbour Tea Co.",
                    "throughput_mps": 1000,
                }
            ],
            "people": [{"wa_id": NADIA, "name": "Nadia Okafor"}],
        },
    )
    return made


@pytest.fixture
def later(now: datetime) -> datetime:
    return now
