"""Claim what is due for one sender, decide again, and mark it dispatched: all in one transaction.

Until that transaction commits nothing is claimed, so a worker that dies in it loses nothing. Once it has committed, the
bytes may leave at any moment, so an attempt without an answer is unknown and never blindly repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.channels.base import OutboundMessage
from sojourn.channels.content import Content, TemplateContent
from sojourn.channels.model import Sender
from sojourn.countries.purposes import Purpose
from sojourn.deliveries import facts as fact_reading
from sojourn.deliveries import rendering
from sojourn.deliveries.actions.requesting import BURSTING
from sojourn.deliveries.actions.said import Outgoing
from sojourn.deliveries.actions.showing import pass_on
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.attempt_ids import NUMBER_MAX, attempt_id_of
from sojourn.deliveries.model import DeliveryId, Message, Status, TemplateMessage, consent_message_of
from sojourn.deliveries.requests_json import decode_message
from sojourn.deliveries.store import attempts, limits, outbox, rows
from sojourn.deliveries.trace import encode_decision
from sojourn.kit import crash
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.policy.decide import decide_all
from sojourn.policy.model import (
    PAIR_EVERY,
    Allow,
    Decision,
    Defer,
    DeferReason,
    Exclude,
    Reason,
    Request,
    TemplateFacts,
)

LEASE = timedelta(seconds=20)  # system clock; a call to a channel gives up after ten seconds
PAUSED_FOR = timedelta(minutes=5)
NOTHING_TO_CHOOSE = rendering.Chosen(TemplateFacts())
SHORT_WAITS = frozenset({DeferReason.PAIR_SPACING, DeferReason.SENDER_LIMIT})


@dataclass(slots=True)
class Claimed:
    """A claimed delivery on its way out. It has what an announcement needs (`telling.Owned`)."""

    waiting: outbox.Waiting
    row: Mapping[str, Any]
    content: Content | None
    message: Message | None
    asked: Request
    chosen: rendering.Chosen
    rendered: rendering.Rendered | None = None
    decision: Decision | None = None

    @property
    def id(self) -> DeliveryId:
        return DeliveryId(self.waiting.delivery_id)

    @property
    def workspace_id(self) -> UUID:
        return self.waiting.workspace_id

    @property
    def profile_id(self) -> UUID:
        return self.waiting.profile_id

    @property
    def owner_kind(self) -> str:
        return self.waiting.owner_kind

    @property
    def owner_id(self) -> UUID | None:
        return self.waiting.owner_id

    @property
    def run_id(self) -> UUID | None:
        run: UUID | None = self.row["run_id"]
        return run

    @property
    def step_key(self) -> str | None:
        step: str | None = self.row["step_key"]
        return step


async def claim_attempts(
    conn: Conn,
    sender: Sender,
    shares: dict[int, int],
    *,
    keys: KeyRing,
    now: datetime,
    system_now: datetime,
    buckets: Sequence[int] | None = None,
) -> tuple[list[Outgoing], int]:
    """The messages whose bytes may leave once this transaction has committed, and how many rows were claimed in all.

    What the second decision refuses, defers or finds expired is written as that.
    """
    waiting = await outbox.claim(conn, sender.id, shares, now=now, buckets=buckets)
    if not waiting:
        return [], 0
    crash.point("deliveries.claimed")
    waiting = await _without_stopped(conn, waiting, now)
    stored = await rows.list_claimed(conn, [row.delivery_id for row in waiting])
    claimed = [_claimed(row, stored[row.delivery_id], sender, now) for row in waiting if row.delivery_id in stored]
    alive = await _without_expired(conn, claimed, now)
    if alive:
        gathered = await fact_reading.gather_facts(
            conn,
            sender.workspace_id,
            [one.asked for one in alive],
            channel=sender.channel,
            senders={sender.id: sender},
            keys=keys,
            now=now,
            at_send=True,
            own_deliveries=[one.id for one in alive],
        )
        await _choose(conn, sender, alive, gathered)
        _decide(alive, gathered)
        leaving = await _settle(conn, alive, now)
        await _reserve(conn, sender, leaving, gathered, now)
        return await _dispatch(conn, sender, leaving, gathered, now=now, system_now=system_now), len(waiting)
    return [], len(waiting)


async def _without_stopped(conn: Conn, waiting: list[outbox.Waiting], now: datetime) -> list[outbox.Waiting]:
    """What folders above have cancelled or paused since: looked at here, so that stopping rewrites no rows."""
    states = await limits.list_owner_states(conn, [row.owner_id for row in waiting if row.owner_id is not None])
    if not states:
        return waiting
    kept, paused, cancelled = [], [], []
    for row in waiting:
        state = states.get(row.owner_id) if row.owner_id is not None else None
        if state is None:
            kept.append(row)
        elif state[0] == "paused":
            paused.append(replace(row, due_at=now + PAUSED_FOR))
        else:
            cancelled.append((row, state[1]))
    if paused:
        await outbox.copy_outbox(conn, paused)
    if cancelled:
        ended = [(row.delivery_id, Status.CANCELLED, reason, None) for row, reason in cancelled]
        await rows.update_ended(conn, ended, at=now)
        await limits.delete_marks(conn, [row.delivery_id for row, _ in cancelled])
    return kept


async def _without_expired(conn: Conn, claimed: list[Claimed], now: datetime) -> list[Claimed]:
    expired = [one for one in claimed if one.row["expires_at"] is not None and one.row["expires_at"] <= now]
    if not expired:
        return claimed
    await rows.update_ended(conn, [(one.id, Status.EXPIRED, "expired", None) for one in expired], at=now)
    await limits.delete_marks(conn, [one.id for one in expired])
    await tell(conn, [news(one, Status.EXPIRED, at=now, reason="expired") for one in expired])
    await pass_on(conn, [(one, "expired") for one in expired], now=now)
    gone = {one.id for one in expired}
    return [one for one in claimed if one.id not in gone]


def _claimed(waiting: outbox.Waiting, row: Mapping[str, Any], sender: Sender, now: datetime) -> Claimed:
    content = None if row["rendered"] is None else rendering.decode(row["rendered"])
    message = None if content is not None else decode_message(bytes(row["request"]))
    is_template = isinstance(content, TemplateContent) or isinstance(message, TemplateMessage)
    purpose = Purpose(row["purpose"])
    asked = Request(
        profile_id=waiting.profile_id,
        sender_id=sender.id,
        purpose=purpose,
        requested_at=row["requested_at"],
        planned_at=min(row["planned_at"], now),
        lane=waiting.lane,
        topic=row["topic"],
        category=content.category if isinstance(content, TemplateContent) else None,
        is_template=is_template,
        template=row["template"],
        evidence=row["evidence"],
        may_burst=purpose in BURSTING,
        consent_message=consent_message_of(purpose, row["owner_kind"], row["owner_id"]),
        at_send=True,
    )
    return Claimed(waiting, row, content, message, asked, rendering.Chosen(TemplateFacts()))


async def _choose(conn: Conn, sender: Sender, claimed: Sequence[Claimed], gathered: fact_reading.Gathered) -> None:
    """Templates as they stand now: state for what is rendered, the whole choice for what is not."""
    wanted: list[Message] = []
    for one in claimed:
        if one.message is not None:
            wanted.append(one.message)
        elif one.row["template"] is not None:
            wanted.append(TemplateMessage(template=one.row["template"]))
    known = await rendering.read_templates(conn, sender.workspace_id, sender.waba_id, wanted)
    for one in claimed:
        one.chosen = _chosen(one, known, gathered)
        if one.chosen.variant is not None and one.asked.category != one.chosen.variant.category.value:
            one.asked = replace(one.asked, category=one.chosen.variant.category.value)


def _chosen(one: Claimed, known: Mapping[str, Any], gathered: fact_reading.Gathered) -> rendering.Chosen:
    if one.message is not None:
        return rendering.choose(
            one.message,
            known,
            purpose=one.asked.purpose,
            profile=gathered.profiles.get(one.profile_id),
            workspace=gathered.workspace,
        )
    if one.row["template"] is None:
        return NOTHING_TO_CHOOSE
    template = known.get(one.row["template"])
    if template is None:
        return rendering.Chosen(TemplateFacts(problem=Reason.TEMPLATE_UNKNOWN, detail=one.row["template"]))
    variant = template.variants.get(one.row["language"])
    if variant is None:
        detail = f"{one.row['language']} is not there any more"
        return rendering.Chosen(TemplateFacts(problem=Reason.TEMPLATE_LANGUAGE, detail=detail), template)
    return rendering.Chosen(rendering.state_of(variant), template, variant)


def _decide(claimed: Sequence[Claimed], gathered: fact_reading.Gathered) -> None:
    """Decide again; render what waited unrendered, and decide once more where that failed."""
    asked = [one.asked for one in claimed]
    decisions = decide_all(asked, gathered.facts, [one.chosen.facts for one in claimed])
    failed = False
    for one, decision in zip(claimed, decisions, strict=True):
        one.decision = decision
        if one.message is None or not isinstance(decision.outcome, Allow):
            continue
        rendered = rendering.render(
            one.message,
            one.chosen,
            delivery_id=one.id,
            profile=gathered.profiles[one.profile_id],
            workspace=gathered.workspace,
        )
        if isinstance(rendered, TemplateFacts):
            one.chosen = rendering.with_problem(one.chosen, rendered)
            failed = True
        else:
            one.rendered, one.content = rendered, rendered.content
    if failed:
        again = decide_all(asked, gathered.facts, [one.chosen.facts for one in claimed])
        for one, decision in zip(claimed, again, strict=True):
            one.decision = decision


async def _settle(conn: Conn, claimed: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Write what does not leave now; return what does."""
    leaving: list[Claimed] = []
    excluded: list[tuple[Claimed, Exclude]] = []
    deferred: list[tuple[Claimed, Defer]] = []
    for one in claimed:
        assert one.decision is not None
        match one.decision.outcome:
            case Exclude() as outcome:
                excluded.append((one, outcome))
            case Defer() as outcome:
                deferred.append((one, outcome))
            case Allow():
                if one.waiting.attempt_number > NUMBER_MAX:
                    excluded.append((one, Exclude(Reason.CONTENT_INVALID)))
                else:
                    leaving.append(one)
    if excluded:
        await rows.update_ended(
            conn,
            [(one.id, Status.EXCLUDED, outcome.reason.value, _trace(one, now)) for one, outcome in excluded],
            at=now,
        )
        await limits.delete_marks(conn, [one.id for one, _ in excluded])
        await tell(conn, [news(one, Status.EXCLUDED, at=now, reason=outcome.reason.value) for one, outcome in excluded])
        reasons: dict[UUID, str] = {one.id: outcome.reason.value for one, outcome in excluded}
        await pass_on(conn, [(one, "excluded") for one, _ in excluded], now=now, reasons=reasons)
    if deferred:
        await _defer(conn, deferred, now)
    return leaving


async def _defer(conn: Conn, deferred: Sequence[tuple[Claimed, Defer]], now: datetime) -> None:
    waiting = []
    for one, outcome in deferred:
        expires_at = one.row["expires_at"]
        due_at = outcome.until if expires_at is None else min(outcome.until, expires_at)
        waiting.append(replace(one.waiting, due_at=due_at))
    await outbox.copy_outbox(conn, waiting)
    long = [(one, outcome) for one, outcome in deferred if outcome.reason not in SHORT_WAITS]
    if long:
        await rows.update_waiting(
            conn, [(one.id, Status.DEFERRED, outcome.reason.value, _trace(one, now)) for one, outcome in long]
        )
        await tell(conn, [news(one, Status.DEFERRED, at=now, reason=outcome.reason.value) for one, outcome in long])
        reasons: dict[UUID, str] = {one.id: outcome.reason.value for one, outcome in long}
        await pass_on(conn, [(one, "deferred") for one, _ in long], now=now, reasons=reasons)
    await limits.upsert_marks(
        conn,
        [
            (one.id, one.profile_id, one.asked.purpose.value, outcome.until)
            for one, outcome in long
            if one.asked.promotes
        ],
    )


def _trace(one: Claimed, now: datetime) -> bytes:
    assert one.decision is not None
    return encode_decision(one.decision, now)


async def _reserve(
    conn: Conn, sender: Sender, leaving: Sequence[Claimed], gathered: fact_reading.Gathered, now: datetime
) -> None:
    """Move the spacing to each person, and take places of the portfolio for those outside a window."""
    if not leaving:
        return
    free_from: dict[UUID, datetime] = {}
    for one in leaving:
        pair = gathered.facts.people[one.profile_id].pairs.get(sender.id)
        known = free_from.get(one.profile_id) or (pair.free_from if pair is not None else None) or now
        free_from[one.profile_id] = max(known, now) + PAIR_EVERY
    await limits.upsert_pairs(conn, sender.id, list(free_from.items()))
    if sender.portfolio_limit is None:
        return
    outside: dict[UUID, UUID] = {}
    for one in leaving:
        person = gathered.facts.people[one.profile_id]
        window = person.windows.get(sender.id)
        if person.portfolio_counted or (window and window.window_until and window.window_until > now):
            continue
        outside.setdefault(one.profile_id, one.id)
    if outside:
        portfolio = sender.portfolio_id or str(sender.id)
        expires_at = now + fact_reading.PORTFOLIO_DAY
        await limits.upsert_recipients(conn, portfolio, list(outside.items()), expires_at=expires_at)


async def _dispatch(
    conn: Conn,
    sender: Sender,
    leaving: Sequence[Claimed],
    gathered: fact_reading.Gathered,
    *,
    now: datetime,
    system_now: datetime,
) -> list[Outgoing]:
    if not leaving:
        return []
    fresh: list[tuple[UUID, bytes, str, str | None]] = []
    new: list[attempts.NewAttempt] = []
    outgoing: list[Outgoing] = []
    for one in leaving:
        attempt_id = attempt_id_of(one.id, one.waiting.attempt_number)
        address = gathered.addresses[one.profile_id]
        assert one.content is not None
        rendered, body = bytes(one.row["rendered"] or b""), one.row["body"]
        if one.rendered is not None:
            rendered, body = rendering.encode(one.rendered.content), one.rendered.text
            language = None if one.chosen.variant is None else one.chosen.variant.language
            fresh.append((one.id, rendered, one.rendered.text, language))
        new.append(
            attempts.NewAttempt(
                attempt_id, one.id, one.workspace_id, sender.id, one.waiting.attempt_number, _trace(one, now)
            )
        )
        message = OutboundMessage(
            attempt_id=attempt_id,
            sender_id=sender.id,
            workspace_id=one.workspace_id,
            address_scheme=address.scheme.value,  # type: ignore[arg-type]
            address=address.value,
            content=one.content,
            reply_to=one.row["reply_to"],
        )
        known = gathered.known_values.get(one.profile_id, frozenset())
        outgoing.append(Outgoing(message, rendered, body, sender.channel, known))
    if fresh:
        await rows.update_rendered(conn, fresh)
    await attempts.copy_dispatched(conn, new, now=now, lease_until=system_now + LEASE)
    return outgoing
