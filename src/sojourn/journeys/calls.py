"""Calls an address that a journey names: guarded against our own network, limited in time and size.

The name is resolved once, every address is checked, and the connection goes to a checked address, so that a name
cannot change its mind in between. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from sojourn.journeys.interpreter.run import UrlAnswered
from sojourn.journeys.interpreter.walkthrough import find_in
from sojourn.journeys.signals import CallUrl
from sojourn.kit import json
from sojourn.settings import AllowPrivate

ANSWER_MAX = 256 * 1024  # bytes that are read of an answer
SAVED_MAX = 4 * 1024  # bytes of one saved value as JSON
CONNECTIONS_PER_HOST = 10
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
PRIVATE = "private_address"


class AddressRefused(OSError):
    """The address lies in a private network, and this installation does not allow that."""


def is_allowed(address: str, *, allow_private: AllowPrivate) -> bool:
    """Whether an IP address may be called (mapped and translated ones by what they stand for).

    Public ones always, this machine's own with `loopback`, all others (link-local ones with a cloud's metadata among
    them) only with True.
    """
    if allow_private is True or is_public(address):
        return True
    try:
        return allow_private == "loopback" and _inner(address).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet (mapped and translated ones by what they stand for)."""
    try:
        ip = _inner(address)
    except ValueError:
        return False
    return ip.is_global and not ip.is_multicast


def _inner(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    return ip


class GuardedResolver(AbstractResolver):
    """Resolves names and lets only allowed addresses through."""

    def __init__(self, allow_private: AllowPrivate = False) -> None:
        self._inner = ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises AddressRefused when one of them may not be called."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(is_allowed(entry["host"], allow_private=self._allow_private) for entry in found):
            raise AddressRefused(PRIVATE)
        return found

    async def close(self) -> None:
        """Nothing to close."""
        await self._inner.close()


@asynccontextmanager
async def open_session(*, allow_private: AllowPrivate) -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose connections go to public addresses only, unless private ones are allowed."""
    resolver = None if allow_private is True else GuardedResolver(allow_private)
    connector = aiohttp.TCPConnector(resolver=resolver, limit_per_host=CONNECTIONS_PER_HOST)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


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
        if _is_literal(url.host) and not is_allowed(url.host, allow_private=allow_private):
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


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _failed(job: CallUrl, error: str, *, status: int | None = None, again: bool = False) -> Outcome:
    return Outcome(UrlAnswered(seq=job.seq, exit="failed", status=status, error=error), again)
