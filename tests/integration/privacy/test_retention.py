"""What is too old goes at night, and only that."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from sojourn.kit.database import Conn, Database, execute, fetch_all, fetch_value
from sojourn.kit.ids import bucket_of, new_id
from sojourn.privacy.model import BY_NAME, CLASSES
from sojourn.privacy.retention import SWEEPS, apply_retention


async def test_every_table_is_in_a_class(conn: Conn) -> None:
    rows = await fetch_all(
        conn,
        """SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition""",
    )
    named = {table for entry in CLASSES for table in entry.tables}
    assert {row["relname"] for row in rows} == named


def test_every_class_with_a_period_is_swept() -> None:
    swept = {name for name, _, _ in SWEEPS}
    assert swept == {entry.name for entry in CLASSES if entry.keep is not None}


async def add_event(conn: Conn, at: datetime) -> UUID:
    id_ = new_id(at, 7)
    await execute(
        conn,
        """INSERT INTO events (id, bucket, workspace_id, profile_id, name, properties, source,
                               occurred_at, recorded_at)
           VALUES (%(id)s, %(bucket)s, %(id)s, %(id)s, 'order.shipped', '{}', 'api', %(at)s, %(at)s)""",
        {"id": id_, "bucket": bucket_of(id_), "at": at},
    )
    return id_


async def test_old_events_go_and_young_ones_stay(database: Database, now: datetime) -> None:
    keep = BY_NAME["events"].keep
    assert keep is not None
    async with database.transaction() as conn:
        await add_event(conn, now - keep - timedelta(days=1))
        young = await add_event(conn, now - keep + timedelta(days=1))
    counted = await apply_retention(database.transaction, now=now, is_dry_run=True)
    assert counted["events"] == 1
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM events") == 2
    assert await apply_retention(database.transaction, now=now) == counted
    async with database.transaction() as conn:
        assert [row["id"] for row in await fetch_all(conn, "SELECT id FROM events")] == [young]


@pytest.mark.parametrize("days", [0, 3650])
async def test_an_empty_house_is_swept_without_harm(database: Database, now: datetime, days: int) -> None:
    counts = await apply_retention(database.transaction, now=now + timedelta(days=days))
    assert set(counts.values()) == {0}
