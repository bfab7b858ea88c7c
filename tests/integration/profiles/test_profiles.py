"""Profiles, addresses, merges, erasing, on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from sojourn.profiles import actions, store
from sojourn.profiles.model import Identity, IdentityState, InvalidIdentity, MergeRefused, ProfileRef, Scheme
from sojourn.workspaces.store import list_audit_entries

WORKSPACE = uuid4()


def ref(attributes=None, portfolio_id=None, **identities):
    return ProfileRef(
        identities=tuple(Identity(Scheme(name), value) for name, value in identities.items()),
        attributes=attributes,
        portfolio_id=portfolio_id,
    )


async def resolve(conn, now, *refs):
    return await actions.resolve_profiles(conn, WORKSPACE, refs, now=now, source="test")


async def test_a_first_time_writer_becomes_a_profile_and_is_found_again(conn, now):
    [first] = await resolve(conn, now, ref(wa_id="447700900202", bsuid="GB.1"))
    again = await resolve(conn, now, ref(phone="+44 7700 900202"), ref(bsuid="GB.1"))
    assert again == [first, first]
    profile = await store.get_profile(conn, WORKSPACE, first)
    assert (profile.country, profile.source) == ("GB", "test")


async def test_a_brazilian_number_is_one_person_in_both_spellings(conn, now):
    [first] = await resolve(conn, now, ref(phone="+55 11 98888-7777"))
    assert await resolve(conn, now, ref(wa_id="551188887777")) == [first]
    rows = (await store.list_identities(conn, WORKSPACE, [first]))[first]
    assert {(row.scheme, row.value) for row in rows} == {
        (Scheme.PHONE, "+5511988887777"),
        (Scheme.WA_ID, "551188887777"),
    }
    [wa_id] = (await store.list_identities(conn, WORKSPACE, [first], [Scheme.WA_ID]))[first]
    assert wa_id.value == "551188887777"


async def test_attributes_are_merged_and_a_null_removes(conn, now):
    [anna] = await resolve(conn, now, ref({"first_name": "Anna", "tier": "gold", "locale": "nl-NL"}, external_id="a"))
    await resolve(conn, now, ref({"tier": None, "timezone": "Europe/Amsterdam", "tags": ["x"]}, external_id="a"))
    profile = await store.get_profile(conn, WORKSPACE, anna)
    assert profile.attributes == {
        "first_name": "Anna",
        "locale": "nl-NL",
        "timezone": "Europe/Amsterdam",
        "tags": ["x"],
    }
    assert (profile.locale, profile.timezone) == ("nl_NL", "Europe/Amsterdam")
    assert await actions.update_attributes(conn, WORKSPACE, [(anna, {"first_name": "Anna"})], now) == []
    assert await actions.update_attributes(conn, WORKSPACE, [(anna, {"tags": []})], now) == [anna]


async def test_an_attribute_of_two_types_is_mixed(conn, now):
    workspace = uuid4()
    for value in (1, "two"):
        await actions.resolve_profiles(conn, workspace, [ref({"size": value}, external_id="a")], now=now, source="test")
    assert await store.list_attribute_definitions(conn, workspace) == [
        {"name": "size", "type": "mixed", "is_declared": False}
    ]


async def test_a_reference_without_a_usable_identity_changes_nothing(conn, now):
    with pytest.raises(InvalidIdentity):
        await resolve(conn, now, ref(external_id="new"), ref(phone="abc"))
    assert await store.find_by_identity(conn, WORKSPACE, [Identity(Scheme.EXTERNAL_ID, "new")]) == {}


async def test_many_at_once_make_one_profile(database, now):
    async def write(number):
        async with database.transaction() as conn:
            refs = [ref(phone=f"+4477009{i % 40:05d}", external_id=f"u{i % 40}") for i in range(number, number + 60)]
            return await resolve(conn, now, *refs)

    results = await asyncio.gather(*(write(number) for number in range(0, 40, 5)))
    by_person = {}
    for number, found in zip(range(0, 40, 5), results, strict=True):
        for offset, profile in enumerate(found):
            by_person.setdefault((number + offset) % 40, set()).add(profile)
    assert all(len(profiles) == 1 for profiles in by_person.values())
    async with database.transaction() as conn:
        assert len(await store.list_profiles(conn, WORKSPACE, after=None, limit=100)) == 40


async def test_a_new_number_is_the_one_in_use(conn, now):
    [anna] = await resolve(conn, now, ref(external_id="a", phone="+447700900101"))
    await resolve(conn, now + timedelta(days=1), ref(external_id="a", phone="+447700900777"))
    rows = (await store.list_identities(conn, WORKSPACE, [anna], [Scheme.PHONE]))[anna]
    assert [(row.value, row.is_primary) for row in rows] == [("+447700900777", True), ("+447700900101", False)]


async def test_a_lead_merges_into_the_known_person_with_a_trace(conn, now):
    [known] = await resolve(conn, now, ref({"first_name": "Anna"}, external_id="a"))
    [lead] = await resolve(conn, now, ref({"first_name": "A.", "city": "Leeds"}, wa_id="447700900101"))
    [both] = await resolve(conn, now, ref(external_id="a", phone="+447700900101"))
    assert both == known
    profile = await store.get_profile(conn, WORKSPACE, lead)
    assert profile.id == known
    assert profile.attributes == {"first_name": "Anna", "city": "Leeds"}
    assert await store.list_aliases(conn, [known]) == {known: [lead]}
    [entry] = await list_audit_entries(conn, WORKSPACE, object_id=str(lead), limit=5)
    assert entry.action == "profile.merged"


async def test_a_recycled_number_gets_a_new_person_and_the_old_one_is_identity_changed(conn, now):
    [old] = await resolve(conn, now, ref({"first_name": "Anna"}, phone="+447700900101"))
    await resolve(conn, now, ref(None, "p1", wa_id="447700900101", bsuid="GB.1"))
    [new] = await resolve(conn, now, ref(None, "p1", wa_id="447700900101", bsuid="GB.2"))
    assert new != old
    assert (await store.get_profile(conn, WORKSPACE, new)).attributes == {}
    rows = (await store.list_identities(conn, WORKSPACE, [old, new]))[old]
    states = {row.scheme: row.state for row in rows}
    assert states[Scheme.PHONE] is IdentityState.IDENTITY_CHANGED
    assert await resolve(conn, now, ref(phone="+447700900101")) == [new]
    [entry] = await list_audit_entries(conn, WORKSPACE, object_id=str(old), limit=5)
    assert entry.action == "profile.address_lost"
    await actions.confirm_identity(conn, WORKSPACE, old, now=now)
    rows = (await store.list_identities(conn, WORKSPACE, [old], [Scheme.PHONE]))[old]
    assert rows[0].state is IdentityState.ACTIVE


async def test_a_changed_number_keeps_the_person(conn, now):
    [anna] = await resolve(conn, now, ref(phone="+447700900101", bsuid="GB.1"))
    moved = await actions.move_identity(
        conn,
        WORKSPACE,
        old=[Identity(Scheme.WA_ID, "447700900101"), Identity(Scheme.BSUID, "GB.1")],
        new=[Identity(Scheme.WA_ID, "447700900777"), Identity(Scheme.BSUID, "GB.2")],
        now=now,
    )
    assert moved == anna
    assert await resolve(conn, now, ref(wa_id="447700900777"), ref(bsuid="GB.2")) == [anna, anna]
    [other] = await resolve(conn, now, ref(phone="+447700900101"))
    assert other != anna


async def test_a_whatsapp_id_that_meta_answers_with_is_the_same_person(conn, now):
    [ana] = await resolve(conn, now, ref(phone="+5491122223333"))
    assert await actions.attach_identities(
        conn, WORKSPACE, [(ana, Identity(Scheme.WA_ID, "541122223333"))], now=now
    ) == [True]
    assert await resolve(conn, now, ref(wa_id="541122223333")) == [ana]
    [other] = await resolve(conn, now, ref(wa_id="447700900101"))
    assert await actions.attach_identities(
        conn, WORKSPACE, [(ana, Identity(Scheme.WA_ID, "447700900101"))], now=now
    ) == [False]
    assert other != ana


async def test_three_failures_on_distinct_days_make_an_address_unreachable(conn, now):
    phone = Identity(Scheme.PHONE, "+447700900101")
    [anna] = await resolve(conn, now, ProfileRef(identities=(phone,)))
    for days in (0, 0, 1):
        assert await actions.mark_unreachable(conn, WORKSPACE, [phone], now=now + timedelta(days=days)) == []
    assert await actions.mark_unreachable(conn, WORKSPACE, [phone], now=now + timedelta(days=2)) == [anna]
    [row] = (await store.list_identities(conn, WORKSPACE, [anna]))[anna]
    assert (row.state, row.unreachable_at) == (IdentityState.UNREACHABLE, now + timedelta(days=2))
    await actions.clear_unreachable(conn, WORKSPACE, [Identity(Scheme.WA_ID, "447700900101")], now=now)
    [row] = (await store.list_identities(conn, WORKSPACE, [anna]))[anna]
    assert row.state is IdentityState.ACTIVE


async def test_a_merge_by_hand_is_repeatable_and_refuses_nonsense(conn, now):
    one, two = await resolve(conn, now, ref(external_id="a", phone="+447700900101"), ref(external_id="b"))
    with pytest.raises(MergeRefused):
        await actions.merge_profile(conn, WORKSPACE, loser_id=one, winner_id=one, actor="key:1", now=now)
    for _ in range(2):
        merged = await actions.merge_profile(conn, WORKSPACE, loser_id=two, winner_id=one, actor="key:1", now=now)
        assert merged.id == one
    assert await resolve(conn, now, ref(external_id="b")) == [one]


async def test_erasing_leaves_a_bare_row_and_the_key_is_gone(conn, now, keys):
    [anna] = await resolve(conn, now, ref({"first_name": "Anna"}, phone="+447700900101"))
    data_keys = await store.ensure_profile_keys(conn, keys, [anna])
    sealed = data_keys[anna].encrypt(b"x", context="test")
    assert (await store.get_profile_keys(conn, keys, [anna]))[anna].decrypt(sealed, context="test") == b"x"
    counts = await actions.erase_profiles(conn, WORKSPACE, [anna], now)
    assert (counts["identities"], counts["profile_keys"], counts["profiles"]) == (1, 1, 1)
    assert await store.get_profile_keys(conn, keys, [anna]) == {}
    assert await store.ensure_profile_keys(conn, keys, [anna]) == {}
    profile = (await store.get_profiles(conn, WORKSPACE, [anna]))[anna]
    assert (profile.attributes, profile.erased_at) == ({}, now)
    assert await resolve(conn, now, ref(phone="+447700900101")) != [anna]
    assert set((await actions.erase_profiles(conn, WORKSPACE, [anna], now)).values()) == {0}
