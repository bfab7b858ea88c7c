"""Find or make the profile that a fact is about; attributes, merges, addresses that move or fail, erasing."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import announce
from sojourn.profiles import identity_store, merge_store, resolution, store
from sojourn.profiles.attributes import EMPTY, Patch, make_patch, merge, type_of
from sojourn.profiles.merges import apply_merges, merge_profile, unmerge_profile
from sojourn.profiles.model import (
    Identity,
    IdentityState,
    InvalidIdentity,
    NewIdentity,
    Profile,
    ProfileId,
    ProfileRef,
    Resolution,
    Scheme,
)
from sojourn.profiles.phone_numbers import address_key, country_of, normalise_identity
from sojourn.profiles.settling import settle_addresses
from sojourn.profiles.signals import AddressLost, ProfilesTouched
from sojourn.workspaces import audit
from sojourn.workspaces.caller import SYSTEM

__all__ = [
    "erase_profiles",
    "merge_profile",
    "resolve_profiles",
    "resolve_refs",
    "unmerge_profile",
    "update_attributes",
]


async def resolve_profiles(
    conn: Conn,
    workspace_id: UUID,
    refs: Sequence[ProfileRef],
    *,
    now: datetime,
    source: str,
    default_region: str | None = None,
) -> list[ProfileId]:
    """The profile of each reference, in their order; who is unknown becomes a profile. See `resolve_refs`."""
    found = await resolve_refs(conn, workspace_id, refs, now=now, source=source, default_region=default_region)
    return [one.profile_id for one in found]


async def resolve_refs(
    conn: Conn,
    workspace_id: UUID,
    refs: Sequence[ProfileRef],
    *,
    now: datetime,
    source: str,
    default_region: str | None = None,
) -> list[Resolution]:
    """The profile of each reference, in their order; makes who is missing and merges attributes, all set-based.

    Two processes that see a new person at the same moment make one profile: an address has one row, and whoever loses
    the race for it reads again. Announces ProfilesTouched, and ProfilesMerged or AddressLost where that happened.
    Raises InvalidIdentity for a reference without a usable identity, and changes nothing then.
    """
    refs = [_normalised(ref, default_region) for ref in refs]
    keyed = [resolution.keyed(ref) for ref in refs]
    plan = await settle_addresses(conn, workspace_id, keyed, functools.partial(_new_profile_id, now), now)
    patches: dict[ProfileId, Patch] = {}
    for ref, found in zip(refs, plan.resolutions, strict=True):
        if ref.attributes:
            patch = make_patch(ref.attributes)
            patches[found.profile_id] = merge(patches.get(found.profile_id, EMPTY), patch)
    tests = {found.profile_id for ref, found in zip(refs, plan.resolutions, strict=True) if ref.is_test}
    await _insert_fresh(conn, workspace_id, plan, patches, tests=tests, source=source, now=now)
    born = set(plan.fresh)
    known = [(profile, patch) for profile, patch in patches.items() if profile not in born]
    changed = await store.update_attributes(conn, known, source=source, now=now)
    if tests - born:
        await store.update_test_flags(conn, sorted(tests - born), now)
    await _note_attributes(conn, workspace_id, patches.values(), now)
    await _apply_moves(conn, workspace_id, plan, now)
    await apply_merges(conn, workspace_id, plan.merges, actor=SYSTEM, now=now)
    touched = [*plan.fresh, *changed]
    if touched:
        await announce(conn, [ProfilesTouched(workspace_id=workspace_id, profile_ids=list(touched), kind="attributes")])
    return plan.resolutions


def _normalised(ref: ProfileRef, region: str | None) -> ProfileRef:
    if not ref.identities:
        raise InvalidIdentity("identity", "a reference names at least one identity")
    identities = tuple([normalise_identity(identity, region) for identity in ref.identities])
    if identities == ref.identities:
        return ref
    return ProfileRef(
        identities=identities, attributes=ref.attributes, portfolio_id=ref.portfolio_id, is_test=ref.is_test
    )


def _new_profile_id(now: datetime) -> ProfileId:
    return ProfileId(new_id(now))


async def _insert_fresh(
    conn: Conn,
    workspace_id: UUID,
    plan: resolution.Plan,
    patches: Mapping[ProfileId, Patch],
    *,
    tests: set[ProfileId],
    source: str,
    now: datetime,
) -> None:
    if not plan.fresh:
        return
    phones = {
        row.profile_id: row.value if row.scheme is Scheme.PHONE else "+" + row.value
        for row in plan.inserts.values()
        if row.scheme in resolution.LINES
    }
    profiles = []
    for profile_id in plan.fresh:
        patch = patches.get(profile_id, EMPTY)
        country = patch.country or (country_of(phones[profile_id]) if profile_id in phones else None)
        profiles.append(
            Profile(
                id=profile_id,
                workspace_id=workspace_id,
                attributes=patch.values,
                locale=patch.locale,
                timezone=patch.timezone,
                country=country,
                is_test=profile_id in tests,
                source=source,
                created_at=now,
                updated_at=now,
            )
        )
    await store.insert_profiles(conn, profiles)


_seen_attributes: set[tuple[UUID, str, str]] = set()
SEEN_MAX = 50_000


async def _note_attributes(conn: Conn, workspace_id: UUID, patches: Iterable[Patch], now: datetime) -> None:
    """Keep the light schema: each attribute and its type once. What this process has noted it does not note again."""
    types: dict[str, str] = {}
    for patch in patches:
        for name, value in patch.values.items():
            found = type_of(value)
            if (workspace_id, name, found) not in _seen_attributes:
                types[name] = found if types.get(name, found) == found else "mixed"
    if not types:
        return
    await store.insert_attribute_definitions(conn, workspace_id, types, now)
    if len(_seen_attributes) > SEEN_MAX:
        _seen_attributes.clear()
    _seen_attributes.update((workspace_id, name, found) for name, found in types.items())


async def _apply_moves(conn: Conn, workspace_id: UUID, plan: resolution.Plan, now: datetime) -> None:
    if not plan.moves:
        return
    lost = [(row.profile_id, row) for row, _ in plan.moves.values()]
    owners = {key: winner for key, (_, winner) in plan.moves.items()}
    await identity_store.update_owner_of_keys(conn, workspace_id, owners, now)
    await identity_store.insert_lost(conn, workspace_id, lost, now)
    for row, winner in plan.moves.values():
        await _tell_loss(conn, workspace_id, row.scheme, loser=row.profile_id, winner=winner, now=now)


async def _tell_loss(
    conn: Conn, workspace_id: UUID, scheme: Scheme, *, loser: ProfileId, winner: ProfileId, now: datetime
) -> None:
    changes = [(loser, str(scheme), "lost", winner), (winner, str(scheme), "moved_in", loser)]
    await identity_store.insert_changes(conn, workspace_id, changes, now)
    seen = {"scheme": str(scheme), "new_profile_id": str(winner)}
    await audit.record(conn, SYSTEM, workspace_id, "profile.address_lost", "profile", loser, seen, now)
    lost = AddressLost(
        workspace_id=workspace_id, profile_id=loser, new_profile_id=winner, scheme=str(scheme), lost_at=now
    )
    await announce(conn, [lost])


async def update_attributes(
    conn: Conn,
    workspace_id: UUID,
    changes: Sequence[tuple[ProfileId, Mapping[str, Any]]],
    now: datetime,
    *,
    source: str = "api",
) -> list[ProfileId]:
    """Merge attributes into profiles; a null removes one. Returns the profiles that really changed.

    What is said about a merged profile goes to the one that stands for it. `source` goes into the history.
    """
    standing = await merge_store.find_standing(conn, {profile_id for profile_id, _ in changes})
    patches: dict[ProfileId, Patch] = {}
    for given_id, attributes in changes:
        profile_id = standing.get(given_id, given_id)
        patches[profile_id] = merge(patches.get(profile_id, EMPTY), make_patch(attributes))
    changed = await store.update_attributes(conn, list(patches.items()), source=source, now=now)
    await _note_attributes(conn, workspace_id, patches.values(), now)
    if changed:
        await announce(conn, [ProfilesTouched(workspace_id=workspace_id, profile_ids=list(changed), kind="attributes")])
    return changed


async def attach_identities(
    conn: Conn, workspace_id: UUID, additions: Sequence[tuple[ProfileId, Identity]], *, now: datetime
) -> list[bool]:
    """Give further addresses to known profiles (the WhatsApp id that Meta answered a phone number with).

    An address that belongs to somebody else stays there: False in its place. Those of a merged profile go to the one
    that stands for it.
    """
    people = await store.lock_people(conn, [profile_id for profile_id, _ in additions])
    rows = [(people[profile_id][0], normalise_identity(identity)) for profile_id, identity in additions]
    keys = [address_key(identity.scheme, identity.value) for _, identity in rows]
    inserts: dict[str, NewIdentity] = {}
    for key, (profile_id, identity) in zip(keys, rows, strict=True):
        inserts.setdefault(
            key,
            NewIdentity(key=key, profile_id=profile_id, scheme=identity.scheme, value=identity.value),
        )
    await identity_store.insert_identities(conn, workspace_id, list(inserts.values()), now)
    owners = await identity_store.find_owners(conn, workspace_id, keys)
    spellings = {
        key: NewIdentity(
            key=key, profile_id=profile_id, scheme=Scheme.PHONE, value=owners[key].value, wa_id=identity.value
        )
        for key, (profile_id, identity) in zip(keys, rows, strict=True)
        if identity.scheme is Scheme.WA_ID
        and owners[key].profile_id == profile_id
        and owners[key].scheme is Scheme.PHONE
        and owners[key].wa_id != identity.value
    }
    await identity_store.update_spellings(conn, workspace_id, list(spellings.values()), now)
    return [owners[key].profile_id == profile_id for key, (profile_id, _) in zip(keys, rows, strict=True)]


async def move_identity(
    conn: Conn, workspace_id: UUID, *, old: Sequence[Identity], new: Sequence[Identity], now: datetime
) -> ProfileId | None:
    """The person behind `old` told the platform a new number or id: `new` is theirs now, the old ones are not.

    Consent stays with the address that it was given for. Whoever had a new address before loses it. Returns the
    profile, or None when nobody here had any of the old addresses.
    """
    former = [normalise_identity(one) for one in old]
    fresh = [normalise_identity(identity) for identity in new]
    owners = await identity_store.find_by_identity(conn, workspace_id, [*former, *fresh])
    await store.lock_whole_people(conn, set(owners.values()))
    owners = await identity_store.find_by_identity(conn, workspace_id, former)
    if not owners:
        return None
    profile_id = next(iter(owners.values()))
    rows = {
        key: NewIdentity(key=key, profile_id=profile_id, scheme=one.scheme, value=one.value)
        for key, one in ((address_key(one.scheme, one.value), one) for one in fresh)
    }
    await identity_store.insert_identities(conn, workspace_id, list(rows.values()), now)
    current = await identity_store.find_owners(conn, workspace_id, rows)
    for key, row in current.items():
        if row.profile_id != profile_id:
            await identity_store.update_owner_of_keys(conn, workspace_id, {key: profile_id}, now)
            await identity_store.insert_lost(conn, workspace_id, [(row.profile_id, row)], now)
            await _tell_loss(conn, workspace_id, row.scheme, loser=row.profile_id, winner=profile_id, now=now)
    gone = {address_key(one.scheme, one.value) for one in owners} - rows.keys()
    await identity_store.delete_keys(conn, workspace_id, gone)
    primaries = [(profile_id, row.scheme, key) for key, row in rows.items()]
    await identity_store.update_primaries(conn, workspace_id, primaries)
    changes = [(profile_id, str(one.scheme), "replaced", None) for one in fresh]
    await identity_store.insert_changes(conn, workspace_id, changes, now)
    await announce(conn, [ProfilesTouched(workspace_id=workspace_id, profile_ids=[profile_id], kind="identity")])
    return profile_id


async def mark_unreachable(
    conn: Conn, workspace_id: UUID, identities: Iterable[Identity], *, now: datetime, needed_days: int = 3
) -> list[ProfileId]:
    """Count a failure as "not on WhatsApp" for these addresses.

    Failures on `needed_days` distinct days (UTC) make an address unreachable; 1 makes it so at once. Returns the
    profiles of those that became it now.
    """
    keys = [address_key(one.scheme, one.value) for one in map(normalise_identity, identities)]
    marked = await identity_store.update_unreachable(
        conn, workspace_id, keys, day=now.date(), needed_days=needed_days, now=now
    )
    return list(dict.fromkeys(profile_id for profile_id, _ in marked))


async def clear_unreachable(conn: Conn, workspace_id: UUID, identities: Iterable[Identity], *, now: datetime) -> None:
    """These addresses have shown life (an inbound message, a delivery): earlier failures are forgotten."""
    keys = [address_key(one.scheme, one.value) for one in map(normalise_identity, identities)]
    await identity_store.update_reachable(conn, workspace_id, keys, now)


async def confirm_identity(conn: Conn, workspace_id: UUID, profile_id: ProfileId, *, now: datetime) -> None:
    """The person confirmed that an address which had changed hands is theirs: it may be used again."""
    rows = (await identity_store.list_identities(conn, workspace_id, [profile_id]))[profile_id]
    changed = {
        identity_store.lost_key(profile_id, row.key) for row in rows if row.state is IdentityState.IDENTITY_CHANGED
    }
    await identity_store.update_confirmed(conn, workspace_id, changed, now)


async def erase_profiles(conn: Conn, workspace_id: UUID, ids: Sequence[UUID], now: datetime) -> dict[str, int]:
    """Erase addresses, attributes and data keys of people, and of the profiles merged into them. Counts a table.

    The bare row stays, so that what refers to it still finds that somebody was there. Repeating it counts zero.
    """
    aliases = await store.list_aliases(conn, ids)
    return await store.delete_people(conn, workspace_id, [*ids, *(a for rows in aliases.values() for a in rows)], now)
