"""A small JSON client for the demo: it uses the product's own public API, as a shop would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")


class RefusedError(Exception):
    """An answer of 400 or above."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status


class Api:
    """JSON over HTTP to one address."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self._address = address
        self.token = token
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return await self.send("GET", path)

    async def post(self, path: str, body: Any) -> Any:
        """The JSON of a POST."""
        return await self.send("POST", path, json=body)

    async def patch(self, path: str, body: Any) -> Any:
        """The JSON of a PATCH."""
        return await self.send("PATCH", path, json=body)

    async def upload(self, path: str, name: str, content: str, mime: str) -> Any:
        """The JSON of a form with one file."""
        form = aiohttp.FormData()
        form.add_field("file", content.encode(), filename=name, content_type=mime)
        return await self.send("POST", path, data=form)

    async def send(self, method: str, path: str, **what: Any) -> Any:
        """One request. Raises RefusedError."""
        headers = {**what.pop("headers", {}), **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        async with self._session.request(method, self._address + path, headers=headers, **what) as answer:
            body = await answer.json(content_type=None) if answer.content_length != 0 else None
            if answer.status >= 400:
                raise RefusedError(method, path, answer.status, body)
            return body


async def until(look: Callable[[], Awaitable[T | None]], *, seconds: float, every: float = 0.05) -> T | None:
    """What `look` finds, asked again and again; None when it finds nothing in time."""
    deadline = time.monotonic() + seconds
    while (found := await look()) is None and time.monotonic() < deadline:  # noqa: ASYNC110 - others change it
        await asyncio.sleep(every)
    return found
