"""Attempts whose outcome nobody knows: swept, settled, and sent again only when that is certain to be right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.deliveries.actions.answers import was_reported
from sojourn.deliveries.actions.merging import merged
from sojourn.deliveries.actions.said import record_said
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.attempt_ids import NUMBER_MAX, delivery_of
from sojourn.deliveries.model import Purpose, Status
from sojourn.deliveries.status import Progress
from sojourn.deliveries.store import attempts, limits, outbox, statuses
from sojourn.deliveries.store.statuses import Change, Tracked
from sojourn.kit import jobs
from sojourn.kit.database import Conn
from sojourn.kit.errors import AppError, Kind, NotFound
from sojourn.workspaces import store as workspaces

POLLER = "deliveries.send_due"
SWEEP = 500
GRACE_MIN = timedelta(minutes=1)
PULSE = "deliveries"
PULSE_EVERY = timedelta(seconds=5)
OUTAGE_MIN = timedelta(seconds=30)
OUTAGE_REMEMBERED = timedelta(days=1)


class NotUnknown(AppError):
    """This delivery is not in the unknown lane."""

    kind = Kind.CONFLICT
    code = "not_unknown"


class NeverResent(AppError):
    """A one-time code is never sent again: ask for a new one."""

    kind = Kind.CONFLICT
    code = "never_resent"


async def sweep_abandoned(conn: Conn, *, now: datetime, system_now: datetime) -> int:
    """Attempts of workers that died between dispatch and answer: settled where a report came, else unknown."""
    found = await attempts.lock_abandoned(conn, system_now=system_now, limit=SWEEP)
    if not found:
        return 0
    tracked = {row.id: row for row in await statuses.lock_tracked(conn, [row["delivery_id"] for row in found])}
    reported = [row for row in found if was_reported(row["id"], tracked[row["delivery_id"]])]
    closed = set(await attempts.update_settled(conn, [row["id"] for row in reported], now=now)) if reported else set()
    said = [
        (tracked[row["delivery_id"]], row["provider_message_id"])
        for row in reported
        if row["id"] in closed and row["provider_message_id"]
    ]
    await record_said(conn, said, outgoing={}, now=now)
    lost = await attempts.update_unknown(conn, [row["id"] for row in found if row not in reported])
    changes = [
        Change(row.id, Status.UNKNOWN, "no_answer", row.progress)
        for id_ in sorted(set(lost))
        if (row := tracked[id_]).status in {Status.QUEUED, Status.DEFERRED}
    ]
    await statuses.update_progress(conn, changes)
    return len(found)


async def judge_unknown(conn: Conn, *, now: datetime) -> int:
    """Unknown attempts whose grace is over: sent again where a later attempt of their sender was settled since.

    The others stay in the unknown lane, and their owners are told once. Returns how many were dealt with.
    """
    found = await attempts.lock_ripe_unknown(conn, before=now - GRACE_MIN, limit=SWEEP)
    graces = {workspace: await grace_of(conn, workspace) for workspace in {row["workspace_id"] for row in found}}
    ripe = [row for row in found if now >= row["dispatched_at"] + graces[row["workspace_id"]]]
    if not ripe:
        return 0
    tracked = {row.id: row for row in await statuses.lock_tracked(conn, [row["delivery_id"] for row in ripe])}
    again = [row for row in ripe if row["is_outlived"] and _may_resend(tracked[row["delivery_id"]], row["number"])]
    await _resend(conn, [(row["id"], tracked[row["delivery_id"]]) for row in again], now=now)
    chosen = {row["id"] for row in again}
    left = [row for row in ripe if row["id"] not in chosen]
    for parked in (False, True):
        ids = [row["id"] for row in left if row["is_outlived"] is parked]
        if ids:
            await attempts.update_told(conn, ids, parked=parked, now=now)
    untold = [row for row in left if row["told_at"] is None]
    await tell(conn, [news(tracked[row["delivery_id"]], Status.UNKNOWN, at=now, reason="no_answer") for row in untold])
    return len(ripe)


async def grace_of(conn: Conn, workspace_id: UUID) -> timedelta:
    """How long an unknown outcome waits for its report: the workspace's setting, and twice the last outage."""
    workspace = await workspaces.get_workspace(conn, workspace_id)
    outage = await attempts.get_outage_seconds(conn, PULSE)
    return max(timedelta(minutes=workspace.settings.unknown_grace_minutes), timedelta(seconds=2 * outage))


async def take_pulse(conn: Conn, system_now: datetime) -> None:
    """Note that workers are at work, and how long they were not. An outage of a day ago counts no more."""
    pulse = await attempts.lock_pulse(conn, PULSE, system_now)
    away = system_now - pulse["seen_at"]
    outage, outage_at = pulse["outage_seconds"], pulse["outage_at"]
    if away >= OUTAGE_MIN:
        outage, outage_at = away.total_seconds(), system_now
    elif outage_at is not None and system_now - outage_at > OUTAGE_REMEMBERED:
        outage, outage_at = 0.0, None
    elif away < PULSE_EVERY:
        return
    await attempts.update_pulse(conn, PULSE, system_now=system_now, outage_seconds=outage, outage_at=outage_at)


def _may_resend(row: Tracked, number: int) -> bool:
    return row.purpose != Purpose.AUTHENTICATION and number < NUMBER_MAX and row.status == Status.UNKNOWN


async def _resend(conn: Conn, chosen: Sequence[tuple[UUID, Tracked]], *, now: datetime) -> None:
    if not chosen:
        return
    await attempts.update_settled(conn, [attempt for attempt, _ in chosen], now=now)
    changes, waiting = [], []
    for attempt, row in chosen:
        number = delivery_of(attempt)[1]
        change = merged(row, Progress(number + 1))
        changes.append(Change(row.id, Status.QUEUED, "sent_again", change.progress))
        waiting.append(
            outbox.Waiting(
                row.id,
                row.workspace_id,
                row.profile_id,
                row.sender_id,
                now,
                row.lane,
                number + 1,
                row.owner_kind,
                row.owner_id,
            )
        )
    await statuses.update_progress(conn, sorted(changes, key=lambda change: change.id))
    await outbox.copy_outbox(conn, waiting)
    jobs.wake(conn, POLLER)


async def resend_unknown(conn: Conn, workspace_id: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """A person decides to send an unknown one again. Raises NotFound, NotUnknown, NeverResent."""
    attempt, row = await _locked(conn, workspace_id, delivery_id)
    if not _may_resend(row, attempt["number"]):
        raise NeverResent(delivery_id=str(delivery_id))
    await _resend(conn, [(attempt["id"], row)], now=now)


async def settle_unknown(conn: Conn, workspace_id: UUID, delivery_id: UUID, *, arrived: bool, now: datetime) -> None:
    """A person knows what became of an unknown one: it arrived, or it did not. Raises NotFound, NotUnknown."""
    attempt, row = await _locked(conn, workspace_id, delivery_id)
    await attempts.update_settled(conn, [attempt["id"]], now=now)
    number = attempt["number"]
    moment = Progress(number, delivered_at=now) if arrived else Progress(number, failed_at=now)
    change = merged(row, moment)
    await statuses.update_progress(conn, [change])
    if not arrived:
        await limits.delete_marks(conn, [delivery_id])
    await tell(conn, [news(row, change.status, at=now, reason="settled_by_hand")])


async def _locked(conn: Conn, workspace_id: UUID, delivery_id: UUID) -> tuple[dict[str, Any], Tracked]:
    attempt = await attempts.lock_unknown(conn, delivery_id)
    tracked = await statuses.lock_tracked(conn, [delivery_id])
    if not tracked or tracked[0].workspace_id != workspace_id:
        raise NotFound(delivery_id=str(delivery_id))
    if attempt is None:
        raise NotUnknown(delivery_id=str(delivery_id))
    return attempt, tracked[0]
