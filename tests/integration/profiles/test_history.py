"""What attributes were before, on a real database."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from sojourn.kit.database import fetch_value
from sojourn.profiles import actions, store
from sojourn.profiles.model import Identity, ProfileRef, Scheme

WORKSPACE = uuid4()


async def identify(conn, now, *people, source="segment"):
    refs = [ProfileRef(identities=(Identity(Scheme.EXTERNAL_ID, name),), attributes=given) for name, given in people]
    return await actions.resolve_profiles(conn, WORKSPACE, refs, now=now, source=source)


async def history(conn, *ids, name=None, before=None, limit=50):
    found = await store.list_attribute_changes(conn, WORKSPACE, ids, name=name, before=before, limit=limit)
    return [(change.source, change.changes) for change in found]


async def test_a_change_is_kept_with_what_was_before_when_and_where_from(conn, now):
    [anna] = await identify(conn, now, ("a", {"tier": "silver", "city": "Leeds", "tags": ["x"]}))
    assert await history(conn, anna) == [], "what a person begins with is no change"
    later = now + timedelta(hours=1)
    await identify(conn, later, ("a", {"tier": "gold", "city": None, "tags": ["x"], "age": 40}))
    last = later + timedelta(hours=1)
    await actions.update_attributes(conn, WORKSPACE, [(anna, {"tier": None})], last, source="journey")
    second = ("segment", {"tier": ["silver", "gold"], "city": ["Leeds", None], "age": [None, 40]})
    assert await history(conn, anna) == [("journey", {"tier": ["gold", None]}), second]
    assert await history(conn, anna, name="age") == [second]
    [change] = await store.list_attribute_changes(conn, WORKSPACE, [anna], name="city", before=None, limit=5)
    assert (change.changed_at, change.profile_id) == (later, anna)


async def test_only_real_changes_are_rows(conn, now):
    [anna, _] = await identify(conn, now, ("a", {"tier": "gold"}), ("b", {"tier": "gold"}))
    await identify(conn, now, ("a", {"tier": "gold"}), ("b", {"tier": "blue"}), ("a", {"gone": None}))
    assert await history(conn, anna) == []
    assert await fetch_value(conn, "SELECT count(*) FROM attribute_changes") == 1


async def test_a_null_inside_and_names_with_odd_letters_are_kept_as_they_are(conn, now):
    [anna] = await identify(conn, now, ("a", {"$size of": {"w": None}, "list": [None]}))
    await identify(conn, now, ("a", {"$size of": {"w": 1}, "list": []}))
    assert await history(conn, anna) == [("segment", {"$size of": [{"w": None}, {"w": 1}], "list": [[None], []]})]


async def test_pages_go_back_in_time(conn, now):
    [anna] = await identify(conn, now, ("a", {"step": 0}))
    for step in range(1, 6):
        await identify(conn, now + timedelta(minutes=step), ("a", {"step": step}))
    page = await store.list_attribute_changes(conn, WORKSPACE, [anna], name=None, before=None, limit=2)
    assert [change.changes["step"] for change in page] == [[4, 5], [3, 4]]
    rest = await history(conn, anna, before=page[-1].id)
    assert [changes["step"] for _, changes in rest] == [[2, 3], [1, 2], [0, 1]]
    other = await store.list_attribute_changes(conn, uuid4(), [anna], name=None, before=None, limit=2)
    assert other == [], "another workspace sees nothing"


async def test_an_erased_person_has_no_history(conn, now):
    [anna] = await identify(conn, now, ("a", {"tier": "gold"}))
    await identify(conn, now, ("a", {"tier": "blue"}))
    counts = await actions.erase_profiles(conn, WORKSPACE, [anna], now)
    assert counts["attribute_changes"] == 1
    assert await history(conn, anna) == []
    assert await actions.update_attributes(conn, WORKSPACE, [(anna, {"tier": "red"})], now) == []
    assert await history(conn, anna) == []


async def test_a_merge_notes_what_the_winner_got(conn, now):
    [anna, lead] = await identify(conn, now, ("a", {"tier": "gold"}), ("b", {"city": "Leeds", "tier": "blue"}))
    await actions.merge_profile(conn, WORKSPACE, loser_id=lead, winner_id=anna, actor="system", now=now)
    assert await history(conn, anna) == [("merge", {"city": [None, "Leeds"]})]
    await actions.update_attributes(conn, WORKSPACE, [(lead, {"tier": "red"})], now, source="journey")
    profiles = await store.get_profiles(conn, WORKSPACE, [anna, lead])
    assert (profiles[anna].attributes["tier"], profiles[lead].attributes["tier"]) == ("red", "blue")
