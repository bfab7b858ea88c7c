"""Takes the pictures of the manual: every screen of the console, into docs/images.

`python -m tests.browser.pictures` starts the product with its demo data, looks at each page and saves it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, ROOT, find_chromium, ids, open_desk, running_product

IMAGES = ROOT / "docs" / "images"
SCREENS = {
    "home": "/?phone=on", "profiles": "/profiles", "profile": "/profiles/{profile}", "import": "/profiles/import",
    "deliveries": "/deliveries", "decision": "/deliveries/{delivery}", "errors": "/errors", "phone": "/phone",
    "senders": "/settings/senders", "sender": "/settings/senders/{sender}", "webhooks": "/settings/webhooks",
    "keywords": "/settings/keywords", "consent": "/settings/consent", "quiet-hours": "/settings/quiet-hours",
    "members": "/settings/members", "keys": "/settings/keys", "audit": "/settings/audit", "data": "/settings/data",
}  # fmt: skip
DARK = ("home", "profile", "decision")
SMALL = ("home", "profile", "phone")


def main() -> int:
    """Save all pictures; 1 when there is no browser."""
    program = find_chromium()
    if program is None:
        sys.stderr.write("there is no Chromium: sh .ci/chromium installs it\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder)) as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        known = ids(product)
        series = (
            ("", "light", 1440, 900, tuple(SCREENS)),
            ("-dark", "dark", 1440, 900, DARK),
            ("-small", "light", 360, 740, SMALL),
        )
        for suffix, scheme, width, height, names in series:
            context, desk = open_desk(browser, product, width=width, height=height, scheme=scheme)
            desk.page.goto(product.url)
            desk.page.get_by_role("heading", name="Sign in").wait_for()
            desk.page.screenshot(path=IMAGES / f"console-sign-in{suffix}.png")
            desk.sign_in()
            for name in names:
                desk.open(SCREENS[name].format(**known))
                desk.page.wait_for_timeout(800)
                desk.page.screenshot(path=IMAGES / f"console-{name}{suffix}.png")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
