"""The one door: everything that is to be sent is asked for here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sojourn.channels.model import Sender
from sojourn.countries.purposes import LANES, Purpose
from sojourn.deliveries import facts as fact_reading
from sojourn.deliveries import rendering
from sojourn.deliveries.actions.showing import show
from sojourn.deliveries.actions.telling import news, tell
from sojourn.deliveries.attempt_ids import new_delivery_id
from sojourn.deliveries.model import (
    Delivery,
    DeliveryId,
    DeliveryRequest,
    ProfileId,
    Status,
    TemplateMessage,
    consent_message_of,
)
from sojourn.deliveries.requests_json import encode_message
from sojourn.deliveries.store import limits, outbox, rows
from sojourn.deliveries.trace import encode_decision
from sojourn.kit import crash, jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.policy.decide import decide_all
from sojourn.policy.model import Allow, Decision, Defer, Exclude, Request, TemplateFacts

KEY_MAX = 400  # characters
RENDER_AHEAD = timedelta(minutes=5)  # what leaves later is rendered when it leaves
POLLER = "deliveries.send_due"
BURSTING = frozenset({Purpose.SERVICE, Purpose.AUTHENTICATION})


@dataclass(slots=True)
class Draft:
    """A request on its way to becoming a delivery."""

    workspace_id: UUID
    request: DeliveryRequest
    id: DeliveryId
    profile_id: ProfileId
    sender: Sender | None
    asked: Request
    chosen: rendering.Chosen
    decision: Decision | None = None
    rendered: rendering.Rendered | None = None


async def request_deliveries(
    conn: Conn, workspace_id: UUID, requests: Sequence[DeliveryRequest], *, keys: KeyRing, now: datetime
) -> list[Delivery]:
    """Ask for messages: one delivery a request, in the order given, decided and queued in this transaction.

    The same key for the same person again, in this call or any other, is the same delivery (`is_new` false) and changes
    nothing. What the policy refuses is stored too, as excluded with its reason. People who were merged get it as who
    they are now.
    Raises InvalidInput for an empty or too long key.
    """
    _check(requests)
    subjects = await _subjects(conn, workspace_id, requests)
    fresh, known = await _claim_keys(conn, workspace_id, requests, subjects, now)
    made: dict[DeliveryId, Delivery] = {}
    for channel in sorted({request.channel for request, _ in fresh.values()}):
        part = {id_: entry for id_, entry in fresh.items() if entry[0].channel == channel}
        made.update(await _make(conn, workspace_id, part, channel=channel, keys=keys, now=now))
    await show(conn, [(delivery, delivery.status.value) for delivery in made.values()], now=now)
    crash.point("deliveries.requested")
    result: list[Delivery] = []
    given: set[DeliveryId] = set()
    for request in requests:
        place = (request.key, subjects.get(request.profile_id, request.profile_id))
        delivery = made.get(known[place].id, known[place]) if place in known else None
        assert delivery is not None
        result.append(delivery if delivery.is_new and delivery.id not in given else replace(delivery, is_new=False))
        given.add(delivery.id)
    return result


def _check(requests: Sequence[DeliveryRequest]) -> None:
    errors: list[FieldError] = []
    for index, request in enumerate(requests):
        if not request.key.strip() or len(request.key) > KEY_MAX:
            errors.append(
                {
                    "field": f"deliveries.{index}.key",
                    "code": "missing" if not request.key.strip() else "too_long",
                    "limit": KEY_MAX,
                    "message": f"a key of 1 to {KEY_MAX} characters",
                }
            )
    if errors:
        raise InvalidInput(errors)


async def _subjects(conn: Conn, workspace_id: UUID, requests: Sequence[DeliveryRequest]) -> dict[UUID, UUID]:
    ids = list(dict.fromkeys(request.profile_id for request in requests))
    _, subject_of = await fact_reading.read_profiles(conn, workspace_id, ids)
    return subject_of


async def _claim_keys(
    conn: Conn,
    workspace_id: UUID,
    requests: Sequence[DeliveryRequest],
    subjects: Mapping[UUID, UUID],
    now: datetime,
) -> tuple[dict[DeliveryId, tuple[DeliveryRequest, ProfileId]], dict[tuple[str, UUID], Delivery]]:
    """Claim the keys. New ones by their delivery; all by key and person, those that are new as a stub with their id."""
    drafts: dict[tuple[str, UUID], tuple[DeliveryRequest, ProfileId, DeliveryId]] = {}
    for request in requests:
        profile = ProfileId(subjects.get(request.profile_id, request.profile_id))
        place: tuple[str, UUID] = (request.key, profile)
        if place not in drafts:
            drafts[place] = (request, profile, new_delivery_id(now, profile))
    new = await rows.insert_keys(
        conn, workspace_id, [(key, profile, id_) for (key, _), (_, profile, id_) in drafts.items()]
    )
    fresh = {id_: (request, profile) for request, profile, id_ in drafts.values() if id_ in new}
    repeated = [(key, profile) for (key, _), (_, profile, id_) in drafts.items() if id_ not in new]
    known = await rows.find_by_keys(conn, workspace_id, repeated) if repeated else {}
    for place, (request, profile, id_) in drafts.items():
        if id_ in new:
            known[place] = _stub(workspace_id, request, profile, id_, now)
    return fresh, known


def _stub(
    workspace_id: UUID, request: DeliveryRequest, profile_id: ProfileId, id_: DeliveryId, now: datetime
) -> Delivery:
    return Delivery(
        id=id_,
        workspace_id=workspace_id,
        profile_id=profile_id,
        key=request.key,
        status=Status.QUEUED,
        reason=None,
        purpose=request.purpose,
        channel=request.channel,
        sender_id=request.sender_id,
        owner_kind=request.owner_kind,
        owner_id=request.owner_id,
        run_id=request.run_id,
        step_key=request.step_key,
        requested_at=now,
        planned_at=request.planned_at or now,
    )


async def _make(
    conn: Conn,
    workspace_id: UUID,
    fresh: Mapping[DeliveryId, tuple[DeliveryRequest, ProfileId]],
    *,
    channel: str,
    keys: KeyRing,
    now: datetime,
) -> dict[DeliveryId, Delivery]:
    senders, default = await fact_reading.find_senders(
        conn, workspace_id, [request.sender_id for request, _ in fresh.values()], channel
    )
    by_waba: dict[str | None, list[DeliveryRequest]] = {}
    for request, _ in fresh.values():
        sender = _sender_of(request, senders, default)
        by_waba.setdefault(None if sender is None else sender.waba_id, []).append(request)
    known = {
        waba: await rendering.read_templates(conn, workspace_id, waba, [request.message for request in part])
        for waba, part in by_waba.items()
    }
    drafts = []
    for id_, (request, profile_id) in fresh.items():
        sender = _sender_of(request, senders, default)
        template = (
            known[None if sender is None else sender.waba_id].get(request.message.template)
            if isinstance(request.message, TemplateMessage)
            else None
        )
        category = None if template is None else str(template.category)
        asked = _asked(request, profile_id, sender, category, now)
        drafts.append(Draft(workspace_id, request, id_, profile_id, sender, asked, rendering.Chosen(TemplateFacts())))
    gathered = await fact_reading.gather_facts(
        conn, workspace_id, [draft.asked for draft in drafts], channel=channel, senders=senders, keys=keys, now=now
    )
    for draft in drafts:
        profile = gathered.profiles.get(draft.profile_id)
        templates = known[None if draft.sender is None else draft.sender.waba_id]
        draft.chosen = rendering.choose(
            draft.request.message,
            templates,
            purpose=draft.request.purpose,
            profile=profile,
            workspace=gathered.workspace,
        )
        variant = draft.chosen.variant
        if variant is not None:
            draft.asked = replace(draft.asked, category=str(variant.category))
    _decide(drafts, gathered, now)
    return await _write(conn, drafts, now)


def _sender_of(request: DeliveryRequest, senders: Mapping[UUID, Sender], default: UUID | None) -> Sender | None:
    wanted = request.sender_id or default
    return None if wanted is None else senders.get(wanted)


def _asked(
    request: DeliveryRequest, profile_id: ProfileId, sender: Sender | None, category: str | None, now: datetime
) -> Request:
    is_template = isinstance(request.message, TemplateMessage)
    return Request(
        profile_id=profile_id,
        sender_id=None if sender is None else sender.id,
        purpose=request.purpose,
        requested_at=now,
        planned_at=max(request.planned_at or now, now),
        lane=LANES[request.purpose] if request.priority is None else min(max(request.priority, 1), 4),
        topic=request.topic,
        category=category,
        is_template=is_template,
        template=request.message.template if isinstance(request.message, TemplateMessage) else None,
        evidence=request.evidence,
        may_burst=request.purpose in BURSTING,
        consent_message=consent_message_of(request.purpose, request.owner_kind, request.owner_id),
    )


def _decide(drafts: Sequence[Draft], gathered: fact_reading.Gathered, now: datetime) -> None:
    """Decide, render what may leave soon, and decide again for whom that failed."""
    asked = [draft.asked for draft in drafts]
    decisions = decide_all(asked, gathered.facts, [draft.chosen.facts for draft in drafts])
    failed = False
    for draft, decision in zip(drafts, decisions, strict=True):
        draft.decision = decision
        if isinstance(decision.outcome, Exclude) or _leaves_at(draft) > now + RENDER_AHEAD:
            continue
        rendered = rendering.render(
            draft.request.message,
            draft.chosen,
            delivery_id=draft.id,
            profile=gathered.profiles[draft.profile_id],
            workspace=gathered.workspace,
        )
        if isinstance(rendered, TemplateFacts):
            draft.chosen = rendering.with_problem(draft.chosen, rendered)
            failed = True
        elif isinstance(decision.outcome, Allow):
            draft.rendered = rendered
    if failed:
        again = decide_all(asked, gathered.facts, [draft.chosen.facts for draft in drafts])
        for draft, decision in zip(drafts, again, strict=True):
            draft.decision = decision
            if not isinstance(decision.outcome, Allow):
                draft.rendered = None


def _leaves_at(draft: Draft) -> datetime:
    assert draft.decision is not None
    outcome = draft.decision.outcome
    return outcome.until if isinstance(outcome, Defer) else draft.asked.planned_at


async def _write(conn: Conn, drafts: Sequence[Draft], now: datetime) -> dict[DeliveryId, Delivery]:
    made = {draft.id: _row(draft, now) for draft in drafts}
    await rows.copy_deliveries(conn, list(made.values()))
    waiting = [draft for draft in drafts if made[draft.id].delivery.status is not Status.EXCLUDED]
    if waiting:
        await outbox.copy_outbox(conn, [_waiting(draft) for draft in waiting])
        await limits.upsert_marks(
            conn,
            [
                (draft.id, draft.profile_id, draft.request.purpose.value, _leaves_at(draft))
                for draft in waiting
                if draft.asked.promotes
            ],
        )
        used = {draft.sender.id: draft.sender for draft in waiting if draft.sender is not None}
        await limits.insert_rates(
            conn, [(sender.id, sender.workspace_id, float(sender.throughput_per_s)) for sender in used.values()], now
        )
        jobs.wake(conn, POLLER)
    await tell(
        conn,
        [
            news(row.delivery, row.delivery.status, at=now, reason=row.delivery.reason)
            for row in made.values()
            if row.delivery.status is not Status.QUEUED
        ],
    )
    return {id_: row.delivery for id_, row in made.items()}


def _row(draft: Draft, now: datetime) -> rows.NewDelivery:
    assert draft.decision is not None
    outcome = draft.decision.outcome
    status, reason = Status.QUEUED, None
    if isinstance(outcome, Exclude):
        status, reason = Status.EXCLUDED, outcome.reason.value
    elif isinstance(outcome, Defer):
        status, reason = Status.DEFERRED, outcome.reason.value
    message, variant = draft.request.message, draft.chosen.variant
    template = draft.chosen.template
    delivery = replace(
        _stub(draft.workspace_id, draft.request, draft.profile_id, draft.id, now),
        status=status,
        reason=reason,
        sender_id=None if draft.sender is None else draft.sender.id,
        planned_at=_leaves_at(draft),
    )
    return rows.NewDelivery(
        delivery=delivery,
        template_id=None if template is None else template.id,
        lane=draft.asked.lane,
        expires_at=draft.request.expires_at,
        ended_at=now if status is Status.EXCLUDED else None,
        template=message.template if isinstance(message, TemplateMessage) else None,
        language=None if variant is None else variant.language,
        topic=draft.request.topic,
        evidence=draft.request.evidence,
        reply_to=draft.request.reply_to,
        request=encode_message(message),
        rendered=None if draft.rendered is None else rendering.encode(draft.rendered.content),
        body=None if draft.rendered is None else draft.rendered.text,
        decision=encode_decision(draft.decision, now),
    )


def _waiting(draft: Draft) -> outbox.Waiting:
    assert draft.sender is not None
    due_at = _leaves_at(draft)
    if draft.request.expires_at is not None:
        due_at = min(due_at, draft.request.expires_at)
    return outbox.Waiting(
        draft.id,
        draft.sender.workspace_id,
        draft.profile_id,
        draft.sender.id,
        due_at,
        draft.asked.lane,
        1,
        draft.request.owner_kind,
        draft.request.owner_id,
    )
