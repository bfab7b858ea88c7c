"""Whom do these references mean? Pure: from what the address table says to a plan of what to write.

One reference may name several addresses, and these may belong to several profiles. The strongest decides: an external
id, then a business-scoped id, a phone line, an email, an anonymous id. Profiles that are hit together become one,
unless two different external ids, or two business-scoped ids of one portfolio, say that they are two people, or
somebody undid a merge of them; then each keeps its own, and the weaker address is a conflict.

A phone line that comes with another business-scoped id than its profile has (same portfolio, no number change told
before) has a new owner: another person, who gets a profile with nothing of the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sojourn.profiles.model import Identity, NewIdentity, ProfileId, ProfileRef, Resolution, Scheme, StoredIdentity
from sojourn.profiles.phone_numbers import address_key

STRENGTH = {
    Scheme.EXTERNAL_ID: 0,
    Scheme.BSUID: 1,
    Scheme.PHONE: 2,
    Scheme.WA_ID: 3,
    Scheme.EMAIL: 4,
    Scheme.ANONYMOUS_ID: 5,
}
LINES = (Scheme.PHONE, Scheme.WA_ID)
MANY = (Scheme.EXTERNAL_ID, Scheme.ANONYMOUS_ID)  # of which none is the one in use


@dataclass(frozen=True, slots=True)
class KeyedRef:
    """A reference with its normalised identities, strongest first, each with its key."""

    identities: tuple[tuple[str, Identity], ...]
    portfolio_id: str | None


@dataclass(slots=True)
class Plan:
    """What to write so that every reference has its profile."""

    resolutions: list[Resolution] = field(default_factory=list)
    fresh: list[ProfileId] = field(default_factory=list)
    inserts: dict[str, NewIdentity] = field(default_factory=dict)
    spellings: dict[str, NewIdentity] = field(default_factory=dict)
    primaries: dict[tuple[ProfileId, Scheme], str] = field(default_factory=dict)
    moves: dict[str, tuple[StoredIdentity, ProfileId]] = field(default_factory=dict)
    merges: dict[ProfileId, ProfileId] = field(default_factory=dict)

    def needed_locks(self) -> set[ProfileId]:
        """Known profiles that must be locked before this is written: everybody of the batch once an address changes.

        None where it only makes new people and names known ones, as most batches do.
        """
        changed = {row.profile_id for row in (*self.inserts.values(), *self.spellings.values())}
        changed |= {owner for owner, _ in self.primaries} | self.merges.keys() | set(self.merges.values())
        changed |= {one for row, winner in self.moves.values() for one in (row.profile_id, winner)}
        changed -= set(self.fresh)
        if not changed:
            return set()
        return (changed | {one.profile_id for one in self.resolutions}) - set(self.fresh)


def keyed(ref: ProfileRef) -> KeyedRef:
    """A reference, ready to be looked up. Its identities must be normalised."""
    found = [(address_key(identity.scheme, identity.value), identity) for identity in ref.identities]
    if len(found) > 1:
        found.sort(key=lambda pair: STRENGTH[pair[1].scheme])
    return KeyedRef(tuple(found), ref.portfolio_id)


def ambiguous_owners(refs: Sequence[KeyedRef], owners: Mapping[str, StoredIdentity]) -> set[ProfileId]:
    """Profiles whose strong ids must be known before references to them can be told apart."""
    found: set[ProfileId] = set()
    for ref in refs:
        hits = {owners[key].profile_id for key, _ in ref.identities if key in owners}
        known = sum(key in owners for key, _ in ref.identities)
        if len(hits) > 1 or (hits and known < len(ref.identities)):
            found |= hits
    return found


def plan(
    refs: Sequence[KeyedRef],
    owners: Mapping[str, StoredIdentity],
    strong: Mapping[ProfileId, Sequence[StoredIdentity]],
    new_profile: Callable[[], ProfileId],
    apart: Collection[frozenset[ProfileId]] = (),
) -> Plan:
    """The plan for a batch of references, taken one after the other: a later one sees what an earlier one made.

    `apart` are pairs of profiles that are known to be two people.
    """
    state = _State(dict(owners), {profile: list(rows) for profile, rows in strong.items()}, new_profile, apart)
    for ref in refs:
        state.take(ref)
    return state.finish()


class _State:
    """The batch so far."""

    def __init__(
        self,
        owners: dict[str, StoredIdentity],
        strong: dict[ProfileId, list[StoredIdentity]],
        new_profile: Callable[[], ProfileId],
        apart: Collection[frozenset[ProfileId]],
    ) -> None:
        self.owners = owners
        self.strong = strong
        self.new_profile = new_profile
        self.apart = apart
        self.plan = Plan()

    def take(self, ref: KeyedRef) -> None:
        """Resolve one reference."""
        hits = self._hits(ref)
        taken = self._split_line(ref, hits)
        winner, conflicts = self._choose(ref, hits)
        is_new = winner is None
        if winner is None:
            winner = self.new_profile()
            self.plan.fresh.append(winner)
            self.strong[winner] = []
        if taken is not None:
            self._move(taken, winner)
        for key, identity in ref.identities:
            owner = self.owners.get(key)
            if owner is None:
                self._attach(winner, key, identity, ref.portfolio_id, is_new=is_new)
            elif self.alias(owner.profile_id) == winner:
                self._respell(owner, identity)
        self.plan.resolutions.append(Resolution(profile_id=winner, is_new=is_new, conflicts=conflicts))

    def alias(self, profile: ProfileId) -> ProfileId:
        """The profile that stands for this one after the merges so far."""
        while profile in self.plan.merges:
            profile = self.plan.merges[profile]
        return profile

    def finish(self) -> Plan:
        """The plan, with profiles that were made and merged away inside the batch left out."""
        plan, born = self.plan, set(self.plan.fresh)
        if plan.merges:
            plan.fresh = [profile for profile in plan.fresh if profile not in plan.merges]
            plan.inserts = {
                key: replace(row, profile_id=self.alias(row.profile_id)) for key, row in plan.inserts.items()
            }
            plan.moves = {key: (row, self.alias(winner)) for key, (row, winner) in plan.moves.items()}
            plan.primaries = {(self.alias(owner), scheme): key for (owner, scheme), key in plan.primaries.items()}
            plan.resolutions = [
                replace(one, profile_id=self.alias(one.profile_id), is_new=one.is_new and one.profile_id in plan.fresh)
                for one in plan.resolutions
            ]
            plan.merges = {loser: self.alias(winner) for loser, winner in plan.merges.items() if loser not in born}
        return plan

    def _hits(self, ref: KeyedRef) -> dict[str, ProfileId]:
        found = ((key, self.owners.get(key)) for key, _ in ref.identities)
        return {key: self.alias(row.profile_id) for key, row in found if row is not None}

    def _split_line(self, ref: KeyedRef, hits: dict[str, ProfileId]) -> str | None:
        """The line that its old owner loses because it comes with another business-scoped id; taken out of `hits`."""
        bsuid = next((key for key, identity in ref.identities if identity.scheme is Scheme.BSUID), None)
        line = next((key for key, identity in ref.identities if identity.scheme in LINES), None)
        if bsuid is None or line is None or line not in hits or hits[line] == hits.get(bsuid):
            return None
        if not self._bsuids(hits[line], ref.portfolio_id) - {bsuid}:
            return None
        del hits[line]
        return line

    def _choose(self, ref: KeyedRef, hits: dict[str, ProfileId]) -> tuple[ProfileId | None, tuple[Scheme, ...]]:
        external = {key for key, identity in ref.identities if identity.scheme is Scheme.EXTERNAL_ID}
        candidates = list(dict.fromkeys(hits.values()))
        if external and not external & hits.keys():
            candidates = [one for one in candidates if not self._externals(one)]
        winner: ProfileId | None = None
        if candidates:
            known = [one for one in candidates if self._externals(one)]
            winner = known[0] if len(known) == 1 else candidates[0]
            for other in candidates:
                if other != winner and self._is_same_person(winner, other):
                    self._merge(other, winner)
        schemes = {key: identity.scheme for key, identity in ref.identities}
        conflicts = tuple(schemes[key] for key, owner in hits.items() if self.alias(owner) != winner)
        return winner, conflicts

    def _externals(self, profile: ProfileId) -> set[str]:
        # Unknown strong ids count as one of their own, so that a doubt never merges two people.
        rows = self.strong.get(profile)
        return {"?"} if rows is None else {row.key for row in rows if row.scheme is Scheme.EXTERNAL_ID}

    def _bsuids(self, profile: ProfileId, portfolio_id: str | None) -> set[str]:
        rows = self.strong.get(profile, [])
        return {row.key for row in rows if row.scheme is Scheme.BSUID and row.portfolio_id == portfolio_id}

    def _is_same_person(self, winner: ProfileId, other: ProfileId) -> bool:
        if self._externals(winner) and self._externals(other):
            return False
        if any({self.alias(one) for one in pair} == {winner, other} for pair in self.apart):
            return False
        portfolios = {row.portfolio_id for row in self.strong.get(other, []) if row.scheme is Scheme.BSUID}
        return not any(self._bsuids(winner, portfolio) for portfolio in portfolios)

    def _merge(self, loser: ProfileId, winner: ProfileId) -> None:
        self.plan.merges[loser] = winner
        if winner in self.strong:
            self.strong[winner].extend(self.strong.get(loser, []))

    def _move(self, key: str, winner: ProfileId) -> None:
        row = self.owners[key]
        self.plan.moves[key] = (row, winner)
        self.owners[key] = replace(row, profile_id=winner)

    def _attach(
        self, winner: ProfileId, key: str, identity: Identity, portfolio_id: str | None, *, is_new: bool
    ) -> None:
        row = NewIdentity(
            key=key,
            profile_id=winner,
            scheme=identity.scheme,
            value=identity.value,
            portfolio_id=portfolio_id if identity.scheme is Scheme.BSUID else None,
        )
        self.plan.inserts[key] = row
        stored = StoredIdentity(
            key=key,
            profile_id=winner,
            scheme=row.scheme,
            value=row.value,
            wa_id=None,
            portfolio_id=row.portfolio_id,
        )
        self.owners[key] = stored
        if winner in self.strong:
            self.strong[winner].append(stored)
        if not is_new and identity.scheme not in MANY:
            self.plan.primaries[(winner, identity.scheme)] = key

    def _respell(self, owner: StoredIdentity, identity: Identity) -> None:
        if identity.scheme is Scheme.PHONE and owner.scheme is Scheme.WA_ID:
            changed = replace(owner, scheme=Scheme.PHONE, value=identity.value, wa_id=owner.value)
        elif identity.scheme is Scheme.WA_ID and owner.scheme is Scheme.PHONE and owner.wa_id != identity.value:
            changed = replace(owner, wa_id=identity.value)
        elif identity.scheme is Scheme.WA_ID and owner.scheme is Scheme.WA_ID and owner.value != identity.value:
            changed = replace(owner, value=identity.value)
        else:
            return
        self.owners[owner.key] = changed
        row = NewIdentity(
            key=changed.key,
            profile_id=changed.profile_id,
            scheme=changed.scheme,
            value=changed.value,
            wa_id=changed.wa_id,
            portfolio_id=changed.portfolio_id,
        )
        if owner.key in self.plan.inserts:
            self.plan.inserts[owner.key] = row
        else:
            self.plan.spellings[owner.key] = row
