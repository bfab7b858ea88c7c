"""HTTP edge: problem documents, one transaction a request, cursor pages, body limits, plain ASGI helpers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import structlog
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sojourn.kit import json
from sojourn.kit.clock import Clock
from sojourn.kit.conflicts import AgainAfterConflict, note_lost
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import CONFLICTS, Conn, Database
from sojourn.kit.errors import STATUS_OF_KIND, AppError, BodyTooLarge, FieldError, InvalidInput, Kind, MalformedBody

log = structlog.get_logger(__name__)

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
RETRY_AFTER_SECONDS = 2
JSON_BODY_MAX = 4 * 1024 * 1024  # bytes; routes that need more say so themselves

CODES_OF_STATUS = {400: "malformed_body", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


async def _conn(request: Request) -> AsyncIterator[Conn]:
    db: Database = request.app.state.db
    async with db.transaction() as conn:
        try:
            yield conn
        except CONFLICTS:
            note_lost(request.scope)
            raise


# Function scope: the transaction commits before the answer leaves, so that a failed COMMIT is a 503 and not a lie.
ConnDep = Annotated[Conn, Depends(_conn, scope="function")]


async def _now(request: Request) -> datetime:  # async: a plain function would cost a thread each request
    clock: Clock = request.app.state.clock
    return clock.now()


async def _keys(request: Request) -> KeyRing:
    keys: KeyRing = request.app.state.keys
    return keys


Now = Annotated[datetime, Depends(_now)]
Keys = Annotated[KeyRing, Depends(_keys)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*parts: object) -> str:
    """A cursor from the sort key of the last row of a page."""
    return base64.urlsafe_b64encode(json.encode([str(part) for part in parts])).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> list[str] | None:
    """The sort key in a cursor, or None for the first page. Raises InvalidInput for what is no cursor of ours."""
    if cursor is None:
        return None
    try:
        parts = json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise InvalidInput([{"field": "cursor", "code": "invalid_cursor", "message": "not a cursor"}]) from error
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise InvalidInput([{"field": "cursor", "code": "invalid_cursor", "message": "not a cursor"}])
    return parts


def problem(error: AppError) -> tuple[int, dict[str, Any]]:
    """An error of ours as status and problem document (RFC 9457)."""
    status = STATUS_OF_KIND[error.kind]
    body: dict[str, Any] = {
        "type": f"urn:sojourn:problem:{error.code}",
        "title": error.title,
        "status": status,
        "code": error.code,
    }
    for name, value in error.data.items():
        body.setdefault(name, value)
    return status, body


def problem_response(error: AppError) -> Response:
    """An error of ours as a response."""
    status, body = problem(error)
    headers = problem_headers(error)
    return Response(json.encode(body), status_code=status, media_type="application/problem+json", headers=headers)


def problem_headers(error: AppError) -> dict[str, str]:
    """Headers that go with a kind: when to come back, how to sign in."""
    if error.kind is Kind.UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if error.kind is Kind.RATE_LIMITED and "retry_after_seconds" in error.data:
        return {"Retry-After": str(int(error.data["retry_after_seconds"]) or 1)}
    if error.kind is Kind.UNAUTHENTICATED:
        return {"WWW-Authenticate": "Bearer"}
    return {}


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error with a problem document; a request whose transaction lost against others is tried again first.

    That concerns routes whose transaction is `ConnDep`'s. Whatever else they do before it is lost may happen twice.
    """

    async def on_app_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, AppError)
        return problem_response(error)

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(validation_problem(error.errors()))

    async def on_deep_nesting(_: Request, __: Exception) -> Response:
        return problem_response(MalformedBody(detail="nested too deeply"))

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = CODES_OF_STATUS.get(error.status_code, "http_error")
        body = {
            "type": f"urn:sojourn:problem:{code}",
            "title": str(error.detail),
            "status": error.status_code,
            "code": code,
        }
        return Response(
            json.encode(body),
            error.status_code,
            headers=dict(error.headers or {}),
            media_type="application/problem+json",
        )

    async def on_crash(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path, error=type(error).__name__, exc_info=error)
        body = {
            "type": "urn:sojourn:problem:internal_error",
            "title": "Something went wrong here; it was logged.",
            "status": 500,
            "code": "internal_error",
        }
        return Response(json.encode(body), 500, media_type="application/problem+json")

    app.add_middleware(AgainAfterConflict)
    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(RecursionError, on_deep_nesting)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_crash)


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> AppError:
    """Mistakes that the request model found, as ours: field path, code, limit."""
    if any(error["type"] == "json_invalid" for error in errors):
        return MalformedBody(detail=str(errors[0].get("ctx", {}).get("error", "not JSON")))
    found: list[FieldError] = []
    for error in errors:
        path = [str(part) for part in error["loc"] if part not in ("body", "query", "path", "header")]
        entry: FieldError = {"field": ".".join(path), "code": error["type"], "message": error["msg"]}
        context = error.get("ctx") or {}
        for name in ("max_length", "min_length", "le", "ge", "lt", "gt", "expected", "pattern", "max_digits"):
            if name in context and isinstance(context[name], int | float | str):
                entry["limit"] = context[name]
        found.append(entry)
    return InvalidInput(found)


class BodyLimit:
    """Refuses bodies over a limit before they are buffered, declared or not.

    `larger` has other limits by path, or by beginning of a path where the key ends with a slash; paths that begin with
    one of `exempt` limit their bodies themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int = JSON_BODY_MAX,
        exempt: tuple[str, ...] = (),
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._limit = limit
        self._exempt = exempt
        self._larger = dict(larger or {})
        self._prefixes = tuple(path for path in self._larger if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, counting bytes."""
        if scope["type"] != "http" or scope["path"].startswith(self._exempt or ("\x00",)):
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > limit:
                await send_problem(send, BodyTooLarge(limit=limit))
                return
        await self._count(scope, receive, send, limit)

    def _limit_of(self, path: str) -> int:
        if (limit := self._larger.get(path.rstrip("/"))) is not None:
            return limit
        return next((self._larger[start] for start in self._prefixes if path.startswith(start)), self._limit)

    async def _count(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        seen = 0
        refused = False

        async def counted() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                refused = True
                raise BodyTooLarge(limit=limit)
            return message

        async def guarded(message: Message) -> None:
            if not refused:
                await send(message)

        try:
            await self._app(scope, counted, guarded)
        finally:
            if refused:  # what the application makes of a body that breaks off does not matter
                await send_problem(send, BodyTooLarge(limit=limit))


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The whole body of a plain ASGI request. Raises BodyTooLarge before it is held in memory."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise BodyTooLarge(limit=limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedBody(detail="the client went away")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit=limit)
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def send_json(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer a plain ASGI request with JSON bytes."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, error: AppError) -> None:
    """Answer a plain ASGI request with a problem document."""
    status, document = problem(error)
    body = json.encode(document)
    extra = [(name.lower().encode(), value.encode()) for name, value in problem_headers(error).items()]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                *extra,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
