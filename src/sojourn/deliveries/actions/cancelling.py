"""The second door: what waits is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.deliveries.actions.showing import pass_on
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.model import Status
from sojourn.deliveries.store import limits, outbox, rows
from sojourn.kit.database import Conn
from sojourn.profiles import store as profiles


async def cancel_deliveries(
    conn: Conn,
    workspace_id: UUID,
    *,
    reason: str,
    now: datetime,
    run_id: UUID | None = None,
    step: str | None = None,
    campaign_id: UUID | None = None,
    profile_id: UUID | None = None,
    delivery_ids: Sequence[UUID] | None = None,
    tell_owner: bool = False,
) -> int:
    """Cancel what waits (queued or deferred): of a run (and step), a campaign, a person, or among given ids.

    A person: under every profile that was merged with the one that is named. Returns how many. What is dispatched runs
    on and is reported. With nothing named, nothing is cancelled. The owner usually asks itself
    and is only told with `tell_owner`.
    """
    if run_id is None and campaign_id is None and profile_id is None and delivery_ids is None:
        return 0
    person = None if profile_id is None else (await profiles.list_people(conn, [profile_id]))[profile_id]
    ids = await outbox.list_waiting_of(
        conn,
        workspace_id,
        run_id=run_id,
        step_key=step,
        owner_id=campaign_id,
        profile_ids=person,
        delivery_ids=delivery_ids,
    )
    taken = await outbox.delete_waiting(conn, ids)
    if not taken:
        return 0
    locked = await rows.lock_deliveries(conn, taken)
    await rows.update_ended(conn, [(row["id"], Status.CANCELLED, reason, None) for row in locked], at=now)
    await limits.delete_marks(conn, taken)
    reasons = {row["id"]: reason for row in locked}
    await pass_on(conn, [(rows.delivery_of(row), "cancelled") for row in locked], now=now, reasons=reasons)
    if tell_owner:
        await tell(conn, [news(rows.delivery_of(row), Status.CANCELLED, at=now, reason=reason) for row in locked])
    return len(taken)


async def stop_owner(
    conn: Conn, workspace_id: UUID, owner_id: UUID, *, reason: str, now: datetime, pause: bool = False
) -> None:
    """Cancel (or pause) all that an owner has waiting, without touching a row of it: claims look at this."""
    await limits.upsert_owner_state(
        conn, workspace_id, owner_id, state="paused" if pause else "cancelled", reason=reason, now=now
    )


async def resume_owner(conn: Conn, owner_id: UUID) -> None:
    """Let what an owner has waiting go again; paused deliveries come back within five minutes."""
    await limits.delete_owner_state(conn, owner_id)
