"""The statements of erasures: the reports, who must be looked at again, and what stays of a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import json
from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all, fetch_one, fetch_optional
from sojourn.kit.ids import bucket_of
from sojourn.privacy.erasure_model import Erasure, Ground, Listed, UnknownErasure


async def insert_erasure(conn: Conn, workspace_id: UUID, erasure: Erasure, entry: Listed, *, check_at: datetime) -> int:
    """Keep the report of an erasure. How many rows: 0 when it is there already."""
    params = {
        "id": erasure.id, "workspace": workspace_id, "profiles": list(erasure.profile_ids),
        "actor": erasure.requested_by, "reason": erasure.reason.value, "counts": Jsonb(dict(erasure.erased)),
        "kept": Jsonb(dict(erasure.kept)), "tombstones": erasure.tombstones, "now": erasure.erased_at,
        "people": [bytes.fromhex(one) for one in entry.people], "check_at": check_at,
        "entry": json.encode(entry).decode(),
    }  # fmt: skip
    return await execute(conn, SQL_INSERT, params)


SQL_INSERT: LiteralString = """
INSERT INTO erasures (id, workspace_id, profile_ids, requested_by, reason, counts, kept, tombstones, erased_at, people,
                      next_check_at, list_entry)
VALUES (%(id)s, %(workspace)s, %(profiles)s, %(actor)s, %(reason)s, %(counts)s, %(kept)s, %(tombstones)s, %(now)s,
        %(people)s, %(check_at)s, %(entry)s)
ON CONFLICT (id) DO NOTHING
"""


async def get_erasure(conn: Conn, workspace_id: UUID, erasure_id: UUID) -> Erasure:
    """One report. Raises UnknownErasure."""
    row = await fetch_optional(conn, SQL_GET, {"workspace": workspace_id, "id": erasure_id})
    if row is None:
        raise UnknownErasure(erasure_id=str(erasure_id))
    return _erasure(row)


SQL_GET: LiteralString = """
SELECT id, profile_ids, requested_by, reason, counts, kept, tombstones, erased_at
  FROM erasures WHERE workspace_id = %(workspace)s AND id = %(id)s
"""


async def list_erasures(conn: Conn, workspace_id: UUID, *, before: UUID | None, limit: int) -> list[Erasure]:
    """Reports, newest first."""
    rows = await fetch_all(conn, SQL_LIST, {"workspace": workspace_id, "before": before, "limit": limit})
    return [_erasure(row) for row in rows]


SQL_LIST: LiteralString = """
SELECT id, profile_ids, requested_by, reason, counts, kept, tombstones, erased_at
  FROM erasures
 WHERE workspace_id = %(workspace)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
 ORDER BY id DESC
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An erasure that is to be looked at again. `people` are keyed hashes of the addresses."""

    id: UUID
    workspace_id: UUID
    profile_ids: list[UUID]
    people: list[bytes]
    checks: int
    erased_at: datetime
    is_due: bool


async def list_open_checks(conn: Conn, now: datetime) -> list[Check]:
    """Erasures about which reports may still come, oldest first."""
    return [Check(**row) for row in await fetch_all(conn, SQL_OPEN_CHECKS, {"now": now})]


SQL_OPEN_CHECKS: LiteralString = """
SELECT id, workspace_id, profile_ids, coalesce(people, '{}') AS people, checks, erased_at,
       next_check_at <= %(now)s AS is_due
  FROM erasures
 WHERE next_check_at IS NOT NULL
 ORDER BY id
"""


async def update_check(conn: Conn, erasure_id: UUID, *, checks: int, next_at: datetime | None) -> None:
    """Note a look at an erasure; without a next one the hashes of its addresses go."""
    await execute(conn, SQL_UPDATE_CHECK, {"id": erasure_id, "checks": checks, "next": next_at})


SQL_UPDATE_CHECK: LiteralString = """
UPDATE erasures
   SET checks = %(checks)s, next_check_at = %(next)s,
       people = CASE WHEN %(next)s::timestamptz IS NULL THEN NULL ELSE people END
 WHERE id = %(id)s
"""


async def list_known(conn: Conn, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these erasures that the database knows."""
    return {row["id"] for row in await fetch_all(conn, SQL_KNOWN, {"ids": list(ids)})}


SQL_KNOWN: LiteralString = "SELECT id FROM erasures WHERE id = ANY(%(ids)s)"


async def list_entries(conn: Conn) -> list[tuple[UUID, str]]:
    """The lines of all erasures that belong into the list outside of the database: id and JSON."""
    return [(row["id"], row["list_entry"]) for row in await fetch_all(conn, SQL_ENTRIES)]


SQL_ENTRIES: LiteralString = "SELECT id, list_entry FROM erasures WHERE list_entry IS NOT NULL ORDER BY id"


async def list_living(conn: Conn, ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Those of these people who are not erased: pairs of workspace and profile."""
    params = {"ids": list(ids), "buckets": [bucket_of(id_) for id_ in ids]}
    return [(row["workspace_id"], row["id"]) for row in await fetch_all(conn, SQL_LIVING, params)]


SQL_LIVING: LiteralString = """
SELECT p.workspace_id, p.id
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
  JOIN profiles p ON p.id = t.id AND p.bucket = t.bucket
 WHERE p.erased_at IS NULL
"""


async def count_kept(conn: Conn, workspace_id: UUID, ids: Sequence[UUID], hashes: Sequence[bytes]) -> dict[str, int]:
    """Rows that stay of people, by table; `hashes` are those of their addresses in lists and tombstones."""
    params: dict[str, Any] = {
        "workspace": workspace_id, "ids": list(ids), "texts": [str(id_) for id_ in ids],
        "buckets": sorted({bucket_of(id_) for id_ in ids}), "hashes": list(hashes),
    }  # fmt: skip
    return dict(await fetch_one(conn, SQL_COUNT_KEPT, params))


SQL_COUNT_KEPT: LiteralString = """
SELECT (SELECT count(*) FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)) AS profiles,
       (SELECT count(*) FROM runs WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)) AS runs,
       (SELECT count(*) FROM steps s JOIN runs r ON r.id = s.run_id AND r.bucket = s.bucket
         WHERE r.profile_id = ANY(%(ids)s) AND r.bucket = ANY(%(buckets)s)) AS steps,
       (SELECT count(*) FROM consent_entries WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s))
       AS consent_entries,
       (SELECT count(*) FROM consent_tombstones
         WHERE workspace_id = %(workspace)s AND identity_hash = ANY(%(hashes)s::bytea[])) AS consent_tombstones,
       (SELECT count(*) FROM suppressions
         WHERE workspace_id = %(workspace)s AND identity_hash = ANY(%(hashes)s::bytea[])) AS suppressions,
       (SELECT count(*) FROM audit_entries
         WHERE workspace_id = %(workspace)s AND object_kind = 'profile' AND object_id = ANY(%(texts)s)) AS audit_entries
"""


def _erasure(row: Row) -> Erasure:
    return Erasure(
        id=row["id"],
        profile_ids=tuple(row["profile_ids"]),
        reason=Ground(row["reason"]),
        requested_by=row["requested_by"],
        erased=row["counts"],
        kept=row["kept"],
        tombstones=row["tombstones"],
        erased_at=row["erased_at"],
    )
