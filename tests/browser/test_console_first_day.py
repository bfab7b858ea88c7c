"""The first day at the console, in a real Chromium: play the customer, read why, withdraw, read why not."""

from __future__ import annotations

import json
import time
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Desk, Product

ANNA = "447000000001"  # the second person of the demo; the first has the story of the start


def request_marketing(product: Product, key: str) -> dict[str, Any]:
    """A free-form marketing message to the person, as a shop's own system would ask for it."""
    identity = {"scheme": "phone", "value": f"+{ANNA}"}
    content = {"type": "text", "body": "Fresh beans are in!"}
    body = {"deliveries": [{"key": key, "identities": [identity], "purpose": "marketing", "content": content}]}
    made: dict[str, Any] = product.call("POST", "/v1/deliveries", body)["deliveries"][0]
    return made


def test_play_the_customer_read_why_withdraw_and_read_why_not(desk: Desk) -> None:
    page, product = desk.page, desk.product
    desk.open(f"/?phone={ANNA}")
    chat = page.get_by_role("log")

    ship = {"order_id": "B-7001", "carrier": "PakketX", "track": "PX7001"}
    product.call("POST", "/v1/events", {"name": "order.shipped", "profile": {"phone": f"+{ANNA}"}, "properties": ship})
    expect(chat).to_contain_text("B-7001", timeout=20_000)
    chat.get_by_role("button", name="Leave with neighbour").click()
    expect(chat).to_contain_text("Noted!", timeout=20_000)

    page.get_by_role("link", name="Deliveries", exact=True).click()
    page.get_by_role("link").filter(has_text="Anna").or_(page.locator("tbody a")).first.click()
    expect(page.get_by_role("heading", name="Why they got this")).to_be_visible()
    expect(page.get_by_text("It may be sent")).to_be_visible()

    page.get_by_label("Message as the customer").fill("STOP")
    page.get_by_role("button", name="Send as the customer").click()
    expect(chat).to_contain_text("STOP", timeout=20_000)
    excluded = until_excluded(product)

    desk.open(f"/deliveries/{excluded['id']}")
    expect(page.get_by_role("heading", name="Why they did not get this")).to_be_visible()
    expect(page.get_by_text("Consent was withdrawn").first).to_be_visible()

    desk.open(f"/profiles/{excluded['profile_id']}")
    expect(page.get_by_text("Consent withdrawn: Marketing").first).to_be_visible()
    page.get_by_label("Or the key of a delivery").fill(excluded["key"])
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("They did not get it")).to_be_visible()


def until_excluded(product: Product) -> dict[str, Any]:
    """Ask for marketing until the withdrawal has been read; what is asked before it may leave."""
    last: dict[str, Any] = {}
    for number in range(20):
        made = request_marketing(product, f"news-{number}-{time.time_ns()}")
        time.sleep(0.5)
        last = product.call("GET", f"/v1/deliveries/{made['id']}")
        if last["reason"] == "opted_out":
            return last
    raise AssertionError(json.dumps(last)[:500])
