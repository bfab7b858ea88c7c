"""Hands the effects of many walks to their owners, each kind in one set; immediate answers come back as resumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.conversations import actions as conversations
from sojourn.conversations.model import Question
from sojourn.countries.purposes import Purpose
from sojourn.deliveries import actions as deliveries
from sojourn.deliveries.model import Delivery, DeliveryRequest, FreeMessage, TemplateMessage
from sojourn.journeys.interpreter.advance import Progress
from sojourn.journeys.interpreter.effects import (
    CallAddress,
    CloseQuestions,
    OpenQuestion,
    RequestMessage,
    RequestTemplate,
    UpdateProfile,
)
from sojourn.journeys.interpreter.run import DeliveryReported, Run
from sojourn.journeys.interpreter.sending import ARRIVED, ENDED
from sojourn.journeys.signals import CallUrl
from sojourn.kit import jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import ProfileId

Answer = tuple[Run, DeliveryReported]


async def carry_out(conn: Conn, progresses: Sequence[Progress], *, keys: KeyRing, now: datetime) -> list[Answer]:
    """Carry out all effects. Deliveries that ended or were accepted at once are the answers.

    Attributes come first, because the texts of the messages may show them.
    """
    busy = [progress for progress in progresses if progress.effects]
    answers: list[Answer] = []
    for workspace_id in {progress.run.workspace_id: None for progress in busy}:
        own = [progress for progress in busy if progress.run.workspace_id == workspace_id]
        await _update_profiles(conn, workspace_id, own, now)
        made = await _request_deliveries(conn, workspace_id, own, keys=keys, now=now)
        await _defer_calls(conn, own)
        await _settle_questions(conn, workspace_id, own, made, now)
        answers += [answer for pair in made if (answer := _answer_of(*pair, now)) is not None]
    return answers


async def _update_profiles(conn: Conn, workspace_id: UUID, own: Iterable[Progress], now: datetime) -> None:
    changes = [
        (ProfileId(progress.run.profile_id), effect.attributes)
        for progress in own
        for effect in progress.effects
        if isinstance(effect, UpdateProfile)
    ]
    if changes:
        await profiles.update_attributes(conn, workspace_id, changes, now, source="journey")


async def _request_deliveries(
    conn: Conn, workspace_id: UUID, own: Iterable[Progress], *, keys: KeyRing, now: datetime
) -> list[tuple[Run, str, Delivery]]:
    asked = [
        (progress.run, effect)
        for progress in own
        for effect in progress.effects
        if isinstance(effect, RequestTemplate | RequestMessage)
    ]
    if not asked:
        return []
    requests = [_request(run, effect) for run, effect in asked]
    made = await deliveries.request_deliveries(conn, workspace_id, requests, keys=keys, now=now)
    return [(run, effect.step_key, delivery) for (run, effect), delivery in zip(asked, made, strict=True)]


def _request(run: Run, effect: RequestTemplate | RequestMessage) -> DeliveryRequest:
    common: dict[str, Any] = {
        "key": f"{run.id}:{effect.seq}",
        "profile_id": ProfileId(run.profile_id),
        "purpose": Purpose(effect.purpose),
        "owner_kind": "journey",
        "owner_id": run.journey_id,
        "run_id": run.id,
        "step_key": effect.step_key,
        "expires_at": effect.expires_at,
    }
    if isinstance(effect, RequestMessage):
        free = FreeMessage(content=effect.content, variables=effect.variables)
        return DeliveryRequest(message=free, reply_to=effect.reply_to, **common)
    template = TemplateMessage(
        template=effect.template, language=effect.language, variables=effect.variables, reply_ids=effect.reply_ids
    )
    return DeliveryRequest(message=template, topic=effect.topic, **common)


def _answer_of(run: Run, step_key: str, delivery: Delivery, now: datetime) -> Answer | None:
    status = delivery.status.value
    if status not in ARRIVED and status not in ENDED:
        return None
    return run, DeliveryReported(
        delivery_id=delivery.id, step_key=step_key, status=status, at=now, reason=delivery.reason
    )


async def _defer_calls(conn: Conn, own: Iterable[Progress]) -> None:
    calls = [
        CallUrl(
            workspace_id=progress.run.workspace_id,
            profile_id=progress.run.profile_id,
            run_id=progress.run.id,
            seq=effect.seq,
            method=effect.method,
            url=effect.url,
            headers=dict(effect.headers),
            body=effect.body,
            save=dict(effect.save),
            timeout_seconds=effect.timeout_seconds,
            attempts=effect.attempts,
        )
        for progress in own
        for effect in progress.effects
        if isinstance(effect, CallAddress)
    ]
    if calls:
        await jobs.defer(conn, calls)


async def _settle_questions(
    conn: Conn, workspace_id: UUID, own: Iterable[Progress], made: Iterable[tuple[Run, str, Delivery]], now: datetime
) -> None:
    """The last word of each walk counts: a question that was closed and opened again stays open."""
    asked_by = {run.id: delivery.id for run, _, delivery in made}
    closed: list[UUID] = []
    questions: list[Question] = []
    for progress in own:
        words = [effect for effect in progress.effects if isinstance(effect, OpenQuestion | CloseQuestions)]
        if any(isinstance(effect, CloseQuestions) for effect in words):
            closed.append(progress.run.id)
        if words and isinstance(words[-1], OpenQuestion):
            run, word = progress.run, words[-1]
            questions.append(
                Question(
                    profile_id=ProfileId(run.profile_id),
                    sender_id=None,
                    run_id=run.id,
                    step_key=word.step_key,
                    delivery_id=word.delivery_id or asked_by.get(run.id),
                    expires_at=word.expires_at,
                )
            )
    if closed:
        await conversations.close_questions(conn, closed)
    if questions:
        await conversations.expect_reply(conn, workspace_id, questions, now)
