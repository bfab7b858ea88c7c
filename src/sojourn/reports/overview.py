"""The overview: what happened today and by this hour yesterday, what waits for a person, what is still to set up.

Rows of the last two days are found by their ids, which are made of time; nothing is counted beyond them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from sojourn.kit.database import Conn, fetch_all, fetch_one
from sojourn.kit.ids import first_id

RECENT_MAX = 50
PREVIEW_MAX = 120  # characters of a message
RECENT_DAYS = timedelta(days=30)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a day: from its midnight to a moment."""

    begins_at: datetime
    ends_at: datetime


def spans(now: datetime, zone: str) -> tuple[Span, Span]:
    """Today until now, and yesterday until the same hour, both by the clock on the workspace's wall."""
    here = now.astimezone(ZoneInfo(zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(begins_at=midnight, ends_at=now), Span(begins_at=midnight - DAY, ends_at=here - DAY)


async def count_span(conn: Conn, workspace_id: UUID, span: Span) -> dict[str, Any]:
    """What left, arrived, was read and answered in a span, who withdrew, and what it cost (null: nothing was charged).

    Counts deliveries that were requested up to a day before the span.
    """
    params = {
        "workspace": workspace_id, "begins": span.begins_at, "ends": span.ends_at,
        "first": first_id(span.begins_at - DAY), "last": first_id(span.ends_at + timedelta(milliseconds=1)),
        "first_entry": first_id(span.begins_at),
    }  # fmt: skip
    counts = await fetch_one(conn, SQL_COUNT_SPAN, params)
    costs = await fetch_all(conn, SQL_COST_OF_SPAN, params)
    return {
        **counts,
        "cost_micros": costs[0]["amount"] if costs else None,
        "currency": costs[0]["currency"] if costs else None,
    }


async def list_recent_messages(conn: Conn, workspace_id: UUID, *, now: datetime, limit: int) -> list[dict[str, Any]]:
    """The newest messages in and out, with who it is and how far it got."""
    params = {"workspace": workspace_id, "since": first_id(now - RECENT_DAYS), "limit": limit, "preview": PREVIEW_MAX}
    return await fetch_all(conn, SQL_RECENT_MESSAGES, params)


async def list_concerns(conn: Conn, workspace_id: UUID, *, now: datetime) -> list[dict[str, Any]]:
    """What waits for a person: rows of kind, text code, data and the id of the thing, the most pressing kind first."""
    return await fetch_all(conn, SQL_CONCERNS, {"workspace": workspace_id, "since": first_id(now - 2 * DAY)})


async def read_checklist(conn: Conn, workspace_id: UUID) -> dict[str, bool]:
    """The steps of setting up, in order, and which are done."""
    return dict(await fetch_one(conn, SQL_CHECKLIST, {"workspace": workspace_id}))


SQL_COUNT_SPAN: LiteralString = """
SELECT count(*) FILTER (WHERE sent_at >= %(begins)s AND sent_at < %(ends)s) AS sent,
       count(*) FILTER (WHERE delivered_at >= %(begins)s AND delivered_at < %(ends)s) AS delivered,
       count(*) FILTER (WHERE read_at >= %(begins)s AND read_at < %(ends)s) AS read,
       count(*) FILTER (WHERE replied_at >= %(begins)s AND replied_at < %(ends)s) AS replied,
       (SELECT count(DISTINCT profile_id)
          FROM consent_entries
         WHERE workspace_id = %(workspace)s AND id >= %(first_entry)s AND kind = 'consent' AND state = 'withdrawn'
           AND recorded_at >= %(begins)s AND recorded_at < %(ends)s) AS opted_out
  FROM deliveries
 WHERE workspace_id = %(workspace)s AND id >= %(first)s AND id < %(last)s
"""
SQL_COST_OF_SPAN: LiteralString = """
SELECT currency, sum(amount_micro)::bigint AS amount
  FROM costs
 WHERE workspace_id = %(workspace)s AND delivery_id >= %(first)s AND delivery_id < %(last)s
   AND charged_at >= %(begins)s AND charged_at < %(ends)s AND amount_micro IS NOT NULL AND currency IS NOT NULL
 GROUP BY currency
 ORDER BY amount DESC, currency
"""
SQL_RECENT_MESSAGES: LiteralString = """
WITH newest AS (
    SELECT id, said_at, direction, profile_id, kind, left(text, %(preview)s) AS text_preview
      FROM messages
     WHERE workspace_id = %(workspace)s AND id >= %(since)s
     ORDER BY id DESC
     LIMIT %(limit)s
)
SELECT m.id, m.said_at AS at, m.direction, m.profile_id, m.kind, m.text_preview, d.status, d.id AS delivery_id,
       coalesce(nullif(p.attributes ->> 'name', ''),
                nullif(concat_ws(' ', p.attributes ->> 'first_name', p.attributes ->> 'last_name'), '')) AS profile_name
  FROM newest m
  LEFT JOIN deliveries d ON d.id = m.id AND m.direction = 'out'
  LEFT JOIN profiles p ON p.id = m.profile_id
 ORDER BY m.id DESC
"""
SQL_CONCERNS: LiteralString = """
SELECT kind, text_code, thing_id, data
  FROM (
        SELECT 1 AS rank, 'workspace' AS kind, 'brake_on' AS text_code, NULL::uuid AS thing_id, '{}'::jsonb AS data
          FROM workspaces
         WHERE id = %(workspace)s AND (settings ->> 'brake')::boolean
        UNION ALL
        SELECT 2, 'sender', CASE WHEN state = 'stopped' THEN 'sender_stopped' ELSE 'sender_failed' END, id,
               jsonb_build_object('name', name, 'reason', coalesce(stopped_reason, state_reason))
          FROM senders
         WHERE workspace_id = %(workspace)s AND state IN ('failed', 'stopped')
        UNION ALL
        SELECT 3, 'sender', 'sender_quality_low', id, jsonb_build_object('name', name, 'quality', quality)
          FROM senders
         WHERE workspace_id = %(workspace)s AND state = 'active' AND quality = 'red'
        UNION ALL
        SELECT 4, 'template', 'template_' || v.state, t.id,
               jsonb_build_object('name', t.name, 'language', v.language, 'reason', v.rejected_reason)
          FROM template_variants v
          JOIN templates t ON t.id = v.template_id
         WHERE v.workspace_id = %(workspace)s AND t.archived_at IS NULL
           AND v.state IN ('rejected', 'paused', 'disabled')
        UNION ALL
        SELECT 5, 'delivery', 'deliveries_unknown', NULL, jsonb_build_object('count', count(*))
          FROM deliveries
         WHERE workspace_id = %(workspace)s AND id >= %(since)s AND status = 'unknown'
        HAVING count(*) > 0
        UNION ALL
        SELECT 6, 'job', 'jobs_dead', NULL, jsonb_build_object('count', count(*))
          FROM dead_jobs
         WHERE workspace_id = %(workspace)s
        HAVING count(*) > 0
       ) AS concerns
 ORDER BY rank, data ->> 'name', thing_id
 LIMIT 50
"""
SQL_CHECKLIST: LiteralString = """
SELECT EXISTS (SELECT FROM senders WHERE workspace_id = %(workspace)s AND state = 'active') AS connect_sender,
       EXISTS (SELECT FROM template_variants WHERE workspace_id = %(workspace)s AND state = 'approved')
           AS approve_template,
       EXISTS (SELECT FROM profiles WHERE workspace_id = %(workspace)s) AS bring_people,
       EXISTS (SELECT FROM opt_in_forms WHERE workspace_id = %(workspace)s)
           OR EXISTS (SELECT FROM opt_in_links WHERE workspace_id = %(workspace)s) AS collect_consent,
       EXISTS (SELECT FROM journeys WHERE workspace_id = %(workspace)s AND live_version_id IS NOT NULL)
           AS publish_journey,
       (SELECT count(*) > 1 FROM memberships WHERE workspace_id = %(workspace)s) AS invite_member
"""
