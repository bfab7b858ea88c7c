"""Open and close questions. What people say comes in through `inbound.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.conversations import store
from sojourn.conversations.model import ANY_SENDER, OpenQuestion, Question
from sojourn.deliveries.model import DeliveryId
from sojourn.deliveries.store import rows as deliveries
from sojourn.kit.database import Conn


async def expect_reply(conn: Conn, workspace_id: UUID, questions: Sequence[Question], now: datetime) -> None:
    """Register questions of runs: free text of these people goes to the newest one that is open.

    At most one a person and sender: a newer one takes the place of an older, whose run is not told. A tap finds its
    run by the delivery that it carries, whatever question is open.
    """
    asked_by = [DeliveryId(one.delivery_id) for one in questions if one.delivery_id and one.sender_id is None]
    known = await deliveries.find_deliveries(conn, workspace_id, asked_by) if asked_by else {}
    latest: dict[tuple[UUID, UUID], OpenQuestion] = {}
    for question in questions:
        sender = question.sender_id
        if sender is None and question.delivery_id is not None and question.delivery_id in known:
            sender = known[DeliveryId(question.delivery_id)].sender_id
        opened = OpenQuestion(
            profile_id=question.profile_id,
            sender_id=sender or ANY_SENDER,
            run_id=question.run_id,
            step_key=question.step_key,
            delivery_id=question.delivery_id,
            asked_at=now,
            expires_at=question.expires_at,
        )
        latest[(opened.profile_id, opened.sender_id)] = opened
    if latest:
        await store.upsert_questions(conn, workspace_id, list(latest.values()))


async def close_questions(conn: Conn, run_ids: Sequence[UUID]) -> None:
    """These runs wait for no answer any more."""
    if run_ids:
        await store.delete_questions(conn, run_ids)


async def erase_profiles(conn: Conn, profile_ids: Sequence[UUID]) -> dict[str, int]:
    """Forget the threads and open questions of people. Counts a table."""
    return await store.erase_people(conn, profile_ids)
