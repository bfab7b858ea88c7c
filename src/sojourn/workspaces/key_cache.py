"""Which key is whose, remembered for at most a second, so that a hot route need not ask the database each time."""

from __future__ import annotations

import time
from datetime import timedelta

from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn
from sojourn.workspaces import store
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.keys import digest_of
from sojourn.workspaces.model import ApiKey, KeyKind, Unauthenticated
from sojourn.workspaces.rights import rights_of

REMEMBER_SECONDS = 1.0
TOUCH_EVERY = timedelta(minutes=1)
CACHE_SIZE = 10_000

_known: dict[bytes, tuple[float, Caller, KeyKind]] = {}


def find_cached(raw: str, *, kind: KeyKind | None = None) -> Caller | None:
    """The caller behind a key that was checked less than a second ago, or None."""
    known = _known.get(digest_of(raw))
    if known is None or time.monotonic() - known[0] >= REMEMBER_SECONDS or kind not in (None, known[2]):
        return None
    return known[1]


async def authenticate_key(conn: Conn, raw: str, *, kind: KeyKind | None = None) -> Caller:
    """The caller behind an API key; of one kind only, when asked.

    Expiry and last use are moments of the system clock. Raises Unauthenticated for a key that is unknown, expired,
    revoked or of another kind.
    """
    cached = find_cached(raw, kind=kind)
    if cached is not None:
        return cached
    checked = time.monotonic()
    digest = digest_of(raw)
    key = await store.find_key(conn, digest)
    if key is None or not key.is_valid(system_now()) or kind not in (None, key.kind):
        _known.pop(digest, None)
        raise Unauthenticated
    caller = Caller(key.workspace_id, f"key:{key.id}", rights_of(key.scopes))
    if len(_known) >= CACHE_SIZE:
        _known.clear()
    _known[digest] = (checked, caller, key.kind)
    await _touch(conn, key)
    return caller


async def _touch(conn: Conn, key: ApiKey) -> None:
    now = system_now()
    if key.last_used_at is None or now - key.last_used_at >= TOUCH_EVERY:
        await store.touch_key(conn, key.id, now)


def forget_key(digest: bytes) -> None:
    """Drop a key from this process's memory at once."""
    _known.pop(digest, None)
