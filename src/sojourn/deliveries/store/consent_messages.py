"""SQL of what the product itself said about people's consents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from sojourn.deliveries.model import Purpose, consent_message_of
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn, fetch_all
from sojourn.policy.model import ConsentMessage

LOOKED_AT = timedelta(days=91)  # a double opt-in lasts 90 days at most


async def list_consent_messages(
    conn: Conn, profile_ids: Iterable[UUID], channel: str, *, now: datetime, left_only: bool, but: Sequence[UUID] = ()
) -> dict[UUID, list[tuple[ConsentMessage, datetime]]]:
    """What people were asked or told about consents on a channel lately, under whichever of their profiles.

    With `left_only` what still waits does not count, else it does; neither do the deliveries `but`.
    """
    wanted = list(dict.fromkeys(profile_ids))
    params = {
        "ids": wanted,
        "buckets": [kit_ids.bucket_of(id_) for id_ in wanted],
        "channel": channel,
        "since": kit_ids.first_id(now - LOOKED_AT),
        "uncounted": ["excluded", "cancelled", *(("queued", "deferred") if left_only else ())],
        "but": list(but),
    }
    found: dict[UUID, list[tuple[ConsentMessage, datetime]]] = {}
    for row in await fetch_all(conn, SQL_LIST, params):
        kind = consent_message_of(Purpose.CONSENT_REQUEST, row["owner_kind"], row["owner_id"])
        if kind is not None:
            found.setdefault(row["person_id"], []).append((kind, row["requested_at"]))
    return found


SQL_LIST: LiteralString = """
SELECT p.person_id, d.owner_kind, d.owner_id, d.requested_at
  FROM (SELECT id AS person_id, id, bucket
          FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
         UNION ALL
        SELECT a.merged_into, a.id, a.bucket FROM profiles a WHERE a.merged_into = ANY(%(ids)s)) AS p
  JOIN deliveries d ON d.profile_id = p.id AND d.bucket = p.bucket AND d.id >= %(since)s
 WHERE d.purpose = 'consent_request'
   AND d.channel = %(channel)s
   AND d.status <> ALL(%(uncounted)s::text[])
   AND d.id <> ALL(%(but)s::uuid[])
"""
