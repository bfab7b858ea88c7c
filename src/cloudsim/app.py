"""The ASGI application: who may call, and which of the three sides is meant: Graph, scripting, debug page."""

import asyncio
import logging
from importlib.resources import files

from cloudsim.graph import media
from cloudsim.graph import router as graph
from cloudsim.http import (
    BodyTooLarge,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    drop_connection,
    parse_query,
    read_body,
    respond,
)
from cloudsim.people.behaviour import react
from cloudsim.simapi import router as simapi
from cloudsim.simulator import Simulator

log = logging.getLogger("cloudsim")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
PAGE_POLICY = (
    b"default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    b"img-src 'self' data:; frame-ancestors 'none'"
)


class App:
    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        sim.react = react
        self._hosts: dict[bytes, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            request = Request(
                scope["method"],
                scope["path"],
                parse_query(scope["query_string"]),
                dict(scope["headers"]),
                await read_body(receive),
            )
            response = await self._answer(request)
        except graph.Vanish as fault:
            await self._vanish(fault, receive, send)
            return
        except BodyTooLarge:
            response = simapi.refusal(413, "the body is too large")
        except Exception:
            log.exception("request_failed")
            response = simapi.refusal(500, "the simulator has a bug: see its log")
        await respond(send, response)

    async def _answer(self, request: Request) -> Response:
        if not self._is_local(request.headers.get(b"host", b"")):
            return simapi.refusal(403, "the simulator answers on loopback only")
        path = request.path
        if path.startswith("/sim/"):
            return await simapi.answer(self.sim, request)
        if path == "/":
            return _page()
        if path == media.DOWNLOAD_PATH:
            return media.download(self.sim, request)
        if path == "/favicon.ico":
            return Response(204)
        return await graph.answer(self.sim, request)

    def _is_local(self, host: bytes) -> bool:
        known = self._hosts.get(host)
        if known is None:
            name = host.decode("latin-1").lower()
            known = (name.rpartition(":")[0] if ":" in name.rpartition("]")[2] else name) in LOOPBACK
            if len(self._hosts) < 100:
                self._hosts[host] = known
        return known

    async def _vanish(self, fault: graph.Vanish, receive: Receive, send: Send) -> None:
        """Wait, unless the caller gives up first, and close the connection."""
        if fault.after_seconds > 0:
            gone = asyncio.ensure_future(receive())
            await asyncio.wait({gone}, timeout=fault.after_seconds)
            if gone.done():
                return
            gone.cancel()
        await drop_connection(send, receive)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.sim.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.sim.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _page() -> Response:
    page = files("cloudsim").joinpath("page.html").read_bytes()
    return Response(
        200,
        page,
        b"text/html; charset=utf-8",
        [
            (b"content-security-policy", PAGE_POLICY),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ],
    )
