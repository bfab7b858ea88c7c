"""A browser without a socket: keeps the session cookie and sends the token that guards writes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter, FastAPI

from sojourn import session
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.live_hub import Hub
from sojourn.kit.web import install_error_handlers
from sojourn.settings import Settings
from sojourn.workspaces import live_routes, member_actions, member_routes, passwords, routes
from sojourn.workspaces.sessions import COOKIE

PASSWORD = "a quiet harbour 7"
ORIGIN = "http://shop.test"


def make_app(database: Database, keys: KeyRing, now: datetime, *routers: APIRouter, **settings: Any) -> FastAPI:
    """An application with sign-in, members and the workspace, and these routers."""
    app = FastAPI()
    app.state.db, app.state.keys, app.state.clock = database, keys, SimpleNamespace(now=lambda: now)
    app.state.settings = Settings(**{"public_url": ORIGIN, **settings})
    app.state.live = Hub(lambda: app.state.db)
    for router in (session.router, routes.router, member_routes.router, live_routes.router, *routers):
        app.include_router(router)
    install_error_handlers(app)
    return app


@dataclass(slots=True)
class Browser:
    """One browser. `cookie` and `csrf` are what signing in gave it; `client` is its network address."""

    app: FastAPI
    cookie: str | None = None
    csrf: str | None = None
    client: str = "192.0.2.1"
    set_cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def scope(self, method: str, path: str, **headers: str | None) -> dict[str, Any]:
        """The ASGI scope of one request. Headers by name with `_`; None leaves one out."""
        path, _, query = path.partition("?")
        named = {
            "host": "shop.test", "content-type": "application/json", "origin": ORIGIN, "x-csrf-token": self.csrf,
            "cookie": None if self.cookie is None else f"{COOKIE}={self.cookie}",
            **self.headers, **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        return {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in named.items() if value is not None],
            "http_version": "1.1", "scheme": "http", "server": ("shop.test", 80), "client": (self.client, 1),
            "root_path": "",
        }  # fmt: skip

    async def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> SimpleNamespace:
        """One request; `status`, `headers` and `json` of the answer."""
        sent: list[dict[str, Any]] = []
        data = b"" if body is None else json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self.scope(method, path, **headers), receive, send)
        answer = b"".join(one.get("body", b"") for one in sent[1:])
        told = {name.decode(): value.decode() for name, value in sent[0].get("headers", [])}
        self._keep(told.get("set-cookie"))
        kind = told.get("content-type", "")
        return SimpleNamespace(
            status=sent[0]["status"], headers=told, body=answer,
            json=json.loads(answer) if answer and "json" in kind else None,
        )  # fmt: skip

    def _keep(self, set_cookie: str | None) -> None:
        if set_cookie is None:
            return
        self.set_cookie = set_cookie
        value = set_cookie.partition(";")[0].partition("=")[2].strip('"')
        self.cookie = value or None

    async def sign_in(self, email: str, password: str = PASSWORD) -> SimpleNamespace:
        """Sign in and keep what it gives."""
        self.cookie = self.csrf = None
        answer = await self.call("POST", "/v1/session", {"email": email, "password": password})
        self.csrf = answer.json.get("csrf_token")
        return answer


async def make_member(
    database: Database, workspace_id: Any, email: str, *roles: str, now: datetime, password: str = PASSWORD
) -> Any:
    """An active member with these roles; their id."""
    async with database.transaction() as conn:
        invited = await member_actions.invite_member(
            conn, "system", workspace_id, email, email.partition("@")[0], roles or ["admin"], now=now
        )
        digest = await passwords.digest_of(password)
        member = await member_actions.use_link(conn, invited.token, name=None, password_digest=digest, now=now)
        return member.id
