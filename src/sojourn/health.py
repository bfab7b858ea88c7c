"""Health, readiness, queue age and Prometheus figures of the process that is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import REGISTRY as PROCESS_FIGURES
from pydantic import BaseModel

from sojourn.kit import jobs_runner, jobs_store
from sojourn.kit.clock import system_now
from sojourn.kit.jobs import Registry
from sojourn.kit.web import ConnDep, Now

router = APIRouter(tags=["health"])


class QueueOut(BaseModel):
    """Jobs of one handler that wait now."""

    handler: str
    waiting: int
    oldest_age_seconds: float
    attempts: int


class HealthOut(BaseModel):
    """Whether this installation works, and whether anything is left to do at this moment of the product clock."""

    status: str
    now: datetime
    quiet: bool | None = None
    next_due_at: datetime | None = None
    queues: list[QueueOut] = []


class AliveOut(BaseModel):
    """The process answers."""

    status: str


@router.get("/v1/alive")
async def alive() -> AliveOut:
    """Whether this process answers at all; asks nothing of the database."""
    return AliveOut(status="ok")


@router.get("/v1/ready")
async def ready(conn: ConnDep) -> AliveOut:
    """Whether this process can serve requests; 503 while the database is away."""
    await jobs_runner.ping(conn)
    return AliveOut(status="ok")


@router.get("/v1/health")
async def health(
    request: Request,
    conn: ConnDep,
    now: Now,
    brief: Annotated[bool, Query(description="Only quiet and next_due_at")] = False,
) -> HealthOut:
    """The state of the queues. `quiet`: nothing is due, at work or in flight; `next_due_at`: what waits for time."""
    registry: Registry = request.app.state.registry
    quiet = await jobs_runner.is_quiet(registry, conn, now)
    due = await jobs_runner.next_due_at(registry, conn, now)
    queues = [] if brief else await _queues(conn)
    return HealthOut(status="ok", now=now, quiet=quiet, next_due_at=due, queues=queues)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request, conn: ConnDep, now: Now) -> PlainTextResponse:
    """Figures in Prometheus' text format: this process, and the queues of the installation."""
    figures = CollectorRegistry()
    waiting = Gauge("sojourn_jobs_waiting", "Jobs that wait", ["handler"], registry=figures)
    age = Gauge("sojourn_job_oldest_age_seconds", "Age of the oldest waiting job", ["handler"], registry=figures)
    dead = Gauge("sojourn_jobs_dead", "Dead letters", registry=figures)
    for queue in await _queues(conn):
        waiting.labels(queue.handler).set(queue.waiting)
        age.labels(queue.handler).set(queue.oldest_age_seconds)
    dead.set(await jobs_store.count_dead(conn))
    body = generate_latest(PROCESS_FIGURES) + generate_latest(figures)
    return PlainTextResponse(body, media_type=CONTENT_TYPE_LATEST)


async def _queues(conn: ConnDep) -> list[QueueOut]:
    moment = system_now()
    return [
        QueueOut(
            handler=row["handler"],
            waiting=row["waiting"],
            oldest_age_seconds=max(0.0, moment.timestamp() - (UUID(row["oldest"]).int >> 80) / 1000),
            attempts=row["attempts"],
        )
        for row in await jobs_store.list_queue_figures(conn)
    ]
