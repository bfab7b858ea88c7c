"""The hot ways in, as plain ASGI callables: `POST /v1/events`, and the Segment-shaped calls.

One transaction a request; the answer leaves after the commit. The key check is remembered for a second. Bodies may be
gzipped; limits hold for what is unpacked, and are kept while unpacking.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from sojourn.events import actions, ingest, segment
from sojourn.events.model import BATCH_BYTES_MAX, EVENT_BYTES_MAX, EventReceipt
from sojourn.kit import json
from sojourn.kit.conflicts import TRIES, pause
from sojourn.kit.database import Conn, Database
from sojourn.kit.errors import AppError, BodyTooLarge, InvalidInput, MalformedBody, NotFound, TransactionLost
from sojourn.kit.web import read_body, send_json, send_problem
from sojourn.profiles.actions import resolve_refs
from sojourn.profiles.store import list_declared_types
from sojourn.workspaces import sessions
from sojourn.workspaces.access import authenticate
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.key_cache import authenticate_key, find_cached
from sojourn.workspaces.model import Unauthenticated
from sojourn.workspaces.store import get_workspace

log = structlog.get_logger(__name__)

SEGMENT_PATHS = {f"/v1/{kind}": kind for kind in segment.KINDS}
PATHS = ("/v1/events", "/v1/batch", "/v1/import", *SEGMENT_PATHS)
Record = Callable[[Conn, Caller, bytes, datetime], Awaitable[tuple[int, bytes]]]


async def events_app(scope: Scope, receive: Receive, send: Send) -> None:
    """`POST /v1/events`: one event or a batch; 202 with a receipt an event."""
    await _serve(scope, receive, send, _record_own, paths={"/v1/events"}, limit=BATCH_BYTES_MAX)


async def segment_app(scope: Scope, receive: Receive, send: Send) -> None:
    """`POST /v1/batch` and the single calls, as Segment's client libraries send them; 200."""
    path = scope["path"].rstrip("/")
    kind = SEGMENT_PATHS.get(path)

    async def record(conn: Conn, caller: Caller, body: bytes, now: datetime) -> tuple[int, bytes]:
        return await _record_segment(conn, caller, body, now, kind=kind)

    paths = {"/v1/batch", "/v1/import", *SEGMENT_PATHS}
    limit = BATCH_BYTES_MAX if kind is None else EVENT_BYTES_MAX
    await _serve(scope, receive, send, record, paths=paths, limit=limit)


async def _serve(scope: Scope, receive: Receive, send: Send, record: Record, *, paths: set[str], limit: int) -> None:
    try:
        if scope["path"].rstrip("/") not in paths:
            raise NotFound(path=scope["path"])
        if scope["method"] != "POST":
            await _refuse_method(send)
            return
        headers = dict(scope["headers"])
        body = _unpacked(await read_body(scope, receive, limit=limit), headers, limit)
        status, answer = await _in_transaction(scope, headers, body, record)
        await send_json(send, status, answer)
    except AppError as error:
        await send_problem(send, error)
    except RecursionError:
        await send_problem(send, MalformedBody(detail="nested too deeply"))
    except Exception as error:
        log.error("request_failed", path=scope["path"], error=type(error).__name__, exc_info=error)
        await _send_crash(send)


async def _in_transaction(
    scope: Scope, headers: Mapping[bytes, bytes], body: bytes, record: Record
) -> tuple[int, bytes]:
    state = scope["app"].state
    database: Database = state.db
    connection = HTTPConnection(scope)
    by_cookie = b"cookie" in headers and sessions.cookie_of(connection) is not None and b'"writeKey"' not in body
    key = "" if by_cookie else _key_of(headers, body)
    for attempt in range(1, TRIES + 1):
        try:
            async with database.transaction() as conn:
                if by_cookie:
                    caller = await authenticate(conn, connection)
                else:
                    caller = find_cached(key) or await authenticate_key(conn, key)
                caller.require("events.write")
                return await record(conn, caller, body, state.clock.now())
        except TransactionLost:
            # Two transactions that meet the same people in another order: the loser has done nothing and goes again.
            if attempt == TRIES:
                raise
            await pause(attempt)
    raise AssertionError


async def _record_own(conn: Conn, caller: Caller, body: bytes, now: datetime) -> tuple[int, bytes]:
    region = await _region(conn, caller.workspace_id, body)
    declared = await list_declared_types(conn, caller.workspace_id) if b'"attributes"' in body else {}
    parsed = ingest.parse(body, now=now, default_region=region, declared=declared)
    if not parsed.is_batch and len(body) > EVENT_BYTES_MAX:
        raise BodyTooLarge(limit=EVENT_BYTES_MAX)
    await _take_out_strangers(conn, caller.workspace_id, parsed)
    if not parsed.events:
        raise InvalidInput(parsed.errors)
    receipts = await actions.record_events(conn, caller.workspace_id, parsed.events, now=now)
    if not parsed.is_batch:
        return 202, json.encode(_receipt(receipts[0]))
    answers: list[dict[str, Any] | None] = [None] * parsed.size
    for place, receipt in zip(parsed.places, receipts, strict=True):
        answers[place] = _receipt(receipt)
    recorded = sum(receipt.is_new for receipt in receipts)
    summary = {
        "recorded": recorded,
        "repeated": len(receipts) - recorded,
        "refused": parsed.size - len(receipts),
        "events": answers,
        "errors": parsed.errors,
    }
    return 202, json.encode(summary)


async def _take_out_strangers(conn: Conn, workspace_id: UUID, parsed: ingest.Parsed) -> None:
    """Events that name a profile by an id that nobody has are mistakes of their own, not of the whole batch."""
    ids = {event.ref for event in parsed.events if isinstance(event.ref, UUID)}
    unknown = ids - await actions.list_living(conn, workspace_id, ids) if ids else ids
    if not unknown:
        return
    kept = []
    for place, event in enumerate(parsed.events):
        if isinstance(event.ref, UUID) and event.ref in unknown:
            path = f"events[{parsed.places[place]}]." if parsed.is_batch else ""
            parsed.errors.append({"field": f"{path}profile_id", "code": "unknown_profile"})
        else:
            kept.append(place)
    parsed.events, parsed.places = [parsed.events[at] for at in kept], [parsed.places[at] for at in kept]


def _receipt(receipt: EventReceipt) -> dict[str, Any]:
    return {"event_id": receipt.event_id, "profile_id": receipt.profile_id, "is_new": receipt.is_new}


async def _record_segment(
    conn: Conn, caller: Caller, body: bytes, now: datetime, *, kind: str | None
) -> tuple[int, bytes]:
    region = await _region(conn, caller.workspace_id, body)
    if kind is None:
        calls = segment.parse_batch(body, now=now, default_region=region)
    else:
        calls = segment.parse_single(body, kind, now=now, default_region=region)
    if calls.errors and not calls.refs:
        raise InvalidInput(calls.errors)
    await record_calls(conn, caller.workspace_id, calls, now=now)
    if calls.errors:
        return 200, json.encode({"success": True, "refused": len(calls.errors), "errors": calls.errors})
    return 200, b'{"success":true}'


async def record_calls(conn: Conn, workspace_id: UUID, calls: segment.Calls, *, now: datetime) -> None:
    """Record parsed calls: people in the order of the calls, then their events."""
    people = [ref for place, ref in enumerate(calls.refs) if place not in calls.events]
    if people:
        await resolve_refs(conn, workspace_id, people, now=now, source=segment.SOURCE)
    if calls.events:
        await actions.record_events(conn, workspace_id, list(calls.events.values()), now=now, source=segment.SOURCE)


async def _region(conn: Conn, workspace_id: UUID, body: bytes) -> str | None:
    """The workspace's country, asked for only when a body has phone numbers that may need it."""
    if b'"phone"' not in body or body.count(b'"phone":"+') + body.count(b'"phone": "+') == body.count(b'"phone"'):
        return None
    return (await get_workspace(conn, workspace_id)).default_country


def _key_of(headers: Mapping[bytes, bytes], body: bytes) -> str:
    """The API key: a bearer token, the user name of basic authentication, or `writeKey` in the body."""
    scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            name = base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Unauthenticated from error
        if name:
            return name
    key = segment.write_key_of(body) if b'"writeKey"' in body else None
    if not key:
        raise Unauthenticated
    return key


def _unpacked(body: bytes, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    encoding = headers.get(b"content-encoding", b"").lower()
    if encoding in (b"", b"identity"):
        return body
    if encoding not in (b"gzip", b"deflate"):
        raise MalformedBody(detail="content-encoding is gzip, deflate or none")
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, told by the header of the data
    try:
        data = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedBody(detail="the body is not what its content-encoding says") from error
    if len(data) > limit:
        raise BodyTooLarge(limit=limit)
    if not unpacker.eof:
        raise MalformedBody(detail="the compressed body ends too early")
    return data


async def _refuse_method(send: Send) -> None:
    body = {
        "type": "urn:sojourn:problem:method_not_allowed",
        "title": "This address takes POST only.",
        "status": 405,
        "code": "method_not_allowed",
    }
    await _send_document(send, 405, body, [(b"allow", b"POST")])


async def _send_crash(send: Send) -> None:
    body = {
        "type": "urn:sojourn:problem:internal_error",
        "title": "Something went wrong here; it was logged.",
        "status": 500,
        "code": "internal_error",
    }
    await _send_document(send, 500, body, [])


async def _send_document(send: Send, status: int, body: dict[str, Any], extra: list[tuple[bytes, bytes]]) -> None:
    data = json.encode(body)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(data)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
