"""Serves the built console: its files, `index.html` for every other address, and the headers that keep it safe.

The files are made by `make console` into `_console` beside this module and come with the wheel. Without them every
address of the console says so, and API, webhooks and workers run regardless.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent / "_console"
# First parts of addresses that are not the console's: unknown ones among them stay problem documents.
NOT_OURS = frozenset({"v1", "webhooks", "docs", "o", "metrics"})
FOREVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"
COMPRESS_FROM = 1024  # bytes
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json",
    ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp",
    ".jpg": "image/jpeg", ".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}  # fmt: skip
COMPRESSED = frozenset({".html", ".js", ".mjs", ".css", ".json", ".map", ".webmanifest", ".svg", ".txt", ".wasm"})
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
    )
)
SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self), payment=(), usb=()"),
)
NOT_BUILT = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sojourn</title>
<h1>The console is not built.</h1><p>Run: <code>make console</code></p>
<p>The API, webhooks and workers run regardless.</p></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory, as it is and compressed (None: not worth it)."""

    body: bytes
    zipped: bytes | None
    content_type: str
    etag: str
    modified: str
    stamp: tuple[int, int]


class Console:
    """A plain ASGI application for GET and HEAD."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._known: dict[Path, Asset] = {}

    def wants(self, scope: Scope) -> bool:
        """Whether an address is the console's."""
        return bool(scope["method"] in {"GET", "HEAD"} and scope["path"].split("/", 2)[1] not in NOT_OURS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        is_asset = path.startswith("/assets/")
        asset = self._load(path)
        if asset is None and not is_asset:
            asset = self._load("/index.html")
        if asset is not None:
            await self._send_asset(scope, send, asset, FOREVER if is_asset else FRESH)
        elif (self._folder / "index.html").is_file():
            await _send(scope, send, 404, b"Not found\n", [(b"content-type", b"text/plain; charset=utf-8")])
        else:
            headers = [(b"content-type", b"text/html; charset=utf-8"), (b"retry-after", b"60")]
            await _send(scope, send, 503, NOT_BUILT, headers)

    def _load(self, path: str) -> Asset | None:
        """The file at an address, read again when it changed. None: there is none, or it is not for the world."""
        parts = [part for part in path.split("/") if part]
        if not parts or any(part.startswith(".") or "\\" in part or "\x00" in part for part in parts):
            return None
        file = self._folder.joinpath(*parts)
        try:
            stat = file.stat()
        except OSError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(file)
        if known is None or known.stamp != stamp:
            if file.suffix not in CONTENT_TYPES or not file.is_file():
                return None
            known = self._known[file] = _read(file, stamp)
        return known

    async def _send_asset(self, scope: Scope, send: Send, asset: Asset, caching: str) -> None:
        asked = {name: value for name, value in scope["headers"] if name in {b"accept-encoding", b"if-none-match"}}
        headers = [
            (b"content-type", asset.content_type.encode()),
            (b"cache-control", caching.encode()),
            (b"etag", asset.etag.encode()),
            (b"last-modified", asset.modified.encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        if asset.etag.encode() in asked.get(b"if-none-match", b""):
            await _send(scope, send, 304, b"", headers)
            return
        body = asset.body
        if asset.zipped is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            headers.append((b"content-encoding", b"gzip"))
            body = asset.zipped
        await _send(scope, send, 200, body, headers)


def _read(file: Path, stamp: tuple[int, int]) -> Asset:
    body = file.read_bytes()
    zipped = None
    if file.suffix in COMPRESSED and len(body) >= COMPRESS_FROM:
        zipped = gzip.compress(body, 6, mtime=0)
    return Asset(
        body=body,
        zipped=zipped if zipped is not None and len(zipped) < len(body) else None,
        content_type=CONTENT_TYPES[file.suffix],
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:24]}"',
        modified=formatdate(stamp[0] / 1e9, usegmt=True),
        stamp=stamp,
    )


async def _send(scope: Scope, send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = [] if status == 304 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length, *SECURITY]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
