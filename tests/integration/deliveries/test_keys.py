"""A key belongs to a person: for somebody else it is another delivery, and whoever they are merged with it stays one."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.channels.memory import memory
from sojourn.kit import ids as kit_ids
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.profiles.merges import merge_profile, unmerge_profile
from sojourn.profiles.model import ProfileId
from tests.integration.deliveries.world import Shop, make_people, make_shop, request

rounds = itertools.count()


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    return await make_shop(database, keys, now)


async def merge(shop: Shop, loser: ProfileId, winner: ProfileId) -> None:
    async with shop.db.transaction() as conn:
        await merge_profile(conn, shop.workspace_id, loser_id=loser, winner_id=winner, actor="test", now=shop.now)


async def unmerge(shop: Shop, loser: ProfileId, winner: ProfileId) -> None:
    async with shop.db.transaction() as conn:
        await unmerge_profile(conn, shop.workspace_id, loser_id=loser, winner_id=winner, actor="test", now=shop.now)


async def test_the_same_key_for_somebody_else_is_another_delivery(
    database: Database, keys: KeyRing, now: datetime
) -> None:
    shop = await make_shop(database, keys, now, people=kit_ids.BUCKETS + 1)  # so two of them share a bucket
    made = await shop.request(*(request(profile, "order-777") for profile in shop.people))
    again = await shop.request(*(request(profile, "order-777") for profile in shop.people))
    assert [delivery.profile_id for delivery in made] == shop.people
    assert all(delivery.is_new for delivery in made)
    assert [delivery.id for delivery in again] == [delivery.id for delivery in made]
    assert len({delivery.id for delivery in made}) == len(shop.people)


@pytest.mark.parametrize("loser", [0, 1])
@pytest.mark.parametrize("asked_for", [0, 1])
async def test_a_retry_after_a_merge_sends_nothing_again(shop: Shop, loser: int, asked_for: int) -> None:
    [first] = await shop.request(request(shop.people[0], "order-1"))
    await shop.send()
    await merge(shop, shop.people[loser], shop.people[1 - loser])
    [retry] = await shop.request(request(shop.people[asked_for], "order-1"))
    assert (retry.id, retry.is_new) == (first.id, False)
    assert await shop.send() == 0
    assert len(memory.sent) == 1


async def test_after_a_merge_was_undone_each_has_their_own_keys_again(shop: Shop) -> None:
    one, other = shop.people
    [first] = await shop.request(request(one, "order-1"))
    await merge(shop, one, other)
    [meanwhile] = await shop.request(request(one, "order-2"))
    await unmerge(shop, one, other)
    [retry, of_other] = await shop.request(request(one, "order-1"), request(other, "order-1"))
    assert (retry.id, retry.is_new) == (first.id, False)
    assert (of_other.profile_id, of_other.is_new) == (other, True)
    [stays] = await shop.request(request(other, "order-2"))
    assert (stays.id, stays.is_new) == (meanwhile.id, False), "what was recorded meanwhile stays with the winner"


people = st.integers(0, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), people, st.sampled_from(["a", "b"])), st.tuples(st.just("merge"), people, people)
    ),
    max_size=10,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=steps)
async def test_a_person_gets_a_key_once_however_they_are_merged(shop: Shop, done: list[tuple[str, int, Any]]) -> None:
    async with shop.db.transaction() as conn:
        first = 100 + 4 * next(rounds)
        ids = await make_people(conn, shop.workspace_id, 4, keys=shop.keys, now=shop.now, first=first)
    stands = list(range(4))  # who stands for each of them now
    had: dict[tuple[int, str], set[Any]] = {}
    for what, who, more in done:
        if what == "merge":
            loser, winner = stands[who], stands[more]
            if loser == winner:
                continue
            await merge(shop, ids[loser], ids[winner])
            stands = [winner if stand == loser else stand for stand in stands]
            for key in ("a", "b"):
                had.setdefault((winner, key), set()).update(had.pop((loser, key), set()))
        else:
            [delivery] = await shop.request(request(ids[who], more))
            known = had.setdefault((stands[who], more), set())
            assert delivery.is_new == (not known)
            assert not known or delivery.id in known
            known.add(delivery.id)
