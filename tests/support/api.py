"""Calls an application without a socket."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI


class Api:
    """An application and the key that every call carries."""

    def __init__(self, app: FastAPI, key: str) -> None:
        self.app, self.key = app, key

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> SimpleNamespace:
        """One request; `status`, `headers` and `json` of the answer."""
        path, _, query = path.partition("?")
        sent: list[dict[str, Any]] = []
        data = b"" if body is None else json.dumps(body).encode()
        bearer = f"Bearer {key or self.key}".encode()
        headers = [(b"authorization", bearer), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers,
            "query_string": query.encode(), "http_version": "1.1", "scheme": "http", "server": ("test", 80),
            "client": ("test", 1), "root_path": "",
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answer = b"".join(one.get("body", b"") for one in sent[1:])
        told = {name.decode(): value.decode() for name, value in sent[0].get("headers", [])}
        return SimpleNamespace(status=sent[0]["status"], headers=told, json=json.loads(answer) if answer else None)
