"""Whatever people said before, by whatever way and in whatever order we heard of it: the last word holds on the road out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sojourn.channels.memory import memory
from sojourn.consents.actions import record_consents
from sojourn.consents.model import ConsentChange, ConsentSource, Evidence, Purpose
from sojourn.deliveries.model import ProfileId, Status
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from tests.integration.deliveries.world import Shop, make_shop, promotion

PEOPLE = 120
HOUR = timedelta(hours=1)
EVIDENCE = Evidence(wording="Yes, send me offers", language="en", form_id="co-7")
STATES = ("granted", "granted", "withdrawn", "pending")
SOURCES = (ConsentSource.API, ConsentSource.FORM, ConsentSource.TAP, ConsentSource.KEYWORD, ConsentSource.IMPORT)


def said(
    chance: random.Random, profile: ProfileId, state: str, at: datetime, topic: str | None = None
) -> ConsentChange:
    """One thing that a person said; a withdrawal sometimes for all channels at once."""
    everywhere = state == "withdrawn" and chance.random() < 0.3
    return ConsentChange(
        profile_id=profile,
        channel="*" if everywhere else "memory",
        purpose=Purpose.MARKETING,
        topic=topic,
        state=state,  # type: ignore[arg-type]
        effective_at=at,
        expires_at=at + timedelta(days=300) if state == "granted" and chance.random() < 0.3 else None,
        evidence=None if state == "withdrawn" else EVIDENCE,
        source=chance.choice(SOURCES),
    )


def history(chance: random.Random, profile: ProfileId, last: str, until: datetime) -> list[ConsentChange]:
    """A random past that ends with `last`, in the order in which we hear of it."""
    moments = sorted(chance.sample(range(1, 400), k=chance.randrange(1, 8)), reverse=True)
    changes = [
        said(chance, profile, chance.choice(STATES), until - hours * HOUR, chance.choice((None, None, "offers")))
        for hours in moments
    ]
    changes.append(said(chance, profile, last, until))
    chance.shuffle(changes)
    return changes


async def record(shop: Shop, changes: list[ConsentChange]) -> None:
    async with shop.db.transaction() as conn:
        await record_consents(conn, shop.workspace_id, changes, keys=shop.keys, now=shop.now)


@pytest.mark.parametrize("seed", range(3))
async def test_the_last_word_decides_whether_marketing_leaves(
    database: Database, keys: KeyRing, now: datetime, seed: int
) -> None:
    chance = random.Random(seed)
    shop = await make_shop(database, keys, now + 3 * HOUR, people=PEOPLE, throughput=1000)
    stopped = {profile for profile in shop.people if chance.random() < 0.6}
    past = [
        change
        for profile in shop.people
        for change in history(chance, profile, "withdrawn" if profile in stopped else "granted", shop.now - HOUR)
    ]
    for start in range(0, len(past), 97):  # batches of every kind of mixture
        await record(shop, past[start : start + 97])
    topics = {profile: chance.choice((None, "offers", "news")) for profile in shop.people}
    asked = await shop.request(*(promotion(one, f"{one}", topic=topics[one]) for one in shop.people))
    refused = {one.profile_id for one in asked if one.status is Status.EXCLUDED}
    assert stopped <= refused
    assert {one.reason for one in asked if one.profile_id in stopped} == {"opted_out"}
    spared = {one for one in set(shop.people) - stopped if topics[one] is None}
    assert spared and not spared & refused  # the control: who agreed last is written to

    waiting = [one for one in asked if one.status is Status.QUEUED]
    late = set(chance.sample([one.profile_id for one in waiting], k=len(waiting) // 2))
    shop.clock.push(timedelta(seconds=1))
    await record(shop, [said(chance, one, "withdrawn", shop.now) for one in sorted(late)])
    # An older yes that we hear of only now lifts nothing.
    await record(
        shop, [replace(said(chance, one, "granted", shop.now - 5 * HOUR), key=f"late:{one}") for one in sorted(late)]
    )
    await shop.send()
    rows = {row["profile_id"]: row for row in await shop.rows("SELECT profile_id, status, reason FROM deliveries")}
    assert {one for one, row in rows.items() if row["status"] == "accepted"} == {
        one.profile_id for one in waiting
    } - late
    assert {rows[one]["reason"] for one in late} == {"opted_out_after_queue"}
    assert len(memory.sent) == len(waiting) - len(late)
