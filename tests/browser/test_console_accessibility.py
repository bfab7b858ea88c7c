"""Every page of the console, light and dark, wide and narrow: axe finds nothing, nothing scrolls sideways, no errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Desk, Product, ids, open_desk

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = (
    "/", "/?phone=on", "/phone", "/profiles", "/profiles/import", "/profiles/{profile}", "/deliveries",
    "/deliveries/{delivery}", "/errors", "/settings/senders", "/settings/senders/new", "/settings/senders/{sender}",
    "/settings/webhooks", "/settings/keywords", "/settings/consent", "/settings/quiet-hours", "/settings/members",
    "/settings/keys", "/settings/audit", "/settings/data", "/nowhere",
)  # fmt: skip


def check(desk: Desk) -> list[str]:
    """What axe finds on the page, a line each: rule, place, and how to mend it."""
    desk.page.evaluate(AXE.read_text())
    found: dict[str, Any] = desk.page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{violation['id']} at {node['target']}: {node.get('failureSummary', '')[:200]}"
        for violation in found["violations"]
        for node in violation["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_no_page_keeps_anybody_out(chromium: Browser, product: Product, width: int, scheme: str) -> None:
    context, desk = open_desk(chromium, product, width=width, scheme=scheme)
    known, found = ids(product), []
    desk.page.goto(product.url)
    desk.page.get_by_role("heading", name="Sign in").wait_for()
    found += [f"sign in: {line}" for line in check(desk)]
    desk.sign_in()
    for path in PAGES:
        desk.open(path.format(**known))
        found += [f"{path}: {line}" for line in check(desk)]
        if desk.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path}: scrolls sideways")
        found += [f"{path}: {complaint}" for complaint in desk.complaints]
        desk.complaints.clear()
    context.close()
    assert not found, "\n".join(found)
