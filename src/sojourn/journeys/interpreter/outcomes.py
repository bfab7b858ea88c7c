"""What a node says when it is visited or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sojourn.journeys.interpreter.effects import Effect
from sojourn.journeys.interpreter.run import EventCame, ReplyCame


class Leave(Struct, frozen=True, kw_only=True):
    """The run leaves by an exit. Variables and attributes are set at once, `took` becomes the run's event or reply."""

    exit: str = "next"
    effects: tuple[Effect, ...] = ()
    variables: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] | None = None
    took: EventCame | ReplyCame | None = None
    detail: dict[str, Any] | None = None


class Stay(Struct, frozen=True, kw_only=True):
    """The run stands here until `due_at`, or until something comes (None: only that)."""

    due_at: datetime | None = None
    effects: tuple[Effect, ...] = ()


class End(Struct, frozen=True):
    """The run is over."""

    reason: str


class Fail(Struct, frozen=True):
    """The node could not do its work: exit `error` where the node has one, else the run ends in the error lane."""

    reason: str
    detail: dict[str, Any] | None = None


Outcome = Leave | Stay | End | Fail
LEAVE = Leave()
