"""Who makes a request: `CallerDep` and `require_right` for FastAPI, `authenticate_key` for plain ASGI.

@router.get("/v1/templates")
async def list_templates(conn: ConnDep, caller: Annotated[Caller, Depends(require_right("templates.read"))]): ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from sojourn.kit.web import ConnDep
from sojourn.workspaces.caller import SYSTEM, Caller
from sojourn.workspaces.key_cache import authenticate_key, find_cached
from sojourn.workspaces.model import KeyKind, MissingRight, Unauthenticated
from sojourn.workspaces.rights import BUNDLES, RIGHTS, rights_of

__all__ = [
    "API_KEY",
    "BUNDLES",
    "RIGHTS",
    "SYSTEM",
    "Caller",
    "CallerDep",
    "MissingRight",
    "Unauthenticated",
    "authenticate_key",
    "bearer_of",
    "find_cached",
    "require_right",
    "rights_of",
]


# Only names the scheme in the OpenAPI document; who it is and what they may is found below.
API_KEY = HTTPBearer(scheme_name="apiKey", description="An API key, `sk_…`", auto_error=False)


def bearer_of(authorization: str | None) -> str:
    """The key in an `Authorization: Bearer …` header. Raises Unauthenticated when there is none."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthenticated
    return value.strip()


async def get_caller(request: Request, conn: ConnDep, _: Annotated[object, Depends(API_KEY)]) -> Caller:
    """The caller behind the bearer key of a request. Write keys open only the Segment-shaped routes."""
    return await authenticate_key(conn, bearer_of(request.headers.get("authorization")), kind=KeyKind.SECRET)


CallerDep = Annotated[Caller, Depends(get_caller)]


def require_right(right: str) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that yields the caller, and answers 403 `missing_right` to one who lacks the right.

    The right stands beside the key in the OpenAPI document.
    """

    async def check(caller: Caller = Security(get_caller, scopes=[right])) -> Caller:
        caller.require(right)
        return caller

    return check
