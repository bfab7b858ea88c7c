"""A load generator that costs little: bytes made beforehand, one HTTP/1.1 protocol, no parsing beyond the length.

It shares two cores with what it measures, so every microsecond here is taken from there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

OK = (b"HTTP/1.1 200", b"HTTP/1.1 202", b"HTTP/1.1 201")


def request_bytes(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One request, ready to be written to a connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class Outcome:
    """What came back: `seconds` from the first byte out to the last answer in, a latency for each request."""

    seconds: float = 0.0
    answered: int = 0
    refused: int = 0
    first_refusal: bytes = b""
    latencies: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """A latency in milliseconds: `share` of all answers came at least as fast."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight; tells `owner` when the answer is complete."""

    def __init__(self, owner: Run) -> None:
        self.owner = owner
        self.began = 0.0
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, began: float) -> None:
        """Write one request; `began` is the moment from which its latency counts."""
        self.began = began
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Complete the answer, hand it over."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _length(data, end):
            self._buffer = data
            return
        self._buffer = b""
        self.owner.answered(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that goes in the middle fails the run."""
        self.owner.lost(exc)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.abort()


def _length(data: bytes, end: int) -> int:
    at = data.find(b"ontent-", 0, end)  # Content-Length or content-length; Content-Type comes first sometimes
    while at >= 0:
        if data[at + 7 : at + 14].lower() == b"length:":
            return int(data[at + 14 : data.find(b"\r", at, end + 2)])
        at = data.find(b"ontent-", at + 7, end)
    return 0


class Run:
    """Sends all requests once, closed loop (`rate` None) or open loop at `rate` a second."""

    def __init__(self, host: str, port: int, requests: Sequence[bytes], connections: int, rate: float | None) -> None:
        self._where = host, port
        self._requests = requests
        self._count = connections
        self._rate = rate
        self._next = 0
        self._free: list[Connection] = []
        self._late: list[float] = []
        self._done: asyncio.Future[None] | None = None
        self.outcome = Outcome()
        self.started: list[float] = []  # wall-clock moments at which requests were due, open loop

    async def run(self) -> Outcome:
        """Connect, send everything, wait for every answer, close."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        made = [await loop.create_connection(lambda: Connection(self), *self._where) for _ in range(self._count)]
        connections = [protocol for _, protocol in made]
        began = time.perf_counter()
        try:
            if self._rate is None:
                for connection in connections:
                    self._send_next(connection)
            else:
                self._free = connections
                await self._pace(self._rate, began)
            await self._done
        finally:
            self.outcome.seconds = time.perf_counter() - began
            self._done = None
            for connection in connections:
                connection.close()
        return self.outcome

    def _send_next(self, connection: Connection) -> None:
        if self._next < len(self._requests):
            request = self._requests[self._next]
            self._next += 1
            connection.send(request, time.perf_counter())

    async def _pace(self, rate: float, began: float) -> None:
        for number in range(len(self._requests)):
            due = began + number / rate
            wait = due - time.perf_counter()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            self.started.append(time.time() + (due - time.perf_counter()))
            if self._free:
                self._next += 1
                self._free.pop().send(self._requests[number], due)
            else:
                self._late.append(due)
                while len(self._late) > 5_000:
                    await asyncio.sleep(0.01)

    def answered(self, connection: Connection, data: bytes) -> None:
        """One answer is complete."""
        outcome = self.outcome
        outcome.latencies.append(time.perf_counter() - connection.began)
        outcome.answered += 1
        if not data.startswith(OK):
            outcome.refused += 1
            outcome.first_refusal = outcome.first_refusal or data
        if outcome.answered == len(self._requests):
            if self._done is not None and not self._done.done():
                self._done.set_result(None)
        elif self._rate is None:
            self._send_next(connection)
        elif self._late:
            due = self._late.pop(0)
            request = self._requests[self._next]
            self._next += 1
            connection.send(request, due)
        else:
            self._free.append(connection)

    def lost(self, error: Exception | None) -> None:
        """A connection went away before the end."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed a connection"))


async def send_all(
    port: int, requests: Sequence[bytes], *, connections: int, rate: float | None = None, host: str = "127.0.0.1"
) -> Outcome:
    """Send every request once over so many keep-alive connections; raises when any answer is not a success."""
    outcome = await Run(host, port, requests, connections, rate).run()
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} of {outcome.answered} refused; the first: {outcome.first_refusal!r}")
    return outcome
