"""An event starts a run: one per profile, or one per profile and an id from the event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter.conditions import Condition
from sojourn.journeys.interpreter.node import EventName, Node, NodeKind, only_next
from sojourn.journeys.interpreter.outcomes import LEAVE, Outcome
from sojourn.journeys.interpreter.run import RunView


class EventTrigger(Node):
    """Starts a run when the event comes and `if` holds. While a run with the same key is open, no second one starts.

    `run_key` is a path into the event (`event.order_id`); without it there is one run a profile at a time. An event
    that lacks the id starts nothing.
    """

    type: Literal["event_trigger"]
    event: EventName
    run_key: Annotated[str, Field(pattern=r"^event(\.[A-Za-z0-9_$-]+)+$", examples=["event.order_id"])] | None = None
    if_: Annotated[Condition | None, Field(alias="if")] = None


def visit(_node: EventTrigger, _run: RunView, _now: datetime) -> Outcome:
    """Go on."""
    return LEAVE


KIND = NodeKind(type="event_trigger", model=EventTrigger, visit=visit, exits=only_next)
