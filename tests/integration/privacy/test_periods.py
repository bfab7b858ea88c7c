"""A workspace may keep what it wants for another time, within floors; the others do not feel it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from sojourn.kit.database import Database, execute, fetch_all
from sojourn.kit.errors import InvalidInput
from sojourn.kit.ids import bucket_of, new_id
from sojourn.privacy.retention import apply_retention, change_periods, preview, read_standing
from sojourn.workspaces.actions import create_workspace
from sojourn.workspaces.caller import Caller

DAYS = (40, 400, 800, 1200)


async def make_callers(database: Database, now: datetime) -> list[Caller]:
    """Three workspaces, each with events of these ages."""
    callers = []
    async with database.transaction() as conn:
        for name in ("short", "long", "as it comes"):
            workspace = await create_workspace(conn, name, now=now)
            callers.append(Caller(workspace.id, "key:1", frozenset({"*"})))
            for days in DAYS:
                id_ = new_id(now - timedelta(days=days), 7)
                params = {
                    "id": id_,
                    "bucket": bucket_of(id_),
                    "workspace": workspace.id,
                    "at": now - timedelta(days=days),
                }
                await execute(
                    conn,
                    """INSERT INTO events (id, bucket, workspace_id, profile_id, name, properties, source, occurred_at,
                                           recorded_at)
                       VALUES (%(id)s, %(bucket)s, %(workspace)s, %(id)s, 'x', '{}', 'api', %(at)s, %(at)s)""",
                    params,
                )
    return callers


async def left(database: Database, caller: Caller, now: datetime) -> list[int]:
    async with database.transaction() as conn:
        rows = await fetch_all(
            conn,
            "SELECT recorded_at FROM events WHERE workspace_id = %(w)s ORDER BY id DESC",
            {"w": caller.workspace_id},
        )
    return [(now - row["recorded_at"]).days for row in rows]


async def test_each_workspace_keeps_its_own_time(database: Database, now: datetime) -> None:
    short, long, plain = await make_callers(database, now)
    async with database.transaction() as conn:
        await change_periods(conn, short, {"events": 30}, now=now)
        await change_periods(conn, long, {"events": 1000}, now=now)
    assert (await preview(database.transaction, short.workspace_id, {}, now=now))["events"] == 4
    assert (await preview(database.transaction, short.workspace_id, {"events": 1100}, now=now))["events"] == 1
    assert (await preview(database.transaction, short.workspace_id, {"events": None}, now=now))["events"] == 2
    assert len(await left(database, short, now)) == 4  # a preview takes nothing
    counts = await apply_retention(database.transaction, now=now)
    assert counts["events"] == 4 + 1 + 2
    assert [await left(database, one, now) for one in (short, long, plain)] == [[], [40, 400, 800], [40, 400]]


@pytest.mark.parametrize(
    ("periods", "code"),
    [
        ({"events": 29}, "period_too_short"),
        ({"events": 4000}, "period_too_long"),
        ({"audit": 10}, "fixed_period"),
        ({"consent_ledger": 4 * 365}, "period_too_short"),
        ({"nothing": 10}, "unknown_class"),
    ],
)
async def test_floors_hold(database: Database, now: datetime, periods: dict[str, Any], code: str) -> None:
    [caller, *_] = await make_callers(database, now)
    with pytest.raises(InvalidInput) as refused:
        async with database.transaction() as conn:
            await change_periods(conn, caller, {"media": 60, **periods}, now=now)
    assert [error["code"] for error in refused.value.errors] == [code]
    async with database.transaction() as conn:
        keeps = {one.entry.name: one.keep for one in await read_standing(conn, caller.workspace_id)}
    assert keeps["media"] == timedelta(days=390)  # all or nothing


async def test_the_default_comes_back(database: Database, now: datetime) -> None:
    [caller, *_] = await make_callers(database, now)
    async with database.transaction() as conn:
        await change_periods(conn, caller, {"media": 60}, now=now)
        standing = await change_periods(conn, caller, {"media": None}, now=now)
        assert await fetch_all(conn, "SELECT * FROM retention_periods") == []
    assert next(one.keep for one in standing if one.entry.name == "media") == timedelta(days=390)
