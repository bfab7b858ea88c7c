"""A merge that is undone, on a real database."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from sojourn.profiles import actions, identity_store, store
from sojourn.profiles.model import Identity, ProfileRef, Scheme, UnknownProfile, UnmergeRefused
from sojourn.workspaces.store import list_audit_entries

WORKSPACE = uuid4()


def ref(attributes=None, **identities):
    return ProfileRef(
        identities=tuple(Identity(Scheme(name), value) for name, value in identities.items()), attributes=attributes
    )


async def resolve(conn, now, *refs):
    return await actions.resolve_profiles(conn, WORKSPACE, refs, now=now, source="test")


async def merge(conn, now, *, loser, winner):
    await actions.merge_profile(conn, WORKSPACE, loser_id=loser, winner_id=winner, actor="system", now=now)


async def unmerge(conn, now, *, loser, winner):
    return await actions.unmerge_profile(conn, WORKSPACE, loser_id=loser, winner_id=winner, actor="key:1", now=now)


async def addresses(conn, profile):
    rows = (await store.list_identities(conn, WORKSPACE, [profile]))[profile]
    return {(row.value, row.is_primary) for row in rows}


async def test_both_are_as_they_were_before(conn, now):
    [anna, bea] = await resolve(
        conn,
        now,
        ref({"name": "Anna", "locale": "nl"}, phone="+447700900101"),
        ref({"name": "Bea", "city": "Leeds", "timezone": "Europe/London"}, phone="+447700900102", email="b@x.org"),
    )
    before = await store.get_profiles(conn, WORKSPACE, [anna, bea])
    homes = await addresses(conn, anna), await addresses(conn, bea)
    await merge(conn, now, loser=bea, winner=anna)
    assert await addresses(conn, bea) == set()
    done = await unmerge(conn, now + timedelta(minutes=1), loser=bea, winner=anna)
    assert (done.profile_id, done.restored_id, len(done.keys)) == (anna, bea, 2)
    after = await store.get_profiles(conn, WORKSPACE, [anna, bea])
    for person in (anna, bea):
        assert after[person].merged_into is None
        assert after[person].attributes == before[person].attributes
        assert after[person].timezone == before[person].timezone
    assert (await addresses(conn, anna), await addresses(conn, bea)) == homes
    assert await resolve(conn, now, ref(phone="+447700900102"), ref(email="b@x.org")) == [bea, bea]
    assert await store.list_aliases(conn, [anna]) == {}
    [entry, _] = await list_audit_entries(conn, WORKSPACE, object_id=str(bea), limit=5)
    assert (entry.action, entry.actor) == ("profile.unmerged", "key:1")
    assert entry.changes == {"unmerged_from": str(anna), "addresses": 2}


async def test_what_was_said_while_they_were_one_stays_with_the_winner(conn, now):
    [anna, bea] = await resolve(conn, now, ref(external_id="a"), ref({"city": "Leeds"}, phone="+447700900102"))
    await merge(conn, now, loser=bea, winner=anna)
    later = now + timedelta(minutes=1)
    await resolve(conn, later, ref({"city": "York", "tier": "gold"}, external_id="a", email="a@x.org"))
    await unmerge(conn, later + timedelta(minutes=1), loser=bea, winner=anna)
    found = await store.get_profiles(conn, WORKSPACE, [anna, bea])
    assert found[anna].attributes == {"city": "York", "tier": "gold"}
    assert found[bea].attributes == {"city": "Leeds"}
    assert await resolve(conn, now, ref(email="a@x.org")) == [anna]
    sources = [
        change.source
        for change in await store.list_attribute_changes(conn, WORKSPACE, [anna], name=None, before=None, limit=9)
    ]
    assert sources == ["test", "merge"], "nothing was left to take back"


async def test_an_address_that_went_on_to_somebody_else_does_not_come_back(conn, now):
    [anna, bea] = await resolve(conn, now, ref(external_id="a"), ref(phone="+447700900102", email="b@x.org"))
    await merge(conn, now, loser=bea, winner=anna)
    [carl] = await resolve(conn, now, ref(external_id="c"))
    key = next(iter(await identity_store.find_owners(conn, WORKSPACE, ["email:b@x.org"])), None)
    assert key is not None
    await identity_store.update_owner_of_keys(conn, WORKSPACE, {key: carl}, now)
    done = await unmerge(conn, now, loser=bea, winner=anna)
    assert len(done.keys) == 1
    assert await resolve(conn, now, ref(email="b@x.org")) == [carl]


async def test_a_merge_below_another_is_undone_all_the_way_up(conn, now):
    [anna, bea, carl] = await resolve(
        conn, now, ref({"a": 1}, phone="+447700900101"), ref({"b": 1}, email="b@x.org"), ref({"c": 1}, external_id="c")
    )
    await merge(conn, now, loser=anna, winner=bea)
    await merge(conn, now, loser=bea, winner=carl)
    assert (await store.get_profile(conn, WORKSPACE, anna)).attributes == {"a": 1, "b": 1, "c": 1}
    await unmerge(conn, now, loser=anna, winner=carl)
    found = await store.get_profiles(conn, WORKSPACE, [anna, bea, carl])
    assert [found[one].attributes for one in (anna, bea, carl)] == [{"a": 1}, {"b": 1}, {"b": 1, "c": 1}]
    assert await resolve(conn, now, ref(phone="+447700900101"), ref(email="b@x.org")) == [anna, carl]
    await unmerge(conn, now, loser=bea, winner=carl)
    assert await resolve(conn, now, ref(phone="+447700900101"), ref(email="b@x.org")) == [anna, bea]
    assert (await store.get_profile(conn, WORKSPACE, carl)).attributes == {"c": 1}


async def test_whoever_was_merged_into_the_loser_goes_with_it(conn, now):
    [anna, bea, carl] = await resolve(
        conn, now, ref({"a": 1}, phone="+447700900101"), ref({"b": 1}, email="b@x.org"), ref({"c": 1}, external_id="c")
    )
    await merge(conn, now, loser=anna, winner=bea)
    await merge(conn, now, loser=bea, winner=carl)
    await unmerge(conn, now, loser=bea, winner=carl)
    assert await store.list_aliases(conn, [bea, carl]) == {bea: [anna]}
    assert await resolve(conn, now, ref(phone="+447700900101")) == [bea]
    assert (await store.get_profile(conn, WORKSPACE, anna)).attributes == {"a": 1, "b": 1}
    assert (await store.get_profile(conn, WORKSPACE, carl)).attributes == {"c": 1}


async def test_two_who_merge_into_one_at_once_both_fill_it_in_and_part_again(conn, now):
    [anna, bea] = await resolve(conn, now, ref({"a": 1}, phone="+447700900101"), ref({"b": 1}, email="b@x.org"))
    [carl] = await resolve(conn, now, ref({"c": 1}, external_id="c"))
    [found] = await resolve(conn, now, ref(external_id="c", phone="+447700900101", email="b@x.org"))
    assert found == carl
    assert (await store.get_profile(conn, WORKSPACE, carl)).attributes == {"a": 1, "b": 1, "c": 1}
    await unmerge(conn, now, loser=anna, winner=carl)
    assert (await store.get_profile(conn, WORKSPACE, carl)).attributes == {"b": 1, "c": 1}
    assert await store.list_aliases(conn, [carl]) == {carl: [bea]}


async def test_parted_people_are_not_made_one_again_but_by_hand(conn, now):
    [anna] = await resolve(conn, now, ref(external_id="a"))
    [lead] = await resolve(conn, now, ref(phone="+447700900101"))
    both = ref(external_id="a", phone="+447700900101")
    assert await resolve(conn, now, both) == [anna]
    await unmerge(conn, now, loser=lead, winner=anna)
    [again] = await actions.resolve_refs(conn, WORKSPACE, [both], now=now, source="test")
    assert (again.profile_id, again.conflicts) == (anna, (Scheme.PHONE,))
    assert await resolve(conn, now, ref(phone="+447700900101")) == [lead]
    await merge(conn, now + timedelta(minutes=1), loser=lead, winner=anna)
    assert await resolve(conn, now, both) == [anna]
    await unmerge(conn, now + timedelta(minutes=2), loser=lead, winner=anna)
    assert await resolve(conn, now, ref(phone="+447700900101")) == [lead]


async def test_what_was_never_merged_cannot_be_parted(conn, now):
    [anna, bea] = await resolve(conn, now, ref(external_id="a"), ref(external_id="b"))
    with pytest.raises(UnmergeRefused) as refused:
        await unmerge(conn, now, loser=bea, winner=anna)
    assert refused.value.data["reason"] == "not_merged"
    with pytest.raises(UnmergeRefused):
        await unmerge(conn, now, loser=anna, winner=anna)
    for pair in ((uuid4(), anna), (anna, uuid4())):
        with pytest.raises(UnknownProfile):
            await unmerge(conn, now, loser=pair[0], winner=pair[1])
    await merge(conn, now, loser=bea, winner=anna)
    await unmerge(conn, now, loser=bea, winner=anna)
    with pytest.raises(UnmergeRefused):
        await unmerge(conn, now, loser=bea, winner=anna)


async def test_an_erased_pair_leaves_no_trace_of_its_addresses(conn, now):
    [anna, bea] = await resolve(conn, now, ref(external_id="a"), ref(phone="+447700900102"))
    await merge(conn, now, loser=bea, winner=anna)
    counts = await actions.erase_profiles(conn, WORKSPACE, [anna], now)
    assert counts["profile_merges"] == 1
    with pytest.raises(UnknownProfile):
        await unmerge(conn, now, loser=bea, winner=anna)
