"""One call of an endpoint, and what follows from it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import aiohttp
import structlog
from yarl import URL

from sojourn.kit import guarded_http, jobs
from sojourn.kit.clock import system_now
from sojourn.kit.crypto import KeyRing, UnreadableSecret
from sojourn.kit.database import Conn
from sojourn.kit.guarded_http import PRIVATE, AddressRefused
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import Work
from sojourn.kit.live import LiveEvent, publish
from sojourn.outbound import store
from sojourn.outbound.actions import BODY_CONTEXT, SendWebhook, secrets_of
from sojourn.outbound.model import JITTER, TIMEOUT_SECONDS, WAITS, Endpoint, EndpointState, Outgoing
from sojourn.outbound.signing import headers_of
from sojourn.settings import AllowPrivate

log = structlog.get_logger(__name__)

GONE = 410
CHANCES = secrets.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a call went: a status, or a word for why there is none."""

    status: int | None = None
    error: str | None = None
    milliseconds: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has it."""
        return self.status is not None and 200 <= self.status < 300


async def send_webhooks(work: Work, batch: list[SendWebhook]) -> None:
    """Try messages once each. Leased; may run twice: the receiver sees the same id again."""
    now = work.now()
    async with work.transaction() as conn:
        due = await store.find_due(conn, [(job.message_id, job.attempts) for job in batch])
    calls = [(message, endpoint) for message, endpoint in due if endpoint.state is not EndpointState.DISABLED]
    allow_private = work.settings.allow_private_urls
    async with guarded_http.open_session(allow_private=allow_private) as http, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(call(http, message, endpoint, keys=work.keys, allow_private=allow_private, now=now))
            for message, endpoint in calls
        ]
    answers = {message.id: task.result() for (message, _), task in zip(calls, tasks, strict=True)}
    for message, endpoint in due:
        async with work.transaction() as conn:
            await record(conn, message, endpoint, answers.get(message.id), chance=CHANCES.random(), now=work.now())


async def call(
    http: aiohttp.ClientSession,
    message: Outgoing,
    endpoint: Endpoint,
    *,
    keys: KeyRing,
    allow_private: AllowPrivate,
    now: datetime,
) -> Answer:
    """Post one message. Never raises: what goes wrong is the answer. Redirects are not followed."""
    began = time.monotonic()
    status, error = None, None
    try:
        url = URL(endpoint.url)
        host = url.host or ""
        if guarded_http.is_literal(host) and not guarded_http.is_allowed(host, allow_private=allow_private):
            raise AddressRefused(PRIVATE)
        body = keys.decrypt(message.body, context=BODY_CONTEXT)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "sojourn-webhooks",
            **headers_of(f"msg_{message.id.hex}", body, secrets_of(endpoint, keys, now), at=system_now()),
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with http.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as response:
            status = response.status
    except AddressRefused:
        error = PRIVATE
    except TimeoutError:
        error = "timeout"
    except aiohttp.ClientConnectorError as refused:
        error = PRIVATE if isinstance(refused.os_error, AddressRefused) else "connection_failed"
    except UnreadableSecret:
        error = "unreadable_secret"
    except (aiohttp.ClientError, OSError, ValueError) as failure:
        error = type(failure).__name__
    return Answer(status=status, error=error, milliseconds=round((time.monotonic() - began) * 1000))


async def record(
    conn: Conn, message: Outgoing, endpoint: Endpoint, answer: Answer | None, *, chance: float, now: datetime
) -> None:
    """Write how a call went, and what follows; `answer` None: the endpoint is switched off, so there was none.

    `chance` (0 to 1) spreads the retries of messages that failed together.
    """
    if not await store.lock_waiting(conn, message.id, message.attempts):
        return
    if answer is None:
        await store.update_message(conn, message.id, state="dead", attempts=message.attempts, due_at=None)
        return
    await store.insert_attempt(
        conn, new_id(now), message, status=answer.status, error=answer.error, milliseconds=answer.milliseconds, at=now
    )
    tried = message.attempts + 1
    if answer.is_taken:
        await store.update_message(conn, message.id, state="delivered", attempts=tried, due_at=None)
        await _change_state(conn, endpoint, [EndpointState.FAILING], EndpointState.ACTIVE, None, now)
        return
    wait = None if answer.status == GONE else wait_after(tried, chance)
    due_at = None if wait is None else now + wait
    state = "dead" if due_at is None else "waiting"
    await store.update_message(conn, message.id, state=state, attempts=tried, due_at=due_at)
    if due_at is not None:
        again = SendWebhook(workspace_id=endpoint.workspace_id, message_id=message.id, attempts=tried)
        await jobs.defer(conn, [again], due_at=due_at)
    elif answer.status == GONE:
        both = [EndpointState.ACTIVE, EndpointState.FAILING]
        await _change_state(conn, endpoint, both, EndpointState.DISABLED, "gone", now)
    else:
        await _change_state(conn, endpoint, [EndpointState.ACTIVE], EndpointState.FAILING, "given_up", now)


def wait_after(tried: int, chance: float) -> timedelta | None:
    """How long to wait after so many attempts; None: it is given up."""
    if tried > len(WAITS):
        return None
    return WAITS[tried - 1] * (1 + JITTER * chance)


async def _change_state(
    conn: Conn,
    endpoint: Endpoint,
    of: Sequence[EndpointState],
    to: EndpointState,
    reason: str | None,
    now: datetime,
) -> None:
    if endpoint.state not in of:  # the usual case costs nothing
        return
    current = await store.lock_endpoint(conn, endpoint.workspace_id, endpoint.id)
    if current.state not in of:
        return
    since = now if to is EndpointState.FAILING else None
    changed = replace(current, state=to, state_reason=reason, failing_since=since, updated_at=now)
    await store.update_endpoint(conn, changed)
    payload = {"endpoint_id": endpoint.id, "state": to.value, "reason": reason}
    await publish(conn, [LiveEvent(workspace_id=endpoint.workspace_id, topic="alerts", payload=payload)], now)
    log.warning("webhook_endpoint_changed", endpoint_id=str(endpoint.id), state=to.value, reason=reason)
