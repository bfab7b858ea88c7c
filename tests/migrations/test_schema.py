"""The schema as a whole: what the migrations amount to, and that it is ready to be spread over machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from sojourn.kit import migrate, schema_dump
from sojourn.kit.database import Conn, fetch_all
from tests.support import postgres

# Tables with a row or more for each person or message. Each carries `bucket`, the last byte of its person's id.
HOT = [
    "profiles",
    "identities",
    "events",
    "event_keys",
    "consents",
    "consent_entries",
    "pressure",
    "runs",
    "steps",
    "deliveries",
    "delivery_keys",
    "attempts",
    "messages",
    "provider_messages",
    "conversations",
    "costs",
    "jobs",
    "dead_jobs",
    "message_facts",
    "audience_members",
    "assignments",
    "conversions",
]


def test_schema_sql_is_what_the_migrations_make(database_server: str, database_template: str) -> None:
    dump = schema_dump.dump_schema(postgres.with_database(database_server, database_template))
    assert (migrate.FOLDER / "schema.sql").read_text() == dump, "make schema"


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [migration.number for migration in migrate.read_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture
async def hot(conn: Conn) -> list[str]:
    """The hot tables that exist, partitions left out."""
    rows = await fetch_all(conn, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition")
    return [row["relname"] for row in rows if row["relname"] in HOT]


async def test_hot_tables_carry_a_bucket(conn: Conn, hot: list[str]) -> None:
    rows = await fetch_all(
        conn,
        """
        SELECT table_name, data_type, is_nullable FROM information_schema.columns
         WHERE column_name = 'bucket' AND table_name = ANY(%(hot)s)
        """,
        {"hot": hot},
    )
    assert {row["table_name"]: (row["data_type"], row["is_nullable"]) for row in rows} == dict.fromkeys(
        hot, ("smallint", "NO")
    )


async def test_unique_constraints_of_hot_tables_contain_the_bucket(conn: Conn, hot: list[str]) -> None:
    rows = await fetch_all(
        conn,
        """
        SELECT c.relname, i.indexrelid::regclass::text AS name,
               array_agg(a.attname::text) AS columns
          FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
         WHERE (i.indisunique OR i.indisexclusion) AND c.relname = ANY(%(hot)s)
         GROUP BY 1, 2
        """,
        {"hot": hot},
    )
    assert [row["name"] for row in rows if "bucket" not in row["columns"]] == []
    assert {row["relname"] for row in rows} == set(hot)


async def test_hot_tables_refer_only_to_hot_tables_by_bucket(conn: Conn, hot: list[str]) -> None:
    rows = await fetch_all(
        conn,
        """
        SELECT conname, confrelid::regclass::text AS target, pg_get_constraintdef(oid) AS text
          FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(%(hot)s)
        """,
        {"hot": hot},
    )
    assert [row["conname"] for row in rows if row["target"] not in hot or "bucket" not in row["text"]] == []


async def test_no_key_hangs_on_a_sequence_and_no_table_has_a_trigger(conn: Conn) -> None:
    sequences = await fetch_all(conn, "SELECT relname FROM pg_class WHERE relkind = 'S'")
    triggers = await fetch_all(conn, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert sequences == []
    assert triggers == []


def test_no_migration_asks_the_database_for_the_time() -> None:
    for file in sorted(Path(migrate.FOLDER).glob("0*.sql")):
        words = file.read_text().lower()
        assert "now()" not in words, file.name
        assert "current_timestamp" not in words, file.name
