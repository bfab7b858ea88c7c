"""A small HTTP server of the shop: it keeps what is posted to it, and answers as it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes = b""


class Receiver:
    """Listens on a loopback port between `start` and `close`; `files` are served on GET."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.calls: list[Call] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.status = 200
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def posted_to(self, path: str) -> list[Call]:
        """What was posted to this path, a repeat of a call (same Idempotency-Key) once."""
        found: dict[str, Call] = {}
        for number, call in enumerate(self.calls):
            if call.method == "POST" and call.path == path:
                found.setdefault(call.headers.get("idempotency-key", f"call-{number}"), call)
        return list(found.values())

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "GET" and request.path in self.files:
            kind, content = self.files[request.path]
            return web.Response(body=content, content_type=kind)
        raw = await request.read()
        try:
            body: Any = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Call(request.method, request.path, headers, body, raw))
        return web.json_response({"ok": True}, status=self.status)
