"""What came back from the channel: recorded in bulk, merged with whatever reports were faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

from sojourn.channels.base import Accepted, Failed, FailureReaction, Result, Unknown
from sojourn.deliveries.actions import failures
from sojourn.deliveries.actions.merging import merged
from sojourn.deliveries.actions.reports import merge_strays_of
from sojourn.deliveries.actions.said import Outgoing, record_said
from sojourn.deliveries.actions.showing import show
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.attempt_ids import delivery_of
from sojourn.deliveries.model import Status
from sojourn.deliveries.status import Progress
from sojourn.deliveries.store import attempts, statuses
from sojourn.deliveries.store.statuses import Change, Tracked
from sojourn.kit import crash
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import Identity, ProfileId, Scheme

NOTHING_SENT: Mapping[UUID, Outgoing] = {}


async def record_results(
    conn: Conn,
    results: Sequence[Result],
    *,
    keys: KeyRing,
    now: datetime,
    outgoing: Mapping[UUID, Outgoing] = NOTHING_SENT,
) -> None:
    """Write the answers of attempts. An attempt that was answered before is left as it is: this may run twice.

    Reports that came before the answer are merged with it; an unknown outcome that a report has settled stays settled.
    `outgoing` has the messages by delivery.
    """
    tracked = {row.id: row for row in await statuses.lock_tracked(conn, [_delivery(result) for result in results])}
    erased = {row.id for row in tracked.values() if row.is_erased}
    answers = [_answer(result, erased) for result in results if not isinstance(result, Unknown)]
    answered = await attempts.update_answered(conn, answers, now=now) if answers else {}
    crash.point("deliveries.answering")
    changes: list[Change] = []
    signals = []
    accepted: list[tuple[Tracked, str]] = []
    failed: list[failures.FailedAttempt] = []
    unknown: list[tuple[UUID, Tracked]] = []
    for result in results:
        row = tracked.get(_delivery(result))
        if row is None or (not isinstance(result, Unknown) and result.attempt_id not in answered):
            continue
        number = delivery_of(result.attempt_id)[1]
        match result:
            case Accepted():
                change = merged(row, Progress(number, accepted_at=now, held_at=now if result.held else None))
                changes.append(change)
                accepted.append((row, result.provider_message_id))
                if change.status.value != row.status:
                    signals.append(news(row, change.status, at=now))
            case Failed() if row.is_erased:  # it may be said that it failed, and nothing follows for anybody
                changes.append(merged(row, Progress(number, failed_at=now, error_code=result.code)))
            case Failed():
                failed.append(_failed(row, number, result, now))
            case Unknown():
                unknown.append((result.attempt_id, row))
    changes += await _record_unknown(conn, unknown, now)
    changes += await failures.apply_failures(conn, failed, keys=keys, now=now, signals=signals)
    await statuses.update_progress(conn, changes)
    await record_said(conn, accepted, outgoing=outgoing, now=now)
    await _attach_addresses(conn, results, tracked, outgoing, now)
    await tell(conn, signals)
    await show(conn, [(tracked[change.id], change.status.value) for change in changes], now=now)
    await merge_strays_of(conn, accepted, keys=keys, now=now)


def _delivery(result: Result) -> UUID:
    return delivery_of(result.attempt_id)[0]


def _answer(result: Accepted | Failed, erased: Set[UUID]) -> attempts.Answer:
    """An answer as it is stored. The provider's ids and words name the person: not those of an erased one."""
    is_erased = _delivery(result) in erased
    if isinstance(result, Accepted):
        provider_id = None if is_erased else result.provider_message_id
        return attempts.Answer(result.attempt_id, "held" if result.held else "accepted", provider_id)
    return attempts.Answer(
        result.attempt_id,
        "failed",
        None,
        result.code,
        result.title[:500],
        "" if is_erased else result.details[:2000],
        result.reaction.value,
    )


def _failed(row: Tracked, number: int, result: Failed, now: datetime) -> failures.FailedAttempt:
    return failures.FailedAttempt(
        row=row,
        number=number,
        code=result.code,
        title=result.title,
        reaction=FailureReaction(result.reaction),
        at=now,
        retry_after_seconds=result.retry_after_seconds,
    )


async def _record_unknown(conn: Conn, unknown: Sequence[tuple[UUID, Tracked]], now: datetime) -> list[Change]:
    """Attempts without a usable answer: settled if a report was faster, else unknown."""
    if not unknown:
        return []
    settled = [attempt for attempt, row in unknown if was_reported(attempt, row)]
    if settled:
        await attempts.update_settled(conn, settled, now=now)
    marked = set(await attempts.update_unknown(conn, [attempt for attempt, row in unknown if attempt not in settled]))
    return [
        Change(row.id, Status.UNKNOWN, "no_answer", row.progress)
        for _, row in unknown
        if row.id in marked and row.status in {Status.QUEUED, Status.DEFERRED}
    ]


def was_reported(attempt_id: UUID, row: Tracked) -> bool:
    """Whether a report about this very attempt came before its answer."""
    moments = (row.sent_at, row.failed_at, row.delivered_at, row.read_at, row.played_at)
    return row.attempt_number == delivery_of(attempt_id)[1] and any(moment is not None for moment in moments)


async def _attach_addresses(
    conn: Conn,
    results: Sequence[Result],
    tracked: Mapping[UUID, Tracked],
    outgoing: Mapping[UUID, Outgoing],
    now: datetime,
) -> None:
    """Note what the provider calls the people behind the numbers: the same person, the same consent."""
    by_workspace: dict[UUID, list[tuple[ProfileId, Identity]]] = {}
    for result in results:
        row = tracked.get(_delivery(result))
        if row is None or row.is_erased or not isinstance(result, Accepted):
            continue
        sent = outgoing.get(row.id)
        known = frozenset[str]() if sent is None else sent.known
        additions = by_workspace.setdefault(row.workspace_id, [])
        for scheme, value in ((Scheme.WA_ID, result.wa_id), (Scheme.BSUID, result.user_id)):
            if value and value not in known:
                additions.append((ProfileId(row.profile_id), Identity(scheme, value)))
    for workspace_id, additions in by_workspace.items():
        if additions:
            await profiles.attach_identities(conn, workspace_id, additions, now=now)
