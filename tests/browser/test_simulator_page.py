"""The simulator's debug page in a real Chromium: one plays a person on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.harness.ports import Ports

ROOT = Path(__file__).resolve().parents[2]
PHONE = "401234567890123"
NADIA = "447700900123"
TEMPLATE = {
    "name": "order_shipped",
    "language": "en",
    "category": "UTILITY",
    "components": [
        {"type": "BODY", "text": "Hello {{1}}, your order is on its way.", "example": {"body_text": [["Nadia"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Leave with neighbour"}]},
    ],
}


class Simulator:
    """A running simulator with one number, one template, one person."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer EAAsimulated"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def chat(self) -> list[dict[str, Any]]:
        """What Nadia's phone shows."""
        messages: list[dict[str, Any]] = self.call("GET", f"/sim/people/{NADIA}/chat?phone_number_id={PHONE}")[
            "messages"
        ]
        return messages

    def send_template(self) -> None:
        """The shop writes to Nadia."""
        body = [{"type": "body", "parameters": [{"type": "text", "text": "Nadia"}]}]
        template = {"name": "order_shipped", "language": {"code": "en"}, "components": body}
        message = {"messaging_product": "whatsapp", "to": f"+{NADIA}", "type": "template", "template": template}
        self.call("POST", f"/v26.0/{PHONE}/messages", message)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    ports = Ports()
    port = ports.take()
    command = [sys.executable, "-m", "cloudsim.main", "--port", str(port), "--clock-file", str(tmp_path / "clock.json"),
               "--latency-ms", "0"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT / "src", stdin=subprocess.DEVNULL)
    try:
        simulator = Simulator(f"http://127.0.0.1:{port}")
        _wait(simulator)
        phone = {"id": PHONE, "display_phone_number": "+44 7700 900000", "verified_name": "Harbour Tea Co."}
        people = [{"wa_id": NADIA, "name": "Nadia Okafor"}]
        simulator.call("POST", "/sim/setup", {"phone_numbers": [phone], "templates": [TEMPLATE], "people": people})
        simulator.call("POST", "/sim/behaviour", {"instant": True, "default": {"read": 0}})
        yield simulator
    finally:
        process.terminate()
        process.wait(10)
        ports.release()


@pytest.fixture
def page(simulator: Simulator, chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(simulator.url)
    yield page
    page.context.close()
    assert not problems


def test_a_person_reads_taps_writes_and_stops(simulator: Simulator, page: Page) -> None:
    simulator.send_template()
    page.get_by_role("button", name="Nadia Okafor").click()
    chat = page.get_by_role("log")
    expect(chat).to_contain_text("Hello Nadia, your order is on its way.")
    chat.get_by_role("button", name="Leave with neighbour").click()
    expect(chat).to_contain_text("Leave with neighbour")
    page.get_by_label("Write as this person").fill("<b>danke</b>")
    page.get_by_role("button", name="Send").click()
    expect(chat).to_contain_text("<b>danke</b>")
    page.get_by_role("button", name="Read", exact=True).click()
    page.get_by_role("button", name="Stop marketing").click()
    _until(lambda: simulator.call("GET", f"/sim/people/{NADIA}")["stopped_marketing"])
    kinds = [(message["direction"], message["type"]) for message in simulator.chat()]
    assert kinds == [("out", "template"), ("in", "button"), ("in", "text")]
    _until(lambda: simulator.chat()[0]["status"] == "read")


def test_a_photo_a_block_and_the_clock(simulator: Simulator, page: Page, tmp_path: Path) -> None:
    before = simulator.call("GET", "/sim/info")["offset_seconds"]
    page.get_by_role("button", name="Nadia Okafor").click()
    photo = tmp_path / "grinder.png"
    photo.write_bytes(bytes.fromhex("89504e470d0a1a0a") + b"\0" * 32)
    page.locator("#photo").set_input_files(photo)
    _until(lambda: [message["type"] for message in simulator.chat()] == ["image"])
    page.get_by_role("button", name="Block", exact=True).click()
    _until(lambda: simulator.call("GET", f"/sim/people/{NADIA}")["has_blocked"] == [PHONE])
    page.get_by_role("button", name="Go offline").click()
    _until(lambda: not simulator.call("GET", f"/sim/people/{NADIA}")["online"])
    page.get_by_role("button", name="+24 h").click()
    _until(lambda: simulator.call("GET", "/sim/info")["offset_seconds"] - before == pytest.approx(86_400, abs=1))


def _wait(simulator: Simulator) -> None:
    def answers() -> bool:
        try:
            return bool(simulator.call("GET", "/sim/info")["simulator"])
        except (urllib.error.URLError, ConnectionError):
            return False

    _until(answers, seconds=20)


def _until(what: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
