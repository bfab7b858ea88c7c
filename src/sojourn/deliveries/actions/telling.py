"""News about deliveries, for the owners that listen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sojourn.deliveries.model import Status
from sojourn.deliveries.signals import ANNOUNCED_OWNERS, DeliveryStatusChanged
from sojourn.kit import jobs
from sojourn.kit.database import Conn


class Owned(Protocol):
    """What an announcement needs of a delivery."""

    @property
    def id(self) -> UUID: ...
    @property
    def workspace_id(self) -> UUID: ...
    @property
    def profile_id(self) -> UUID: ...
    @property
    def owner_kind(self) -> str: ...
    @property
    def owner_id(self) -> UUID | None: ...
    @property
    def run_id(self) -> UUID | None: ...
    @property
    def step_key(self) -> str | None: ...


def news(
    delivery: Owned, status: Status, *, at: datetime, reason: str | None = None, reaction: str | None = None
) -> DeliveryStatusChanged | None:
    """The signal about one delivery, or None where nobody listens."""
    if delivery.owner_kind not in ANNOUNCED_OWNERS:
        return None
    return DeliveryStatusChanged(
        workspace_id=delivery.workspace_id,
        profile_id=delivery.profile_id,
        delivery_id=delivery.id,
        owner_kind=delivery.owner_kind,
        owner_id=delivery.owner_id,
        run_id=delivery.run_id,
        step_key=delivery.step_key,
        status=status.value,
        reason=reason,
        reaction=reaction,
        at=at,
    )


async def tell(conn: Conn, signals: Iterable[DeliveryStatusChanged | None]) -> None:
    """Announce what there is to announce, in one set."""
    found = [signal for signal in signals if signal is not None]
    if found:
        await jobs.announce(conn, found)
