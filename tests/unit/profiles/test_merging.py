"""What merges give and undoing them takes, as values."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from sojourn.profiles.merging import Merge, Taking, fill_in, to_take, undoing_of
from sojourn.profiles.model import Profile, ProfileId

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
A, B, C, D = (ProfileId(UUID(int=number)) for number in range(1, 5))


def person(profile: ProfileId = A, **more):
    return Profile(id=profile, workspace_id=UUID(int=9), created_at=NOW, updated_at=NOW, **more)


def merge(loser, winner, keys=(), given=None, facts=None):
    return Merge(
        id=UUID(int=loser.int * 100),
        loser_id=loser,
        winner_id=winner,
        keys=tuple(keys),
        primary_keys=tuple(keys),
        given=given or {},
        given_facts=facts or {},
        merged_at=NOW,
    )


def test_the_winner_gets_only_what_it_lacks():
    winner = person(attributes={"name": "Anna"}, locale="nl")
    filled, patch = fill_in(winner, person(B, attributes={"name": "A.", "city": "Leeds"}, locale="en", country="GB"))
    assert filled.attributes == {"name": "Anna", "city": "Leeds"}
    assert (filled.locale, filled.country) == ("nl", "GB")
    assert (patch.values, patch.locale, patch.country) == ({"city": "Leeds"}, None, "GB")


def test_what_was_changed_since_is_not_taken_back():
    taking = Taking(profile_id=A, given={"city": "Leeds", "tier": 1, "gone": 2}, given_facts={"country": "GB"})
    patch, facts = to_take(person(attributes={"city": "Leeds", "tier": 2}, country="NL"), taking)
    assert (patch.removed, facts) == (("city",), {})


def test_what_was_passed_on_is_taken_all_the_way_up_and_later_merges_forget_it():
    merges = {
        A: merge(A, B, ["a"], {"x": 1, "y": 1}, {"country": "GB"}),
        B: merge(B, C, ["a", "b"], {"x": 1, "z": 1}, {"country": "GB"}),
    }
    undoing = undoing_of(A, merges)
    assert [(one.profile_id, dict(one.given)) for one in undoing.takings] == [(B, {"x": 1, "y": 1}), (C, {"x": 1})]
    [amended] = undoing.amended
    assert (amended.keys, amended.primary_keys, amended.given, amended.given_facts) == (("b",), ("b",), {"z": 1}, {})


def test_those_below_go_along():
    merges = {A: merge(A, B), D: merge(D, A), B: merge(B, C)}
    assert undoing_of(B, merges).followers == (A, D)
    assert undoing_of(D, merges).followers == ()
    with pytest.raises(KeyError):
        undoing_of(C, merges)
