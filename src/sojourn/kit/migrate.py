"""Numbered SQL migrations: forward only, each in its own transaction, never changed once applied.

`migrations/NNNN_name.sql` are applied in the order of their numbers. Two processes may start at once: the second waits
for the first and finds nothing left to do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import LiteralString

import psycopg

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


class MigrationError(Exception):
    """The migrations on disk and the database do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file."""

    number: int
    name: str
    sql: str
    sha256: str


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """All migrations, in order. Raises MigrationError for a file with a wrong name or a number given twice."""
    found: dict[int, Migration] = {}
    for file in sorted(folder.glob("*.sql")):
        if file.name == "schema.sql":
            continue
        match = FILE_NAME.match(file.name)
        if match is None:
            raise MigrationError(f"{file.name}: a migration is called NNNN_what_it_does.sql")
        number, sql = int(match.group(1)), file.read_text(encoding="utf-8")
        if number in found:
            raise MigrationError(f"{file.name}: the number {number:04d} is taken by {found[number].name}")
        found[number] = Migration(number, match.group(2), sql, hashlib.sha256(sql.encode()).hexdigest())
    return [found[number] for number in sorted(found)]


def fingerprint(folder: Path = FOLDER) -> str:
    """A short hash of all migrations: the same hash, the same schema."""
    digest = hashlib.sha256()
    for migration in read_migrations(folder):
        digest.update(f"{migration.number}:{migration.sha256}\n".encode())
    return digest.hexdigest()[:12]


async def migrate(url: str, *, at: datetime, folder: Path = FOLDER) -> list[Migration]:
    """Apply what is missing. Returns what was applied now, in order; an empty list when nothing was missing.

    Raises MigrationError when an applied file was changed or is gone, or when a statement fails; what was applied
    before the failing file stays.
    """
    wanted = read_migrations(folder)
    applied: list[Migration] = []
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with conn:
        async with conn.transaction():
            await conn.execute(SQL_CREATE_TABLE)
        for migration in wanted:
            async with conn.transaction():
                await conn.execute("LOCK TABLE schema_migrations IN EXCLUSIVE MODE")
                if await _is_applied(conn, migration):
                    continue
                try:
                    await conn.execute(migration.sql.encode())
                except psycopg.Error as error:
                    raise MigrationError(f"{migration.number:04d}_{migration.name}.sql: {error}") from error
                await conn.execute(
                    SQL_INSERT,
                    {"number": migration.number, "name": migration.name, "sha256": migration.sha256, "at": at},
                )
            applied.append(migration)
        await _refuse_unknown(conn, wanted)
    return applied


async def list_pending(url: str, folder: Path = FOLDER) -> list[Migration]:
    """The migrations that `migrate` would apply, in order."""
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with conn:
        cursor = await conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
        row = await cursor.fetchone()
        if row is None or not row[0]:
            return read_migrations(folder)
        return [m for m in read_migrations(folder) if not await _is_applied(conn, m)]


async def _is_applied(conn: psycopg.AsyncConnection[tuple[object, ...]], migration: Migration) -> bool:
    cursor = await conn.execute(SQL_FIND, {"number": migration.number})
    row = await cursor.fetchone()
    if row is None:
        return False
    if row[0] != migration.sha256:
        raise MigrationError(
            f"{migration.number:04d}_{migration.name}.sql was changed after it had been applied. Put the old text back "
            "and write a new migration for the change."
        )
    return True


async def _refuse_unknown(conn: psycopg.AsyncConnection[tuple[object, ...]], wanted: list[Migration]) -> None:
    cursor = await conn.execute(SQL_UNKNOWN, {"numbers": [m.number for m in wanted]})
    unknown = [f"{row[0]:04d}_{row[1]}" for row in await cursor.fetchall()]
    if unknown:
        raise MigrationError(
            f"the database has migrations that this program does not know ({', '.join(unknown)}): "
            "it was used by a newer version. Start that version, or restore a backup."
        )


SQL_CREATE_TABLE: LiteralString = """
SELECT pg_advisory_xact_lock(7091552);
SET LOCAL client_min_messages = warning;
CREATE TABLE IF NOT EXISTS schema_migrations (
  number integer PRIMARY KEY,
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL
);
"""

SQL_FIND: LiteralString = "SELECT sha256 FROM schema_migrations WHERE number = %(number)s"

SQL_INSERT: LiteralString = """
INSERT INTO schema_migrations (number, name, sha256, applied_at)
VALUES (%(number)s, %(name)s, %(sha256)s, %(at)s)
"""

SQL_UNKNOWN: LiteralString = """
SELECT number, name FROM schema_migrations WHERE NOT (number = ANY(%(numbers)s)) ORDER BY number
"""
