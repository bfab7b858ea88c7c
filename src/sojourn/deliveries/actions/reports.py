"""What the provider reports about messages, in any order, twice and late: merged in bulk under row locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sojourn.channels.base import FailureReaction, StatusUpdate
from sojourn.channels.signals import StatusesReported
from sojourn.deliveries.actions import charging, failures
from sojourn.deliveries.actions.merging import BY_NAME, advance, merged
from sojourn.deliveries.actions.said import record_said
from sojourn.deliveries.actions.showing import show
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.attempt_ids import attempt_id_of, delivery_of
from sojourn.deliveries.model import Status
from sojourn.deliveries.status import NOTHING, Progress, merge, moment_of
from sojourn.deliveries.store import attempts, statuses
from sojourn.deliveries.store.statuses import Change, Tracked
from sojourn.kit import crash, json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.messages import store as messages
from sojourn.messages.model import provider_key

Report = tuple[UUID, int, StatusUpdate]  # delivery, number of the attempt (0: not told), what was reported


async def apply_statuses(conn: Conn, batch: Sequence[StatusesReported], *, keys: KeyRing, now: datetime) -> int:
    """Merge reports into deliveries; returns how many were about messages of ours.

    A report finds its delivery by the attempt id that it echoes, else by the provider's message id. What is about
    nothing that we know is kept beside, until the message is known. Reactions to failures happen once, when the failure
    is news.
    """
    reports = await _resolve(conn, batch, now)
    if not reports:
        return 0
    by_delivery: dict[UUID, list[Report]] = {}
    for report in reports:
        by_delivery.setdefault(report[0], []).append(report)
    tracked = await statuses.lock_tracked(conn, by_delivery)
    crash.point("deliveries.status_locked")
    changes: dict[UUID, Change] = {}
    failed: list[failures.FailedAttempt] = []
    signals = []
    settled: list[tuple[Tracked, StatusUpdate, int]] = []
    arrived: list[charging.Arrival] = []
    newest: dict[UUID, tuple[datetime, UUID]] = {}
    for row in tracked:
        found = by_delivery[row.id]
        known = row.progress
        before, was_charged = BY_NAME[row.status], _is_chargeable(known)
        if row.accepted_at is None:
            settled += [(row, update, number) for _, number, update in found]
        else:
            attempt = attempt_id_of(row.id, max(row.attempt_number, 1))
            newest[row.sender_id] = max(
                (row.accepted_at, attempt), newest.get(row.sender_id, (row.accepted_at, attempt))
            )
        change = merged(row, _together(found, row))
        news_of_failure = (
            None if row.is_erased or change.status is not Status.FAILED else _new_failure(row, change, found)
        )
        if change.status is before and change.progress == known:
            continue
        if news_of_failure is not None:
            failed.append(news_of_failure)
            continue
        changes[row.id] = change
        if change.status is not before and change.status not in {Status.QUEUED, Status.UNKNOWN}:
            moment = moment_of(change.progress, change.status) or now
            signals.append(news(row, change.status, at=moment, reason=change.reason))
        if not was_charged and _is_chargeable(change.progress):
            arrived.append(_arrival(row, change, found))
    retried = await failures.apply_failures(conn, failed, keys=keys, now=now, signals=signals)
    changes.update({change.id: change for change in retried})
    await statuses.update_progress(conn, sorted(changes.values(), key=lambda change: change.id))
    named = await _settle(conn, settled, now)
    if newest:
        await statuses.upsert_settlements(conn, [attempt for _, attempt in newest.values()])
    await charging.charge_arrivals(conn, arrived)
    await tell(conn, signals)
    await show(conn, [(row, changes[row.id].status.value) for row in tracked if row.id in changes], now=now)
    crash.point("deliveries.status_merged")
    await merge_strays_of(conn, named, keys=keys, now=now)
    return sum(len(found) for found in by_delivery.values())


async def _resolve(conn: Conn, batch: Sequence[StatusesReported], now: datetime) -> list[Report]:
    reports: list[Report] = []
    unnamed: dict[UUID, list[StatusUpdate]] = {}
    for signal in batch:
        for update in signal.updates:
            if update.attempt_id is not None:
                delivery, number = delivery_of(update.attempt_id)
                reports.append((delivery, number, update))
            else:
                unnamed.setdefault(signal.workspace_id, []).append(update)
    for workspace_id, updates in unnamed.items():
        known = await messages.find_by_provider_ids(
            conn, workspace_id, {update.provider_message_id for update in updates}
        )
        strays = [update for update in updates if update.provider_message_id not in known]
        reports += [(known[u.provider_message_id], 0, u) for u in updates if u.provider_message_id in known]
        await _keep_strays(conn, workspace_id, strays, now)
    return reports


async def _keep_strays(conn: Conn, workspace_id: UUID, strays: Iterable[StatusUpdate], now: datetime) -> None:
    rows = [
        (
            provider_key(workspace_id, update.provider_message_id),
            workspace_id,
            update.sender_id,
            update.status,
            json.encode(update),
        )
        for update in strays
    ]
    if rows:
        await statuses.insert_strays(conn, rows, now=now)


def progress_of(update: StatusUpdate, number: int) -> Progress:
    """One report as progress of an attempt."""
    price = update.pricing
    category = None if price is None else price.category
    type_ = None if price is None else price.type
    if price is not None and price.subtype == "paid_exempt":
        type_ = "paid_exempt"
    at = update.at
    return Progress(
        number,
        held_at=at if update.status == "held" else None,
        sent_at=at if update.status == "sent" else None,
        failed_at=at if update.status == "failed" else None,
        error_code=update.code if update.status == "failed" else None,
        delivered_at=at if update.status == "delivered" else None,
        read_at=at if update.status == "read" else None,
        played_at=at if update.status == "played" else None,
        price_category=category,
        price_type=type_,
    )


def _together(found: Sequence[Report], row: Tracked) -> Progress:
    progress = NOTHING
    for _, number, update in found:
        progress = merge(progress, progress_of(update, number or max(row.attempt_number, 1)))
    return progress


def _is_chargeable(progress: Progress) -> bool:
    """It arrived (`read` without `delivered` is a delivery) and the provider has said what it bills, in any order."""
    arrived = progress.delivered_at is not None or progress.read_at is not None or progress.played_at is not None
    return arrived and progress.price_category is not None


def _new_failure(row: Tracked, change: Change, found: Sequence[Report]) -> failures.FailedAttempt | None:
    """The failure that these reports bring, if it is news and decides the status."""
    if change.status is not Status.FAILED or row.failed_at is not None or row.status == Status.FAILED:
        return None
    for _, number, update in found:
        if update.status == "failed" and (number or max(row.attempt_number, 1)) == change.progress.attempt:
            advance(row, Change(row.id, Status(row.status), None, _without_failure(change.progress)))
            return failures.FailedAttempt(
                row=row,
                number=change.progress.attempt,
                code=update.code,
                title=update.title or "",
                reaction=FailureReaction.NEVER if update.reaction is None else FailureReaction(update.reaction),
                at=update.at,
            )
    return None


def _without_failure(progress: Progress) -> Progress:
    return Progress(
        progress.attempt,
        progress.accepted_at,
        progress.held_at,
        progress.sent_at,
        None,
        None,
        progress.delivered_at,
        progress.read_at,
        progress.played_at,
        progress.price_category,
        progress.price_type,
    )


def _arrival(row: Tracked, change: Change, found: Sequence[Report]) -> charging.Arrival:
    wa_id = next((update.wa_id for _, _, update in found if update.wa_id), None)
    user_id = next((update.user_id for _, _, update in found if update.user_id), None)
    progress = change.progress
    moments = [moment for moment in (progress.delivered_at, progress.read_at, progress.played_at) if moment]
    return charging.Arrival(
        delivery_id=row.id,
        workspace_id=row.workspace_id,
        profile_id=row.profile_id,
        sender_id=row.sender_id,
        category=progress.price_category or "",
        type=progress.price_type,
        wa_id=wa_id,
        user_id=user_id,
        at=min(moments),
    )


async def merge_strays_of(conn: Conn, said: Sequence[tuple[Tracked, str]], *, keys: KeyRing, now: datetime) -> None:
    """Merge reports that came before the provider's ids of these messages (delivery, provider's id) were known."""
    if said:
        shelf = [provider_key(row.workspace_id, provider_id) for row, provider_id in said]
        await _merge_kept(conn, await statuses.take_strays(conn, shelf), keys=keys, now=now)


async def merge_late_strays(conn: Conn, *, keys: KeyRing, now: datetime, since: datetime, limit: int) -> int:
    """Merge kept reports whose messages have become known since; returns how many.

    A report and the answer that makes its message known may be written at the same time, and neither sees the other.
    """
    found = await statuses.take_known_strays(conn, since=since, limit=limit)
    await _merge_kept(conn, found, keys=keys, now=now)
    return len(found)


async def _merge_kept(conn: Conn, found: Sequence[statuses.Stray], *, keys: KeyRing, now: datetime) -> None:
    signals: dict[tuple[UUID, UUID], list[StatusUpdate]] = {}
    for stray in found:
        update = json.decode_as(stray.payload, StatusUpdate)
        signals.setdefault((stray.workspace_id, stray.sender_id), []).append(update)
    batch = [
        StatusesReported(workspace_id=workspace_id, sender_id=sender_id, updates=updates)
        for (workspace_id, sender_id), updates in signals.items()
    ]
    if batch:
        await apply_statuses(conn, batch, keys=keys, now=now)


async def _settle(
    conn: Conn, settled: Sequence[tuple[Tracked, StatusUpdate, int]], now: datetime
) -> list[tuple[Tracked, str]]:
    """Reports about messages whose answer is not recorded: an unknown outcome is known now, its id too (returned).

    An attempt whose worker still waits for its answer only gets the provider's id, for the case that the worker dies.
    """
    found = {
        attempt_id_of(row.id, number): (row, update.provider_message_id) for row, update, number in settled if number
    }
    if not found:
        return []
    provider_ids = {attempt: None if row.is_erased else provider_id for attempt, (row, provider_id) in found.items()}
    closed = await attempts.update_reported(conn, provider_ids, now=now)
    said = [found[attempt] for attempt in closed]
    await record_said(conn, said, outgoing={}, now=now)
    return said
