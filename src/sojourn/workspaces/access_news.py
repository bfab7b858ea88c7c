"""Tells the live streams of every process that somebody's rights changed, so that they ask again at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sojourn.kit.database import Conn
from sojourn.kit.live import ACCESS, LiveEvent, publish
from sojourn.workspaces.member_store import list_memberships


async def tell_rights_changed(conn: Conn, workspace_id: UUID, actor: str | None, now: datetime) -> None:
    """One member or key (`actor`), or everybody in the workspace (None)."""
    await publish(conn, [LiveEvent(workspace_id=workspace_id, topic=ACCESS, payload={"actor": actor})], now)


async def tell_sessions_ended(conn: Conn, member_id: UUID, now: datetime) -> None:
    """Sessions of a member ended, in whatever workspace they were."""
    actor = f"member:{member_id}"
    places = await list_memberships(conn, member_id)
    events = [LiveEvent(workspace_id=one.workspace_id, topic=ACCESS, payload={"actor": actor}) for one in places]
    await publish(conn, events, now)
