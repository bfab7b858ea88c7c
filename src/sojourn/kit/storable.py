"""Refuses what the database cannot hold before any route sees it.

NUL characters, halves of surrogate pairs, and moments that are written in a year from 1 to 9999 but fall outside of
those years in UTC: PostgreSQL would take them, and nobody could read them back.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sojourn.kit.errors import FieldError, InvalidInput, MalformedBody, NotFound
from sojourn.kit.web import send_problem

CODE = "unstorable_text"
MESSAGE = "holds a NUL character, half a surrogate pair, or a moment outside of the years 1 to 9999 (UTC)"
# Most bodies have nothing of it, and then a search over the bytes is all that this costs.
SUSPICIOUS = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|\x00|0001-01-01|9999-12-31")
EDGES = ("0001-01-01", "9999-12-31")
TEXT_TYPES = (b"application/json", b"application/problem+json", b"application/yaml", b"text/")


class StorableText:
    """Answers 422 `invalid_input` for such a body or query, naming the field, and 404 for such a path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"]:
            await send_problem(send, NotFound())
            return
        if b"%00" in scope["query_string"]:
            await send_problem(send, _refusal("query"))
            return
        if not _is_text(scope):
            await self._app(scope, receive, send)
            return
        await self._check_body(scope, receive, send)

    async def _check_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        body = b"".join(message.get("body", b"") for message in messages)
        if SUSPICIOUS.search(body):
            try:
                found = first_unstorable(body)
            except RecursionError:
                await send_problem(send, MalformedBody(detail="nested too deeply"))
                return
            if found is not None:
                await send_problem(send, _refusal(found))
                return
        waiting = iter(messages)

        async def replay() -> Message:
            return next(waiting, None) or await receive()

        await self._app(scope, replay, send)


def first_unstorable(body: bytes) -> str | None:
    """The path of the first text in a JSON body that cannot be stored; None when there is none or it is no JSON.

    A body that is no JSON is for its route to refuse, unless it has a NUL byte: that no text may have.
    """
    try:
        value = json.loads(body)
    except ValueError:
        return "body" if b"\x00" in body else None
    return _find(value, "")


def is_storable(text: str) -> bool:
    """Whether the database can hold a text, or the moment that it says."""
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return False
    if not text.startswith(EDGES):
        return True
    try:
        datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        return False
    except ValueError:
        return True
    return True


def _find(value: Any, path: str) -> str | None:
    if isinstance(value, str):
        return None if is_storable(value) else path or "body"
    if isinstance(value, dict):
        if not all(map(is_storable, value)):
            return path or "body"
        pairs = [(f"{path}.{name}" if path else name, one) for name, one in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}.{place}" if path else str(place), one) for place, one in enumerate(value)]
    else:
        return None
    return next((found for where, one in pairs if (found := _find(one, where)) is not None), None)


def _is_text(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bool(value.lower().startswith(TEXT_TYPES))
    return False


def _refusal(field: str) -> InvalidInput:
    mistake: FieldError = {"field": field, "code": CODE, "message": MESSAGE}
    return InvalidInput([mistake])
