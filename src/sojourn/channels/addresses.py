"""Which addresses a person may make us call: https to the public internet, unless the installation allows more."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from sojourn.channels.model import AddressRefused
from sojourn.settings import AllowPrivate

META_BASE_URL = "https://graph.facebook.com"


def check_base_url(url: str, *, allow_private: AllowPrivate) -> str:
    """Return the address without a slash at its end.

    Raises AddressRefused for anything but http(s), for credentials in it, and, unless `allow_private`, for plain http
    and for literal private or loopback addresses; `loopback` makes an exception of this machine only.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise AddressRefused(field="base_url", reason="not an address") from error
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise AddressRefused(field="base_url", reason="not an http or https address")
    if not (allow_private is True or (allow_private == "loopback" and _is_own(host))):
        if parts.scheme != "https":
            raise AddressRefused(field="base_url", reason="must be https")
        if _is_private_literal(host):
            raise AddressRefused(field="base_url", reason="points into a private network")
    return url.rstrip("/")


async def check_resolved(url: str, *, allow_private: AllowPrivate) -> None:
    """Raise AddressRefused when the host's name leads into a private network. Asks the name server."""
    if allow_private is True:
        return
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused(field="base_url", reason="its host is unknown") from error
    ips = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not all(ip.is_global or (allow_private == "loopback" and ip.is_loopback) for ip in ips):
        raise AddressRefused(field="base_url", reason="points into a private network")


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private_literal(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
