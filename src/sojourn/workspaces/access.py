"""Who makes a request: `CallerDep` and `require_right` for FastAPI, `authenticate_key` for plain ASGI.

A request says who makes it by an API key, or by the cookie of a member who signed in.

@router.get("/v1/templates")
async def list_templates(conn: ConnDep, caller: Annotated[Caller, Depends(require_right("templates.read"))]): ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection

from sojourn.kit.database import Conn
from sojourn.kit.web import ConnDep
from sojourn.workspaces import sessions
from sojourn.workspaces.caller import SYSTEM, Caller
from sojourn.workspaces.key_cache import authenticate_key, find_cached
from sojourn.workspaces.member_model import MembersOnly, Session
from sojourn.workspaces.model import KeyKind, MissingRight, Unauthenticated
from sojourn.workspaces.rights import BUNDLES, RIGHTS, rights_of

__all__ = [
    "API_KEY",
    "BUNDLES",
    "RIGHTS",
    "SESSION",
    "SYSTEM",
    "Caller",
    "CallerDep",
    "MissingRight",
    "SessionDep",
    "Unauthenticated",
    "authenticate",
    "authenticate_key",
    "bearer_of",
    "find_cached",
    "require_right",
    "rights_of",
]


# Only names the scheme in the OpenAPI document; who it is and what they may is found below.
API_KEY = HTTPBearer(scheme_name="apiKey", description="An API key, `sk_…`", auto_error=False)
SESSION = APIKeyCookie(
    name=sessions.COOKIE,
    scheme_name="session",
    description="The cookie of a member who signed in; writes also need `X-CSRF-Token`, see `GET /v1/me`",
    auto_error=False,
)


def bearer_of(authorization: str | None) -> str:
    """The key in an `Authorization: Bearer …` header. Raises Unauthenticated when there is none."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthenticated
    return value.strip()


async def authenticate(conn: Conn, connection: HTTPConnection) -> Caller:
    """The caller behind a request: of its key, else of its session. Write keys open only the Segment-shaped routes.

    Raises Unauthenticated, and CsrfFailed for a write by cookie that did not prove that it comes from a page of ours.
    """
    if sessions.cookie_of(connection) is None:
        return await authenticate_key(conn, bearer_of(connection.headers.get("authorization")), kind=KeyKind.SECRET)
    session = await sessions.require_session(conn, connection)
    return Caller(session.workspace_id, f"member:{session.member_id}", session.rights)


async def get_caller(
    request: Request, conn: ConnDep, _: Annotated[object, Depends(API_KEY)], __: Annotated[object, Depends(SESSION)]
) -> Caller:
    """The caller behind a request."""
    return await authenticate(conn, request)


async def get_session(request: Request, conn: ConnDep, _: Annotated[object, Depends(SESSION)]) -> Session:
    """The session of a signed-in member. Raises MembersOnly for an API key that is good for other things."""
    if sessions.cookie_of(request) is None:
        await authenticate(conn, request)
        raise MembersOnly
    return await sessions.require_session(conn, request)


CallerDep = Annotated[Caller, Depends(get_caller)]
SessionDep = Annotated[Session, Depends(get_session)]


def require_right(right: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that yields the caller, and answers 403 `missing_right` to one who lacks the right.

    The right stands beside the key in the OpenAPI document.
    """

    async def check(caller: Caller = Security(get_caller, scopes=[right])) -> Caller:
        caller.require(right)
        return caller

    return check
