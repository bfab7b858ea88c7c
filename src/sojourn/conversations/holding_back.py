"""Takes out automatic answers that would be too many, by what was said within the last hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from sojourn.conversations.restraint import SPAN, Spoken, silence
from sojourn.conversations.taking_in import Item
from sojourn.deliveries.model import DeliveryRequest
from sojourn.deliveries.store.automatic import AUTOMATIC, count_automatic
from sojourn.kit.database import Conn
from sojourn.messages.repeat_store import count_repeats

log = structlog.get_logger(__name__)

Asked = tuple[Item, DeliveryRequest]


async def hold_back(
    conn: Conn, asked: Sequence[Asked], *, answers_max: int, later: Sequence[UUID], now: datetime
) -> list[DeliveryRequest]:
    """The requests without those of conversations in which automations must be silent.

    `asked` holds one message a person at the most; `later` are stored messages whose turn has not come.
    """
    counted = [item for item, request in asked if request.step_key == AUTOMATIC]
    if not counted:
        return [request for _, request in asked]
    answers = await count_automatic(conn, [item.profile_id for item in counted], since=now - SPAN)
    ids = [item.message_id for item in counted if item.message_id is not None]
    repeats = await count_repeats(conn, ids, span=SPAN, without=later)
    kept = []
    for item, request in asked:
        spoken = Spoken(
            answers=answers.get((item.profile_id, item.message.sender_id), 0),
            same=0 if item.message_id is None else repeats.get(item.message_id, 0),
        )
        answers_question = request.step_key != AUTOMATIC
        why = silence(spoken, answers_max=answers_max, answers_question=answers_question)
        if why is None:
            kept.append(request)
        else:
            log.info("automatic_answer_held_back", profile_id=str(item.profile_id), reason=why.value)
    return kept
