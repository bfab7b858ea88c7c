"""Erase people: one call reaches every folder, and says what it took from where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.channels import privacy as channels
from sojourn.consents import actions as consents
from sojourn.conversations import actions as conversations
from sojourn.deliveries import actions as deliveries
from sojourn.deliveries.store import rows as delivery_rows
from sojourn.events import actions as events
from sojourn.journeys.store import runs as journeys
from sojourn.kit import jobs_store
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.messages import store as messages
from sojourn.privacy import store
from sojourn.profiles import actions as profiles
from sojourn.profiles import store as profile_store
from sojourn.profiles.model import ProfileId, Scheme
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

REACHABLE = (Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID)


async def erase_people(
    conn: Conn,
    workspace_id: UUID,
    profile_ids: Sequence[ProfileId],
    *,
    keys: KeyRing,
    actor: Caller | str,
    now: datetime,
) -> dict[str, int]:
    """Erase people, and who was merged into them, from every store in one transaction. Counts a table.

    `docs/reference/retention.md` says what stays: withdrawals as keyed tombstones, the ledger's chain with its sealed
    parts unreadable, bare rows so that sums stay true. What is queued is cancelled. Repeating it is harmless.
    """
    people = sorted(set(profile_ids))
    aliases = await profile_store.list_aliases(conn, people)
    ids = sorted({*people, *(alias for found in aliases.values() for alias in found)})  # said and sent before a merge
    known = await profile_store.list_identities(conn, workspace_id, ids)
    addresses = sorted({row.value for rows in known.values() for row in rows if row.scheme in REACHABLE})
    counts: dict[str, int] = {}
    for id_ in ids:
        cancelled = await deliveries.cancel_deliveries(conn, workspace_id, profile_id=id_, reason="erased", now=now)
        counts["deliveries_cancelled"] = counts.get("deliveries_cancelled", 0) + cancelled
    counts["jobs"] = await jobs_store.delete_profile_jobs(conn, ids)
    counts |= await channels.erase_profiles(conn, workspace_id, addresses, keys=keys)
    counts |= await consents.erase_profiles(conn, workspace_id, people, keys=keys, now=now)
    counts |= await conversations.erase_profiles(conn, ids)
    counts |= await journeys.erase_people(conn, ids, now)
    counts |= await delivery_rows.erase_people(conn, ids)
    counts |= await messages.erase_people(conn, ids)
    counts |= await events.erase_profiles(conn, workspace_id, ids)
    counts |= await profiles.erase_profiles(conn, workspace_id, people, now)
    rows = [(new_id(now), id_) for id_ in ids]
    who = actor.actor if isinstance(actor, Caller) else actor
    await store.insert_erasures(conn, rows, workspace_id, actor=who, counts=counts, now=now)
    for _, id_ in rows:
        await audit.record(conn, actor, workspace_id, "profile.erased", "profile", id_, {"counts": counts}, now)
    return counts
