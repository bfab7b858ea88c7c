"""Calls an address that a journey names: guarded against our own network (`kit/guarded_http.py`), limited in time and
size. Redirects are not followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from sojourn.journeys.interpreter.run import UrlAnswered
from sojourn.journeys.interpreter.walkthrough import find_in
from sojourn.journeys.signals import CallUrl
from sojourn.kit import json
from sojourn.kit.guarded_http import PRIVATE, AddressRefused, is_allowed, is_literal
from sojourn.settings import AllowPrivate

ANSWER_MAX = 256 * 1024  # bytes that are read of an answer
SAVED_MAX = 4 * 1024  # bytes of one saved value as JSON
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class Outcome(msgspec.Struct, frozen=True):
    """How a call went; `again` says that a later attempt may go better."""

    answer: UrlAnswered
    again: bool = False


async def call(http: aiohttp.ClientSession, job: CallUrl, *, allow_private: AllowPrivate) -> Outcome:
    """One attempt. Never raises: what goes wrong is the outcome."""
    try:
        url = URL(job.url)
        if url.scheme not in ("http", "https") or not url.host:
            return _failed(job, "url_invalid")
        if is_literal(url.host) and not is_allowed(url.host, allow_private=allow_private):
            return _failed(job, PRIVATE)
        return await _send(http, job, url)
    except AddressRefused:
        return _failed(job, PRIVATE)
    except TimeoutError:
        return _failed(job, "timeout", again=True)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            return _failed(job, PRIVATE)
        return _failed(job, "connection_failed", again=True)
    except (aiohttp.ClientError, OSError) as error:
        return _failed(job, type(error).__name__, again=True)
    except ValueError:
        return _failed(job, "url_invalid")


async def _send(http: aiohttp.ClientSession, job: CallUrl, url: URL) -> Outcome:
    headers = {"Accept": "application/json", "User-Agent": "sojourn", **job.headers}
    headers["Idempotency-Key"] = job.idempotency_key
    body = None if job.body is None else json.encode(job.body)
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    timeout = aiohttp.ClientTimeout(total=job.timeout_seconds)
    async with http.request(
        job.method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
    ) as response:
        if not 200 <= response.status < 300:
            return _failed(job, "status", status=response.status, again=response.status in RETRIED)
        if not job.save:
            return Outcome(UrlAnswered(seq=job.seq, exit="ok", status=response.status))
        return _read(job, response.status, await _read_body(response))


async def _read_body(response: aiohttp.ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        body += chunk
        if len(body) > ANSWER_MAX:
            return None
    return bytes(body)


def _read(job: CallUrl, status: int, body: bytes | None) -> Outcome:
    if body is None:
        return _failed(job, "answer_too_long", status=status)
    try:
        data = json.decode(body)
    except msgspec.DecodeError:
        return _failed(job, "answer_not_json", status=status)
    values = saved_values(data, job.save)
    if any(len(json.encode(value)) > SAVED_MAX for value in values.values()):
        return _failed(job, "value_too_long", status=status)
    return Outcome(UrlAnswered(seq=job.seq, exit="ok", status=status, values=values))


def saved_values(data: Any, save: Mapping[str, str]) -> dict[str, Any]:
    """The parts of an answer that the node wants, by variable; what is not there is null."""
    return {name: find_in(data, path) for name, path in save.items()}


def _failed(job: CallUrl, error: str, *, status: int | None = None, again: bool = False) -> Outcome:
    return Outcome(UrlAnswered(seq=job.seq, exit="failed", status=status, error=error), again)
