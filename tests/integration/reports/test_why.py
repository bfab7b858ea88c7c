"""Why somebody got a message or did not, as it was stored when it happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from sojourn.channels.base import FailureReaction
from sojourn.channels.memory import memory
from sojourn.consents.model import Purpose
from sojourn.deliveries.actions import cancel_deliveries
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.profiles.model import ProfileId
from sojourn.reports.why import Asked, Found, explain_why
from tests.integration.deliveries.world import Shop, make_shop, promotion, request, withdraw


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    return await make_shop(database, keys, now + timedelta(hours=3))


async def ask(shop: Shop, person: ProfileId, **asked: str) -> Found:
    async with shop.db.transaction() as conn:
        return await explain_why(conn, shop.workspace_id, [person], Asked(**asked))  # type: ignore[arg-type]


async def test_what_arrived(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    assert (await ask(shop, shop.people[0], delivery_key="k1")).answer == "deferred"
    await shop.send()
    left = await ask(shop, shop.people[0], delivery_key="k1")
    assert (left.answer, "has not confirmed it yet" in left.sentence) == ("sent", True)
    attempt = memory.sent[0].attempt_id
    await shop.report(shop.update(attempt, "delivered"))
    found = await ask(shop, shop.people[0], template="order_shipped")
    assert (found.answer, found.sentence[:24]) == ("sent", "It was delivered on 2026")
    [delivery] = found.deliveries
    assert delivery["requested_decision"]["outcome"] == delivery["sending_decision"]["outcome"] == "allow"
    assert "consent granted" in str(delivery["sending_decision"]["rules"])


async def test_what_failed_says_the_cause(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    await shop.send()
    failed = shop.update(memory.sent[0].attempt_id, "failed", code=131026, title="x", reaction=FailureReaction.NEVER)
    await shop.report(failed)
    found = await ask(shop, shop.people[0], delivery_key="k1")
    assert found.answer == "sent"
    assert "Message Undeliverable (131026)" in found.sentence


async def test_what_was_excluded_at_the_last_moment(shop: Shop) -> None:
    await shop.request(promotion(shop.people[0]))
    await withdraw(shop, shop.people[0], Purpose.MARKETING)
    await shop.send()
    found = await ask(shop, shop.people[0], template="spring")
    assert found.answer == "excluded"
    assert found.sentence == "It was not sent. The person has withdrawn their consent."


async def test_what_was_taken_back(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0]))
    async with shop.db.transaction() as conn:
        await cancel_deliveries(
            conn, shop.workspace_id, delivery_ids=[delivery.id], reason="stock_ran_out", now=shop.now
        )
    found = await ask(shop, shop.people[0], delivery_key="k1")
    assert found.answer == "excluded"
    assert "stock ran out" in found.sentence


async def test_what_nobody_asked_for(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    assert (await ask(shop, shop.people[1], delivery_key="k1")).answer == "not_requested"
    assert (await ask(shop, shop.people[0], template="another")).answer == "not_requested"
    never = await ask(shop, shop.people[0], journey_id=uuid4())  # type: ignore[arg-type]
    assert never.sentence == "Nobody asked for it: the person never entered this journey."
