"""Erase people: one call reaches every folder, and says what it took from where and what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.channels import privacy as channels
from sojourn.consents import actions as consents
from sojourn.consents import erasure as consent_erasure
from sojourn.consents.list_store import hash_identity
from sojourn.conversations import actions as conversations
from sojourn.deliveries import actions as deliveries
from sojourn.deliveries.actions import people as delivery_people
from sojourn.events import actions as events
from sojourn.journeys import actions as journeys
from sojourn.kit import jobs_naming, jobs_store
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.messages import store as messages
from sojourn.outbound import actions as outbound
from sojourn.outbound.model import Event, Told
from sojourn.privacy import archive_store, erasure_store, naming
from sojourn.privacy.erasure_model import CHECKS, Erased, Erasure, Grave, Ground, Listed
from sojourn.profiles import actions as profiles
from sojourn.profiles import store as profile_store
from sojourn.profiles.model import Identity, ProfileId, Scheme
from sojourn.profiles.phone_numbers import address_key
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

REACHABLE = frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID})
NAMED_BY_MESSAGE = ("channels.mark_read",)  # jobs that name a message of the provider's, whose id names the person


async def erase_people(
    conn: Conn,
    workspace_id: UUID,
    profile_ids: Sequence[ProfileId],
    *,
    keys: KeyRing,
    now: datetime,
    identities: Sequence[Identity] = (),
) -> Erased:
    """Erase people, and who was merged into them, from every store in one transaction.

    `identities` are further addresses of theirs (normalised), known here or not. `docs/reference/retention.md` says
    what stays: withdrawals as keyed tombstones, the ledger's chain with its sealed parts unreadable, bare rows so that
    sums stay true. What is queued is cancelled; what is on its way runs on. Repeating it is harmless.
    """
    people = sorted(set(profile_ids))
    aliases = await profile_store.list_aliases(conn, people)
    ids = sorted({*people, *(alias for found in aliases.values() for alias in found)})  # said and sent before a merge
    await profile_store.lock_profiles(conn, ids)
    known = await profile_store.list_identities(conn, workspace_id, ids)
    theirs = {Identity(row.scheme, row.value) for rows in known.values() for row in rows} | set(identities)
    owners = await profile_store.find_by_identity(conn, workspace_id, theirs)
    theirs = {one for one in theirs if owners.get(one) in {None, *ids}}  # an address that moved on is somebody else's
    addresses = sorted({one.value for one in theirs if one.scheme in REACHABLE})
    words = naming.words_of(
        [row.attributes for row in (await profile_store.get_profiles(conn, workspace_id, ids)).values()]
    )
    graves = await consent_erasure.collect_tombstones(conn, workspace_id, people, keys=keys, now=now)
    said = await messages.list_provider_ids(conn, ids)
    counts: dict[str, int] = {}
    counts |= await channels.erase_profiles(conn, workspace_id, addresses, keys=keys)
    counts["jobs"] = await jobs_store.delete_profile_jobs(conn, ids)
    counts["jobs"] += await _forget_in_jobs(conn, workspace_id, theirs, said)
    address_keys = sorted({address_key(one.scheme, one.value) for one in theirs})
    counts |= await consents.erase_profiles(
        conn, workspace_id, people, keys=keys, now=now, further_addresses=address_keys
    )
    counts |= await conversations.erase_profiles(conn, ids)
    counts |= await journeys.erase_profiles(conn, ids, now)
    counts |= await deliveries.erase_profiles(conn, workspace_id, ids, now, names=words)
    needles = naming.needles_of({one.value for one in theirs})
    counts["stray_statuses"] = await delivery_people.erase_strays(conn, workspace_id, needles)
    counts |= await events.erase_profiles(conn, workspace_id, ids)
    counts |= await profiles.erase_profiles(conn, workspace_id, people, now)
    counts |= await outbound.erase_profiles(conn, ids)
    counts["archives"] = await archive_store.delete_of_people(conn, ids)
    hashes = [hash_identity(keys, one) for one in address_keys]
    kept = await erasure_store.count_kept(conn, workspace_id, ids, hashes) | await delivery_people.count_kept(conn, ids)
    counts.pop("consent_tombstones")
    return Erased(
        profile_ids=tuple(ids),
        erased=counts,
        kept=kept,
        people=tuple(channels.hash_addresses(addresses, keys)),
        tombstones=tuple(graves),
    )


async def _forget_in_jobs(conn: Conn, workspace_id: UUID, theirs: set[Identity], said: set[str]) -> int:
    """Take people out of jobs and dead letters that are about several people, or about nobody by id. How many."""
    names = {spelling for one in theirs for spelling in naming.spellings_of(one.value)} | said
    needles = naming.needles_of({one.value for one in theirs})
    found = await jobs_naming.lock_jobs_naming(conn, workspace_id, needles, handlers=NAMED_BY_MESSAGE)
    changed: list[tuple[UUID, bytes]] = []
    gone: list[UUID] = []
    for row in found:
        before = bytes(row["payload"])
        after = naming.without_person(before, names)
        if after is None:
            gone.append(row["id"])
        elif after != before:
            changed.append((row["id"], after))
    await jobs_naming.update_payloads(conn, changed)
    return await jobs_naming.delete_queued(conn, gone) + len(changed)


async def record_erasure(
    conn: Conn,
    workspace_id: UUID,
    erased: Erased,
    *,
    actor: Caller | str,
    reason: Ground,
    keys: KeyRing,
    now: datetime,
    again: Listed | None = None,
) -> tuple[Erasure, Listed]:
    """Write the report and the trail of an erasure; also its line for the list outside of the database.

    `again`: the line of an erasure that is applied once more.
    """
    who = actor.actor if isinstance(actor, Caller) else actor
    erasure = Erasure(
        id=again.id if again else new_id(now),
        profile_ids=tuple(again.profile_ids) if again else erased.profile_ids,
        reason=reason,
        requested_by=who,
        erased=erased.erased,
        kept=erased.kept,
        tombstones=len(again.graves) if again else len(erased.tombstones),
        erased_at=again.erased_at if again else now,
    )
    entry = again or Listed(
        id=erasure.id,
        workspace_id=workspace_id,
        profile_ids=list(erased.profile_ids),
        reason=reason,
        requested_by=who,
        erased_at=now,
        people=[one.hex() for one in erased.people],
        graves=[_grave(row) for row in erased.tombstones],
    )
    await erasure_store.insert_erasure(conn, workspace_id, erasure, entry, check_at=now + CHECKS[0])
    told = [
        Told(event=Event.PROFILE_ERASED, at=now, data={"erasure_id": erasure.id, "erased_profile_id": id_})
        for id_ in erased.profile_ids
    ]
    await outbound.tell(conn, workspace_id, told, keys=keys, now=now)
    changes = {"erasure_id": str(erasure.id), "reason": reason.value, "counts": dict(erased.erased)}
    for id_ in erased.profile_ids:
        await audit.record(conn, actor, workspace_id, "profile.erased", "profile", id_, changes, now)
    return erasure, entry


def _grave(row: Mapping[str, Any]) -> Grave:
    return Grave(
        hash=bytes(row["identity_hash"]).hex(),
        channel=row["channel"],
        purpose=row["purpose"],
        topic=row["topic"],
        withdrawn_at=row["withdrawn_at"],
    )
