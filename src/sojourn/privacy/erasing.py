"""Carries out requests for erasure: dry runs, the list outside of the database, late reports, restored backups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from sojourn.channels import privacy as channels
from sojourn.consents import erasure as consents
from sojourn.kit import json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of_key, new_id
from sojourn.kit.jobs import Work
from sojourn.privacy import erasure_list, erasure_store
from sojourn.privacy.actions import erase_people, record_erasure
from sojourn.privacy.erasure_model import CHECKS, Erasure, Ground, Listed
from sojourn.privacy.retention import Transactions
from sojourn.profiles import store as profiles
from sojourn.profiles.model import Identity, ProfileId, UnknownProfile
from sojourn.profiles.phone_numbers import normalise_identity
from sojourn.workspaces.caller import SYSTEM, Caller
from sojourn.workspaces.store import get_workspace

log = structlog.get_logger(__name__)

LIVING_BATCH = 10_000


class _RollBack(Exception):
    """Undoes what a dry run erased to count it."""


async def request_erasure(
    transaction: Transactions,
    caller: Caller,
    *,
    keys: KeyRing,
    data_dir: Path,
    reason: Ground,
    now: datetime,
    profile_id: UUID | None = None,
    identities: Sequence[Identity] = (),
    is_dry_run: bool = False,
) -> Erasure:
    """Erase the person with this profile or these addresses; the report.

    All tables change in one transaction; after it the list outside of the database is on the disk before this returns.
    A dry run erases in a transaction that it rolls back: its counts are those of the real run at the same moment.
    Raises UnknownProfile for a profile that is not in the workspace, InvalidIdentity for what is no address.
    """
    report: Erasure | None = None
    try:
        async with transaction() as conn:
            people, theirs = await _find(conn, caller.workspace_id, profile_id, identities)
            erased = await erase_people(conn, caller.workspace_id, people, keys=keys, now=now, identities=theirs)
            if is_dry_run:
                report = Erasure(
                    id=new_id(now), profile_ids=erased.profile_ids, reason=reason, requested_by=caller.actor,
                    erased=erased.erased, kept=erased.kept, tombstones=len(erased.tombstones), erased_at=now,
                    is_dry_run=True,
                )  # fmt: skip
                raise _RollBack
            report, entry = await record_erasure(
                conn, caller.workspace_id, erased, actor=caller, reason=reason, keys=keys, now=now
            )
        await erasure_list.append(data_dir, [entry])
    except _RollBack:
        pass
    assert report is not None
    return report


async def _find(
    conn: Conn, workspace_id: UUID, profile_id: UUID | None, identities: Sequence[Identity]
) -> tuple[list[ProfileId], list[Identity]]:
    """The profiles that stand for the person now, and the addresses as they are stored."""
    if profile_id is not None:
        found = (await profiles.get_profiles(conn, workspace_id, [profile_id])).get(ProfileId(profile_id))
        if found is None:
            raise UnknownProfile(profile_id=str(profile_id))
        if found.merged_into is not None and found.erased_at is None:
            return await _find(conn, workspace_id, found.merged_into, ())
        return [found.id], []
    region = (await get_workspace(conn, workspace_id)).default_country
    theirs = [normalise_identity(one, region) for one in identities]
    owners = await profiles.find_by_identity(conn, workspace_id, theirs)
    return sorted(set(owners.values())), theirs


async def finish_erasures(work: Work) -> None:
    """Look again at erasures about which reports may still have come.

    Raw bodies that arrived since are redacted every time; now and then everything is erased once more, for what was
    being written at the very moment of the erasure.
    """
    now = work.now()
    async with work.transaction() as conn:
        open_checks = await erasure_store.list_open_checks(conn, now)
    by_workspace: dict[UUID, list[bytes]] = {}
    for check in open_checks:
        by_workspace.setdefault(check.workspace_id, []).extend(bytes(one) for one in check.people)
    for workspace_id, hashes in by_workspace.items():
        async with work.transaction() as conn:
            await channels.redact_late_bodies(conn, workspace_id, hashes, keys=work.keys)
    for check in open_checks:
        if not check.is_due:
            continue
        async with work.transaction() as conn:
            people = [ProfileId(id_) for id_ in check.profile_ids]
            await erase_people(conn, check.workspace_id, people, keys=work.keys, now=now)
            done = sum(1 for after in CHECKS if check.erased_at + after <= now)
            following = check.erased_at + CHECKS[done] if done < len(CHECKS) else None
            await erasure_store.update_check(conn, check.id, checks=done, next_at=following)


async def apply_again(transaction: Transactions, *, keys: KeyRing, data_dir: Path, now: datetime) -> int:
    """Bring database and list into line: people whom a restored backup brought back are erased again. How many.

    Tombstones come from the list, so that a stop between the backup and the erasure holds too. Erasures that the list
    lacks, because a process died right after its commit, are added to it.
    """
    listed = await erasure_list.read(data_dir)
    async with transaction() as conn:
        known = await erasure_store.list_known(conn, [entry.id for entry in listed])
        entries = await erasure_store.list_entries(conn)
        living = await _living(conn, listed)
    there = {entry.id for entry in listed}
    await erasure_list.append(data_dir, [_decode(line) for id_, line in entries if id_ not in there])
    again = [entry for entry in listed if entry.id not in known or living.intersection(entry.profile_ids)]
    for entry in again:
        async with transaction() as conn:
            await _apply(conn, entry, living, keys=keys, now=now)
    if again:
        log.warning("erasures_applied_again", erasures=len(again), people=len(living))
    return len(living)


async def _living(conn: Conn, listed: Sequence[Listed]) -> set[UUID]:
    ids = sorted({id_ for entry in listed for id_ in entry.profile_ids})
    found: set[UUID] = set()
    for start in range(0, len(ids), LIVING_BATCH):
        batch = await erasure_store.list_living(conn, ids[start : start + LIVING_BATCH])
        found.update(id_ for _, id_ in batch)
    return found


async def _apply(conn: Conn, entry: Listed, living: set[UUID], *, keys: KeyRing, now: datetime) -> None:
    people = [ProfileId(id_) for id_ in entry.profile_ids if id_ in living]
    erased = await erase_people(conn, entry.workspace_id, people, keys=keys, now=now)
    graves = [
        {
            "identity_hash": bytes.fromhex(grave.hash), "bucket": bucket_of_key(grave.hash), "channel": grave.channel,
            "purpose": grave.purpose, "topic": grave.topic, "withdrawn_at": grave.withdrawn_at, "recorded_at": now,
        }
        for grave in entry.graves
    ]  # fmt: skip
    await consents.keep_tombstones(conn, entry.workspace_id, graves)
    await channels.redact_late_bodies(conn, entry.workspace_id, [bytes.fromhex(one) for one in entry.people], keys=keys)
    await record_erasure(
        conn, entry.workspace_id, erased, actor=SYSTEM, reason=entry.reason, keys=keys, now=now, again=entry
    )


def _decode(line: str) -> Listed:
    return json.decode_as(line, Listed)
