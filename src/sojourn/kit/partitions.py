"""Monthly partitions of tables that are range-partitioned on a UUIDv7 id, made ahead of need.

A row outside all months lands in the table's default partition, so that a clock that is pushed far never fails an
insert. Tables name themselves in `PARTITIONED`, which is written out by the folders' migrations and listed here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import sql

from sojourn.kit import ids
from sojourn.kit.database import Conn, fetch_all

MONTHS_AHEAD = 3


async def make_partitions(conn: Conn, now: datetime) -> list[str]:
    """Make the months around `now` for every partitioned table of the schema; the names of those that are new.

    A month whose rows already lie in the default partition is left there: they stay readable.
    """
    made: list[str] = []
    rows = await fetch_all(conn, SQL_TABLES)
    existing = {row["partition"] for row in rows}
    for table in sorted({row["parent"] for row in rows}):
        month = _month(now - timedelta(days=31))
        for _ in range(MONTHS_AHEAD + 2):
            following = _month(month + timedelta(days=32))
            name = f"{table}_{month:%Y_%m}"
            if name not in existing and not await _holds_rows(conn, table, month, following):
                await conn.execute(
                    sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                        sql.Identifier(name),
                        sql.Identifier(table),
                        sql.Literal(str(ids.first_id(month))),
                        sql.Literal(str(ids.first_id(following))),
                    )
                )
                made.append(name)
            month = following
    return made


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


async def _holds_rows(conn: Conn, table: str, start: datetime, end: datetime) -> bool:
    cursor = await conn.execute(
        sql.SQL("SELECT 1 FROM {} WHERE id >= %(start)s AND id < %(end)s LIMIT 1").format(
            sql.Identifier(f"{table}_default")
        ),
        {"start": ids.first_id(start), "end": ids.first_id(end)},
    )
    return await cursor.fetchone() is not None


SQL_TABLES = """
SELECT parent.relname AS parent, child.relname AS partition
  FROM pg_partitioned_table p
  JOIN pg_class parent ON parent.oid = p.partrelid
  JOIN pg_namespace n ON n.oid = parent.relnamespace AND n.nspname = current_schema()
  LEFT JOIN pg_inherits i ON i.inhparent = parent.oid
  LEFT JOIN pg_class child ON child.oid = i.inhrelid
 WHERE p.partstrat = 'r'
"""
