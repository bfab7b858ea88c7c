"""Passwords: which are accepted, and how they are kept (argon2id; OWASP password storage cheat sheet, read 2026-08)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sojourn.kit.errors import FieldError, InvalidInput

SHORTEST = 10  # characters
LONGEST = 200
PARALLEL = 2  # at once a process; each takes MEMORY_KIB
MEMORY_KIB = 47_104

_hasher = PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
_threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="passwords")


def check_password(password: str, *, email: str, field: str = "password") -> None:
    """Raises InvalidInput for a password of the wrong length, the address itself, or one that everybody tries."""
    plain = password.casefold()
    local = email.partition("@")[0].casefold()
    error: FieldError | None = None
    if len(password) < SHORTEST:
        error = {"code": "too_short", "limit": SHORTEST, "message": f"at least {SHORTEST} characters"}
    elif len(password) > LONGEST:
        error = {"code": "too_long", "limit": LONGEST, "message": f"at most {LONGEST} characters"}
    elif plain == email.casefold() or (local and plain.strip("0123456789!.@_-") == local):
        error = {"code": "is_email", "message": "not the e-mail address"}
    elif plain in commonest() or len(set(plain)) < 4:
        error = {"code": "too_common", "message": "this is one of the first passwords that anybody would try"}
    if error is not None:
        raise InvalidInput([{**error, "field": field}])


@cache
def commonest() -> frozenset[str]:
    """Passwords of ten characters and more that lead every list of leaked ones."""
    return frozenset((Path(__file__).parent / "data" / "common-passwords.txt").read_text().split())


async def digest_of(password: str) -> str:
    """What is stored of a password. Takes about a tenth of a second, in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(digest: str | None, password: str) -> bool:
    """Whether a password is the one behind a digest. Takes as long without one, so that nobody learns who exists."""
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(_threads, _verify, digest or _digest_of_nobody(), password)
    return fits and digest is not None


def _verify(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _digest_of_nobody() -> str:
    return _hasher.hash("nobody has this password")
