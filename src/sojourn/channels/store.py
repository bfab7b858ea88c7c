"""The statements of senders: settings, sealed credentials, history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.channels.model import (
    STANDARD_THROUGHPUT_PER_S,
    NewSender,
    Sender,
    SenderChange,
    SenderNotFound,
    WebhookApp,
)
from sojourn.kit.database import Conn, Row, execute, fetch_all, fetch_one, fetch_optional, fetch_value
from sojourn.kit.ids import new_id

SENDER_COLUMNS: LiteralString = """
s.id, s.workspace_id, s.channel, s.name, s.is_default, s.phone_number, s.phone_number_id, s.waba_id, s.webhook_app_id,
s.base_url, s.api_version, s.simulated, s.state, s.state_reason, s.stopped_reason, s.stopped_at, s.throughput_per_s,
s.throughput_is_chosen, s.throughput_level, s.quality, s.verified_name, s.provider_status, s.portfolio_id,
s.portfolio_limit, s.country,
s.default_language, s.timezone, s.currency, s.version, s.checked_at, s.created_at, s.updated_at,
a.app_id, a.key AS app_key, c.token_hint, a.verified_at AS webhook_verified_at
"""
SENDER_TABLES: LiteralString = """
  FROM senders s
  LEFT JOIN webhook_apps a ON a.id = s.webhook_app_id
  LEFT JOIN sender_credentials c ON c.sender_id = s.id
"""


async def get_sender(conn: Conn, workspace_id: UUID, sender_id: UUID) -> Sender:
    """One sender of a workspace. Raises SenderNotFound."""
    row = await fetch_optional(conn, SQL_GET_SENDER, {"workspace": workspace_id, "id": sender_id})
    if row is None:
        raise SenderNotFound(sender_id=sender_id)
    return Sender.of(row)


SQL_GET_SENDER: LiteralString = (
    "SELECT " + SENDER_COLUMNS + SENDER_TABLES + " WHERE s.id = %(id)s AND s.workspace_id = %(workspace)s"
)


async def find_sender(conn: Conn, sender_id: UUID) -> Sender | None:
    """One sender by id alone, for tasks; None when it is gone."""
    row = await fetch_optional(conn, SQL_FIND_SENDER, {"id": sender_id})
    return None if row is None else Sender.of(row)


SQL_FIND_SENDER: LiteralString = "SELECT " + SENDER_COLUMNS + SENDER_TABLES + " WHERE s.id = %(id)s"


async def lock_sender(conn: Conn, sender_id: UUID) -> Sender | None:
    """Lock one sender for a change; None when it is gone."""
    row = await fetch_optional(conn, SQL_LOCK_SENDER, {"id": sender_id})
    return None if row is None else Sender.of(row)


SQL_LOCK_SENDER: LiteralString = SQL_FIND_SENDER + " FOR UPDATE OF s"


async def list_senders(conn: Conn, workspace_id: UUID) -> list[Sender]:
    """All senders of a workspace, oldest first."""
    return [Sender.of(row) for row in await fetch_all(conn, SQL_LIST_SENDERS, {"workspace": workspace_id})]


SQL_LIST_SENDERS: LiteralString = (
    "SELECT " + SENDER_COLUMNS + SENDER_TABLES + " WHERE s.workspace_id = %(workspace)s ORDER BY s.id"
)


async def find_default_sender(conn: Conn, workspace_id: UUID, channel: str = "whatsapp") -> Sender | None:
    """The sender to use when nobody names one: the default, else the oldest active, else the oldest; or None."""
    row = await fetch_optional(conn, SQL_DEFAULT_SENDER, {"workspace": workspace_id, "channel": channel})
    return None if row is None else Sender.of(row)


SQL_DEFAULT_SENDER: LiteralString = (
    "SELECT "
    + SENDER_COLUMNS
    + SENDER_TABLES
    + """
 WHERE s.workspace_id = %(workspace)s AND s.channel = %(channel)s
 ORDER BY s.is_default DESC, (s.state = 'active') DESC, s.id
 LIMIT 1
"""
)


async def list_senders_of_apps(conn: Conn, app_ids: Sequence[UUID]) -> list[Row]:
    """Every sender of the workspaces of these webhook apps: which app, workspace, number and account."""
    return await fetch_all(conn, SQL_SENDERS_OF_APPS, {"apps": list(app_ids)})


SQL_SENDERS_OF_APPS: LiteralString = """
SELECT a.id AS webhook_app_id, a.workspace_id, s.id AS sender_id, s.phone_number_id, s.phone_number, s.waba_id,
       s.portfolio_id
  FROM webhook_apps a
  LEFT JOIN senders s ON s.workspace_id = a.workspace_id AND s.channel = 'whatsapp'
 WHERE a.id = ANY(%(apps)s)
 ORDER BY s.id
"""


async def list_sender_ids(conn: Conn, *, channel: str) -> list[Row]:
    """Ids of all senders of a channel that were ever checked, over all workspaces."""
    return await fetch_all(conn, SQL_SENDER_IDS, {"channel": channel})


SQL_SENDER_IDS: LiteralString = """
SELECT id, workspace_id FROM senders WHERE channel = %(channel)s AND state <> 'draft' ORDER BY id
"""


async def list_channels(conn: Conn, sender_ids: Sequence[UUID]) -> list[Row]:
    """The channel of each sender that exists."""
    return await fetch_all(conn, "SELECT id, channel FROM senders WHERE id = ANY(%(ids)s)", {"ids": list(sender_ids)})


async def count_live_senders(conn: Conn) -> int:
    """How many senders reach real people; with a clock file there must be none."""
    return int(await fetch_value(conn, SQL_COUNT_LIVE) or 0)


SQL_COUNT_LIVE: LiteralString = """
SELECT count(*) FROM senders WHERE NOT simulated AND channel <> 'memory' AND state IN ('active', 'stopped')
"""


async def list_credentials(conn: Conn, sender_ids: Sequence[UUID]) -> list[Row]:
    """What the channels' code needs to call the provider, secrets still sealed; one row a sender that exists."""
    return await fetch_all(conn, SQL_LIST_CREDENTIALS, {"ids": list(sender_ids)})


SQL_LIST_CREDENTIALS: LiteralString = """
SELECT s.id, s.workspace_id, s.channel, s.base_url, s.api_version, s.phone_number_id, s.waba_id, s.version,
       s.simulated, c.access_token, a.app_id, a.app_secret, a.version AS app_version, a.key AS app_key
  FROM senders s
  LEFT JOIN sender_credentials c ON c.sender_id = s.id
  LEFT JOIN webhook_apps a ON a.id = s.webhook_app_id
 WHERE s.id = ANY(%(ids)s)
"""


async def insert_sender(
    conn: Conn, workspace_id: UUID, new: NewSender, *, webhook_app_id: UUID | None, simulated: bool, now: datetime
) -> UUID:
    """Store a sender as a draft. The unique index refuses a second one with the same number id."""
    params: dict[str, Any] = {
        "id": new_id(now),
        "workspace": workspace_id,
        "channel": new.channel,
        "name": new.name,
        "is_default": new.is_default,
        "phone_number": new.phone_number,
        "phone_number_id": new.phone_number_id,
        "waba_id": new.waba_id,
        "app": webhook_app_id,
        "base_url": new.base_url,
        "api_version": new.api_version,
        "simulated": simulated,
        "throughput": STANDARD_THROUGHPUT_PER_S if new.throughput_per_s is None else new.throughput_per_s,
        "chosen": new.throughput_per_s is not None,
        "portfolio": new.portfolio_id or (f"waba:{new.waba_id}" if new.waba_id else None),
        "portfolio_limit": new.portfolio_limit,
        "country": new.country,
        "language": new.default_language,
        "timezone": new.timezone,
        "now": now,
    }
    row = await fetch_one(conn, SQL_INSERT_SENDER, params)
    sender_id: UUID = row["id"]
    return sender_id


SQL_INSERT_SENDER: LiteralString = """
INSERT INTO senders (id, workspace_id, channel, name, is_default, phone_number, phone_number_id, waba_id,
                     webhook_app_id, base_url, api_version, simulated, throughput_per_s, throughput_is_chosen,
                     portfolio_id, portfolio_limit, country, default_language, timezone, created_at, updated_at)
VALUES (%(id)s, %(workspace)s, %(channel)s, %(name)s, %(is_default)s, %(phone_number)s, %(phone_number_id)s,
        %(waba_id)s, %(app)s, %(base_url)s, %(api_version)s, %(simulated)s, %(throughput)s, %(chosen)s,
        %(portfolio)s, %(portfolio_limit)s, %(country)s, %(language)s, %(timezone)s, %(now)s, %(now)s)
RETURNING id
"""


async def clear_default(conn: Conn, workspace_id: UUID, channel: str) -> None:
    """Make no sender of a channel the default one."""
    await execute(conn, SQL_CLEAR_DEFAULT, {"workspace": workspace_id, "channel": channel})


SQL_CLEAR_DEFAULT: LiteralString = """
UPDATE senders SET is_default = false
 WHERE workspace_id = %(workspace)s AND channel = %(channel)s AND is_default
"""


async def update_sender(conn: Conn, sender: Sender, *, now: datetime) -> None:
    """Write what may change of a locked sender; its version grows."""
    names = (
        "id",
        "name",
        "is_default",
        "phone_number",
        "webhook_app_id",
        "base_url",
        "api_version",
        "simulated",
        "state",
        "state_reason",
        "stopped_reason",
        "stopped_at",
        "throughput_per_s",
        "throughput_is_chosen",
        "throughput_level",
        "quality",
        "verified_name",
        "provider_status",
        "portfolio_id",
        "portfolio_limit",
        "country",
        "default_language",
        "timezone",
        "currency",
        "checked_at",
    )
    await execute(conn, SQL_UPDATE_SENDER, {**{name: getattr(sender, name) for name in names}, "now": now})


SQL_UPDATE_SENDER: LiteralString = """
UPDATE senders
   SET name = %(name)s, is_default = %(is_default)s, phone_number = %(phone_number)s,
       webhook_app_id = %(webhook_app_id)s, base_url = %(base_url)s, api_version = %(api_version)s,
       simulated = %(simulated)s, state = %(state)s, state_reason = %(state_reason)s,
       stopped_reason = %(stopped_reason)s, stopped_at = %(stopped_at)s, throughput_per_s = %(throughput_per_s)s,
       throughput_is_chosen = %(throughput_is_chosen)s, throughput_level = %(throughput_level)s,
       quality = %(quality)s, verified_name = %(verified_name)s,
       provider_status = %(provider_status)s, portfolio_id = %(portfolio_id)s, portfolio_limit = %(portfolio_limit)s,
       country = %(country)s, default_language = %(default_language)s, timezone = %(timezone)s,
       currency = %(currency)s, checked_at = %(checked_at)s, updated_at = %(now)s, version = version + 1
 WHERE id = %(id)s
"""


async def upsert_credentials(conn: Conn, sender_id: UUID, *, token: bytes, hint: str, now: datetime) -> None:
    """Store a sealed token in place of the one before."""
    await execute(conn, SQL_UPSERT_CREDENTIALS, {"sender": sender_id, "token": token, "hint": hint, "now": now})


SQL_UPSERT_CREDENTIALS: LiteralString = """
INSERT INTO sender_credentials (sender_id, access_token, token_hint, updated_at)
VALUES (%(sender)s, %(token)s, %(hint)s, %(now)s)
    ON CONFLICT (sender_id) DO UPDATE
   SET access_token = EXCLUDED.access_token, token_hint = EXCLUDED.token_hint, updated_at = EXCLUDED.updated_at
"""


async def upsert_webhook_app(
    conn: Conn, workspace_id: UUID, *, app_id: str, secret: bytes | None, key: str, now: datetime
) -> UUID | None:
    """Store an app, or its new secret; None when the app is unknown and no secret is given."""
    params = {"id": new_id(now), "workspace": workspace_id, "app": app_id, "secret": secret, "key": key, "now": now}
    if secret is None:
        found: UUID | None = await fetch_value(conn, SQL_FIND_WEBHOOK_APP_ID, params)
        return found
    row = await fetch_one(conn, SQL_UPSERT_WEBHOOK_APP, params)
    app: UUID = row["id"]
    return app


SQL_FIND_WEBHOOK_APP_ID: LiteralString = """
SELECT id FROM webhook_apps WHERE workspace_id = %(workspace)s AND app_id = %(app)s
"""
SQL_UPSERT_WEBHOOK_APP: LiteralString = """
INSERT INTO webhook_apps (id, workspace_id, app_id, key, app_secret, created_at)
VALUES (%(id)s, %(workspace)s, %(app)s, %(key)s, %(secret)s, %(now)s)
    ON CONFLICT (workspace_id, app_id) DO UPDATE
   SET app_secret = EXCLUDED.app_secret, version = webhook_apps.version + 1
RETURNING id
"""


async def find_webhook_app(conn: Conn, key: str) -> WebhookApp | None:
    """The app whose webhook address ends in this key."""
    row = await fetch_optional(conn, SQL_FIND_WEBHOOK_APP, {"key": key})
    return None if row is None else WebhookApp(**row)


SQL_FIND_WEBHOOK_APP: LiteralString = """
SELECT id, workspace_id, app_id, key, app_secret, verified_at FROM webhook_apps WHERE key = %(key)s
"""


async def update_verified(conn: Conn, webhook_app_id: UUID, *, now: datetime) -> None:
    """Note that the provider shook hands."""
    await execute(conn, SQL_UPDATE_VERIFIED, {"id": webhook_app_id, "now": now})


SQL_UPDATE_VERIFIED: LiteralString = "UPDATE webhook_apps SET verified_at = %(now)s WHERE id = %(id)s"


async def insert_history(conn: Conn, changes: Sequence[SenderChange]) -> list[UUID]:
    """Append lines to the history; news that is already there is left out. The senders with a new line."""
    if not changes:
        return []
    params = {
        "ids": [new_id(change.at) for change in changes],
        "senders": [change.sender_id for change in changes],
        "workspaces": [change.workspace_id for change in changes],
        "whats": [change.what for change in changes],
        "olds": [change.old_value for change in changes],
        "news": [change.new_value for change in changes],
        "reasons": [change.reason for change in changes],
        "sources": [change.source for change in changes],
        "keys": [change.dedup_key for change in changes],
        "ats": [change.at for change in changes],
    }
    return [row["sender_id"] for row in await fetch_all(conn, SQL_INSERT_HISTORY, params)]


SQL_INSERT_HISTORY: LiteralString = """
INSERT INTO sender_history (id, sender_id, workspace_id, what, old_value, new_value, reason, source, dedup_key, at)
SELECT * FROM unnest(%(ids)s::uuid[], %(senders)s::uuid[], %(workspaces)s::uuid[], %(whats)s::text[], %(olds)s::text[],
                     %(news)s::text[], %(reasons)s::text[], %(sources)s::text[], %(keys)s::bytea[],
                     %(ats)s::timestamptz[])
    ON CONFLICT (sender_id, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING
RETURNING sender_id
"""


async def list_history(
    conn: Conn, sender_id: UUID, *, what: str | None = None, before: UUID | None = None, limit: int
) -> list[Row]:
    """The history of a sender, or of one thing about it (`quality`, `limit`, …), newest first."""
    params = {"sender": sender_id, "what": what, "before": before, "limit": limit}
    return await fetch_all(conn, SQL_LIST_HISTORY, params)


SQL_LIST_HISTORY: LiteralString = """
SELECT id, what, old_value, new_value, reason, source, at
  FROM sender_history
 WHERE sender_id = %(sender)s AND (%(what)s::text IS NULL OR what = %(what)s)
   AND (%(before)s::uuid IS NULL OR id < %(before)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
