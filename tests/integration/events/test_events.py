"""Recording events: once each, in order, for the right person."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from sojourn.events import actions, store
from sojourn.events.model import EventRuleExists, NewEvent
from sojourn.events.signals import EventRecorded
from sojourn.kit import json
from sojourn.kit.errors import InvalidInput
from sojourn.kit.jobs import Handler, Registry
from sojourn.profiles.model import Identity, ProfileRef, Scheme, UnknownProfile
from sojourn.profiles.store import find_by_identity

WORKSPACE = uuid4()


async def listen(work, conn, batch):
    """Takes news and does nothing."""


@pytest.fixture
def registry():
    return Registry([Handler(message=EventRecorded, handle=listen, name="test.listen", ordered=True)])


def event(now, name="order_shipped", person="u1", key=None, **properties):
    return NewEvent(
        ref=ProfileRef(identities=(Identity(Scheme.EXTERNAL_ID, person),)),
        name=name,
        properties=properties,
        occurred_at=now,
        idempotency_key=key,
    )


async def news(conn):
    rows = await (await conn.execute("SELECT payload, ordering_key FROM jobs ORDER BY id")).fetchall()
    return [json.decode_as(bytes(row["payload"]), EventRecorded) for row in rows]


async def test_an_event_is_recorded_and_announced(conn, now):
    [receipt] = await actions.record_events(conn, WORKSPACE, [event(now, order="B-1")], now=now)
    assert receipt.is_new
    [stored] = await store.list_events(conn, receipt.profile_id, limit=5)
    assert (stored.id, stored.name, stored.properties) == (receipt.event_id, "order_shipped", {"order": "B-1"})
    [told] = await news(conn)
    assert (told.event_id, told.profile_id, told.properties) == (receipt.event_id, receipt.profile_id, {"order": "B-1"})


async def test_a_repeat_changes_nothing_not_even_the_profile(conn, now):
    [first] = await actions.record_events(conn, WORKSPACE, [event(now, key="k1")], now=now)
    [again] = await actions.record_events(conn, WORKSPACE, [event(now, key="k1", person="u2", other=1)], now=now)
    assert (again.event_id, again.profile_id, again.is_new) == (first.event_id, first.profile_id, False)
    assert await find_by_identity(conn, WORKSPACE, [Identity(Scheme.EXTERNAL_ID, "u2")]) == {}
    assert len(await news(conn)) == 1


async def test_a_repeat_inside_a_batch_is_recorded_once(conn, now):
    one = event(now, key="k1")
    receipts = await actions.record_events(conn, WORKSPACE, [one, event(now), one, event(now)], now=now)
    assert [receipt.is_new for receipt in receipts] == [True, True, False, True]
    assert receipts[2].event_id == receipts[0].event_id
    assert len(await store.list_events(conn, receipts[0].profile_id, limit=9)) == 3


async def test_another_workspace_has_its_own_keys(conn, now):
    await actions.record_events(conn, WORKSPACE, [event(now, key="k1")], now=now)
    [receipt] = await actions.record_events(conn, uuid4(), [event(now, key="k1")], now=now)
    assert receipt.is_new


async def test_racing_repeats_record_once(database, now):
    async def write():
        async with database.transaction() as conn:
            events = [event(now, key=f"k{number}", person=f"u{number}") for number in range(30)]
            return await actions.record_events(conn, WORKSPACE, events, now=now)

    results = await asyncio.gather(*(write() for _ in range(6)))
    assert sum(receipt.is_new for receipts in results for receipt in receipts) == 30
    for column in zip(*results, strict=True):
        assert len({receipt.event_id for receipt in column}) == 1
    async with database.transaction() as conn:
        assert await store.count_events(conn, WORKSPACE) == {"order_shipped": 30}
        assert len(await news(conn)) == 30


async def test_an_event_may_name_the_profile(conn, now):
    [first] = await actions.record_events(conn, WORKSPACE, [event(now)], now=now)
    by_id = NewEvent(ref=first.profile_id, name="order_delivered", occurred_at=now)
    [receipt] = await actions.record_events(conn, WORKSPACE, [by_id], now=now)
    assert receipt.profile_id == first.profile_id
    with pytest.raises(UnknownProfile):
        await actions.record_events(conn, WORKSPACE, [NewEvent(ref=uuid4(), name="x", occurred_at=now)], now=now)


async def test_a_rule_derives_a_second_event(conn, now):
    await actions.create_rule(
        conn,
        "key:1",
        WORKSPACE,
        name="big_order",
        base_name="order_placed",
        conditions=[{"path": "total", "op": "ge", "value": 100}],
        now=now,
    )
    receipts = await actions.record_events(
        conn, WORKSPACE, [event(now, "order_placed", total=120), event(now, "order_placed", total=20)], now=now
    )
    assert len(receipts) == 2
    assert await store.count_events(conn, WORKSPACE) == {"order_placed": 2, "big_order": 1}
    assert [one.name for one in await news(conn)] == ["order_placed", "big_order", "order_placed"]
    with pytest.raises(EventRuleExists):
        await actions.create_rule(
            conn,
            "key:1",
            WORKSPACE,
            name="big_order",
            base_name="x",
            conditions=[{"path": "a", "op": "exists", "value": True}],
            now=now,
        )
    with pytest.raises(InvalidInput) as error:
        await actions.create_rule(
            conn, "key:1", WORKSPACE, name="a b", base_name="x", conditions=[{"path": "", "op": "like"}], now=now
        )
    assert [one["field"] for one in error.value.errors] == ["name", "conditions[0].path", "conditions[0].op"]


async def test_erasing_takes_all_events_of_a_person(conn, now):
    receipts = await actions.record_events(
        conn, WORKSPACE, [event(now, key="k1"), event(now), event(now, person="u2")], now=now
    )
    counts = await actions.erase_profiles(conn, WORKSPACE, [receipts[0].profile_id])
    assert counts == {"events": 2, "event_keys": 1}
    assert await store.count_events(conn, WORKSPACE) == {"order_shipped": 1}
