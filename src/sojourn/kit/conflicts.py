"""Requests whose transaction lost against others (a deadlock, a serialisation failure) are tried again.

PostgreSQL has taken such a transaction back whole, so that a route whose only effect it was may simply run again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRIES = 5
PAUSE_SECONDS = 0.02  # before the second try; each further one waits as long again
REMEMBERED_MAX = 4 * 1024 * 1024  # bytes of a body that are kept for a further try
LOST = "sojourn.transaction_lost"


async def pause(attempt: int) -> None:
    """Let the others finish before the try after this one (1 is the first)."""
    await asyncio.sleep(PAUSE_SECONDS * attempt)


def note_lost(scope: Scope) -> None:
    """The one transaction of this request was lost: a further try may have what this one did not get."""
    scope[LOST] = True


class AgainAfterConflict:
    """Passes a request on again, up to `TRIES` times, as long as its transaction is noted as lost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the first try that did not lose, or with the last."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        for attempt in range(1, TRIES + 1):
            answer = _Answer(send, {**scope}, is_last=attempt == TRIES or body.is_forgotten)
            await self._app(answer.scope, body.replay(), answer.send)
            if not answer.is_dropped:
                return
            await pause(attempt)


class _Answer:
    """One try. The answer of a lost one is dropped, unless it is the last."""

    def __init__(self, send: Send, scope: dict[str, Any], *, is_last: bool) -> None:
        self.scope = scope
        self.is_dropped = False
        self._send = send
        self._is_last = is_last

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_dropped = LOST in self.scope and not self._is_last
        if not self.is_dropped:
            await self._send(message)


class _Body:
    """What the client sent, kept so that a further try reads the same."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._size = 0
        self.is_forgotten = False

    def replay(self) -> Receive:
        place = 0

        async def receive() -> Message:
            nonlocal place
            if place < len(self._messages):
                place += 1
                return self._messages[place - 1]
            message = await self._receive()
            if message["type"] == "http.request" and not self.is_forgotten:
                self._keep(message)
                place += 1
            return message

        return receive

    def _keep(self, message: Message) -> None:
        self._size += len(message.get("body", b""))
        self._messages.append(message)
        if self._size > REMEMBERED_MAX:
            self.is_forgotten = True
            self._messages.clear()
