"""HTTP to addresses that users name: guarded against our own network.

A name is resolved once, every address of it is checked, and the connection goes to a checked address, so that a name
cannot change its mind in between.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from sojourn.settings import AllowPrivate

CONNECTIONS_PER_HOST = 10
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


def is_literal(host: str) -> bool:
    """Whether a host is an address itself, which no resolver sees."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
