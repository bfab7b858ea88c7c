"""The chain over the audit trail: what is changed, taken out or put in is found; writers never wait for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sojourn.kit.clock import system_now
from sojourn.kit.database import execute, fetch_value
from sojourn.kit.ids import first_id
from sojourn.privacy import store as retention
from sojourn.workspaces import actions, audit, audit_chain
from tests.support.browser import Browser, make_app, make_member


@pytest.fixture
async def place(conn, keys, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    for number in range(1, 8):
        await record(conn, workspace.id, number, now)
    assert await audit_chain.seal(conn, workspace.id, keys=keys) == 8
    return workspace


async def record(conn, workspace_id, number, now):
    changes = {"number": number, "ratio": 0.5, "list": ["é", None, {"b": 1, "a": 2}]}
    await audit.record(
        conn, "member:1", workspace_id, "thing.changed", "thing", str(number), changes, now + timedelta(seconds=number)
    )


async def test_what_was_written_verifies_and_new_entries_continue_the_chain(conn, keys, now, place):
    whole = await audit_chain.verify(conn, place.id, keys=keys)
    assert (whole.is_intact, whole.first_position, whole.last_position) == (True, 1, 8)
    await record(conn, place.id, 9, now)
    assert (await audit_chain.verify(conn, place.id, keys=keys)).head == whole.head
    assert await audit_chain.seal(conn, place.id, keys=keys) == 1
    more = await audit_chain.verify(conn, place.id, keys=keys)
    assert (more.is_intact, more.last_position) == (True, 9)
    assert more.head != whole.head
    assert await audit_chain.seal(conn, place.id, keys=keys) == 0


@pytest.mark.parametrize(
    ("statement", "at"),
    [
        ("UPDATE audit_entries SET actor = 'member:2' WHERE workspace_id = %(w)s AND position = 5", 5),
        ("UPDATE audit_entries SET changes = '{}' WHERE workspace_id = %(w)s AND position = 2", 2),
        (
            "UPDATE audit_entries SET recorded_at = recorded_at + interval '1 microsecond' WHERE workspace_id = %(w)s AND position = 3",
            3,
        ),
        ("DELETE FROM audit_entries WHERE workspace_id = %(w)s AND position = 4", 4),
        ("DELETE FROM audit_entries WHERE workspace_id = %(w)s AND position = 8", 8),
        ("DELETE FROM audit_entries WHERE workspace_id = %(w)s", 1),
        (
            "UPDATE audit_entries SET digest = decode(repeat('00', 32), 'hex') WHERE workspace_id = %(w)s AND position = 6",
            6,
        ),
        ("UPDATE audit_chains SET digest = decode(repeat('00', 32), 'hex') WHERE workspace_id = %(w)s", 8),
        ("UPDATE audit_chains SET position = 6 WHERE workspace_id = %(w)s", 6),
    ],
)
async def test_a_change_behind_our_back_is_found_where_it_is(conn, keys, place, statement, at):
    await execute(conn, statement, {"w": place.id})
    verdict = await audit_chain.verify(conn, place.id, keys=keys)
    assert (verdict.is_intact, verdict.broken_at) == (False, at)


async def test_retention_shortens_the_chain_from_its_beginning_only(conn, keys, now, place):
    cut = {"id": first_id(now + timedelta(seconds=4)), "limit": 100, "only": None}
    late = now + timedelta(seconds=1)
    await audit.record(conn, "system", place.id, "thing.late", "thing", "late", {}, late)  # sealed after newer ones
    await audit_chain.seal(conn, place.id, keys=keys)
    assert await execute(conn, retention.DELETE_AUDIT, cut) == 4
    verdict = await audit_chain.verify(conn, place.id, keys=keys)
    assert (verdict.is_intact, verdict.first_position, verdict.last_position) == (True, 5, 9)
    rest = {**cut, "id": first_id(now + timedelta(days=1))}
    assert await execute(conn, retention.DELETE_AUDIT, rest) == 5


async def test_sealers_at_once_make_one_chain_and_no_writer_waits_for_them(database, keys, now):
    async with database.transaction() as conn:
        workspace = await actions.create_workspace(conn, "Bean There", now=now)
    async with database.transaction() as sealer:
        await audit_chain.seal(sealer, workspace.id, keys=keys)  # holds the head until it commits

        async def write(number):
            async with database.transaction() as conn:
                await record(conn, workspace.id, number, now)

        async with asyncio.timeout(20):
            await asyncio.gather(*(write(number) for number in range(5)))

    async def seal():
        async with database.transaction() as conn:
            return await audit_chain.seal(conn, workspace.id, keys=keys)

    assert sum(await asyncio.gather(*(seal() for _ in range(4)))) == 5
    async with database.transaction() as conn:
        assert (await audit_chain.verify(conn, workspace.id, keys=keys)).last_position == 6


async def test_the_chain_is_checked_and_entries_are_filtered_over_http(database, keys, now):
    async with database.transaction() as conn:
        workspace = await actions.create_workspace(conn, "Bean There", now=now)
        for number in range(3):
            await record(conn, workspace.id, number, now)
    member = await make_member(database, workspace.id, "ann@example.com", "admin", now=now)
    ann = Browser(make_app(database, keys, now))
    await ann.sign_in("ann@example.com")
    verdict = (await ann.call("GET", "/v1/audit/verify")).json
    assert (verdict["is_intact"], verdict["first_position"]) == (True, 1)
    async with database.transaction() as conn:
        assert verdict["last_position"] == await fetch_value(conn, "SELECT count(*) FROM audit_entries")

    async def found(query):
        return [entry["action"] for entry in (await ann.call("GET", f"/v1/audit?{query}")).json["items"]]

    assert set(await found("action=member.*")) == {"member.invited", "member.joined", "member.signed_in"}
    assert await found("action=thing.changed&object=thing:1") == ["thing.changed"]
    assert await found("object=thing&actor=member:1") == ["thing.changed"] * 3
    assert len(await found(f"actor=member:{member}")) == 2
    assert await found("from=2026-03-03T08:00:01Z&until=2026-03-03T08:00:02") == ["thing.changed"]
    assert await found("action=%25") == []
    assert (await ann.call("GET", "/v1/audit?from=0001-01-01T00:00:00%2B14:00")).status == 422
    assert system_now() > now
