"""Make two profiles one, and undo it. Nothing of their history moves: the loser becomes an alias of the winner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of, new_id
from sojourn.kit.jobs import announce
from sojourn.profiles import identity_store, merge_store, store
from sojourn.profiles.attributes import EMPTY, Patch, merge
from sojourn.profiles.merging import FACTS, Merge, Taking, Undoing, fill_in, to_take, undoing_of
from sojourn.profiles.model import MergeRefused, Profile, ProfileId, UnmergeRefused
from sojourn.profiles.signals import ProfilesMerged, ProfilesTouched
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmerged:
    """What undoing a merge did. `keys`: addresses that went back; `stood` are all who stood for the loser meanwhile."""

    profile_id: ProfileId
    restored_id: ProfileId
    keys: list[str]
    stood: list[ProfileId]
    merged_at: datetime


async def apply_merges(
    conn: Conn, workspace_id: UUID, merges: Mapping[ProfileId, ProfileId], *, actor: Caller | str, now: datetime
) -> None:
    """Make losers aliases of winners (loser to winner): addresses move, missing attributes are filled in.

    The caller holds the locks of all of them and of their aliases, and knows that each stands for itself.
    """
    if not merges:
        return
    pairs = sorted(merges.items())
    people = {profile for pair in pairs for profile in pair}
    known = await store.get_profiles(conn, workspace_id, people)
    moved = await identity_store.update_owner(conn, workspace_id, pairs, now)
    done: list[Merge] = []
    patches: dict[ProfileId, Patch] = {}
    for loser, winner in pairs:
        known[winner], patch = fill_in(known[winner], known[loser])
        patches[winner] = merge(patches.get(winner, EMPTY), patch)
        facts = {name: getattr(patch, name) for name in FACTS if getattr(patch, name) is not None}
        keys = sorted(moved.get(loser, []))
        done.append(
            Merge(
                id=new_id(now, bucket_of(loser)),
                loser_id=loser,
                winner_id=winner,
                keys=tuple(key for key, _ in keys),
                primary_keys=tuple(key for key, was_primary in keys if was_primary),
                given=patch.values,
                given_facts=facts,
                merged_at=now,
            )
        )
    await store.update_attributes(conn, list(patches.items()), source="merge", now=now)
    await merge_store.update_merged(conn, pairs, now)
    await merge_store.insert_merges(conn, workspace_id, done)
    changes = [(loser, "profile", "merged", winner) for loser, winner in pairs]
    await identity_store.insert_changes(conn, workspace_id, changes, now)
    for loser, winner in pairs:
        merged = {"merged_into": str(winner)}
        await audit.record(conn, actor, workspace_id, "profile.merged", "profile", loser, merged, now)
    await announce(
        conn,
        [
            ProfilesMerged(workspace_id=workspace_id, profile_id=winner, loser_id=loser, merged_at=now)
            for loser, winner in pairs
        ],
    )


async def merge_profile(
    conn: Conn, workspace_id: UUID, *, loser_id: UUID, winner_id: UUID, actor: Caller | str, now: datetime
) -> Profile:
    """Make one profile an alias of another by hand: addresses move, missing attributes are filled in.

    No row of their history moves. Raises UnknownProfile, and MergeRefused for a profile with itself. Repeating it
    changes nothing.
    """
    await _lock_people(conn, workspace_id, loser_id, winner_id)
    winner = await store.get_profile(conn, workspace_id, winner_id)
    given = (await store.get_profiles(conn, workspace_id, [loser_id]))[ProfileId(loser_id)]
    if given.merged_into == winner.id:
        return winner
    loser = await store.get_profile(conn, workspace_id, loser_id)
    if loser.id == winner.id:
        raise MergeRefused(profile_id=str(winner_id), reason="same_profile")
    await apply_merges(conn, workspace_id, {loser.id: winner.id}, actor=actor, now=now)
    return await store.get_profile(conn, workspace_id, winner.id)


async def _lock_people(conn: Conn, workspace_id: UUID, *ids: UUID) -> None:
    """Lock the people behind these profiles: two merges at once must not make each an alias of the other."""
    for id_ in ids:
        await store.get_profile(conn, workspace_id, id_)
    await store.lock_whole_people(conn, ids)


async def unmerge_profile(
    conn: Conn, workspace_id: UUID, *, loser_id: UUID, winner_id: UUID, actor: Caller | str, now: datetime
) -> Unmerged:
    """Undo the merge that made `loser_id` an alias of `winner_id`, or of a profile that was merged into it later.

    The addresses that went along go back as far as the winner still has them, so do attributes that it got and nobody
    changed since; profiles that had been merged into the loser go with it. What was recorded meanwhile stays with the
    winner. From now on only a merge by hand makes them one again. Raises UnknownProfile and UnmergeRefused.
    """
    await _lock_people(conn, workspace_id, loser_id, winner_id)
    standing = await store.get_profile(conn, workspace_id, winner_id)
    aliases = await merge_store.find_aliases(conn, [standing.id])
    if loser_id not in aliases:
        raise UnmergeRefused(profile_id=str(winner_id), loser_id=str(loser_id), reason="not_merged")
    merges = await merge_store.list_merges(conn, workspace_id, aliases)
    if loser_id not in merges:
        raise UnmergeRefused(profile_id=str(winner_id), loser_id=str(loser_id), reason="merge_not_recorded")
    undoing = undoing_of(ProfileId(loser_id), merges)
    keys = await _undo(conn, workspace_id, undoing, standing.id, now)
    pair = (undoing.merge.loser_id, standing.id)
    changes = [(pair[0], "profile", "unmerged", pair[1]), (pair[1], "profile", "unmerged", pair[0])]
    await identity_store.insert_changes(conn, workspace_id, changes, now)
    seen = {"unmerged_from": str(standing.id), "addresses": len(keys)}
    await audit.record(conn, actor, workspace_id, "profile.unmerged", "profile", loser_id, seen, now)
    await announce(conn, [ProfilesTouched(workspace_id=workspace_id, profile_ids=list(pair), kind="unmerge")])
    return Unmerged(
        profile_id=standing.id,
        restored_id=pair[0],
        keys=keys,
        stood=[taking.profile_id for taking in undoing.takings],
        merged_at=undoing.merge.merged_at,
    )


async def _undo(conn: Conn, workspace_id: UUID, undoing: Undoing, standing_id: ProfileId, now: datetime) -> list[str]:
    merge = undoing.merge
    keys = await merge_store.return_keys(conn, workspace_id, merge, standing_id=standing_id, now=now)
    await _take_back(conn, workspace_id, undoing.takings, now)
    await merge_store.update_unmerged(conn, merge.loser_id, undoing.followers, now)
    await merge_store.update_merges(conn, undoing.amended)
    await merge_store.update_undone(conn, merge, standing_id=standing_id, now=now)
    return keys


async def _take_back(conn: Conn, workspace_id: UUID, takings: tuple[Taking, ...], now: datetime) -> None:
    known = await store.get_profiles(conn, workspace_id, [taking.profile_id for taking in takings])
    patches: list[tuple[UUID, Patch]] = []
    facts: dict[UUID, Mapping[str, str]] = {}
    for taking in takings:
        patch, emptied = to_take(known[taking.profile_id], taking)
        if patch.removed:
            patches.append((taking.profile_id, patch))
        if emptied:
            facts[taking.profile_id] = emptied
    await store.update_attributes(conn, patches, source="unmerge", now=now)
    await merge_store.clear_facts(conn, facts, now)
