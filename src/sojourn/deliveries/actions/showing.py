"""Live news about deliveries: one row a batch, with counts, and the first few one by one.

Whoever hears of every single move (webhooks that we send) gets one job a batch, and none where nobody does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sojourn.deliveries.signals import DeliveriesMoved, Move
from sojourn.kit import jobs
from sojourn.kit.database import Conn
from sojourn.kit.live import ITEMS_MAX, LiveEvent, publish

TOPIC = "deliveries"


class Shown(Protocol):
    """What the news need of a delivery."""

    @property
    def id(self) -> UUID: ...
    @property
    def workspace_id(self) -> UUID: ...
    @property
    def profile_id(self) -> UUID: ...
    @property
    def sender_id(self) -> UUID | None: ...


async def show(conn: Conn, deliveries: Sequence[tuple[Shown, str]], *, now: datetime) -> None:
    """Tell browsers what these deliveries are now (each with its status)."""
    news = []
    waiting = list(deliveries)
    while waiting:  # nearly always one round: sorting by workspace would hash every id
        workspace_id = waiting[0][0].workspace_id
        news.append(_news(workspace_id, [entry for entry in waiting if entry[0].workspace_id == workspace_id]))
        waiting = [entry for entry in waiting if entry[0].workspace_id != workspace_id]
    await publish(conn, news, now)
    await pass_on(conn, deliveries, now=now)


class Moved(Protocol):
    """What the news about a move need of a delivery."""

    @property
    def id(self) -> UUID: ...
    @property
    def workspace_id(self) -> UUID: ...
    @property
    def profile_id(self) -> UUID: ...


NO_REASONS: Mapping[UUID, str] = {}


async def pass_on(
    conn: Conn, moved: Sequence[tuple[Moved, str]], *, now: datetime, reasons: Mapping[UUID, str] = NO_REASONS
) -> None:
    """Announce what deliveries became (each with its status), where anybody hears it.

    `reasons` by delivery, where the deliveries do not carry them themselves.
    """
    waiting = list(moved)
    while waiting:
        workspace_id = waiting[0][0].workspace_id
        if await jobs.is_heard(conn, DeliveriesMoved, workspace_id):
            moves = [
                Move(
                    delivery_id=one.id,
                    profile_id=one.profile_id,
                    status=status,
                    reason=reasons.get(one.id) or getattr(one, "reason", None),
                )
                for one, status in waiting
                if one.workspace_id == workspace_id
            ]
            await jobs.announce(conn, [DeliveriesMoved(workspace_id=workspace_id, moves=moves, at=now)])
        waiting = [entry for entry in waiting if entry[0].workspace_id != workspace_id]


def _news(workspace_id: UUID, part: Sequence[tuple[Shown, str]]) -> LiveEvent:
    items = [
        {"delivery_id": delivery.id, "profile_id": delivery.profile_id, "status": status}
        for delivery, status in part[:ITEMS_MAX]
    ]
    return LiveEvent(
        workspace_id=workspace_id,
        topic=TOPIC,
        payload={"direction": "out", "counts": Counter(status for _, status in part), "items": items},
        profiles=[delivery.profile_id for delivery, _ in part],  # a person twice does no harm, and hashing costs
        senders=_senders(part),
    )


def _senders(part: Sequence[tuple[Shown, str]]) -> list[UUID]:
    found: list[UUID] = []
    for delivery, _ in part:
        if delivery.sender_id is not None and delivery.sender_id not in found:
            found.append(delivery.sender_id)
    return found
