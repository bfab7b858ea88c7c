"""The console's files: what is served where, for how long, under which policy."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import pytest

from sojourn.console import NOT_OURS, Console
from sojourn.main import HOT, ROUTERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "_console"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>Sojourn</title>")
    (built / "assets" / "app-1a2b.js").write_text("console.log(1);" * 200)
    (built / "favicon.svg").write_text("<svg/>")
    (built / ".inputs").write_text("digest")
    (tmp_path / "secret.txt").write_text("secret")
    return built


async def get(console: Console, path: str, *, method: str = "GET", **headers: str) -> SimpleNamespace:
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await console(scope, None, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return SimpleNamespace(status=sent[0]["status"], headers=told, body=sent[1]["body"])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/profiles",
        "/profiles/019cb2b6",
        "/invitation/abc.def",
        "/assets",
        "/.inputs",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
    ],
)
async def test_every_other_address_is_the_page_that_is_always_asked_for_anew(folder, path):
    page = await get(Console(folder), path)
    assert (page.status, page.body) == (200, (folder / "index.html").read_bytes())
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_assets_are_kept_for_a_year_and_travel_compressed(folder):
    console = Console(folder)
    plain = await get(console, "/assets/app-1a2b.js")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    zipped = await get(console, "/assets/app-1a2b.js", accept_encoding="br, gzip")
    assert (zipped.headers["content-encoding"], gzip.decompress(zipped.body)) == ("gzip", plain.body)
    assert len(zipped.body) < len(plain.body)
    head = await get(console, "/assets/app-1a2b.js", method="HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(plain.body)))


async def test_an_asset_that_is_not_there_is_not_a_page(folder):
    assert (await get(Console(folder), "/assets/old-9f9f.js")).status == 404
    assert (await get(Console(folder), "/assets/../../secret.txt")).status == 404


async def test_what_the_browser_has_already_is_not_sent_again_until_it_changes(folder):
    console = Console(folder)
    page = await get(console, "/")
    again = await get(console, "/x", if_none_match=page.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    (folder / "index.html").write_text("<!doctype html><title>New</title>")
    assert (await get(console, "/", if_none_match=page.headers["etag"])).status == 200


@pytest.mark.parametrize("path", ["/", "/assets/app-1a2b.js", "/assets/none.js"])
async def test_every_answer_carries_the_policy(folder, path):
    answer = await get(Console(folder), path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_console_that_is_not_built_says_what_to_run(tmp_path):
    page = await get(Console(tmp_path / "_console"), "/")
    assert page.status == 503
    assert b"make console" in page.body


def test_no_route_of_the_product_hides_behind_the_console():
    console = Console(Path("/nowhere"))
    paths = [*HOT, "/v1/openapi.json", "/webhooks/whatsapp/x"]
    for router in ROUTERS:
        for route in router.routes:
            paths += [route.path] if hasattr(route, "path") else []
    assert len(paths) > 80
    hidden = [path for path in paths if console.wants({"method": "GET", "path": path})]
    assert hidden == []
    assert console.wants({"method": "GET", "path": "/v1x"})
    assert not console.wants({"method": "POST", "path": "/profiles"})
    assert {"v1", "webhooks"} <= NOT_OURS
