"""A simulator without network: calls go straight to the router, callbacks into a list, time is a number."""

import asyncio
import json
from typing import Any

import pytest

from cloudsim.graph import router as graph
from cloudsim.http import Request
from cloudsim.people.actions import act
from cloudsim.people.behaviour import react
from cloudsim.simapi.setup import apply_setup
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import Update, envelope

PHONE, WABA, APP = "401234567890123", "301234567890123", "501234567890123"
NADIA = "447700900123"
START = 1_798_000_000.0  # 2026-12-23, policy B
SETUP = {
    "app": {"callback_url": "http://127.0.0.1:9/hook"},
    "phone_numbers": [
        {
            "id": PHONE,
            "display_phone_number": "+1 555-770-0100",
            "verified_name": "Harbour Tea Co.",
            "throughput_mps": 1000,
        }
    ],
    "people": [{"wa_id": NADIA, "name": "Nadia Okafor"}],
    "templates": [
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
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {"type": "URL", "text": "Track", "url": "https://tea.example/t/{{1}}", "example": ["x"]},
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
        {
            "name": "login_code",
            "language": "en_GB",
            "category": "AUTHENTICATION",
            "components": [
                {"type": "BODY", "add_security_recommendation": True},
                {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
            ],
        },
    ],
}


class FixedClock:
    def __init__(self) -> None:
        self.at = START
        self.offset_seconds = 0.0

    def now(self) -> float:
        return self.at


def fail(error: Exception) -> None:
    raise error


class Bench:
    """Drives one simulator: `call` the Graph, `go` forward in time, look at `updates`."""

    def __init__(self) -> None:
        self.sim = Simulator(seed="7")
        self.clock = FixedClock()
        self.sim.clock = self.sim.timers._clock = self.clock  # type: ignore[assignment]
        self.sim.timers._report = fail
        self.sim.react = react
        self.updates: list[Update] = []
        self.sim.poster.add = self.updates.append  # type: ignore[method-assign]
        self.sim.settings.latency_ms = (0.0, 0.0)
        self.sim.settings.default.read = 1.0
        apply_setup(self.sim, SETUP)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "EAAsimulated",
        raw: bytes | None = None,
        headers: dict[bytes, bytes] | None = None,
    ) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        fields = dict(part.split("=", 1) for part in query.split("&") if part)
        head = {b"host": b"127.0.0.1:9", b"authorization": f"Bearer {token}".encode(), **(headers or {})}
        request = Request(method, path, fields, head if token else {b"host": b"127.0.0.1:9"}, data)
        response = asyncio.run(graph.answer(self.sim, request))
        return response.status, json.loads(response.body)

    def post(self, body: Any, **more: Any) -> tuple[int, Any]:
        return self.call("POST", f"/v26.0/{PHONE}/messages", {"messaging_product": "whatsapp", **body}, **more)

    def send(self, body: Any) -> str:
        status, answer = self.post(body)
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    def refusal(self, body: Any) -> int:
        status, answer = self.post(body)
        assert status >= 400, answer
        return int(answer["error"]["code"])

    def go(self, seconds: float) -> None:
        self.clock.at += seconds
        while self.sim.timers.fire_due():
            pass

    def act(self, name: str, wa_id: str = NADIA, **more: Any) -> str:
        return act(self.sim, self.sim.world.people[wa_id], self.sim.world.phones[PHONE], {"action": name, **more})

    def statuses(self) -> list[dict[str, Any]]:
        return [status for update in self.updates for status in update.value.get("statuses", ())]

    def states(self) -> list[str]:
        return [str(status["status"]) for status in self.statuses()]

    def codes(self) -> list[int]:
        return [status["errors"][0]["code"] for status in self.statuses() if status["status"] == "failed"]

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(envelope([update], escape=True)) for update in self.updates]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def order_shipped(**more: Any) -> dict[str, Any]:
    return {
        "to": "+" + NADIA,
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
        "to": to,
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "en_GB"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "Nadia"}]}],
        },
        **more,
    }


def text(body: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"to": "+" + NADIA, "type": "text", "text": {"body": body}, **more}


def interactive(kind: str, action: Any, **more: Any) -> dict[str, Any]:
    return {
        "to": "+" + NADIA,
        "type": "interactive",
        "interactive": {"type": kind, "body": {"text": "Choose"}, "action": action, **more},
    }
