"""Delete what is older than its class allows; or count it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sojourn.channels import media_store, webhook_store
from sojourn.countries.pack import find_country
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.ids import new_id
from sojourn.privacy import store
from sojourn.privacy.model import BY_NAME, CLASSES, YEAR, DataClass
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.store import get_workspace

BATCH = 5_000  # rows a transaction: short locks, little to repeat after a crash
COUNTED_MAX = 50_000  # rows a table that a preview counts
LONGEST = 10 * YEAR

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
    ("archives", "archives", partial(store.delete_batch, statement=store.DELETE_ARCHIVES)),
    ("outgoing_webhooks", "outbound_messages", partial(store.delete_batch, statement=store.DELETE_OUTBOUND)),
    ("form_visits", "opt_in_hits", partial(store.delete_batch, statement=store.DELETE_HITS)),
)
OF_NO_WORKSPACE = frozenset(
    {"provider_messages", "pressure_marks"}
)  # digests and ids, kept as long as the product does

Periods = Mapping[str, Mapping[UUID, timedelta]]  # class, workspace: what is kept for another time


class _RollBack(Exception):
    """Undoes what a dry run deleted to count it."""


async def apply_retention(transaction: Transactions, *, now: datetime, is_dry_run: bool = False) -> dict[str, int]:
    """Delete what every class no longer allows, in small transactions. How many rows, by table.

    A dry run deletes in transactions that it rolls back: its counts are those of the real run at the same moment.
    Running it twice, or in two processes, is harmless.
    """
    async with transaction() as conn:
        periods = await read_periods(conn)
    counts: dict[str, int] = {}
    for name, table, sweep in SWEEPS:
        own = {} if table in OF_NO_WORKSPACE else periods.get(name, {})
        counts[table] = 0
        for before, whose in _borders(name, own, now):
            counts[table] += await _sweep(transaction, partial(sweep, **whose), before=before, is_dry_run=is_dry_run)
    async with transaction() as conn:
        await store.insert_retention_run(conn, new_id(now), counts, is_dry_run=is_dry_run, now=now)
    return counts


def _borders(
    name: str, own: Mapping[UUID, timedelta], now: datetime
) -> Iterator[tuple[datetime, dict[str, UUID | list[UUID]]]]:
    """Which rows of a class are too old: a moment, and whose rows it is about."""
    keep = _keep(name)
    yield now - keep, ({"spared": sorted(own)} if own else {})
    for workspace_id, period in own.items():
        yield now - period, {"only": workspace_id}


def _keep(name: str) -> timedelta:
    keep = BY_NAME[name].keep
    if keep is None:
        raise LookupError(f"the class {name} has no period")
    return keep


async def read_periods(conn: Conn) -> Periods:
    """What workspaces keep for another time than the product does."""
    found: dict[str, dict[UUID, timedelta]] = {}
    for row in await store.list_periods(conn):
        found.setdefault(row["class"], {})[row["workspace_id"]] = timedelta(days=row["days"])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A class as a workspace keeps it. `shortest` None: it cannot be changed."""

    entry: DataClass
    keep: timedelta | None
    shortest: timedelta | None


async def read_standing(conn: Conn, workspace_id: UUID) -> list[Standing]:
    """Every class with the period that holds in a workspace, and the shortest that it may have there."""
    periods = await read_periods(conn)
    country = find_country((await get_workspace(conn, workspace_id)).default_country)
    proof = timedelta(days=365 * (5 if country is None else country.consent_proof_years))
    return [
        Standing(
            entry=entry,
            keep=periods.get(entry.name, {}).get(workspace_id, entry.keep),
            shortest=max(entry.shortest, proof)
            if entry.name == "consent_ledger" and entry.shortest
            else entry.shortest,
        )
        for entry in CLASSES
    ]


async def change_periods(
    conn: Conn, caller: Caller, periods: Mapping[str, int | None], *, now: datetime
) -> list[Standing]:
    """Keep classes for so many days in the caller's workspace; None: as long as the product does.

    Raises InvalidInput with every mistake: classes that do not exist or cannot be changed, days under what the country
    pack and the product need, or over ten years.
    """
    check_periods(await read_standing(conn, caller.workspace_id), periods)
    for name, days in sorted(periods.items()):
        if days is None or timedelta(days=days) == BY_NAME[name].keep:
            await store.delete_period(conn, caller.workspace_id, name)
        else:
            await store.upsert_period(conn, caller.workspace_id, name, days, actor=caller.actor, now=now)
    here = caller.workspace_id
    await audit.record(conn, caller, here, "retention.changed", "workspace", here, {"days": dict(periods)}, now)
    return await read_standing(conn, caller.workspace_id)


def check_periods(standing: Sequence[Standing], periods: Mapping[str, int | None]) -> None:
    """Raise InvalidInput when a workspace cannot keep classes for so many days."""
    known = {one.entry.name: one for one in standing}
    errors: list[FieldError] = []
    for name, days in periods.items():
        field = f"periods.{name}"
        if name not in known:
            errors.append({"field": field, "code": "unknown_class", "limit": sorted(known)})
            continue
        shortest = known[name].shortest
        if shortest is None:
            errors.append({"field": field, "code": "fixed_period", "message": "this class cannot be changed"})
        elif days is not None and days < shortest.days:
            errors.append({"field": field, "code": "period_too_short", "limit": shortest.days})
        elif days is not None and days > LONGEST.days:
            errors.append({"field": field, "code": "period_too_long", "limit": LONGEST.days})
    if errors:
        raise InvalidInput(errors)


async def preview(
    transaction: Transactions, workspace_id: UUID, periods: Mapping[str, int | None], *, now: datetime
) -> dict[str, int]:
    """How many rows of a workspace would go tonight if it kept classes for so many days, by table.

    Counts by deleting in transactions that are rolled back, up to 50,000 rows a table. Raises InvalidInput.
    """
    async with transaction() as conn:
        standing = await read_standing(conn, workspace_id)
    check_periods(standing, periods)
    keeps = {one.entry.name: one.keep for one in standing}
    for name, days in periods.items():
        keeps[name] = BY_NAME[name].keep if days is None else timedelta(days=days)
    counts: dict[str, int] = {}
    for name, table, sweep in SWEEPS:
        keep = keeps[name]
        if table not in OF_NO_WORKSPACE and keep is not None:
            own = partial(sweep, only=workspace_id)
            counts[table] = await _count(transaction, own, before=now - keep, at_most=COUNTED_MAX)
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


async def _count(transaction: Transactions, sweep: Sweep, *, before: datetime, at_most: int | None = None) -> int:
    total = 0
    try:
        async with transaction() as conn:
            while (at_most is None or total < at_most) and (gone := await sweep(conn, before=before, limit=BATCH)):
                total += gone
            raise _RollBack
    except _RollBack:
        return total
