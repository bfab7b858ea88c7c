"""Small JSON clients: one for the product's API, one for the simulator's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError, TimeoutError)


class Refused(AssertionError):
    """An answer that the story did not expect."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        super().__init__(f"{method} {path}: {status} {json.dumps(body, ensure_ascii=False)[:2000]}")
        self.status = status
        self.body = body
        self.code = body.get("code") if isinstance(body, dict) else None


class Api:
    """JSON over HTTP to one program. While it is down or says 503, requests are tried again for `patience_seconds`.

    So every request here must be one that may be repeated: the product's writes carry keys.
    """

    def __init__(self, base_url: str, *, token: str | None = None, patience_seconds: float = 20.0) -> None:
        self.base_url = base_url
        self.token = token
        self.patience_seconds = patience_seconds
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET."""
        return await self.request("GET", path, query=query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a POST."""
        return await self.request("POST", path, body=body, query=query)

    async def put(self, path: str, body: Any = None) -> Any:
        """The JSON of a PUT."""
        return await self.request("PUT", path, body=body)

    async def patch(self, path: str, body: Any = None) -> Any:
        """The JSON of a PATCH."""
        return await self.request("PATCH", path, body=body)

    async def delete(self, path: str) -> Any:
        """The JSON of a DELETE."""
        return await self.request("DELETE", path)

    async def request(
        self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None, token: str | None = None
    ) -> Any:
        """One request; raises Refused for every answer of 400 and above."""
        status, answer, _ = await self.exchange(method, path, body=body, query=query, token=token)
        if status >= 400:
            raise Refused(method, path, status, answer)
        return answer

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, Any] | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        patience_seconds: float | None = None,
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is JSON) and headers of one request, tried again while nobody answers."""
        deadline = time.monotonic() + (self.patience_seconds if patience_seconds is None else patience_seconds)
        sent = dict(headers or {})
        if token or self.token:
            sent.setdefault("Authorization", f"Bearer {token or self.token}")
        parameters = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        while True:
            try:
                async with self._open().request(
                    method, self.base_url + path, json=body, data=data, params=parameters, headers=sent
                ) as answer:
                    raw = await answer.read()
                    if answer.status != 503 or time.monotonic() > deadline:
                        return answer.status, _decoded(raw), dict(answer.headers)
            except GONE:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Every row of a list, page after page."""
        cursor: str | None = None
        while True:
            page = await self.get(path, **{"limit": 500, **query, "cursor": cursor})
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a list."""
        return [item async for item in self.pages(path, **query)]

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=60), connector=aiohttp.TCPConnector(limit=32)
            )
        return self._session


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
