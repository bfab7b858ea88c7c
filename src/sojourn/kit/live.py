"""News for browsers: rows that live for 15 minutes, written in the transaction of the change that they tell of.

A row holds ids, states and counts, never text or addresses: who hears it asks for those, and is checked then. Writers
write one row a batch. Its id is made by the system clock, so that pushing the product clock loses nobody's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import json
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import first_id, new_id

KEPT = timedelta(minutes=15)
OVERLAP = timedelta(seconds=2)  # how much later than its id's moment a row may become visible
ITEMS_MAX = 20  # things that a row names one by one; beyond that it only counts
ACCESS = "access"  # the topic by which processes tell each other that somebody's rights changed; never sent out


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """News of one topic. It is also news of the topics `profile:{id}` of `profiles` and `phone:{id}` of `senders`."""

    workspace_id: UUID
    topic: str
    payload: Mapping[str, Any]
    profiles: Sequence[UUID] = ()
    senders: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """News as it was written."""

    id: UUID
    workspace_id: UUID
    topic: str
    payload: dict[str, Any]
    profiles: frozenset[str]
    senders: frozenset[str]


async def publish(conn: Conn, events: Sequence[LiveEvent], now: datetime) -> None:
    """Tell browsers, once this transaction commits. `now` is the product's moment and becomes `at` of the payload."""
    if not events:
        return
    moment = system_now()
    at = now.isoformat()
    rows = [
        {
            "id": new_id(moment), "workspace_id": event.workspace_id, "topic": event.topic,
            "payload": {"at": at, **event.payload}, "profiles": _array(event.profiles),
            "senders": _array(event.senders),
        }
        for event in events
    ]  # fmt: skip
    await execute(conn, SQL_INSERT, {"rows": json.encode(rows).decode()})


def _array(ids: Sequence[UUID]) -> str:
    return "{" + ",".join(id_.hex for id_ in ids) + "}"


async def read_new(conn: Conn, *, after: UUID, seen: Sequence[UUID], limit: int) -> list[StoredEvent]:
    """Rows from an id on that are not among the seen ones, oldest first."""
    params = {"after": after, "seen": list(seen), "limit": limit}
    return [_stored(row) for row in await fetch_all(conn, SQL_READ_NEW, params)]


async def read_missed(conn: Conn, workspace_id: UUID, *, after: UUID, limit: int) -> list[StoredEvent]:
    """Rows of one workspace from an id on, oldest first."""
    params = {"workspace": workspace_id, "after": after, "limit": limit}
    return [_stored(row) for row in await fetch_all(conn, SQL_READ_MISSED, params)]


async def delete_old(conn: Conn, moment: datetime) -> int:
    """Delete what is older than 15 minutes at this moment of the system clock."""
    return await execute(conn, SQL_DELETE_OLD, {"before": first_id(moment - KEPT)})


def moment_of(id_: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, tz=system_now().tzinfo)


def _stored(row: dict[str, Any]) -> StoredEvent:
    return StoredEvent(
        row["id"], row["workspace_id"], row["topic"], row["payload"],
        frozenset(map(str, row["profiles"])), frozenset(map(str, row["senders"])),
    )  # fmt: skip


SQL_INSERT: LiteralString = """
INSERT INTO live_events (id, workspace_id, topic, payload, profiles, senders)
SELECT id, workspace_id, topic, payload, profiles::uuid[], senders::uuid[]
  FROM jsonb_to_recordset(%(rows)s::jsonb)
       AS t (id uuid, workspace_id uuid, topic text, payload jsonb, profiles text, senders text)
"""
SQL_READ_NEW: LiteralString = """
SELECT id, workspace_id, topic, payload, profiles, senders
  FROM live_events
 WHERE id >= %(after)s AND id <> ALL(%(seen)s::uuid[])
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_READ_MISSED: LiteralString = """
SELECT id, workspace_id, topic, payload, profiles, senders
  FROM live_events
 WHERE id >= %(after)s AND workspace_id = %(workspace)s
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_DELETE_OLD: LiteralString = """
DELETE FROM live_events
 WHERE id < %(before)s
"""
