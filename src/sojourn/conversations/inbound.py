"""Everything that people say to us comes through here, once: whose it is, what it means for consent, who answers.

The only subscriber of `MessageReceived`. A batch is worked off in waves, the first message of each person, then the
second: later ones see what earlier ones changed. All in the transaction of the job, so that a repeat does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sojourn.channels.base import InboundMessage
from sojourn.channels.signals import MessageReceived
from sojourn.consents import actions as consents
from sojourn.consents import links, request_store
from sojourn.consents.answers import answer_request
from sojourn.consents.keywords import KeywordKind, KeywordMatch, recognise
from sojourn.consents.model import ConsentChange, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.conversations import replies
from sojourn.conversations.consent_words import CHANNEL, Answer, Heard, Meaning, understand
from sojourn.conversations.holding_back import hold_back
from sojourn.conversations.looking_up import (
    Known,
    context_of,
    granted_topics,
    languages_of,
    look_up,
    question_of,
    tap_of,
)
from sojourn.conversations.model import Owner, Reply
from sojourn.conversations.precedence import Mentioned, Said, choose_owner
from sojourn.conversations.signals import MessagesTaken, ReplyRouted, Taken
from sojourn.conversations.taking_in import SILENT_KINDS, Item, identify, store_items
from sojourn.deliveries import actions as deliveries
from sojourn.deliveries.model import DeliveryId, DeliveryRequest
from sojourn.deliveries.rendering import parse_tap_id
from sojourn.kit import crash
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Signal, announce, is_heard
from sojourn.kit.live import ITEMS_MAX, LiveEvent, publish
from sojourn.workspaces import store as workspaces
from sojourn.workspaces.model import Workspace


async def receive_messages(conn: Conn, batch: Sequence[MessageReceived], *, keys: KeyRing, now: datetime) -> None:
    """Take in messages of people. A message that was taken in before has no second effect."""
    by_workspace: dict[UUID, list[InboundMessage]] = {}
    for signal in batch:
        by_workspace.setdefault(signal.workspace_id, []).append(signal.message)
    for workspace_id, received in by_workspace.items():
        workspace = await workspaces.get_workspace(conn, workspace_id)
        items = await identify(conn, workspace, received, now)
        fresh = await store_items(conn, workspace_id, items, now)
        await publish(conn, _live(workspace_id, fresh), now)
        await _pass_on(conn, workspace_id, fresh)
        crash.point("conversations.stored")
        waves = _waves(fresh)
        for place, wave in enumerate(waves):
            later = [item.message_id for rest in waves[place + 1 :] for item in rest if item.message_id is not None]
            await _work_off(conn, workspace, wave, later, keys=keys, now=now)
        crash.point("conversations.routed")


def _live(workspace_id: UUID, items: Sequence[Item]) -> list[LiveEvent]:
    """News of what came in, for browsers: one row."""
    told = [{"message_id": item.message_id, "profile_id": item.profile_id} for item in items[:ITEMS_MAX]]
    payload = {"direction": "in", "status": "received", "counts": {"received": len(items)}, "items": told}
    profiles, senders = {item.profile_id for item in items}, {item.message.sender_id for item in items}
    event = LiveEvent(
        workspace_id=workspace_id, topic="messages", payload=payload, profiles=list(profiles), senders=list(senders)
    )
    return [event] if items else []


async def _pass_on(conn: Conn, workspace_id: UUID, items: Sequence[Item]) -> None:
    """Tell of what came in, where anybody hears it."""
    if items and await is_heard(conn, MessagesTaken, workspace_id):
        told = [
            Taken(
                message_id=item.message_id, profile_id=item.profile_id, sender_id=item.message.sender_id,
                kind=item.message.kind, at=item.message.at,
            )
            for item in items
            if item.message_id is not None
        ]  # fmt: skip
        await announce(conn, [MessagesTaken(workspace_id=workspace_id, messages=told)])


def _waves(items: Iterable[Item]) -> list[list[Item]]:
    """The first message of each person, then the second of each, and so on."""
    waves: list[list[Item]] = []
    counts: dict[UUID, int] = {}
    for item in items:
        place = counts.get(item.profile_id, 0)
        counts[item.profile_id] = place + 1
        if place == len(waves):
            waves.append([])
        waves[place].append(item)
    return waves


async def _work_off(
    conn: Conn, workspace: Workspace, wave: Sequence[Item], later: Sequence[UUID], *, keys: KeyRing, now: datetime
) -> None:
    known = await look_up(conn, workspace.id, wave, keys=keys, now=now)
    changes = [change for item in wave for change in _conversational(item, known, now)]
    await consents.record_consents(conn, workspace.id, changes, keys=keys, now=now)
    signals: list[Signal] = []
    answers: list[tuple[Item, DeliveryRequest]] = []
    for item in wave:
        match = _recognise(item, known, workspace)
        item.word_language = match.language if match is not None else None
        meaning = _meaning(item, known, workspace, match, now)
        asked: list[DeliveryRequest] = []
        if meaning is not None:
            asked = await _apply(conn, workspace, item, meaning, known, keys=keys, now=now)
        owner = choose_owner(_said(item, known, match, about_consent=meaning is not None))
        if owner.kind == "keyword":
            asked = [
                replies.help_request(item.profile_id, item.message, languages_of(item, known, workspace), workspace)
            ]
        answers.extend((item, request) for request in asked)
        for delivery_id in _answered(item, known, owner):
            await deliveries.record_reply(conn, delivery_id, item.message.at)
        if owner.kind in {"journey", "none"}:
            signals.append(_routed(workspace.id, item, owner, known))
    limit = workspace.settings.automatic_answers_an_hour
    requests = await hold_back(conn, answers, answers_max=limit, later=later, now=now)
    if requests:
        await deliveries.request_deliveries(conn, workspace.id, requests, keys=keys, now=now)
    await announce(conn, signals)


def _conversational(item: Item, known: Known, now: datetime) -> list[ConsentChange]:
    """Who writes to us may be answered, and no more than that; who sends a link's text has agreed to what it says."""
    message = item.message
    changes = []
    if known.facts[item.profile_id].state(Purpose.SERVICE) is not ConsentState.GRANTED and (
        message.kind not in SILENT_KINDS
    ):
        changes.append(
            ConsentChange(
                profile_id=item.profile_id,
                channel=CHANNEL,
                purpose=Purpose.SERVICE,
                state=ConsentState.GRANTED,
                effective_at=min(message.at, now),
                evidence=Evidence(message_id=message.provider_message_id, collected_by="chat"),
                source=ConsentSource.INBOUND,
                key=f"inbound:{message.provider_message_id}:service",
            )
        )
    for link in item.links:
        changes += links.link_changes(
            link,
            item.profile_id,
            message_id=message.provider_message_id,
            said=item.said or "",
            at=min(message.at, now),
        )
    return changes


def _recognise(item: Item, known: Known, workspace: Workspace) -> KeywordMatch | None:
    message = item.message
    if message.tap_id is not None or message.kind in SILENT_KINDS or item.links:
        return None
    settings = workspace.settings
    extra = {
        "stop": settings.extra_stop_words,
        "start": settings.extra_start_words,
        "help": settings.extra_help_words,
    }
    question = question_of(item, known)
    languages = [language for language in languages_of(item, known, workspace) if language]
    is_open = question is not None and question.is_open(message.at)
    return recognise(message.text, question_open=is_open, extra=extra, languages=languages)


def _meaning(
    item: Item, known: Known, workspace: Workspace, match: KeywordMatch | None, now: datetime
) -> Meaning | None:
    message = item.message
    if item.links:
        return Meaning(answer=Answer(text="welcome", key=f"inbound:{message.provider_message_id}:welcome"))
    request = known.requests.get((item.profile_id, CHANNEL))
    heard = Heard(
        profile_id=item.profile_id,
        message_id=message.provider_message_id,
        text=message.text,
        at=message.at,
        now=now,
        day=message.at.astimezone(ZoneInfo(workspace.timezone)).date(),
        facts=known.facts[item.profile_id],
        match=match,
        tap=tap_of(item, known),
        open_request_id=request.id if request is not None and request.is_open(message.at) else None,
        was_granted=granted_topics(item.profile_id, known),
        double_opt_in=workspace.settings.double_opt_in,
        tap_actions=workspace.settings.quick_reply_actions,
    )
    return understand(heard)


async def _apply(
    conn: Conn,
    workspace: Workspace,
    item: Item,
    meaning: Meaning,
    known: Known,
    *,
    keys: KeyRing,
    now: datetime,
) -> list[DeliveryRequest]:
    """Do what a message means, and say what is answered. Few messages are about consent, so one by one."""
    answers_question = meaning.request is not None
    if meaning.request is not None:
        request_id, answer, at = meaning.request
        done = await answer_request(
            conn,
            workspace.id,
            request_id,
            answer,
            message_id=item.message.provider_message_id,
            at=at,
            source=ConsentSource.TAP if item.message.tap_id else ConsentSource.KEYWORD,
            keys=keys,
            now=now,
        )
        if done is None:
            otherwise = meaning.otherwise
            if otherwise is None:
                return []
            return await _apply(conn, workspace, item, otherwise, known, keys=keys, now=now)
    changes = list(meaning.changes)
    if changes:
        days = workspace.settings.double_opt_in_days
        await consents.record_consents(conn, workspace.id, changes, keys=keys, now=now, pending_days=days)
    if meaning.hold:
        holds = [(item.profile_id, CHANNEL, item.message.at)]
        await consents.hold_marketing(conn, workspace.id, holds, keys=keys, now=now)
    if meaning.release:
        await consents.release_hold(conn, workspace.id, item.profile_id, CHANNEL, now, keys=keys, now=now)
    if meaning.answer is None:
        return []
    owner_id = None
    if meaning.ask:
        open_requests = await request_store.find_open_requests(conn, [item.profile_id])
        request = open_requests.get((item.profile_id, CHANNEL))
        owner_id = None if request is None else request.id
    return [
        replies.answer_request(
            item.profile_id,
            item.message,
            meaning.answer,
            languages_of(item, known, workspace),
            workspace,
            request_id=owner_id,
            answers_question=answers_question,
        )
    ]


def _said(item: Item, known: Known, match: KeywordMatch | None, *, about_consent: bool) -> Said:
    parsed = parse_tap_id(item.message.tap_id or "")
    quoted = known.quoted.get(context_of(item.message) or "")
    return Said(
        kind=item.message.kind,
        at=item.message.at,
        about_consent=about_consent,
        tapped=_mentioned(parsed[0] if parsed else None, known),
        quoted=_mentioned(quoted, known),
        question=question_of(item, known),
        asks_for_help=match is not None and match.kind is KeywordKind.HELP,
    )


def _mentioned(delivery_id: UUID | None, known: Known) -> Mentioned | None:
    delivery = known.deliveries.get(delivery_id) if delivery_id is not None else None
    if delivery is None:
        return None
    return Mentioned(
        delivery_id=delivery.id, owner_kind=delivery.owner_kind, run_id=delivery.run_id, step_key=delivery.step_key
    )


def _answered(item: Item, known: Known, owner: Owner) -> list[DeliveryId]:
    """The delivery that this message answers: tapped, quoted, or that asked the open question."""
    said = _said(item, known, None, about_consent=False)
    for mentioned in (said.tapped, said.quoted):
        if mentioned is not None:
            return [DeliveryId(mentioned.delivery_id)]
    return [DeliveryId(owner.delivery_id)] if owner.delivery_id is not None else []


def _routed(workspace_id: UUID, item: Item, owner: Owner, known: Known) -> ReplyRouted:
    message = item.message
    tap = tap_of(item, known)
    location = message.data if message.kind == "location" else None
    return ReplyRouted(
        workspace_id=workspace_id,
        profile_id=item.profile_id,
        owner_kind=owner.kind,
        run_id=owner.run_id,
        step_key=owner.step_key,
        delivery_id=owner.delivery_id,
        message=Reply(
            message_id=str(item.message_id),
            provider_message_id=message.provider_message_id,
            sender_id=message.sender_id,
            kind=message.kind,
            text=message.text,
            tap_id=tap.plain_id if tap is not None else None,
            tap_title=message.tap_title,
            media_ids=[str(media.asset_id or media.media_id) for media in message.media],
            location=location,
            context_id=message.context_id,
        ),
        at=message.at,
    )
