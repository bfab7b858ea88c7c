"""Migrations against a real server."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from sojourn.kit import migrate
from sojourn.kit.database import Conn, Database, fetch_value
from tests.support import postgres


@pytest.fixture
def empty_url(database_server: str):
    url = postgres.clone(database_server, "template0")
    yield url
    postgres.drop(database_server, url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE one (id integer);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE two (id integer); INSERT INTO two VALUES (1), (2);")
    return tmp_path


async def test_migrations_are_applied_once_and_in_order(empty_url: str, folder: Path, now: datetime) -> None:
    assert [m.number for m in await migrate.migrate(empty_url, at=now, folder=folder)] == [1, 2]
    assert await migrate.migrate(empty_url, at=now, folder=folder) == []
    (folder / "0003_third.sql").write_text("DROP TABLE one;")
    assert [m.name for m in await migrate.list_pending(empty_url, folder)] == ["third"]
    assert [m.name for m in await migrate.migrate(empty_url, at=now, folder=folder)] == ["third"]
    assert await migrate.list_pending(empty_url, folder) == []


async def test_a_changed_file_is_refused(empty_url: str, folder: Path, now: datetime) -> None:
    await migrate.migrate(empty_url, at=now, folder=folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE other (id integer);")
    with pytest.raises(migrate.MigrationError, match=r"0001_first.sql was changed"):
        await migrate.migrate(empty_url, at=now, folder=folder)


async def test_a_database_of_a_newer_version_is_refused(empty_url: str, folder: Path, now: datetime) -> None:
    await migrate.migrate(empty_url, at=now, folder=folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(migrate.MigrationError, match="0002_second"):
        await migrate.migrate(empty_url, at=now, folder=folder)


async def test_a_failing_migration_leaves_nothing_of_itself(empty_url: str, folder: Path, now: datetime) -> None:
    (folder / "0002_second.sql").write_text("CREATE TABLE two (id integer); SELECT 1/0;")
    with pytest.raises(migrate.MigrationError, match=r"0002_second.sql: division by zero"):
        await migrate.migrate(empty_url, at=now, folder=folder)
    async with await psycopg.AsyncConnection.connect(empty_url) as conn:
        cursor = await conn.execute("SELECT to_regclass('one') IS NOT NULL, to_regclass('two') IS NULL")
        assert await cursor.fetchone() == (True, True)


async def test_starts_at_the_same_time_apply_each_migration_once(empty_url: str, folder: Path, now: datetime) -> None:
    results = await asyncio.gather(*[migrate.migrate(empty_url, at=now, folder=folder) for _ in range(5)])
    assert sorted(m.number for applied in results for m in applied) == [1, 2]


def test_names_and_numbers_are_checked(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("")
    (tmp_path / "0001_again.sql").write_text("")
    with pytest.raises(migrate.MigrationError, match="taken"):
        migrate.read_migrations(tmp_path)
    (tmp_path / "0001_again.sql").rename(tmp_path / "2_again.sql")
    with pytest.raises(migrate.MigrationError, match="NNNN"):
        migrate.read_migrations(tmp_path)


async def test_the_shared_fixtures_work(conn: Conn, database: Database) -> None:
    assert await fetch_value(conn, "SELECT count(*) FROM schema_migrations") == len(migrate.read_migrations())
    async with database.transaction() as other:
        assert await fetch_value(other, "SELECT count(*) FROM schema_migrations") == len(migrate.read_migrations())
