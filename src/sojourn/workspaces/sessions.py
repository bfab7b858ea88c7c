"""Sessions of browsers: a cookie with 256 random bits of which the digest is kept, and the token that guards writes.

Nothing is remembered between requests: who is deactivated or loses a right loses it with the next request. Sessions
live by the system clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import LiteralString
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sojourn.kit.clock import system_now
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all, fetch_optional
from sojourn.settings import Settings
from sojourn.workspaces.member_model import SESSION_IDLE, SESSION_LASTS, CsrfFailed, Session
from sojourn.workspaces.model import Unauthenticated
from sojourn.workspaces.roles import rights_of_roles

COOKIE = "sojourn_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOUCH_EVERY = timedelta(minutes=1)


def cookie_of(connection: HTTPConnection) -> str | None:
    """The session cookie of a request that carries no key, or None."""
    if "authorization" in connection.headers:
        return None
    return connection.cookies.get(COOKIE) or None


def digest_of(cookie: str) -> bytes:
    """What is kept of a cookie."""
    return hashlib.sha256(cookie.encode()).digest()


def csrf_token_of(keys: KeyRing, digest: bytes) -> str:
    """The token that proves, together with the cookie, that a write comes from a page of ours."""
    return base64.urlsafe_b64encode(keys.keyed_hash(digest, purpose="csrf")).decode().rstrip("=")


async def open_session(conn: Conn, member_id: UUID, workspace_id: UUID) -> str:
    """Begin a session; the cookie's value, which is kept nowhere."""
    cookie = secrets.token_urlsafe(32)
    params = {"digest": digest_of(cookie), "member": member_id, "workspace": workspace_id, "at": system_now()}
    await execute(conn, SQL_INSERT_SESSION, params)
    return cookie


async def find_session(conn: Conn, digest: bytes) -> Session | None:
    """The session of an active member that has neither ended nor been idle for too long, with today's rights."""
    now = system_now()
    params = {"digest": digest, "used_after": now - SESSION_IDLE, "made_after": now - SESSION_LASTS}
    row = await fetch_optional(conn, SQL_FIND_SESSION, params)
    if row is None:
        return None
    own, roles = row.pop("own_rights"), row.pop("roles")
    return Session(**row, rights=rights_of_roles(roles, own))


async def require_session(conn: Conn, connection: HTTPConnection) -> Session:
    """The session behind the cookie of a request.

    Raises Unauthenticated without one, and CsrfFailed for a write that did not prove that it comes from a page of ours.
    """
    cookie = cookie_of(connection)
    session = None if cookie is None else await find_session(conn, digest_of(cookie))
    if session is None:
        raise Unauthenticated
    if connection.scope["method"] not in SAFE_METHODS:
        state = connection.scope["app"].state
        require_own_origin(connection, state.settings)
        expected = csrf_token_of(state.keys, session.digest)
        if not hmac.compare_digest(expected.encode(), connection.headers.get(CSRF_HEADER, "").encode()):
            raise CsrfFailed
    if system_now() - session.last_used_at >= TOUCH_EVERY:
        await execute(conn, SQL_TOUCH_SESSION, {"digest": session.digest, "at": system_now()})
    return session


def require_own_origin(connection: HTTPConnection, settings: Settings) -> None:
    """Raises CsrfFailed when a browser says that another site's page makes this request."""
    origin = connection.headers.get("origin")
    if origin is None or origin == _origin_of(settings.public_url):
        return
    if urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise CsrfFailed


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def set_cookie(response: Response, cookie: str, settings: Settings) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=settings.public_url.startswith("https://"),
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    """Take the session from the browser."""
    secure = settings.public_url.startswith("https://")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=secure)


async def delete_session(conn: Conn, digest: bytes) -> None:
    """End one session."""
    await execute(conn, SQL_DELETE_SESSION, {"digest": digest})


async def delete_sessions_of(
    conn: Conn, member_id: UUID, *, workspace_id: UUID | None = None, but: bytes | None = None
) -> int:
    """End the sessions of a member (in one workspace, when it is given), all `but` one; how many there were."""
    rows = await fetch_all(conn, SQL_DELETE_SESSIONS_OF, {"member": member_id, "workspace": workspace_id, "but": but})
    return len(rows)


async def update_session_workspace(conn: Conn, digest: bytes, workspace_id: UUID) -> None:
    """Turn a session to another workspace of its member."""
    await execute(conn, SQL_MOVE_SESSION, {"digest": digest, "workspace": workspace_id})


async def delete_ended_sessions(conn: Conn, now: datetime) -> int:
    """Delete sessions that are too old or were idle for too long; `now` by the system clock."""
    params = {"used_after": now - SESSION_IDLE, "made_after": now - SESSION_LASTS}
    return await execute(conn, SQL_DELETE_ENDED, params)


SQL_INSERT_SESSION: LiteralString = """
INSERT INTO member_sessions (digest, member_id, workspace_id, created_at, last_used_at)
VALUES (%(digest)s, %(member)s, %(workspace)s, %(at)s, %(at)s)
"""
SQL_FIND_SESSION: LiteralString = """
SELECT s.digest, s.member_id, s.workspace_id, s.created_at, s.last_used_at, m.roles,
       ARRAY(SELECT DISTINCT granted.name
               FROM custom_roles r CROSS JOIN LATERAL unnest(r.rights) AS granted (name)
              WHERE r.workspace_id = s.workspace_id AND r.name = ANY(m.roles)) AS own_rights
  FROM member_sessions s
  JOIN memberships m ON m.workspace_id = s.workspace_id AND m.member_id = s.member_id
 WHERE s.digest = %(digest)s
   AND m.state = 'active'
   AND s.last_used_at > %(used_after)s
   AND s.created_at > %(made_after)s
"""
SQL_TOUCH_SESSION: LiteralString = """
UPDATE member_sessions
   SET last_used_at = %(at)s
 WHERE digest = (SELECT digest FROM member_sessions WHERE digest = %(digest)s FOR NO KEY UPDATE SKIP LOCKED)
"""
SQL_DELETE_SESSION: LiteralString = """
DELETE FROM member_sessions
 WHERE digest = %(digest)s
"""
SQL_DELETE_SESSIONS_OF: LiteralString = """
DELETE FROM member_sessions
 WHERE member_id = %(member)s
   AND (%(workspace)s::uuid IS NULL OR workspace_id = %(workspace)s::uuid)
   AND (%(but)s::bytea IS NULL OR digest <> %(but)s::bytea)
RETURNING digest
"""
SQL_MOVE_SESSION: LiteralString = """
UPDATE member_sessions
   SET workspace_id = %(workspace)s
 WHERE digest = %(digest)s
"""
SQL_DELETE_ENDED: LiteralString = """
DELETE FROM member_sessions
 WHERE last_used_at <= %(used_after)s OR created_at <= %(made_after)s
"""
