"""Forgets what people agreed to, but not that they had stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.consents import list_store, store
from sojourn.consents.ledger import ScopeRow
from sojourn.consents.list_store import hash_identity
from sojourn.consents.model import Purpose
from sojourn.consents.store import ScopeKey
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of_key
from sojourn.profiles import store as profiles
from sojourn.profiles.model import Scheme


async def erase_profiles(
    conn: Conn,
    workspace_id: UUID,
    profile_ids: Sequence[UUID],
    *,
    keys: KeyRing,
    now: datetime,
    further_addresses: Sequence[str] = (),
) -> dict[str, int]:
    """Forget what these people, and those merged into them, agreed to, before their addresses go. Counts a table.

    The chain of the ledger stays and verifies; its personal parts are unreadable once the people's keys are gone.
    Withdrawals stay as keyed tombstones of every address they had (`collect_tombstones`). `further_addresses`: keys of
    addresses that no profile has and that the lists may name.
    """
    owner_of, people_keys, rows = await _read(conn, workspace_id, profile_ids)
    graves = await collect_tombstones(conn, workspace_id, profile_ids, keys=keys, now=now)
    counts = {"consent_tombstones": await list_store.upsert_tombstones(conn, workspace_id, graves)}
    everything = {key for found in people_keys.values() for key in found} | {key[4] for key in rows if key[4]}
    counts |= await list_store.forget_addresses(conn, workspace_id, sorted({*everything, *further_addresses}))
    return counts | await store.delete_state(conn, workspace_id, owner_of)


async def collect_tombstones(
    conn: Conn, workspace_id: UUID, profile_ids: Sequence[UUID], *, keys: KeyRing, now: datetime
) -> list[dict[str, Any]]:
    """What these people had stopped, by keyed hash of every address they have: rows of `consent_tombstones`.

    A stop on the platform's own side counts as a withdrawal of marketing: it would be forgotten with the person.
    """
    owner_of, people_keys, rows = await _read(conn, workspace_id, profile_ids)
    graves = [
        _tombstone(keys, address, key[1:4], row.withdrawn_at, now)
        for key, row in rows.items()
        if row.withdrawn_at is not None
        for address in people_keys.get(owner_of[key[0]], set()) | ({key[4]} if key[4] else set())
    ]
    for block in await store.list_blocks(conn, owner_of):
        stopped, lifted = block["blocked_at"], block["lifted_at"]
        if block["kind"] == "platform" and stopped is not None and (lifted is None or lifted < stopped):
            scope = (block["channel"], Purpose.MARKETING.value, "")
            addresses = people_keys.get(owner_of[block["profile_id"]], set())
            graves += [_tombstone(keys, address, scope, stopped, now) for address in addresses]
    return graves


async def keep_tombstones(conn: Conn, workspace_id: UUID, graves: Sequence[dict[str, Any]]) -> int:
    """Write tombstones that were kept elsewhere: erasures are applied again after a restore. How many."""
    return await list_store.upsert_tombstones(conn, workspace_id, graves)


async def _read(
    conn: Conn, workspace_id: UUID, profile_ids: Sequence[UUID]
) -> tuple[dict[UUID, UUID], dict[UUID, set[str]], Mapping[ScopeKey, ScopeRow]]:
    """Who stands for whom, the address keys of people, and their folded consents."""
    aliases = await profiles.list_aliases(conn, profile_ids)
    owner_of: dict[UUID, UUID] = {alias: owner for owner, found in aliases.items() for alias in found}
    owner_of |= {profile_id: profile_id for profile_id in profile_ids}
    identities = await profiles.list_identities(conn, workspace_id, profile_ids)
    rows = await store.list_scope_rows(conn, owner_of)
    people_keys: dict[UUID, set[str]] = {
        profile_id: {row.key for row in found if row.scheme in TOMBSTONE_SCHEMES}
        for profile_id, found in identities.items()
    }
    return owner_of, people_keys, rows


TOMBSTONE_SCHEMES = frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID, Scheme.EMAIL})


def _tombstone(
    keys: KeyRing, address: str, scope: tuple[str, str, str], withdrawn_at: datetime, now: datetime
) -> dict[str, Any]:
    return {
        "identity_hash": hash_identity(keys, address),
        "bucket": bucket_of_key(hash_identity(keys, address).hex()),
        "channel": scope[0],
        "purpose": scope[1],
        "topic": scope[2],
        "withdrawn_at": withdrawn_at,
        "recorded_at": now,
    }
