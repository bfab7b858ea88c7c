"""Why somebody got a message or did not: what is stored about it, in sentences. Nothing is decided anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from sojourn.channels.whatsapp.errors import load_catalogue
from sojourn.deliveries.explain import REASONS, explain
from sojourn.deliveries.trace import decode_decision
from sojourn.kit.database import Conn, Row, fetch_all, fetch_optional
from sojourn.kit.ids import bucket_of

Answer = Literal["sent", "excluded", "deferred", "not_requested", "unknown"]

ANSWERS: Mapping[str, Answer] = {
    "queued": "deferred", "deferred": "deferred", "excluded": "excluded", "cancelled": "excluded",
    "expired": "excluded", "unknown": "unknown", "accepted": "sent", "held": "sent", "sent": "sent", "failed": "sent",
    "delivered": "sent", "read": "sent", "played": "sent",
}  # fmt: skip
LIMIT = 20  # deliveries that are looked at, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the question is about: a template by name, a journey, or the key of a delivery."""

    template: str | None = None
    journey_id: UUID | None = None
    delivery_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer. `deliveries` newest first, each with its decisions and moments; `run`: through the asked journey."""

    answer: Answer
    sentence: str
    deliveries: Sequence[Row]
    run: Row | None


async def explain_why(conn: Conn, workspace_id: UUID, people: Sequence[UUID], asked: Asked) -> Found:
    """Answer for a person, who is all these profiles."""
    params = {
        "workspace": workspace_id, "ids": list(people), "template": asked.template, "journey": asked.journey_id,
        "key": asked.delivery_key, "limit": LIMIT, "buckets": sorted({bucket_of(id_) for id_ in people}),
    }  # fmt: skip
    rows = [_told(row) for row in await fetch_all(conn, SQL_DELIVERIES, params)]
    run = await fetch_optional(conn, SQL_RUN, params) if asked.journey_id is not None else None
    if not rows:
        return Found(answer="not_requested", sentence=_never_asked(asked, run), deliveries=[], run=run)
    newest = rows[0]
    has_left = newest["status"] == "expired" and newest["accepted_at"] is not None
    answer = "sent" if has_left else ANSWERS[newest["status"]]
    return Found(answer=answer, sentence=newest["sentence"], deliveries=rows, run=run)


def _told(row: Row) -> Row:
    for name in ("requested_decision", "sending_decision"):
        row[name] = None if row[name] is None else explain(decode_decision(row[name]))
    row["sentence"] = sentence_of(row)
    return row


def sentence_of(row: Mapping[str, Any]) -> str:
    """What became of one delivery, and why."""
    reason = row["reason"]
    words = REASONS.get(reason or "", (reason or "").replace("_", " "))
    match row["status"]:
        case "excluded":
            return f"It was not sent. {words}"
        case "cancelled":
            return f"It was taken back on {_at(row['ended_at'])} before it left: {words or 'no reason was given'}."
        case "expired" if row["accepted_at"] is None:
            return f"It was not sent: its time was over on {_at(row['ended_at'])}."
        case "expired":
            return "It left, and was never reported delivered: the provider must have dropped it."
        case "deferred":
            until = (row["requested_decision"] or {}).get("until")
            return f"It waits. {words}{f' Until {_at(until)}.' if until else ''}"
        case "queued":
            return f"It is in the queue, planned for {_at(row['planned_at'])}."
        case "unknown":
            return "It was handed over and no answer came: nobody knows yet whether it arrived."
        case "failed":
            return f"It left and failed on {_at(row['failed_at'])}: {_failure(row)}"
        case "read" | "played":
            moment = row["read_at"] or row["played_at"]
            return f"It was read on {_at(moment)}."
        case "delivered":
            return f"It was delivered on {_at(row['delivered_at'])}."
        case "held":
            return "The provider has it and holds it back for a quality check."
        case _:
            return f"It left on {_at(row['accepted_at'] or row['sent_at'])}; the phone has not confirmed it yet."


def _failure(row: Mapping[str, Any]) -> str:
    entry = load_catalogue().get(row["error_code"])
    if entry is None:
        return f"the provider said {row['error_code'] or row['reason'] or 'no more'}."
    return f"{entry.title} ({entry.code}). {entry.cause}"


def _never_asked(asked: Asked, run: Row | None) -> str:
    if run is not None and run["ended_at"] is None:
        return (
            f"Nobody asked for it yet: the person is in this journey at “{run['node']}” since {_at(run['entered_at'])}."
        )
    if run is not None:
        words = (run["exit_reason"] or run["state"]).replace("_", " ")
        return f"Nobody asked for it: the person left this journey on {_at(run['ended_at'])} ({words})."
    if asked.journey_id is not None:
        return "Nobody asked for it: the person never entered this journey."
    return "Nobody asked for it: there is no delivery of this kind for the person."


def _at(moment: datetime | None) -> str:
    return "an unknown day" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


SQL_DELIVERIES: LiteralString = """
SELECT d.id AS delivery_id, k.key, d.status, d.reason, d.purpose, d.channel, d.sender_id, d.owner_kind, d.owner_id,
       d.run_id, d.step_key, c.template, c.language, d.requested_at, d.planned_at, d.accepted_at, d.held_at, d.sent_at,
       d.delivered_at, d.read_at, d.played_at, d.failed_at, d.replied_at, d.ended_at, d.error_code,
       c.decision AS requested_decision, a.decision AS sending_decision
  FROM deliveries d
  LEFT JOIN delivery_contents c ON c.delivery_id = d.id AND c.bucket = d.bucket
  LEFT JOIN delivery_keys k ON k.delivery_id = d.id AND k.bucket = d.bucket
  LEFT JOIN attempts a ON a.bucket = d.bucket AND d.attempt_number > 0
   AND a.id = (left(d.id::text, 32) || lpad(to_hex(d.attempt_number::int), 2, '0') || right(d.id::text, 2))::uuid
 WHERE d.workspace_id = %(workspace)s AND d.profile_id = ANY(%(ids)s) AND d.bucket = ANY(%(buckets)s::smallint[])
   AND (%(template)s::text IS NULL OR c.template = %(template)s::text)
   AND (%(journey)s::uuid IS NULL OR d.owner_id = %(journey)s::uuid)
   AND (%(key)s::text IS NULL OR k.key = %(key)s::text)
 ORDER BY d.id DESC
 LIMIT %(limit)s
"""
SQL_RUN: LiteralString = """
SELECT id AS run_id, state, node, entered_at, due_at, started_at, ended_at, exit_reason
  FROM runs
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s::smallint[])
   AND journey_id = %(journey)s
 ORDER BY id DESC
 LIMIT 1
"""
