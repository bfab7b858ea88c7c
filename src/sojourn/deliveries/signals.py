"""What the road out announces to the folders above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.kit.jobs import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatusChanged(Signal):
    """A delivery got further, or ended. Only told for owners that listen (`ANNOUNCED_OWNERS`); in order per profile.

    `status` is a `deliveries.model.Status`; `reason` the policy's reason, the cancelling reason or the error code as
    text; `reaction` a `channels.base.FailureReaction` for failures. `at` is the moment of the change itself.
    `unknown` is told once the outcome stayed unknown for the workspace's grace.
    """

    workspace_id: UUID
    profile_id: UUID
    delivery_id: UUID
    owner_kind: str
    owner_id: UUID | None
    run_id: UUID | None
    step_key: str | None
    status: str
    reason: str | None = None
    reaction: str | None = None
    at: datetime

    def ordering_key(self) -> str | None:
        """One profile."""
        return str(self.profile_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a delivery is now. `reason`: the policy's, or that of its end, where there is one."""

    delivery_id: UUID
    profile_id: UUID
    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesMoved(Signal):
    """What a batch did to deliveries of a workspace, whoever owns them; free of order. Only made where it is heard."""

    workspace_id: UUID
    moves: list[Move]
    at: datetime


ANNOUNCED_OWNERS = frozenset({"journey", "preferences", "conversation"})
