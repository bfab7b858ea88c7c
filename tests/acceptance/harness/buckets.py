"""Whether rows lie where they would be looked for: in the bucket that is the last byte of the person's id."""

from __future__ import annotations

from typing import LiteralString

import psycopg

from tests.support.tables import OF_A_PERSON

IDS = ("id", "profile_id", "delivery_id", "run_id", "event_id", "entry_id")

SQL_COLUMNS: LiteralString = """
SELECT table_name, column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND data_type = 'uuid' AND table_name = ANY(%(tables)s) AND column_name = ANY(%(names)s)
"""
SQL_MISPLACED: LiteralString = """
SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND bucket <> get_byte(uuid_send({column}), 15)
"""


def misplaced(url: str) -> list[str]:
    """Columns of people's tables with ids that end in another byte than their row's bucket, and how many."""
    found: list[str] = []
    with psycopg.connect(url) as conn:
        columns = conn.execute(SQL_COLUMNS, {"tables": sorted(OF_A_PERSON), "names": list(IDS)}).fetchall()
        for table, column in columns:
            names = {"table": psycopg.sql.Identifier(table), "column": psycopg.sql.Identifier(column)}
            row = conn.execute(psycopg.sql.SQL(SQL_MISPLACED).format(**names)).fetchone()
            assert row is not None
            if row[0]:
                found.append(f"{table}.{column}: {row[0]}")
    return found
