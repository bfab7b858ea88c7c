"""Delete what is older than its class allows; or count it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial

from sojourn.channels import media_store, webhook_store
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.privacy import store
from sojourn.privacy.model import BY_NAME

BATCH = 5_000  # rows a transaction: short locks, little to repeat after a crash

Transactions = Callable[[], AbstractAsyncContextManager[Conn]]
Sweep = Callable[..., Awaitable[int]]

# Class, table, how its old rows go. The order matters where rows hang together: steps before their runs.
SWEEPS: tuple[tuple[str, str, Sweep], ...] = (
    ("webhook_bodies", "webhook_bodies", webhook_store.delete_old_bodies),
    ("message_texts", "messages", partial(store.delete_batch, statement=store.DELETE_MESSAGES)),
    ("message_texts", "delivery_contents", partial(store.delete_batch, statement=store.DELETE_CONTENTS)),
    ("message_texts", "provider_messages", partial(store.delete_batch, statement=store.DELETE_PROVIDER_IDS)),
    ("media", "media", media_store.delete_old_media),
    ("events", "events", partial(store.delete_batch, statement=store.DELETE_EVENTS)),
    (
        "attribute_history",
        "attribute_changes",
        partial(store.delete_batch, statement=store.DELETE_ATTRIBUTE_CHANGES),
    ),
    ("event_keys", "event_keys", partial(store.delete_batch, statement=store.DELETE_EVENT_KEYS)),
    ("runs", "steps", partial(store.delete_batch, statement=store.DELETE_STEPS)),
    ("runs", "runs", partial(store.delete_batch, statement=store.DELETE_RUNS)),
    ("delivery_records", "costs", partial(store.delete_batch, statement=store.DELETE_COSTS)),
    ("delivery_records", "pressure_marks", partial(store.delete_batch, statement=store.DELETE_MARKS)),
    ("delivery_records", "attempts", partial(store.delete_batch, statement=store.DELETE_ATTEMPTS)),
    ("delivery_records", "deliveries", partial(store.delete_batch, statement=store.DELETE_DELIVERIES)),
    ("delivery_keys", "delivery_keys", partial(store.delete_batch, statement=store.DELETE_DELIVERY_KEYS)),
    ("consent_ledger", "consent_entries", partial(store.delete_batch, statement=store.DELETE_LEDGER)),
    ("audit", "audit_entries", partial(store.delete_batch, statement=store.DELETE_AUDIT)),
    ("audit", "imports", partial(store.delete_batch, statement=store.DELETE_IMPORTS)),
    ("stray_reports", "stray_statuses", partial(store.delete_batch, statement=store.DELETE_STRAYS)),
    ("stray_reports", "dead_jobs", partial(store.delete_batch, statement=store.DELETE_DEAD_JOBS)),
    ("form_visits", "opt_in_hits", partial(store.delete_batch, statement=store.DELETE_HITS)),
)


class _RollBack(Exception):
    """Undoes what a dry run deleted to count it."""


async def apply_retention(transaction: Transactions, *, now: datetime, is_dry_run: bool = False) -> dict[str, int]:
    """Delete what every class no longer allows, in small transactions. How many rows, by table.

    A dry run deletes in transactions that it rolls back: its counts are those of the real run at the same moment.
    Running it twice, or in two processes, is harmless.
    """
    counts: dict[str, int] = {}
    for name, table, sweep in SWEEPS:
        keep = BY_NAME[name].keep
        if keep is None:
            raise LookupError(f"the class {name} has no period")
        counts[table] = await _sweep(transaction, sweep, before=now - keep, is_dry_run=is_dry_run)
    async with transaction() as conn:
        await store.insert_retention_run(conn, new_id(now), counts, is_dry_run=is_dry_run, now=now)
    return counts


async def _sweep(transaction: Transactions, sweep: Sweep, *, before: datetime, is_dry_run: bool) -> int:
    if is_dry_run:
        return await _count(transaction, sweep, before=before)
    total = 0
    while True:
        async with transaction() as conn:
            gone = await sweep(conn, before=before, limit=BATCH)
        total += gone
        if gone == 0:
            return total


async def _count(transaction: Transactions, sweep: Sweep, *, before: datetime) -> int:
    total = 0
    try:
        async with transaction() as conn:
            while gone := await sweep(conn, before=before, limit=BATCH):
                total += gone
            raise _RollBack
    except _RollBack:
        return total
