"""Part two profiles that had been merged: each has its own ledger again, and nobody loses a stop by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.consents import store
from sojourn.consents.actions import hold_marketing, record_consents, record_platform_preferences
from sojourn.consents.merged import is_held
from sojourn.consents.model import BlockKind, ConsentChange, ConsentSource, ConsentState, Purpose
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import actions as profiles
from sojourn.profiles.merges import Unmerged
from sojourn.workspaces.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What became of a merge that was undone; `withdrawals` is how many stops of the time between count for both."""

    unmerged: Unmerged
    withdrawals: int


async def unmerge_profile(
    conn: Conn,
    workspace_id: UUID,
    *,
    loser_id: UUID,
    winner_id: UUID,
    keys: KeyRing,
    actor: Caller | str,
    now: datetime,
) -> Parted:
    """Undo a merge (see `profiles.merges.unmerge_profile`, whose errors it raises) in one transaction.

    What either had said before is its own again. What was withdrawn while they were one was said by a person whom we
    took for both, so it stays withdrawn for both; what was agreed to meanwhile stays with the winner alone.
    """
    unmerged = await profiles.unmerge_profile(
        conn, workspace_id, loser_id=loser_id, winner_id=winner_id, actor=actor, now=now
    )
    await store.lock_heads(conn, workspace_id, {unmerged.restored_id, *unmerged.stood})
    entries = await store.list_entries(conn, workspace_id, unmerged.stood)
    meanwhile = [entry for entry in entries if entry["recorded_at"] >= unmerged.merged_at]
    withdrawals = [_withdrawal(entry, unmerged.restored_id) for entry in meanwhile if _is_withdrawal(entry)]
    await record_consents(conn, workspace_id, withdrawals, keys=keys, now=now)
    await _carry_blocks(conn, workspace_id, unmerged, meanwhile, keys=keys, now=now)
    return Parted(unmerged=unmerged, withdrawals=len(withdrawals))


def _is_withdrawal(entry: Mapping[str, Any]) -> bool:
    return bool(entry["kind"] == "consent" and entry["state"] == ConsentState.WITHDRAWN)


def _withdrawal(entry: Mapping[str, Any], profile_id: UUID) -> ConsentChange:
    return ConsentChange(
        profile_id=profile_id,
        channel=entry["channel"],
        purpose=Purpose(entry["purpose"]),
        topic=entry["topic"] or None,
        state=ConsentState.WITHDRAWN,
        effective_at=entry["effective_at"],
        source=ConsentSource.MERGE,
        key=f"unmerge:{entry['id']}",
    )


async def _carry_blocks(
    conn: Conn,
    workspace_id: UUID,
    unmerged: Unmerged,
    meanwhile: Sequence[Mapping[str, Any]],
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Stops of the platform and open holds of the time between hold for both; each is lifted on its own side."""
    said = {(entry["profile_id"], entry["channel"], entry["kind"]) for entry in meanwhile}
    blocks = [
        block
        for block in await store.list_blocks(conn, unmerged.stood)
        if is_held(block) and (block["profile_id"], block["channel"], block["kind"]) in said
    ]
    person = unmerged.restored_id
    stops = [(person, row["channel"], "stop", row["blocked_at"]) for row in blocks if row["kind"] == BlockKind.PLATFORM]
    holds = [(person, row["channel"], row["blocked_at"]) for row in blocks if row["kind"] == BlockKind.HOLD]
    await record_platform_preferences(conn, workspace_id, stops, keys=keys, now=now)
    await hold_marketing(conn, workspace_id, holds, keys=keys, now=now)
