"""Builds the web process: settings, pool, routers, error mapping, and the plain ASGI routes in front of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from sojourn import VERSION, health, session
from sojourn.channels import media_routes as media
from sojourn.channels import registration_routes as registration
from sojourn.channels import routes as senders
from sojourn.channels import simulator_routes as simulator
from sojourn.channels import webhook_routes as webhooks
from sojourn.channels.whatsapp.routes import PREFIX as WEBHOOKS
from sojourn.channels.whatsapp.routes import webhook_app
from sojourn.consents import routes as consents
from sojourn.console import Console
from sojourn.deliveries import routes as deliveries
from sojourn.deliveries import usage_routes as usage
from sojourn.events import routes as events
from sojourn.events.asgi import PATHS as SEGMENT_ADDRESSES
from sojourn.events.asgi import events_app, segment_app
from sojourn.imports import routes as imports
from sojourn.imports.model import FILE_MAX
from sojourn.journeys import routes as journeys
from sojourn.kit.clock import Clock
from sojourn.kit.database import WEB_TIMEOUTS, Database
from sojourn.kit.errors import AppError, DatabaseUnavailable
from sojourn.kit.installation_keys import NotMigrated, open_keys
from sojourn.kit.live_hub import Hub
from sojourn.kit.logs import configure_logs
from sojourn.kit.memory import spare_collector
from sojourn.kit.storable import StorableText
from sojourn.kit.web import BodyLimit, install_error_handlers, send_problem
from sojourn.messages import routes as messages
from sojourn.openapi import DocumentedApp
from sojourn.outbound import routes as outbound
from sojourn.pricing import routes as pricing
from sojourn.privacy import archive_routes as archives
from sojourn.privacy import retention_routes as retention
from sojourn.privacy import routes as privacy
from sojourn.privacy.erasing import apply_again
from sojourn.profiles import routes as profiles
from sojourn.reports import overview_routes as overview
from sojourn.reports import routes as reports
from sojourn.reports import why_routes as why
from sojourn.settings import Settings
from sojourn.subscriptions import REGISTRY
from sojourn.templates import routes as templates
from sojourn.workspaces import job_routes as jobs
from sojourn.workspaces import live_routes as live
from sojourn.workspaces import member_routes as members
from sojourn.workspaces import routes as workspaces

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    session.router,
    live.router,
    workspaces.router,
    members.router,
    jobs.router,
    senders.router,
    registration.router,
    simulator.router,
    media.router,
    webhooks.router,
    templates.router,
    profiles.router,
    events.router,
    reports.router,
    why.router,
    overview.router,
    consents.router,
    messages.router,
    pricing.router,
    deliveries.router,
    usage.router,
    journeys.router,
    imports.router,
    outbound.router,
    privacy.router,
    archives.router,
    retention.router,
)

# Hot routes: plain ASGI callables, in front of FastAPI, whose cost a request is five times theirs.
HOT: dict[str, ASGIApp] = {**dict.fromkeys(SEGMENT_ADDRESSES, segment_app), "/v1/events": events_app}

FORM_MAX = 1024 * 1024  # bytes of an upload beside its file


def create_app(settings: Settings) -> ASGIApp:
    """The ASGI application of the web process."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None:
            raise ValueError("DATABASE_URL is not set")
        app.state.db = Database(
            settings.database_url, max_size=settings.pool_size, registry=REGISTRY, timeouts=WEB_TIMEOUTS
        )
        await app.state.db.open(wait=False)
        try:
            yield
        finally:
            await app.state.db.close()

    app = DocumentedApp(
        title="Sojourn",
        version=VERSION,
        summary="Customer journeys with WhatsApp as the first channel.",
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.clock = Clock(settings.clock_file)
    app.state.keys = None  # until the database has confirmed them: the front lets nobody pass before
    app.state.registry = REGISTRY
    app.state.live = Hub(lambda: app.state.db)
    install_error_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    return Front(app)


class Front:
    """Hands hot paths to their plain callables, the console's to its files, the rest to FastAPI behind a body limit.

    But for those and `/v1/alive` nothing is answered before the database has confirmed the keys: with wrong ones
    nothing could be read, and what is written could never be. Nor before erasures stand: a restored backup may have
    brought people back.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._console = Console()
        larger = {"/v1/imports": FILE_MAX + FORM_MAX, simulator.PREFIX: simulator.BODY_MAX}
        self._rest: ASGIApp = BodyLimit(StorableText(app), exempt=("/v1/media",), larger=larger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "http":
            if self._console.wants(scope):
                await self._console(scope, receive, send)
                return
            if self.app.state.keys is None and scope["path"] != "/v1/alive" and not await self._open_keys(send):
                return
            hot = webhook_app if scope["path"].startswith(WEBHOOKS) else HOT.get(scope["path"].rstrip("/"))
            if hot is not None and (hot is webhook_app or scope["method"] == "POST"):
                scope["app"] = self.app
                await hot(scope, receive, send)
                return
        await self._rest(scope, receive, send)

    async def _open_keys(self, send: Send) -> bool:
        state = self.app.state
        try:
            keys = await open_keys(state.db, state.settings)
            data_dir = state.settings.data_dir
            await apply_again(state.db.transaction, keys=keys, data_dir=data_dir, now=state.clock.now())
            state.keys = keys
        except AppError as error:
            await send_problem(send, error)
            return False
        return True


async def refuse_wrong_key(settings: Settings) -> None:
    """Raise WrongInstallationKey before anything listens. A database that is away is asked at the first request."""
    if settings.database_url is None:
        raise ValueError("DATABASE_URL is not set")
    database = Database(settings.database_url, max_size=1)
    await database.open(wait=False)
    try:
        await open_keys(database, settings)
    except (DatabaseUnavailable, NotMigrated):
        return
    finally:
        await database.close()


class Server(uvicorn.Server):
    """Ends the live streams before it waits for open requests: those would never end by themselves."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        front: Any = self.config.app
        front.app.state.live.end_all()
        await super().shutdown(sockets)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises WrongInstallationKey."""
    configure_logs(settings.log_level)
    asyncio.run(refuse_wrong_key(settings))
    spare_collector()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=75,  # seconds; callers that keep a pool of connections may leave some of them idle
        timeout_graceful_shutdown=10,
    )
    Server(config).run()
