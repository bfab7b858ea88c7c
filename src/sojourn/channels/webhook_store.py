"""The statements of raw webhook bodies: insert in batches, claim, mark, replay, redact, age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, Row, execute, fetch_all, fetch_value


@dataclass(frozen=True, slots=True)
class NewBody:
    """A body to store: `digest` of app and raw bytes, `sealed` its envelope, `size` of the raw bytes."""

    digest: bytes
    webhook_app_id: UUID
    size: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBody:
    """What became of a body. `people` are keyed hashes of the addresses in it."""

    digest: bytes
    state: str
    reason: str | None
    updates: int
    people: Sequence[bytes]


async def insert_bodies(conn: Conn, bodies: Sequence[NewBody], *, now: datetime) -> int:
    """Store bodies; those that are there already are left alone. How many are new.

    Rows go in order of their digest, so that two batches with the same repeats cannot wait for each other.
    """
    ordered = sorted(bodies, key=lambda body: body.digest)
    params = {
        "digests": [body.digest for body in ordered],
        "apps": [body.webhook_app_id for body in ordered],
        "sizes": [body.size for body in ordered],
        "bodies": [body.sealed for body in ordered],
        "now": now,
    }
    return await execute(conn, SQL_INSERT_BODIES, params)


SQL_INSERT_BODIES: LiteralString = """
INSERT INTO webhook_bodies (digest, webhook_app_id, received_at, size_bytes, body)
SELECT d, a, %(now)s::timestamptz, s, b
  FROM unnest(%(digests)b::bytea[], %(apps)b::uuid[], %(sizes)s::int[], %(bodies)b::bytea[]) AS n (d, a, s, b)
    ON CONFLICT (digest) DO NOTHING
"""


async def lock_new_bodies(conn: Conn, *, limit: int, max_bytes: int) -> list[Row]:
    """Lock bodies that wait to be parsed, oldest first, at least one and then up to `max_bytes` together.

    What another worker holds is skipped; zero rows: nothing waits.
    """
    waiting = await fetch_all(conn, SQL_LOCK_NEW, {"limit": limit})
    chosen: list[bytes] = []
    size = 0
    for row in waiting:
        size += row["size_bytes"]
        if chosen and size > max_bytes:
            break
        chosen.append(row["digest"])
    return await fetch_all(conn, SQL_READ_BODIES, {"digests": chosen}) if chosen else []


SQL_LOCK_NEW: LiteralString = """
SELECT digest, size_bytes FROM webhook_bodies
 WHERE parsed_at IS NULL
 ORDER BY received_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""
SQL_READ_BODIES: LiteralString = """
SELECT digest, webhook_app_id, received_at, body FROM webhook_bodies
 WHERE digest = ANY(%(digests)s::bytea[])
 ORDER BY received_at, digest
"""


async def lock_body(conn: Conn, digest: bytes) -> list[Row]:
    """Lock one body that waits to be parsed; zero rows when another worker has it or it is done."""
    return await fetch_all(conn, SQL_LOCK_BODY, {"digest": digest})


SQL_LOCK_BODY: LiteralString = """
SELECT digest, webhook_app_id, received_at, body FROM webhook_bodies
 WHERE digest = %(digest)s AND parsed_at IS NULL
   FOR UPDATE SKIP LOCKED
"""


async def update_parsed(conn: Conn, bodies: Sequence[ParsedBody], *, now: datetime) -> None:
    """Write what became of bodies that this transaction has locked."""
    params = {
        "digests": [body.digest for body in bodies],
        "states": [body.state for body in bodies],
        "reasons": [body.reason for body in bodies],
        "updates": [body.updates for body in bodies],
        "people": [bytea_array(body.people) if body.people else None for body in bodies],
        "now": now,
    }
    await execute(conn, SQL_UPDATE_PARSED, params)


def bytea_array(items: Sequence[bytes]) -> str:
    """An array of bytes as PostgreSQL's text form, for arrays inside of arrays (unnest would flatten them)."""
    return "{" + ",".join(f'"\\\\x{item.hex()}"' for item in items) + "}"


SQL_UPDATE_PARSED: LiteralString = """
UPDATE webhook_bodies w
   SET parsed_at = %(now)s, state = n.state, reason = n.reason, updates = n.updates, people = n.people::bytea[]
  FROM unnest(%(digests)s::bytea[], %(states)s::text[], %(reasons)s::text[], %(updates)s::int[], %(people)s::text[])
       AS n (digest, state, reason, updates, people)
 WHERE w.digest = n.digest
"""


async def first_new(conn: Conn) -> datetime | None:
    """When the oldest body that waits was received."""
    moment: datetime | None = await fetch_value(conn, SQL_FIRST_NEW)
    return moment


SQL_FIRST_NEW: LiteralString = "SELECT min(received_at) FROM webhook_bodies WHERE parsed_at IS NULL"


async def add_counts(conn: Conn, counts: Sequence[tuple[UUID, str, str, int]], *, day: date) -> None:
    """Add to the counters of what came in; each entry is workspace, field, kind, how many."""
    ordered = sorted(counts, key=lambda entry: (entry[0].int, entry[1], entry[2]))
    params = {
        "workspaces": [entry[0] for entry in ordered],
        "fields": [entry[1] for entry in ordered],
        "kinds": [entry[2] for entry in ordered],
        "counts": [entry[3] for entry in ordered],
        "day": day,
    }
    if ordered:
        await execute(conn, SQL_ADD_COUNTS, params)


SQL_ADD_COUNTS: LiteralString = """
INSERT INTO webhook_counters AS c (workspace_id, day, field, kind, count)
SELECT w, %(day)s::date, f, k, n
  FROM unnest(%(workspaces)s::uuid[], %(fields)s::text[], %(kinds)s::text[], %(counts)s::bigint[]) AS u (w, f, k, n)
    ON CONFLICT (workspace_id, day, field, kind) DO UPDATE SET count = c.count + EXCLUDED.count
"""


async def list_counts(conn: Conn, workspace_id: UUID, *, since: date) -> list[Row]:
    """What came in since a day, besides messages and statuses."""
    return await fetch_all(conn, SQL_LIST_COUNTS, {"workspace": workspace_id, "since": since})


SQL_LIST_COUNTS: LiteralString = """
SELECT day, field, kind, count FROM webhook_counters
 WHERE workspace_id = %(workspace)s AND day >= %(since)s
 ORDER BY day, field, kind
"""


async def list_bodies(
    conn: Conn, workspace_id: UUID, *, state: str | None, before: tuple[datetime, bytes] | None, limit: int
) -> list[Row]:
    """Raw bodies of a workspace without their content, newest first."""
    params = {
        "workspace": workspace_id,
        "state": state,
        "before_at": before[0] if before else None,
        "before_digest": before[1] if before else None,
        "limit": limit,
    }
    return await fetch_all(conn, SQL_LIST_BODIES, params)


SQL_LIST_BODIES: LiteralString = """
SELECT w.digest, w.webhook_app_id, w.received_at, w.parsed_at, w.state, w.reason, w.updates, w.size_bytes
  FROM webhook_bodies w
 WHERE w.webhook_app_id IN (SELECT id FROM webhook_apps WHERE workspace_id = %(workspace)s)
   AND (%(state)s::text IS NULL OR w.state = %(state)s)
   AND (%(before_at)s::timestamptz IS NULL
        OR (w.received_at, w.digest) < (%(before_at)s::timestamptz, %(before_digest)s::bytea))
 ORDER BY w.received_at DESC, w.digest DESC
 LIMIT %(limit)s
"""


async def reset_bodies(
    conn: Conn,
    workspace_id: UUID,
    *,
    received_from: datetime,
    received_to: datetime,
    states: Sequence[str],
    digests: Sequence[bytes] | None,
) -> int:
    """Have bodies parsed again; redacted ones stay as they are. How many."""
    params = {
        "workspace": workspace_id,
        "from": received_from,
        "to": received_to,
        "states": list(states),
        "digests": None if digests is None else list(digests),
    }
    return await execute(conn, SQL_RESET, params)


SQL_RESET: LiteralString = """
UPDATE webhook_bodies
   SET parsed_at = NULL, state = 'new', reason = NULL
 WHERE webhook_app_id IN (SELECT id FROM webhook_apps WHERE workspace_id = %(workspace)s)
   AND parsed_at IS NOT NULL
   AND received_at >= %(from)s AND received_at < %(to)s
   AND state = ANY(%(states)s)
   AND (%(digests)s::bytea[] IS NULL OR digest = ANY(%(digests)s::bytea[]))
"""


async def lock_bodies_of_people(
    conn: Conn, workspace_id: UUID, hashes: Sequence[bytes], *, after: bytes, limit: int
) -> list[Row]:
    """Lock bodies in which any of these people occur, in order of their digest."""
    params = {"workspace": workspace_id, "hashes": list(hashes), "after": after, "limit": limit}
    return await fetch_all(conn, SQL_LOCK_OF_PEOPLE, params)


SQL_LOCK_OF_PEOPLE: LiteralString = """
SELECT digest, body FROM webhook_bodies
 WHERE people && %(hashes)s::bytea[]
   AND webhook_app_id IN (SELECT id FROM webhook_apps WHERE workspace_id = %(workspace)s)
   AND digest > %(after)s
 ORDER BY digest
 LIMIT %(limit)s
   FOR UPDATE
"""


async def lock_unparsed(conn: Conn, workspace_id: UUID, *, after: bytes, limit: int) -> list[Row]:
    """Lock bodies whose people are not known, because they are malformed or not parsed yet, by digest."""
    return await fetch_all(conn, SQL_LOCK_UNPARSED, {"workspace": workspace_id, "after": after, "limit": limit})


SQL_LOCK_UNPARSED: LiteralString = """
SELECT digest, body FROM webhook_bodies
 WHERE (state = 'malformed' OR parsed_at IS NULL)
   AND webhook_app_id IN (SELECT id FROM webhook_apps WHERE workspace_id = %(workspace)s)
   AND digest > %(after)s
 ORDER BY digest
 LIMIT %(limit)s
   FOR UPDATE
"""


async def update_redacted(conn: Conn, rows: Sequence[tuple[bytes, bytes]], hashes: Sequence[bytes]) -> None:
    """Put redacted bodies in place of whole ones; pairs of digest and sealed body.

    The hashes go from `people`; a body that waits to be parsed still is, without them.
    """
    params = {"digests": [row[0] for row in rows], "bodies": [row[1] for row in rows], "hashes": list(hashes)}
    await execute(conn, SQL_UPDATE_REDACTED, params)


SQL_UPDATE_REDACTED: LiteralString = """
UPDATE webhook_bodies w
   SET state = CASE WHEN w.parsed_at IS NULL THEN w.state ELSE 'redacted' END, body = n.body,
       people = (SELECT array_agg(p) FROM unnest(w.people) AS p WHERE p <> ALL(%(hashes)s::bytea[]))
  FROM unnest(%(digests)s::bytea[], %(bodies)s::bytea[]) AS n (digest, body)
 WHERE w.digest = n.digest
"""


async def delete_old_bodies(
    conn: Conn, *, before: datetime, limit: int, only: UUID | None = None, spared: Sequence[UUID] = ()
) -> int:
    """Delete parsed bodies received before a moment, of all workspaces or of `only` one. How many."""
    if spared:
        raise ValueError("no workspace keeps raw bodies for another time")
    return await execute(conn, SQL_DELETE_OLD, {"before": before, "limit": limit, "only": only})


SQL_DELETE_OLD: LiteralString = """
DELETE FROM webhook_bodies
 WHERE digest IN (SELECT digest FROM webhook_bodies WHERE received_at < %(before)s AND parsed_at IS NOT NULL
                    AND (%(only)s::uuid IS NULL
                         OR webhook_app_id IN (SELECT id FROM webhook_apps WHERE workspace_id = %(only)s::uuid))
                  LIMIT %(limit)s)
"""
