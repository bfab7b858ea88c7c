"""What the doctor reads. Like reports it may look at every table, and writes none."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from sojourn.kit.database import Conn, Row, fetch_all, fetch_one


async def get_server_facts(conn: Conn) -> Row:
    """The server's version and the settings that durability and speed hang on."""
    return await fetch_one(conn, SQL_SERVER)


async def list_senders(conn: Conn) -> list[Row]:
    """Configured senders with what is known of their credentials and webhooks."""
    return await fetch_all(conn, SQL_SENDERS)


async def count_webhooks(conn: Conn, since: datetime) -> Row:
    """Raw webhook bodies that could not be read since a moment."""
    return await fetch_one(conn, SQL_WEBHOOKS, {"since": since})


SQL_SERVER: LiteralString = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
       current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('full_page_writes') AS full_page_writes, current_setting('server_encoding') AS encoding,
       current_setting('max_connections')::int AS max_connections,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       pg_database_size(current_database()) AS size_bytes,
       (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers') AS shared_buffers_bytes
"""

SQL_SENDERS: LiteralString = """
SELECT s.id, s.name, s.channel, s.simulated, s.state, s.state_reason, s.stopped_reason, s.checked_at, s.base_url,
       c.expires_at, c.sender_id IS NOT NULL AS has_token, a.verified_at,
       (SELECT max(b.received_at) FROM webhook_bodies b WHERE b.webhook_app_id = s.webhook_app_id) AS last_webhook_at
  FROM senders s
  LEFT JOIN sender_credentials c ON c.sender_id = s.id
  LEFT JOIN webhook_apps a ON a.id = s.webhook_app_id
 ORDER BY s.id
"""

SQL_WEBHOOKS: LiteralString = """
SELECT count(*) FILTER (WHERE state IN ('malformed', 'partial', 'unroutable')) AS unread,
       count(*) FILTER (WHERE state = 'new') AS waiting
  FROM webhook_bodies
 WHERE received_at >= %(since)s
"""
