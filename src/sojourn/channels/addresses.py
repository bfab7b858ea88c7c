"""Which addresses a person may make us call: https to the public internet, unless the installation allows more."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from sojourn.channels.model import AddressRefused

META_BASE_URL = "https://graph.facebook.com"


def check_base_url(url: str, *, allow_private: bool) -> str:
    """Return the address without a slash at its end.

    Raises AddressRefused for anything but http(s), for credentials in it, and, unless `allow_private`, for plain http
    and for literal private or loopback addresses.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise AddressRefused(field="base_url", reason="not an address") from error
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise AddressRefused(field="base_url", reason="not an http or https address")
    if not allow_private:
        if parts.scheme != "https":
            raise AddressRefused(field="base_url", reason="must be https")
        if _is_private_literal(host):
            raise AddressRefused(field="base_url", reason="points into a private network")
    return url.rstrip("/")


async def check_resolved(url: str, *, allow_private: bool) -> None:
    """Raise AddressRefused when the host's name leads into a private network. Asks the name server."""
    if allow_private:
        return
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused(field="base_url", reason="its host is unknown") from error
    if any(not ipaddress.ip_address(entry[4][0]).is_global for entry in found):
        raise AddressRefused(field="base_url", reason="points into a private network")


def _is_private_literal(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
