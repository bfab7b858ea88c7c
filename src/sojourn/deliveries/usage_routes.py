"""HTTP: how a sender stands: its quality over time, the people it may still write to today, what waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from sojourn.channels import store as senders
from sojourn.channels.model import Sender
from sojourn.deliveries.store import limits, usage
from sojourn.kit.database import Conn, Row
from sojourn.kit.web import ConnDep, Now
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(tags=["senders"])

QUALITIES_SHOWN = 50
LANE_NAMES = {1: "authentication", 2: "transactional", 3: "service", 4: "marketing"}


class QualityChangeOut(BaseModel):
    """The number's quality became another one; null is "not known yet"."""

    at: datetime
    old: str | None
    new: str | None


class QualityOut(BaseModel):
    """Green, yellow, red or unknown: now, and the last 50 changes, newest first."""

    now: str | None
    history: list[QualityChangeOut]


class RateOut(BaseModel):
    """Messages a second. `in_use` is lower than `allowed` for a while after the provider refused some."""

    level: str | None = Field(description="What Meta calls the number's throughput: `standard` or `high`")
    allowed: int
    is_chosen: bool = Field(description="A person chose it; else it follows the level")
    in_use: float | None = Field(description="Null before the first delivery")


class RecipientsOut(BaseModel):
    """People whom the portfolio wrote to outside of a service window in the last 24 hours, over all its numbers.

    Without a limit nobody is counted: `used` and `left` are null then.
    """

    portfolio_id: str
    limit: int | None
    used: int | None
    left: int | None
    next_free_at: datetime | None = Field(description="When the first of these places is free again")


class PendingOut(BaseModel):
    """Deliveries of this sender that are under way: `due` could leave now, the rest of `waiting` later."""

    waiting: int
    due: int
    by_lane: dict[str, int]
    in_flight: int = Field(description="Handed over this moment")
    unknown: int = Field(description="Handed over, never answered nor reported")


class UsageOut(BaseModel):
    """How a sender stands at one moment."""

    sender_id: UUID
    state: str
    quality: QualityOut
    rate: RateOut
    recipients: RecipientsOut
    pending: PendingOut


@router.get("/v1/senders/{sender_id}/usage")
async def get_usage(
    sender_id: UUID, conn: ConnDep, caller: Annotated[Caller, Depends(require_right("senders.read"))], now: Now
) -> UsageOut:
    """Quality over time, tier and limit, people written to in the last 24 hours, and what is pending."""
    sender = await senders.get_sender(conn, caller.workspace_id, sender_id)
    changes = await senders.list_history(conn, sender_id, what="quality", limit=QUALITIES_SHOWN)
    return UsageOut(
        sender_id=sender.id,
        state=sender.state,
        quality=QualityOut(now=sender.quality, history=[_change(row) for row in changes]),
        rate=RateOut(
            level=sender.throughput_level,
            allowed=sender.throughput_per_s,
            is_chosen=sender.throughput_is_chosen,
            in_use=await usage.find_rate(conn, sender_id),
        ),
        recipients=await _recipients(conn, sender, now),
        pending=await _pending(conn, sender_id, now),
    )


def _change(row: Row) -> QualityChangeOut:
    return QualityChangeOut(at=row["at"], old=row["old_value"], new=row["new_value"])


async def _recipients(conn: Conn, sender: Sender, now: datetime) -> RecipientsOut:
    portfolio = sender.portfolio_id or str(sender.id)
    limit = sender.portfolio_limit
    if limit is None:
        return RecipientsOut(portfolio_id=portfolio, limit=None, used=None, left=None, next_free_at=None)
    counted = await limits.count_recipients(conn, portfolio, now)
    used = counted["used"]
    return RecipientsOut(
        portfolio_id=portfolio, limit=limit, used=used, left=max(limit - used, 0), next_free_at=counted["free_at"]
    )


async def _pending(conn: Conn, sender_id: UUID, now: datetime) -> PendingOut:
    lanes = await usage.count_waiting(conn, sender_id, now)
    handed_over = await usage.count_open(conn, sender_id)
    return PendingOut(
        waiting=sum(row["waiting"] for row in lanes.values()),
        due=sum(row["due"] for row in lanes.values()),
        by_lane={name: lanes[lane]["waiting"] if lane in lanes else 0 for lane, name in LANE_NAMES.items()},
        in_flight=handed_over.get("dispatched", 0),
        unknown=handed_over.get("unknown", 0),
    )
