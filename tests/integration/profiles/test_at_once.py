"""Calls that name, change and merge the same people at the same moment: each is answered, and people stay whole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from sojourn.consents import routes as consents
from sojourn.events.asgi import events_app
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Database, fetch_all, fetch_value
from sojourn.kit.jobs import Registry
from sojourn.kit.web import install_error_handlers
from sojourn.profiles import routes as profiles
from sojourn.profiles.actions import merge_profile, resolve_profiles, unmerge_profile
from sojourn.profiles.model import Identity, MergeRefused, ProfileId, ProfileRef, Scheme
from sojourn.profiles.store import get_profiles
from sojourn.workspaces.actions import create_key, create_workspace
from tests.support.api import Api
from tests.support.waiting import start_and_wait_for

WORKSPACE = uuid4()
PHONES = [f"+4479002000{number:02}" for number in range(12)]


@pytest.fixture
def registry() -> Registry:
    return Registry()


# Two transactions, step by step


@pytest.fixture
async def anna_bert_carl(database: Database, now: datetime) -> tuple[ProfileId, ProfileId, ProfileId]:
    async with database.transaction() as conn:
        anna, bert, carl = await resolve_profiles(
            conn, WORKSPACE, [phone_ref(phone) for phone in PHONES[:3]], now=now, source="test"
        )
    return anna, bert, carl


People = tuple[ProfileId, ProfileId, ProfileId]


async def test_of_two_merges_in_opposite_directions_the_second_finds_one_person(
    database: Database, anna_bert_carl: People, now: datetime
) -> None:
    anna, bert, _ = anna_bert_carl
    async with database.transaction() as first:
        await merge(first, loser=anna, winner=bert, now=now)
        second = await start_and_wait_for(database, first, lambda conn: merge(conn, loser=bert, winner=anna, now=now))
    with pytest.raises(MergeRefused):
        await second
    assert await standing(database, anna_bert_carl) == [bert, bert, anna_bert_carl[2]]


async def test_a_merge_into_somebody_who_is_just_being_merged_reaches_who_stands_in_the_end(
    database: Database, anna_bert_carl: People, now: datetime
) -> None:
    anna, bert, carl = anna_bert_carl
    async with database.transaction() as first:
        await merge(first, loser=bert, winner=carl, now=now)
        second = await start_and_wait_for(database, first, lambda conn: merge(conn, loser=anna, winner=bert, now=now))
    await second
    assert await standing(database, anna_bert_carl) == [carl, carl, carl]
    assert await owners(database) == dict.fromkeys(PHONES[:3], carl)


async def test_a_merge_that_somebody_else_has_just_done_is_no_mistake(
    database: Database, anna_bert_carl: People, now: datetime
) -> None:
    anna, bert, carl = anna_bert_carl
    async with database.transaction() as first:
        await merge(first, loser=anna, winner=bert, now=now)
        second = await start_and_wait_for(database, first, lambda conn: merge(conn, loser=anna, winner=bert, now=now))
    await second
    assert await standing(database, anna_bert_carl) == [bert, bert, carl]
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM profile_merges") == 1


async def test_a_new_address_of_somebody_who_is_just_being_merged_goes_to_who_stands(
    database: Database, anna_bert_carl: People, now: datetime
) -> None:
    anna, bert, _ = anna_bert_carl
    told = ProfileRef(identities=(Identity(Scheme.PHONE, PHONES[0]), Identity(Scheme.EMAIL, "anna@example.com")))

    async def tell(conn: Conn) -> list[ProfileId]:
        return await resolve_profiles(conn, WORKSPACE, [told], now=now, source="test")

    async with database.transaction() as first:
        await merge(first, loser=anna, winner=bert, now=now)
        second = await start_and_wait_for(database, first, tell)
    assert await second == [bert]
    assert (await owners(database))["anna@example.com"] == bert


async def test_of_two_that_part_the_same_people_the_second_finds_them_parted(
    database: Database, anna_bert_carl: People, now: datetime
) -> None:
    anna, bert, carl = anna_bert_carl
    async with database.transaction() as conn:
        await merge(conn, loser=anna, winner=bert, now=now)
        await merge(conn, loser=bert, winner=carl, now=now)

    async def part(conn: Conn) -> None:
        await unmerge_profile(conn, WORKSPACE, loser_id=anna, winner_id=bert, actor="system", now=now)

    async with database.transaction() as first:
        await unmerge_profile(first, WORKSPACE, loser_id=bert, winner_id=carl, actor="system", now=now)
        second = await start_and_wait_for(database, first, part)
    await second
    assert await standing(database, anna_bert_carl) == [anna, bert, carl]


def phone_ref(phone: str) -> ProfileRef:
    return ProfileRef(identities=(Identity(Scheme.PHONE, phone),))


async def merge(conn: Conn, *, loser: ProfileId, winner: ProfileId, now: datetime) -> None:
    await merge_profile(conn, WORKSPACE, loser_id=loser, winner_id=winner, actor="system", now=now)


async def standing(database: Database, ids: People) -> list[ProfileId]:
    async with database.transaction() as conn:
        found = await get_profiles(conn, WORKSPACE, ids)
    return [found[id_].merged_into or id_ for id_ in ids]


async def owners(database: Database) -> dict[str, UUID]:
    async with database.transaction() as conn:
        return {row["value"]: row["profile_id"] for row in await fetch_all(conn, "SELECT * FROM identities")}


# Many calls at once


@pytest.fixture
async def api(database_url: str, keys: KeyRing, now: datetime) -> AsyncIterator[Api]:
    """The web process as far as people and events go, with as many connections as it has by default."""
    database = Database(database_url, max_size=10, registry=Registry(), wait_seconds=60)
    await database.open()
    async with database.transaction() as conn:
        workspace = await create_workspace(conn, "Brisk Coffee", now=now)
        _, secret = await create_key(conn, workspace.id, "test", now=now)
    app = FastAPI()
    app.state.db, app.state.keys, app.state.clock = database, keys, SimpleNamespace(now=lambda: now)
    install_error_handlers(app)
    app.include_router(profiles.router)
    app.include_router(consents.router)
    yield Api(_front(app), secret)
    await database.close()


def _front(app: FastAPI) -> Any:
    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        hot: ASGIApp | None = events_app if scope["path"] == "/v1/events" else None
        scope["app"] = app
        await (hot or app)(scope, receive, send)

    front.state = app.state  # type: ignore[attr-defined]
    return front


async def test_merges_in_all_directions_while_events_come_in_are_all_answered(api: Api) -> None:
    chance = random.Random(7)
    people = {"profiles": [{"phone": phone, "attributes": {"visits": 0}} for phone in PHONES]}
    ids = [row["profile_id"] for row in (await api.call("POST", "/v1/profiles", people)).json["profiles"]]

    async def one(number: int) -> Any:
        if number % 2:
            winner, loser = chance.sample(ids, 2)
            return await api.call("POST", f"/v1/profiles/{winner}/merge", {"loser_id": loser})
        profile = {
            "phone": chance.choice(PHONES),
            "email": f"{number % 7}@example.com",
            "attributes": {"visits": number},
        }
        return await api.call("POST", "/v1/events", {"name": "order.placed", "profile": profile})

    answers = await asyncio.gather(*[one(number) for number in range(120)])
    told = Counter((answer.status, answer.json.get("code"), answer.json.get("cause")) for answer in answers)
    assert {status for status, _, _ in told} <= {200, 202, 409}, told
    assert {code for status, code, _ in told if status == 409} <= {"merge_refused"}, told
    await assert_people_are_whole(api)


async def test_calls_that_name_one_person_by_several_addresses_are_all_answered(api: Api) -> None:
    phone, email, external = {"phone": PHONES[0]}, {"email": "a@example.com"}, {"external_id": "a"}
    bodies = [
        phone, email, external, {**phone, **email}, {**phone, **external}, {**email, **external},
        {"wa_id": PHONES[0][1:]},
    ] * 5  # fmt: skip
    answers = await asyncio.gather(*[api.call("POST", "/v1/profiles", {"profiles": [body]}) for body in bodies])
    assert Counter(answer.status for answer in answers) == {200: 35}, [answer.json for answer in answers]
    await assert_people_are_whole(api)
    everyone = await api.call("POST", "/v1/profiles", {"profiles": [phone, email, external]})
    assert len({row["profile_id"] for row in everyone.json["profiles"]}) == 1


async def assert_people_are_whole(api: Api) -> None:
    """Nobody is an alias of an alias, and every address belongs to somebody who stands for themselves."""
    async with api.app.state.db.transaction() as conn:
        assert await fetch_all(conn, SQL_ALIASES_OF_ALIASES) == []
        assert await fetch_all(conn, SQL_ADDRESSES_OF_ALIASES) == []


SQL_ALIASES_OF_ALIASES: LiteralString = """
SELECT a.id FROM profiles a JOIN profiles b ON b.id = a.merged_into WHERE b.merged_into IS NOT NULL
"""
SQL_ADDRESSES_OF_ALIASES: LiteralString = """
SELECT i.key FROM identities i JOIN profiles p ON p.id = i.profile_id WHERE p.merged_into IS NOT NULL
"""
