"""HTTP: the live stream, `GET /v1/live?topics=…`, as server-sent events.

Each topic asks for its own right, when the stream opens and again while it is open: a member who is deactivated or
loses a right loses the stream within a second. Nothing here holds a database connection while it waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sojourn.kit import json, live
from sojourn.kit.clock import system_now
from sojourn.kit.errors import AppError, DatabaseUnavailable, FieldError, InvalidInput, Kind
from sojourn.kit.ids import first_id
from sojourn.kit.live_hub import STREAMS_MAX, Hub, Stream, topics_of
from sojourn.kit.web import ConnDep
from sojourn.workspaces import access, sessions
from sojourn.workspaces.access import CallerDep
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.model import MissingRight, Unauthenticated

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/v1", tags=["live"])

# Topics by their first part, and the right that each asks for. Those of the second table have an id after a colon.
PLAIN = {"alerts": "alerts.read", "deliveries": "deliveries.read", "messages": "messages.read"}
OF_ONE = {
    "job": "imports.read", "phone": "simulator.read", "profile": "profiles.read", "sender": "senders.read",
    "template": "templates.read",
}  # fmt: skip
TOPICS_MAX = 50
BEAT_SECONDS = 15.0
SEND_SECONDS = 60.0  # a browser that takes nothing for so long is gone
MISSED_MAX = 1_000  # rows that a stream is given at once when it comes back; more is a reset
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


class TopicsRefused(AppError):
    """Some of the topics need rights that you do not have."""

    kind = Kind.FORBIDDEN
    code = "topics_refused"


class TooManyStreams(AppError):
    """This process serves as many live streams as it can."""

    kind = Kind.UNAVAILABLE
    code = "too_many_streams"


def right_of(topic: str) -> str | None:
    """The right that a topic asks for, or None when there is no such topic."""
    name, colon, id_ = topic.partition(":")
    if not colon:
        return PLAIN.get(name)
    try:
        is_one = str(UUID(id_)) == id_
    except ValueError:
        is_one = False
    return OF_ONE.get(name) if is_one else None


def parse_topics(text: str) -> frozenset[str]:
    """The topics of a request. Raises InvalidInput."""
    topics = [topic.strip() for topic in text.split(",") if topic.strip()]
    errors: list[FieldError] = [
        {"field": "topics", "code": "unknown_topic", "message": topic[:200]}
        for topic in topics
        if right_of(topic) is None
    ]
    if not topics:
        errors.append({"field": "topics", "code": "required", "message": "at least one topic"})
    if len(topics) > TOPICS_MAX:
        errors.append({"field": "topics", "code": "too_many", "limit": TOPICS_MAX, "message": "too many topics"})
    if errors:
        raise InvalidInput(errors[:TOPICS_MAX])
    return frozenset(topics)


def require_topics(caller: Caller, topics: frozenset[str]) -> None:
    """Raises TopicsRefused with those that need a right that the caller does not have."""
    refused = sorted(topic for topic in topics if not caller.may(right_of(topic) or ""))
    if refused:
        raise TopicsRefused(topics=refused)


@router.get("/live", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def open_stream(
    *,
    request: Request,
    conn: ConnDep,
    caller: CallerDep,
    topics: Annotated[str, Query(max_length=4000, description="Topics with commas between them")],
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Live news as server-sent events: `id`, `event` (the topic), `data` (ids, states, counts).

    Topics: `messages`, `deliveries`, `alerts`, and of one thing `profile:{id}`, `job:{id}`, `sender:{id}`,
    `template:{id}`, `phone:{sender_id}`. `Last-Event-ID` resumes; `reset` says that something was missed. News may come
    twice. The stream ends with `end` when the session ends or a right is lost.
    """
    wanted = parse_topics(topics)
    require_topics(caller, wanted)
    hub: Hub = request.app.state.live
    if hub.count >= STREAMS_MAX:
        raise TooManyStreams
    return LiveResponse(hub, Stream(caller.workspace_id, wanted, caller.actor), last_event_id)


class LiveResponse(Response):
    """Streams until the browser leaves, its session ends, or the process does."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, stream: Stream, last_event_id: str | None) -> None:
        super().__init__(headers=HEADERS)
        self._hub = hub
        self._stream = stream
        self._last = last_event_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, what was missed, and then what comes."""
        self._hub.open(self._stream)
        leaving = asyncio.create_task(_disconnected(receive))
        telling = asyncio.create_task(self._tell(HTTPConnection(scope), send))
        try:
            await asyncio.wait([leaving, telling], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.close(self._stream)
            for task in (leaving, telling):
                task.cancel()
            results = await asyncio.gather(leaving, telling, return_exceptions=True)
        failed = results[1]
        if isinstance(failed, Exception) and not isinstance(failed, TimeoutError | OSError):
            log.error("live_stream_failed", error=type(failed).__name__, exc_info=failed)

    async def _tell(self, connection: HTTPConnection, send: Send) -> None:
        stream = self._stream
        head = [(b"content-type", b"text/event-stream; charset=utf-8")]
        head += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        known = await self._catch_up(connection, send)
        checked = asyncio.get_running_loop().time()
        while not stream.is_over:
            await stream.wait(BEAT_SECONDS)
            is_late = asyncio.get_running_loop().time() - checked >= BEAT_SECONDS
            if stream.must_check or is_late:
                stream.must_check, checked = False, asyncio.get_running_loop().time()
                refusal = await _refusal(connection, stream)
                if refusal is not None:
                    await _send(send, _frame("end", refusal), last=True)
                    return
            parts = [f": beat\nid: {self._hub.position}\n\n".encode()] if is_late else []
            if stream.is_reset:
                stream.is_reset = False
                parts.append(_frame("reset", {}, self._hub.position))
            while stream.queue:
                event, topic = stream.queue.popleft()
                if event.id not in known:
                    parts.append(_frame(topic, event.payload, event.id))
            if parts:
                await _send(send, b"".join(parts))
        await _send(send, b"", last=True)

    async def _catch_up(self, connection: HTTPConnection, send: Send) -> set[UUID]:
        """Send what the browser missed since its last news; the ids of that."""
        parts = [f"retry: 2000\nid: {self._hub.position}\n\n".encode()]
        known: set[UUID] = set()
        if self._last is not None:
            missed = await _missed(connection, self._stream, self._last)
            if missed is None:
                parts.append(_frame("reset", {}, self._hub.position))
            for event in missed or ():
                known.add(event.id)
                parts += [_frame(topic, event.payload, event.id) for topic in topics_of(event, self._stream.topics)]
        await _send(send, b"".join(parts))
        return known


async def _missed(connection: HTTPConnection, stream: Stream, last: str) -> Sequence[live.StoredEvent] | None:
    """News since an id, with a little from before it; None when nobody can say any more."""
    try:
        moment = live.moment_of(UUID(last))
    except (ValueError, OverflowError, OSError):
        return None
    if not system_now() - live.KEPT < moment <= system_now() + live.OVERLAP:
        return None
    async with connection.scope["app"].state.db.transaction() as conn:
        after = first_id(moment - live.OVERLAP)
        events = await live.read_missed(conn, stream.workspace_id, after=after, limit=MISSED_MAX)
    return None if len(events) >= MISSED_MAX else [event for event in events if event.topic != live.ACCESS]


async def _refusal(connection: HTTPConnection, stream: Stream) -> dict[str, Any] | None:
    """Why the stream must end, or None: asked of the database again, in a transaction of its own."""
    try:
        async with connection.scope["app"].state.db.transaction() as conn:
            cookie = sessions.cookie_of(connection)
            if cookie is None:
                caller = await access.authenticate(conn, connection)
            else:  # a stream that is only open does not keep its session from growing idle
                session = await sessions.find_session(conn, sessions.digest_of(cookie))
                if session is None:
                    raise Unauthenticated
                caller = Caller(session.workspace_id, f"member:{session.member_id}", session.rights)
        if caller.workspace_id != stream.workspace_id:
            raise Unauthenticated
        require_topics(caller, stream.topics)
    except DatabaseUnavailable:
        return None  # the next beat asks again; meanwhile there are no news either
    except (Unauthenticated, MissingRight, TopicsRefused) as error:
        return {"code": error.code, **error.data}
    return None


def _frame(event: str, payload: dict[str, Any], id_: UUID | None = None) -> bytes:
    head = f"event: {event}\n" if id_ is None else f"id: {id_}\nevent: {event}\n"
    return head.encode() + b"data: " + json.encode(payload) + b"\n\n"


async def _send(send: Send, body: bytes, *, last: bool = False) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": not last})


async def _disconnected(receive: Receive) -> None:
    with contextlib.suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            continue
