"""Requests and responses, small enough for thousands a second; multipart bodies alone go through Starlette."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartParser

from cloudsim.jsontypes import Json, decode, encode

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_MAX = 110 * 1024 * 1024  # bytes; the Cloud API takes files up to 100 MB
JSON_TYPE = b"application/json; charset=UTF-8"


class MalformedBody(Exception):
    """The body is not what its content type says."""


class BodyTooLarge(Exception):
    pass


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[bytes, bytes]
    body: bytes = b""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def base_url(self) -> str:
        return f"http://{self.header(b'host')}"

    def json(self) -> Json:
        """The body as an object, an empty body as an empty one. Raises MalformedBody for anything else."""
        if not self.body:
            return {}
        try:
            value = decode(self.body)
        except Exception as error:
            raise MalformedBody(str(error)) from error
        if not isinstance(value, dict):
            raise MalformedBody("the body is not a JSON object")
        return value

    def fields(self) -> Json:
        """Query parameters and body together, whatever the body is encoded as; the body wins."""
        found: Json = dict(self.query)
        kind = self.header(b"content-type")
        if kind.startswith("application/x-www-form-urlencoded"):
            found.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        elif not kind.startswith("multipart/"):
            found.update(self.json())
        return found

    async def form(self) -> FormData:
        """The parts of a multipart body. Raises MalformedBody."""

        async def stream() -> Any:
            yield self.body
            yield b""

        headers = Headers(raw=[(name, value) for name, value in self.headers.items()])
        try:
            return await MultiPartParser(headers, stream(), max_files=20, max_part_size=BODY_MAX).parse()
        except Exception as error:
            raise MalformedBody(str(error)) from error


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON_TYPE
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, value: object, status: int = 200) -> "Response":
        return cls(status, encode(value))


async def read_body(receive: Receive, limit: int = BODY_MAX) -> bytes:
    """Raises BodyTooLarge before more than `limit` bytes are kept."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge
    return b"".join(parts)


async def respond(send: Send, response: Response) -> None:
    head = [(b"content-type", response.content_type), (b"content-length", str(len(response.body)).encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": head + response.headers})
    await send({"type": "http.response.body", "body": response.body})


async def drop_connection(send: Send, receive: Receive) -> None:
    """Close the TCP connection without an answer: uvicorn hands us its request cycle as `send`."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is not None:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def parse_query(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}
