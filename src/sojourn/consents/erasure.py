"""Forgets what people agreed to, but not that they had stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.consents import list_store, store
from sojourn.consents.list_store import hash_identity
from sojourn.consents.store import ScopeKey
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of_key
from sojourn.profiles import store as profiles
from sojourn.profiles.model import Scheme


async def erase_profiles(
    conn: Conn, workspace_id: UUID, profile_ids: Sequence[UUID], *, keys: KeyRing, now: datetime
) -> dict[str, int]:
    """Forget what these people, and those merged into them, agreed to, before their addresses go. Counts a table.

    The chain of the ledger stays and verifies; its personal parts are unreadable once the people's keys are gone.
    Withdrawals stay as keyed tombstones of every address they had.
    """
    aliases = await profiles.list_aliases(conn, profile_ids)
    owner_of: dict[UUID, UUID] = {alias: owner for owner, found in aliases.items() for alias in found}
    owner_of |= {profile_id: profile_id for profile_id in profile_ids}
    identities = await profiles.list_identities(conn, workspace_id, profile_ids)
    rows = await store.list_scope_rows(conn, owner_of)
    people_keys: dict[UUID, set[str]] = {
        profile_id: {row.key for row in found if row.scheme in TOMBSTONE_SCHEMES}
        for profile_id, found in identities.items()
    }
    graves = [
        _tombstone(keys, address, key, row.withdrawn_at, now)
        for key, row in rows.items()
        if row.withdrawn_at is not None
        for address in people_keys.get(owner_of[key[0]], set()) | ({key[4]} if key[4] else set())
    ]
    counts = {"consent_tombstones": await list_store.upsert_tombstones(conn, workspace_id, graves)}
    everything = sorted({key for found in people_keys.values() for key in found} | {key[4] for key in rows if key[4]})
    counts |= await list_store.forget_addresses(conn, workspace_id, everything)
    return counts | await store.delete_state(conn, workspace_id, owner_of)


TOMBSTONE_SCHEMES = frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID, Scheme.EMAIL})


def _tombstone(keys: KeyRing, address: str, key: ScopeKey, withdrawn_at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "identity_hash": hash_identity(keys, address),
        "bucket": bucket_of_key(hash_identity(keys, address).hex()),
        "channel": key[1],
        "purpose": key[2],
        "topic": key[3],
        "withdrawn_at": withdrawn_at,
        "recorded_at": now,
    }
