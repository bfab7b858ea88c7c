"""The console's way to the simulator behind a simulated sender: `/v1/simulator/{sender_id}/…` is `{base_url}/sim/…`.

It exists only for senders that are simulated, so that it never reaches a real provider. Nothing that identifies the
caller goes along, and nothing that comes back can run in a page of ours.
"""

from __future__ import annotations

import io
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
from fastapi import APIRouter, Depends, Request, Response
from starlette.types import Receive, Scope, Send
from yarl import URL

from sojourn.channels import store
from sojourn.kit.database import Conn
from sojourn.kit.errors import AppError, Kind
from sojourn.kit.web import ConnDep, read_body
from sojourn.settings import Settings
from sojourn.workspaces import sessions
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1/simulator", tags=["simulator"])
PREFIX = "/v1/simulator/"

BODY_MAX = 16 * 1024 * 1024  # bytes, both ways
TIMEOUT = aiohttp.ClientTimeout(total=40, connect=3)  # seconds; `wait_quiet` may take half a minute
GOES_ALONG = ("content-type", "accept")
COMES_BACK = ("content-type", "content-disposition", "retry-after")
# Whatever is behind the address: opened by itself it is no page, runs nothing, and reaches nothing.
SANDBOX = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Read = Annotated[Caller, Depends(require_right("simulator.read"))]
Write = Annotated[Caller, Depends(require_right("simulator.write"))]
BODY: dict[str, Any] = {
    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}}}
}


class NotSimulated(AppError):
    """This sender reaches real people; there is nothing to simulate."""

    kind = Kind.NOT_FOUND
    code = "not_simulated"


class SimulatorUnreachable(AppError):
    """The simulator does not answer; start it with `cloudsim`, or with `make run`."""

    kind = Kind.UNAVAILABLE
    code = "simulator_unreachable"


class ForeignHost(AppError):
    """The request names a host that is not this installation's."""

    kind = Kind.FORBIDDEN
    code = "foreign_host"


class PassedOn(Response):
    """The answer of the simulator. It is asked while this is sent: after the request gave its connection back."""

    def __init__(self, base: URL, path: str) -> None:
        super().__init__()
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        self._target = base.joinpath("sim", *parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask, and send what came. Raises SimulatorUnreachable and BodyTooLarge before anything is sent."""
        request = Request(scope, receive)
        body = await read_body(scope, receive, limit=BODY_MAX)
        headers = {name: request.headers[name] for name in GOES_ALONG if name in request.headers}
        query = f"?{request.url.query}" if request.url.query else ""
        target = URL(str(self._target) + query, encoded=True)
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as http,
                http.request(
                    request.method,
                    target,
                    data=io.BytesIO(body) if body else None,
                    headers=headers,
                    allow_redirects=False,
                ) as answer,
            ):
                content = await _content_of(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SimulatorUnreachable(cause=type(error).__name__) from error
        told = {name: answer.headers[name] for name in COMES_BACK if name in answer.headers}
        await Response(content, answer.status, {**told, **SANDBOX})(scope, receive, send)


async def _content_of(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for part in answer.content.iter_chunked(65536):
        content += part
        if len(content) > BODY_MAX:
            raise SimulatorUnreachable(cause="the answer is too large")
    return bytes(content)


async def pass_on(sender_id: UUID, path: str, request: Request, conn: Conn, caller: Caller) -> PassedOn:
    """The way to the simulator behind a sender. Raises SenderNotFound, NotSimulated, ForeignHost."""
    _require_own_host(request)
    sender = await store.get_sender(conn, caller.workspace_id, sender_id)
    if not sender.simulated or sender.base_url is None:
        raise NotSimulated(sender_id=str(sender_id))
    return PassedOn(URL(sender.base_url), path)


@router.get("/{sender_id}/{path:path}")
async def ask_simulator(sender_id: UUID, path: str, request: Request, conn: ConnDep, caller: Read) -> Response:
    """Ask the simulator behind this sender; its API at `/sim/…` has a page of the manual."""
    return await pass_on(sender_id, path, request, conn, caller)


@router.post("/{sender_id}/{path:path}", openapi_extra=BODY)
async def tell_simulator(sender_id: UUID, path: str, request: Request, conn: ConnDep, caller: Write) -> Response:
    """Have the simulator do something: a person writes, the clock is pushed, a failure is ordered."""
    return await pass_on(sender_id, path, request, conn, caller)


@router.put("/{sender_id}/{path:path}", openapi_extra=BODY)
async def put_into_simulator(sender_id: UUID, path: str, request: Request, conn: ConnDep, caller: Write) -> Response:
    """Replace something of the simulator's."""
    return await pass_on(sender_id, path, request, conn, caller)


@router.delete("/{sender_id}/{path:path}")
async def delete_from_simulator(sender_id: UUID, path: str, request: Request, conn: ConnDep, caller: Write) -> Response:
    """Delete something of the simulator's."""
    return await pass_on(sender_id, path, request, conn, caller)


def _require_own_host(request: Request) -> None:
    """Refuse names that are not ours: another site's name may be made to lead here (DNS rebinding), an address not."""
    settings: Settings = request.app.state.settings
    sessions.require_own_origin(request, settings)
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if name in {urlsplit(settings.public_url).hostname, "localhost"}:
        return
    try:
        ip_address(name)
    except ValueError as error:
        raise ForeignHost(host=name) from error
