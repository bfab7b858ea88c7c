"""The statements of imports: a report a file, without any value of it."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from sojourn.imports.model import Report
from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all


async def insert_import(
    conn: Conn, workspace_id: UUID, report: Report, *, digest: bytes, actor: str, now: datetime
) -> None:
    """Keep what an import did. Errors name lines, columns and kinds of mistakes, never a cell."""
    counts = {
        "rows": report.rows,
        "imported": report.imported,
        "rejected": report.rejected,
        "profiles_new": report.profiles_new,
        "consents_new": report.consents_new,
    }
    errors = [{"line": error.line, "field": error.field, "code": error.code} for error in report.errors]
    await execute(
        conn,
        SQL_INSERT,
        {
            "id": report.id,
            "workspace": workspace_id,
            "digest": digest,
            "dry": report.is_dry_run,
            "actor": actor,
            "counts": Jsonb(counts),
            "errors": Jsonb(errors),
            "now": now,
        },
    )


SQL_INSERT: LiteralString = """
INSERT INTO imports (id, workspace_id, file_digest, is_dry_run, actor, counts, errors, created_at)
VALUES (%(id)s, %(workspace)s, %(digest)s, %(dry)s, %(actor)s, %(counts)s, %(errors)s, %(now)s)
"""


async def list_imports(conn: Conn, workspace_id: UUID, *, before: UUID | None, limit: int) -> list[Row]:
    """Reports, newest first."""
    return await fetch_all(conn, SQL_LIST, {"workspace": workspace_id, "before": before, "limit": limit})


SQL_LIST: LiteralString = """
SELECT id, is_dry_run, actor, counts, errors, created_at
  FROM imports
 WHERE workspace_id = %(workspace)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
