"""What runs beside: idempotency keys that are old enough to forget."""

from __future__ import annotations

from datetime import timedelta

from sojourn.events import store
from sojourn.events.model import KEYS_KEPT
from sojourn.kit.jobs import Periodic, Work

DELETE_AT_ONCE = 10_000


async def forget_keys(work: Work) -> None:
    """Delete idempotency keys older than 30 days, in small transactions. May run twice."""
    before = work.now() - KEYS_KEPT
    while True:
        async with work.transaction() as conn:
            if await store.delete_keys_before(conn, before, DELETE_AT_ONCE) < DELETE_AT_ONCE:
                return


PERIODICS = (Periodic(name="events.forget_keys", every=timedelta(hours=6), handle=forget_keys),)
