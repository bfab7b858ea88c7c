"""Whoever said STOP hears of it once, whatever is asked for through the API."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.channels.base import InboundMessage
from sojourn.channels.signals import MessageReceived
from sojourn.conversations import inbound
from sojourn.countries.purposes import Purpose
from sojourn.deliveries.model import FreeMessage
from sojourn.deliveries.routes import router
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database, fetch_all
from sojourn.kit.web import install_error_handlers
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, ProfileId, ProfileRef, Scheme
from sojourn.templates.model import Category, TemplateDraft, VariantDraft
from sojourn.workspaces.actions import create_key
from tests.integration.deliveries.world import DRAFTS, Shop, make_people, make_shop, request
from tests.support.api import Api

CONSENT = TemplateDraft(
    name="confirm", purpose="consent_request", category=Category.UTILITY, default_language="en",
    variants=(VariantDraft(language="en", components=[{"type": "BODY", "text": "Shall we write to you from now on?"}]),),
)  # fmt: skip
SALE = {"content": {"type": "text", "body": "SALE 50% off today only!"}}
MESSAGES: list[dict[str, Any]] = [
    SALE,
    *({"template": {"name": name}} for name in ("confirm", "order_shipped", "spring")),
]
numbers = itertools.count(100)


@dataclass
class Line:
    """A shop on WhatsApp, and its API."""

    shop: Shop
    api: Api

    async def person(self, *said: str) -> ProfileId:
        """Somebody new, who agreed to promotions alone and then wrote this."""
        number = next(numbers)
        async with self.shop.db.transaction() as conn:
            [profile] = await make_people(
                conn,
                self.shop.workspace_id,
                1,
                keys=self.shop.keys,
                now=self.shop.now,
                channel="whatsapp",
                first=number,
            )
        for text in said:
            await self.say(number, text)
        return profile

    async def say(self, number: int, text: str) -> None:
        self.shop.clock.push(timedelta(seconds=30))
        message = InboundMessage(
            workspace_id=self.shop.workspace_id, sender_id=self.shop.sender_id, at=self.shop.now, kind="text",
            provider_message_id=f"wamid.{number}.{self.shop.now.timestamp()}", wa_id=f"44700000{number:04d}", text=text,
        )  # fmt: skip
        async with self.shop.db.transaction() as conn:
            signal = MessageReceived(workspace_id=self.shop.workspace_id, message=message)
            await inbound.receive_messages(conn, [signal], keys=self.shop.keys, now=self.shop.now)

    async def about_consent(self, profile: ProfileId) -> list[dict[str, Any]]:
        """What waits to leave, or left, without any opt-in."""
        async with self.shop.db.transaction() as conn:
            return await fetch_all(
                conn,
                """SELECT d.owner_kind, d.status, c.body
                     FROM deliveries d JOIN delivery_contents c ON c.delivery_id = d.id
                    WHERE d.profile_id = %(profile)s AND d.purpose = 'consent_request' AND d.status <> 'excluded'""",
                {"profile": profile},
            )


@pytest.fixture
async def line(database: Database, keys: KeyRing, now: datetime) -> Line:
    shop = await make_shop(database, keys, now, people=0, channel="whatsapp", drafts=(*DRAFTS[:2], CONSENT))
    app = FastAPI()
    app.state.db, app.state.clock, app.state.keys = shop.db, shop.clock, shop.keys
    app.include_router(router)
    install_error_handlers(app)
    async with shop.db.transaction() as conn:
        _, secret = await create_key(conn, shop.workspace_id, "shop", scopes=["full"], now=shop.now)
    return Line(shop, Api(app, secret))


asked = st.lists(
    st.tuples(st.sampled_from(Purpose), st.sampled_from(MESSAGES), st.booleans(), st.integers(0, 600)), max_size=5
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=asked)
async def test_no_order_of_requests_leads_to_a_second_message_about_consent(line: Line, calls: list[Any]) -> None:
    profile = await line.person("STOP")
    for number, (purpose, message, in_batch, minutes) in enumerate(calls):
        line.shop.clock.push(timedelta(minutes=minutes))
        one = {"key": f"{profile}:{number}", "profile_id": str(profile), "purpose": purpose, "evidence": "e", **message}
        answer = await line.api.call("POST", "/v1/deliveries", {"deliveries": [one]} if in_batch else one)
        if purpose is Purpose.CONSENT_REQUEST:
            assert answer.status == 422
            path = "deliveries.0.purpose" if in_batch else "purpose"
            assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [(path, "purpose_reserved")]
    [confirmation] = await line.about_consent(profile)
    assert confirmation["owner_kind"] == "conversation"
    assert "Brisk Coffee" in confirmation["body"]


@pytest.mark.parametrize("said", ["hello", "STOP"])
async def test_nobody_but_the_product_sends_without_an_opt_in(line: Line, said: str) -> None:
    profile = await line.person(said)
    before = await line.about_consent(profile)
    sale: dict[str, Any] = {
        "purpose": Purpose.CONSENT_REQUEST, "channel": "whatsapp", "message": FreeMessage(content=SALE["content"]),
    }  # fmt: skip
    for owner in ("api", "journey", "campaign"):
        [delivery] = await line.shop.request(request(profile, owner, owner_kind=owner, **sale))
        assert (delivery.status, delivery.reason) == ("excluded", "no_consent")
    [second] = await line.shop.request(request(profile, "own", owner_kind="conversation", **sale))
    assert second.reason == ("no_consent" if said == "hello" else "consent_message_sent")
    assert await line.about_consent(profile) == before


async def test_every_stop_of_another_day_is_confirmed(line: Line) -> None:
    number = next(numbers)
    async with line.shop.db.transaction() as conn:
        ref = ProfileRef(identities=(Identity(Scheme.PHONE, f"+44700000{number:04d}"),))
        [profile] = await resolve_profiles(conn, line.shop.workspace_id, [ref], now=line.shop.now, source="test")
    for _ in range(3):
        await line.say(number, "STOP")
        await line.say(number, "stop")
        line.shop.clock.push(timedelta(days=1))
    assert len(await line.about_consent(profile)) == 3
