"""Carries out what follows from failures, for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.channels import actions as channels
from sojourn.channels import store as channel_store
from sojourn.channels.base import FailureReaction
from sojourn.consents import actions as consents
from sojourn.deliveries import facts as fact_reading
from sojourn.deliveries.actions.merging import merged
from sojourn.deliveries.actions.telling import news
from sojourn.deliveries.attempt_ids import NUMBER_MAX
from sojourn.deliveries.lanes import slower
from sojourn.deliveries.model import Status
from sojourn.deliveries.person_facts import choose_address
from sojourn.deliveries.reactions import Consequences, Failure, react
from sojourn.deliveries.signals import DeliveryStatusChanged
from sojourn.deliveries.status import Progress
from sojourn.deliveries.store import limits, outbox, rows
from sojourn.deliveries.store.statuses import Change, Tracked
from sojourn.kit import jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.messages import store as messages
from sojourn.profiles import actions as profiles
from sojourn.profiles import identity_store
from sojourn.profiles.model import Identity
from sojourn.templates import actions as templates
from sojourn.templates import store as template_store
from sojourn.templates.model import VariantState
from sojourn.workspaces import store as workspaces

POLLER = "deliveries.send_due"
CHANNEL = "whatsapp"
TEMPLATE_DISABLED = 132016  # disabled for good after repeated pauses; source: reference, error codes


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One failure, of an answer or of a report, for a locked delivery."""

    row: Tracked
    number: int
    code: int | None
    title: str
    reaction: FailureReaction
    at: datetime
    retry_after_seconds: float | None = None


async def apply_failures(
    conn: Conn,
    failed: Sequence[FailedAttempt],
    *,
    keys: KeyRing,
    now: datetime,
    signals: list[DeliveryStatusChanged | None],
) -> list[Change]:
    """Put back what may be tried again, fail the rest, and do what follows for people, templates and senders.

    Returns the changes of the deliveries, which the caller writes; appends the news of those that failed for good.
    """
    if not failed:
        return []
    weighed = await _weigh(conn, failed)
    changes: list[Change] = []
    again: list[outbox.Waiting] = []
    ended: list[UUID] = []
    for attempt, consequences in weighed:
        row = attempt.row
        if consequences.retry_at is not None and attempt.number < NUMBER_MAX and not _arrived(row):
            changes.append(_retried(attempt))
            again.append(_waiting(attempt, max(consequences.retry_at, now)))
            continue
        progress = Progress(attempt.number, failed_at=attempt.at, error_code=attempt.code)
        change = merged(row, progress)
        changes.append(change)
        if change.status is Status.FAILED and row.status != Status.FAILED:
            ended.append(row.id)
            signals.append(
                news(row, Status.FAILED, at=attempt.at, reason=change.reason, reaction=attempt.reaction.value)
            )
    if again:
        await outbox.copy_outbox(conn, again)
        jobs.wake(conn, POLLER)
    if ended:
        await limits.delete_marks(conn, ended)
    await _follow(conn, weighed, keys=keys, now=now)
    return changes


def _arrived(row: Tracked) -> bool:
    return any(moment is not None for moment in (row.delivered_at, row.read_at, row.played_at))


def _retried(attempt: FailedAttempt) -> Change:
    reason = f"retry_after_{attempt.code}" if attempt.code is not None else "retry_after_no_connection"
    change = merged(attempt.row, Progress(attempt.number + 1))
    return Change(change.id, Status.QUEUED, reason, change.progress)


def _waiting(attempt: FailedAttempt, due_at: datetime) -> outbox.Waiting:
    row = attempt.row
    return outbox.Waiting(
        row.id,
        row.workspace_id,
        row.profile_id,
        row.sender_id,
        due_at if row.expires_at is None else min(due_at, row.expires_at),
        row.lane,
        attempt.number + 1,
        row.owner_kind,
        row.owner_id,
    )


async def _weigh(conn: Conn, failed: Sequence[FailedAttempt]) -> list[tuple[FailedAttempt, Consequences]]:
    """The consequences of each failure, which grow with how often it happened to the person before."""
    saturated = {one.row.profile_id for one in failed if one.reaction is FailureReaction.SATURATED}
    known: dict[UUID, int] = {}
    for workspace_id in {one.row.workspace_id for one in failed if one.row.profile_id in saturated}:
        part = [
            one.row.profile_id
            for one in failed
            if one.row.workspace_id == workspace_id and one.row.profile_id in saturated
        ]
        weights = await limits.lock_pressure(conn, workspace_id, part)
        known.update({profile: weight["saturations"] for profile, weight in weights.items()})
    strikes: dict[tuple[UUID, UUID], int] = {}
    limited = [one for one in failed if one.reaction is FailureReaction.PAIR_LIMIT]
    for sender_id in sorted({one.row.sender_id for one in limited}):
        people = sorted({one.row.profile_id for one in limited if one.row.sender_id == sender_id})
        for profile, pair in (await limits.lock_pairs(conn, sender_id, people)).items():
            strikes[profile, sender_id] = pair["strikes"]
    return [
        (
            one,
            react(
                Failure(
                    reaction=one.reaction,
                    code=one.code,
                    at=one.at,
                    attempt=one.number,
                    retry_after_seconds=one.retry_after_seconds,
                    saturations=known.get(one.row.profile_id, 0),
                    pair_strikes=strikes.get((one.row.profile_id, one.row.sender_id), 0),
                )
            ),
        )
        for one in failed
    ]


Weighed = Sequence[tuple[FailedAttempt, Consequences]]


async def _follow(conn: Conn, weighed: Weighed, *, keys: KeyRing, now: datetime) -> None:
    await _follow_for_people(conn, weighed, keys=keys, now=now)
    await _follow_for_templates(conn, weighed, now=now)
    await _follow_for_senders(conn, weighed, now=now)


async def _follow_for_people(conn: Conn, weighed: Weighed, *, keys: KeyRing, now: datetime) -> None:
    for workspace_id in sorted({one.row.workspace_id for one, _ in weighed}):
        part = [(one, what) for one, what in weighed if one.row.workspace_id == workspace_id]
        rests: dict[UUID, datetime] = {}
        for one, what in part:
            if what.rest_until is not None:
                rests[one.row.profile_id] = max(what.rest_until, rests.get(one.row.profile_id, what.rest_until))
        if rests:
            await limits.update_saturated(conn, workspace_id, list(rests.items()))
        stops = {one.row.profile_id: one.at for one, what in part if what.platform_opt_out}
        if stops:
            preferences = [(profile, CHANNEL, "stop", at) for profile, at in sorted(stops.items())]
            await consents.record_platform_preferences(conn, workspace_id, preferences, keys=keys, now=now)
        gone = {one.row.profile_id for one, what in part if what.unreachable}
        if gone:
            await _mark_unreachable(conn, workspace_id, sorted(gone), now)
    pairs = {(one.row.profile_id, one.row.sender_id): what.pair_until for one, what in weighed if what.pair_until}
    if pairs:
        await limits.block_pairs(conn, [(profile, sender, until) for (profile, sender), until in pairs.items()])
    closed = {(one.row.profile_id, one.row.sender_id): one.at for one, what in weighed if what.close_window}
    if closed:
        await messages.close_windows(conn, [(profile, sender, at) for (profile, sender), at in closed.items()])


async def _mark_unreachable(conn: Conn, workspace_id: UUID, people: Sequence[UUID], now: datetime) -> None:
    """Count a failure for the address in use; on three distinct days (a setting) it counts as unreachable."""
    schemes = fact_reading.ADDRESS_SCHEMES[CHANNEL]
    known = await identity_store.list_identities(conn, workspace_id, people, schemes)
    addresses = [address for found in known.values() if (address := choose_address(found, schemes))]
    workspace = await workspaces.get_workspace(conn, workspace_id)
    await profiles.mark_unreachable(
        conn,
        workspace_id,
        [Identity(address.scheme, address.value) for address in addresses],
        now=now,
        needed_days=workspace.settings.unreachable_days,
    )


async def _follow_for_templates(conn: Conn, weighed: Weighed, *, now: datetime) -> None:
    """Stop using a template variant that the platform refuses, until it is approved again."""
    off = {one.row.id: one for one, what in weighed if what.template_off and one.row.template_id is not None}
    if not off:
        return
    languages = await rows.list_languages(conn, list(off))
    told: set[tuple[UUID, str, UUID]] = set()
    for id_, one in sorted(off.items()):
        template_id, language = one.row.template_id, languages.get(id_)
        if template_id is None or language is None or (template_id, language, one.row.sender_id) in told:
            continue
        told.add((template_id, language, one.row.sender_id))
        await _switch_off(conn, one, template_id, language, now)


async def _switch_off(conn: Conn, one: FailedAttempt, template_id: UUID, language: str, now: datetime) -> None:
    sender = await channel_store.find_sender(conn, one.row.sender_id)
    waba_id = None if sender is None else sender.waba_id
    known = await template_store.get_templates_for_send(conn, one.row.workspace_id, [template_id], waba_id=waba_id)
    template = known.get(str(template_id))
    variant = None if template is None else template.variants.get(language)
    if variant is None or variant.state != VariantState.APPROVED:
        return
    state = VariantState.DISABLED if one.code == TEMPLATE_DISABLED else VariantState.PAUSED
    reason = f"{one.code}: {one.title}"
    await templates.set_variant_state(conn, one.row.workspace_id, variant.id, state, reason=reason, now=now)


async def _follow_for_senders(conn: Conn, weighed: Weighed, *, now: datetime) -> None:
    stopped = {one.row.sender_id: one for one, what in weighed if what.stop_sender}
    for sender_id, one in sorted(stopped.items()):
        await channels.stop_sender(conn, sender_id, one.reaction.value, now, detail=f"{one.code}: {one.title}")
        rate = await limits.lock_rate(conn, sender_id)
        if rate is not None:
            await limits.update_sender(conn, sender_id, is_active=False, ceiling=rate.ceiling_per_s, now=now)
    for sender_id in sorted({one.row.sender_id for one, what in weighed if what.slow_sender} - stopped.keys()):
        rate = await limits.lock_rate(conn, sender_id)
        # One step a second: a burst of refusals is one piece of news.
        if rate is not None and (now - rate.changed_at).total_seconds() >= 1:
            await limits.update_rate(conn, sender_id, rate=slower(rate.rate_per_s), now=now)
