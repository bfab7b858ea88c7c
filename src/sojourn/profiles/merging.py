"""What a merge gives to the winner, and what undoing it takes back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.profiles.attributes import Patch
from sojourn.profiles.model import Profile, ProfileId

FACTS = ("locale", "timezone", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """One merge as it was done. `keys` are the addresses that went along, `primary_keys` those in use among them.

    `given` are attributes, `given_facts` the locale, zone and country that the winner lacked and got.
    """

    id: UUID
    loser_id: ProfileId
    winner_id: ProfileId
    keys: tuple[str, ...]
    primary_keys: tuple[str, ...]
    given: Mapping[str, Any]
    given_facts: Mapping[str, str]
    merged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What to take from a profile, as far as it still has these values."""

    profile_id: ProfileId
    given: Mapping[str, Any]
    given_facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """How to undo one merge: what profiles above give back, later merges without it, and who goes along."""

    merge: Merge
    takings: tuple[Taking, ...]
    amended: tuple[Merge, ...]
    followers: tuple[ProfileId, ...]


def fill_in(winner: Profile, loser: Profile) -> tuple[Profile, Patch]:
    """The winner with what it lacked and the loser has, and that difference."""
    given = {name: value for name, value in loser.attributes.items() if name not in winner.attributes}
    facts = {name: getattr(loser, name) if getattr(winner, name) is None else None for name in FACTS}
    patch = Patch(values=given, removed=(), **facts)
    filled = {name: value for name, value in facts.items() if value is not None}
    return replace(winner, attributes={**given, **winner.attributes}, **filled), patch


def undoing_of(loser: ProfileId, merges: Mapping[ProfileId, Merge]) -> Undoing:
    """How to undo the merge of `loser`. `merges` are those in force among the profiles of one person, by loser.

    The merge may stand below later ones: what they passed on is taken back all the way up. Raises KeyError for a
    profile that no merge in force made an alias.
    """
    merge = merges[loser]
    given, facts = merge.given, merge.given_facts
    takings = [Taking(profile_id=merge.winner_id, given=given, given_facts=facts)]
    amended = []
    above = merges.get(merge.winner_id)
    while above is not None:
        given, facts = _passed_on(given, above.given), _passed_on(facts, above.given_facts)
        takings.append(Taking(profile_id=above.winner_id, given=given, given_facts=facts))
        amended.append(_without(above, merge, given, facts))
        above = merges.get(above.winner_id)
    return Undoing(
        merge=merge, takings=tuple(takings), amended=tuple(amended), followers=tuple(_below(loser, merges.values()))
    )


def _passed_on(given: Mapping[str, Any], further: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in further and further[name] == value}


def _without(above: Merge, merge: Merge, given: Mapping[str, Any], facts: Mapping[str, str]) -> Merge:
    return replace(
        above,
        keys=tuple(key for key in above.keys if key not in merge.keys),
        primary_keys=tuple(key for key in above.primary_keys if key not in merge.keys),
        given={name: value for name, value in above.given.items() if name not in given},
        given_facts={name: value for name, value in above.given_facts.items() if name not in facts},
    )


def _below(profile: ProfileId, merges: Iterable[Merge]) -> list[ProfileId]:
    """Everybody who had become an alias of this profile, directly or through others."""
    every = list(merges)
    found: list[ProfileId] = []
    fresh = [profile]
    while fresh:
        fresh = [merge.loser_id for merge in every if merge.winner_id in fresh]
        found.extend(fresh)
    return found


def to_take(profile: Profile, taking: Taking) -> tuple[Patch, dict[str, str]]:
    """The patch that takes attributes back, and the facts to empty: only values that nobody changed since."""
    names = [
        name for name, value in taking.given.items() if name in profile.attributes and profile.attributes[name] == value
    ]
    facts = {name: value for name, value in taking.given_facts.items() if getattr(profile, name) == value}
    return Patch(values={}, removed=tuple(names), locale=None, timezone=None, country=None), facts
