"""Writes whose the addresses of a batch are, against everybody else who does so at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Rollback

from sojourn.kit.database import Conn
from sojourn.kit.errors import TransactionLost
from sojourn.profiles import identity_store, merge_store, resolution, store
from sojourn.profiles.model import ProfileId, StoredIdentity

RACES_MAX = 10


async def settle_addresses(
    conn: Conn,
    workspace_id: UUID,
    refs: Sequence[resolution.KeyedRef],
    new_profile: Callable[[], ProfileId],
    now: datetime,
) -> resolution.Plan:
    """Write the addresses that are new; repeated as long as somebody else was faster with one of them."""
    keys = {key for ref in refs for key, _ in ref.identities}
    for _ in range(RACES_MAX):
        read = await _read_addresses(conn, workspace_id, refs, keys, ours=())
        plan = resolution.plan(refs, read.owners, read.strong, new_profile, read.apart)
        inserts = list(plan.inserts.values())
        if plan.needed_locks():
            if await _insert_and_lock(conn, workspace_id, refs, keys, plan, read, now):
                break
        else:
            written = await identity_store.insert_identities(conn, workspace_id, inserts, now)
            if len(written) == len(inserts):
                break
            await identity_store.delete_keys(conn, workspace_id, written)
    else:
        raise TransactionLost(cause="addresses kept changing hands")
    await identity_store.update_spellings(conn, workspace_id, list(plan.spellings.values()), now)
    primaries = [(profile, scheme, key) for (profile, scheme), key in plan.primaries.items()]
    await identity_store.update_primaries(conn, workspace_id, primaries)
    return plan


@dataclass(frozen=True, slots=True)
class _Addresses:
    """What the table says about the addresses of a batch."""

    owners: dict[str, StoredIdentity]
    strong: dict[ProfileId, list[StoredIdentity]]
    apart: set[frozenset[ProfileId]]


async def _read_addresses(
    conn: Conn, workspace_id: UUID, refs: Sequence[resolution.KeyedRef], keys: set[str], *, ours: Collection[str]
) -> _Addresses:
    """Whose they are, but for those that this transaction has just written (`ours`)."""
    owners = await identity_store.find_owners(conn, workspace_id, keys.difference(ours))
    ambiguous = resolution.ambiguous_owners(refs, owners)
    found = await identity_store.list_strong_ids(conn, workspace_id, ambiguous) if ambiguous else {}
    strong = {
        one: sorted([row for row in found.get(one, []) if row.key not in ours], key=lambda row: row.key)
        for one in ambiguous
    }
    apart = await merge_store.list_apart(conn, workspace_id, ambiguous) if len(ambiguous) > 1 else set()
    return _Addresses(owners, strong, apart)


async def _insert_and_lock(
    conn: Conn,
    workspace_id: UUID,
    refs: Sequence[resolution.KeyedRef],
    keys: set[str],
    plan: resolution.Plan,
    read: _Addresses,
    now: datetime,
) -> bool:
    """Write new addresses and lock whose addresses change; False, and nothing was done, where the plan is outdated."""
    inserts = list(plan.inserts.values())
    needed = plan.needed_locks()
    if plan.merges:
        people = await store.list_people(conn, needed)
        needed |= {one for person in people.values() for one in person}
    is_settled = False
    async with conn.transaction() as attempt:
        written = await identity_store.insert_identities(conn, workspace_id, inserts, now)
        if len(written) == len(inserts):
            await (store.lock_profiles if plan.merges else store.lock_owners)(conn, needed)
            is_settled = await _read_addresses(conn, workspace_id, refs, keys, ours=written) == read
        if not is_settled:
            raise Rollback(attempt)
    return is_settled
