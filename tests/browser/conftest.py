"""The whole product with its demo data and the built console, and a Chromium to look at it with."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.acceptance.harness.ports import Ports

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]
SIGN_IN = re.compile(r"sign in\s+(?P<email>\S+) / (?P<password>\S+)")
KEY = re.compile(r"API key\s+(?P<key>sk_\S+)")


@dataclass(frozen=True, slots=True)
class Product:
    """A running product: where it is, and how one gets in."""

    url: str
    email: str
    password: str
    key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the API with the demo's key."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """`sojourn run` with its demo data in this folder, the console built before."""
    subprocess.run([sys.executable, "scripts/build_console.py"], cwd=ROOT, check=True)
    ports = Ports()
    port, log = ports.take(), folder / "run.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sojourn", "run", "--port", str(port)],
            cwd=ROOT, env={**os.environ, "SOJOURN_DATA_DIR": str(folder / "data")}, stdout=out, stderr=out,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield _wait_for_product(log, process, f"http://127.0.0.1:{port}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        ports.release()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product of all browser tests."""
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


def _wait_for_product(log: Path, process: subprocess.Popen[bytes], url: str) -> Product:
    for _ in range(START_SECONDS * 2):
        told = log.read_text()
        sign_in, key = SIGN_IN.search(told), KEY.search(told)
        if "What to try" in told and sign_in and key:
            return Product(url, sign_in["email"], sign_in["password"], key["key"])
        if process.poll() is not None:
            break
        time.sleep(0.5)
    pytest.fail(f"the product does not come up:\n{log.read_text()[-2000:]}")


def find_chromium() -> str | None:
    """The machine's own Chromium; never one that is downloaded."""
    names = (os.environ.get("SOJOURN_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    program = find_chromium()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium: .ci/chromium installs it")
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Desk:
    """A member's browser window, and all that it complained about."""

    product: Product
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page and wait until its heading and its data are there."""
        self.page.goto(self.product.url + path)
        self.page.locator("h1").first.wait_for()
        self.page.wait_for_load_state("domcontentloaded")
        self.page.wait_for_timeout(700)

    def sign_in(self) -> None:
        """Sign in by keyboard alone."""
        self.page.goto(self.product.url)
        self.page.get_by_label("E-mail address").focus()
        self.page.keyboard.type(self.product.email)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(self.product.password)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("heading", name="Home").wait_for()
        self.complaints.clear()  # before signing in, /v1/me answers 401 by design


def ids(product: Product) -> dict[str, str]:
    """One of each thing, from the demo."""
    delivery = product.call("GET", "/v1/deliveries?limit=1")["items"][0]
    sender = product.call("GET", "/v1/senders")["items"][0]
    return {"profile": delivery["profile_id"], "delivery": delivery["id"], "sender": sender["id"]}


def open_desk(
    chromium: Browser, product: Product, *, width: int = 1440, height: int = 900, scheme: str = "light"
) -> tuple[BrowserContext, Desk]:
    """A fresh window of this size and colour scheme that notes errors and requests to other hosts."""
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce", locale="en-GB",
    )  # fmt: skip
    page = context.new_page()
    desk = Desk(product, page)
    page.on("console", lambda said: desk.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    page.on("request", lambda asked: _note_foreign(desk, asked.url))
    return context, desk


def _note_foreign(desk: Desk, url: str) -> None:
    if not url.startswith((desk.product.url, "data:", "blob:")):
        desk.complaints.append(f"asked another host: {url}")


@pytest.fixture
def desk(chromium: Browser, product: Product) -> Iterator[Desk]:
    """A signed-in member at a wide window."""
    context, desk = open_desk(chromium, product)
    desk.sign_in()
    yield desk
    context.close()
    assert desk.complaints == []
