"""Ids as the Cloud API mints them, and dice that fall the same way for the same seed."""

import base64
import itertools
import os
from hashlib import blake2b

_number = itertools.count(int.from_bytes(os.urandom(5)) << 16)  # no two runs of the simulator mint the same ids


def outbound_wamid(address: str) -> str:
    """`wamid.` + base64 of a Thrift-compact blob; layout decoded from public samples (reference 2.1)."""
    return _wamid(address, b"\x11", f"9C{_scramble(next(_number)):016X}")


def inbound_wamid(address: str) -> str:
    return _wamid(address, b"\x12", f"3A{_scramble(next(_number)):018X}")


def _wamid(address: str, direction: bytes, tail: str) -> str:
    name = address.encode()
    blob = b"".join(
        (
            b"\x1c\x18",
            bytes((len(name),)),
            name,
            b"\x15\x02\x00",
            direction,
            b"\x18",
            bytes((len(tail),)),
            tail.encode(),
            b"\x00",
        )
    )
    return "wamid." + base64.b64encode(blob).decode()


def _scramble(number: int) -> int:
    """A bijection on 64 bits, so that ids look random and never collide."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ (number >> 31)


def fresh_id(prefix: str) -> str:
    """A numeric id such as those of media and templates."""
    return f"{prefix}{next(_number) % 10**13:013d}"


def stable_id(prefix: str, *parts: str) -> str:
    """The same numeric id for the same parts, so that a restarted simulator knows what it was set up with."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=6).digest()
    return f"{prefix}{int.from_bytes(digest) % 10**12:012d}"


def trace_id() -> str:
    return "A" + base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "x").replace("_", "y")


def business_scoped_id(country: str, portfolio_id: str, wa_id: str, generation: int = 0) -> str:
    digest = blake2b(f"{portfolio_id}:{wa_id}:{generation}".encode(), digest_size=9).digest()
    return f"{country}.{int.from_bytes(digest) % 10**20:020d}"


class Dice:
    """Eight even numbers in [0, 1) drawn from a text: the same text, the same numbers."""

    __slots__ = ("_bytes",)

    def __init__(self, text: str) -> None:
        self._bytes = blake2b(text.encode(), digest_size=32).digest()

    def roll(self, index: int) -> float:
        return int.from_bytes(self._bytes[index * 4 : index * 4 + 4]) / 4294967296.0

    def between(self, index: int, low: float, high: float) -> float:
        return low if high <= low else low + (high - low) * self.roll(index)
