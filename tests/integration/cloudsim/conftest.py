"""A simulator as its own process on a free loopback port, and a callback that keeps what it gets."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cloudsim.webhooks.signature import sign

PHONE, WABA, APP, PORTFOLIO = "401234567890123", "301234567890123", "501234567890123", "601234567890123"
SECRET, VERIFY = "test_app_secret", "hello"
NADIA = "447700900123"
TEMPLATES = [
    {
        "name": "order_shipped",
        "language": "en_GB",
        "category": "UTILITY",
        "parameter_format": "NAMED",
        "components": [
            {
                "type": "HEADER",
                "format": "TEXT",
                "text": "Order {{order_no}}",
                "example": {"header_text_named_params": [{"param_name": "order_no", "example": "HT-81"}]},
            },
            {
                "type": "BODY",
                "text": "Hi {{first_name}}, parcel {{order_no}} left our warehouse today.",
                "example": {
                    "body_text_named_params": [
                        {"param_name": "first_name", "example": "Nadia"},
                        {"param_name": "order_no", "example": "HT-81"},
                    ]
                },
            },
            {"type": "FOOTER", "text": "Harbour Tea Co."},
            {
                "type": "BUTTONS",
                "buttons": [
                    {
                        "type": "URL",
                        "text": "Track",
                        "url": "https://tea.example/t/{{1}}",
                        "example": ["https://tea.example/t/HT-81"],
                    },
                    {"type": "QUICK_REPLY", "text": "Stop updates"},
                ],
            },
        ],
    },
    {
        "name": "spring_sale",
        "language": "en_GB",
        "category": "MARKETING",
        "components": [
            {"type": "BODY", "text": "Hi {{1}}, the new harvest is in.", "example": {"body_text": [["Nadia"]]}},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop promos"}]},
        ],
    },
]


def order_shipped(to: str = "+" + NADIA, **more: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": "order_shipped",
            "language": {"code": "en_GB"},
            "components": [
                {"type": "header", "parameters": [{"type": "text", "parameter_name": "order_no", "text": "HT-81"}]},
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "parameter_name": "first_name", "text": "Nadia"},
                        {"type": "text", "parameter_name": "order_no", "text": "HT-81"},
                    ],
                },
                {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "HT-81"}]},
            ],
        },
        **more,
    }


def spring_sale(to: str = "+" + NADIA, **more: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "to": to,
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "en_GB"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "Nadia"}]}],
        },
        **more,
    }


def text(body: str = "Hello", to: str = "+" + NADIA, **more: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}, **more}


@dataclass
class Callback:
    """What the product would be: answers the handshake, checks signatures, keeps bodies in order."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    unsigned: int = 0
    refuse: int = 0  # answer 500 so many times

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            good = request.query.get("hub.verify_token") == VERIFY
            return web.Response(text=request.query["hub.challenge"] if good else "no", status=200 if good else 403)
        body = await request.read()
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=500)
        self.raw.append(body)
        if request.headers.get("X-Hub-Signature-256") != sign(SECRET.encode(), body):
            self.unsigned += 1
            return web.Response()
        self.posts.append(json.loads(body))
        return web.Response()

    def changes(self, name: str) -> list[dict[str, Any]]:
        return [
            change["value"]
            for post in self.posts
            for entry in post["entry"]
            for change in entry["changes"]
            if change["field"] == name
        ]

    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.changes("messages") for status in value.get("statuses", [])]

    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.changes("messages") for message in value.get("messages", [])]


@dataclass
class Sim:
    url: str
    http: aiohttp.ClientSession
    clock_file: Path

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "EAAsimulated",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}", **(headers or {})} if token else headers
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None

    async def get(self, path: str) -> Any:
        status, body = await self.call("GET", path)
        assert status == 200, body
        return body

    async def post(self, path: str, body: Any = None) -> Any:
        status, answer = await self.call("POST", path, body)
        assert status == 200, answer
        return answer

    async def send(self, body: dict[str, Any]) -> str:
        answer = await self.post(f"/v26.0/{PHONE}/messages", body)
        return str(answer["messages"][0]["id"])

    async def refused(self, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = await self.call("POST", f"/v26.0/{PHONE}/messages", body)
        assert status >= 400, answer
        return dict(answer["error"], status=status)

    async def act(self, action: str, wa_id: str = NADIA, **more: Any) -> str:
        answer = await self.post(f"/sim/people/{wa_id}/actions", {"action": action, **more})
        return str(answer["wamid"])

    async def quiet(self) -> None:
        info = await self.get("/sim/wait_quiet?timeout_ms=5000")
        assert info["quiet"], info

    async def advance(self, seconds: float) -> None:
        await self.post("/sim/clock", {"advance_seconds": seconds})
        await self.quiet()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def sim_process(tmp_path_factory: pytest.TempPathFactory):
    port = free_port()
    clock_file = tmp_path_factory.mktemp("clock") / "clock.json"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cloudsim.main",
            "--port",
            str(port),
            "--clock-file",
            str(clock_file),
            "--seed",
            "7",
            "--latency-ms",
            "0",
        ]
    )
    yield f"http://127.0.0.1:{port}", clock_file
    process.terminate()
    process.wait(10)


@pytest.fixture
async def callback() -> AsyncIterator[Callback]:
    kept = Callback()
    app = web.Application(client_max_size=4 << 20)
    app.router.add_route("*", "/hook", kept.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    kept.url = f"http://127.0.0.1:{port}/hook"
    yield kept
    await runner.cleanup()


@pytest.fixture
async def sim(sim_process, callback: Callback) -> AsyncIterator[Sim]:
    url, clock_file = sim_process
    async with aiohttp.ClientSession() as http:
        made = Sim(url, http, clock_file)
        for _ in range(200):
            try:
                await made.get("/sim/info")
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        await made.post("/sim/reset", {"offset_seconds": 0})
        await made.post("/sim/behaviour", {"instant": True, "default": {"read": 1}})
        await made.post("/sim/webhooks", {"batch": 1, "concurrency": 1, "paused": False, "merge_statuses": False})
        await made.post(
            "/sim/setup",
            {
                "portfolio": {"id": PORTFOLIO},
                "waba": {"id": WABA},
                "app": {"id": APP, "secret": SECRET, "verify_token": VERIFY, "callback_url": callback.url},
                "phone_numbers": [
                    {"id": PHONE, "display_phone_number": "+1 555-770-0100", "verified_name": "Harbour Tea Co."}
                ],
                "templates": TEMPLATES,
                "people": [{"wa_id": NADIA, "name": "Nadia Okafor"}],
            },
        )
        yield made


@pytest.fixture
def unused_callback_port() -> int:
    """A port where nobody listens."""
    return free_port()
