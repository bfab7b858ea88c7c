"""Wait for a length of time, or until a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sojourn.journeys.interpreter import conditions, values
from sojourn.journeys.interpreter.durations import Duration
from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.outcomes import Fail, Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import Resume, RunView, TimerDue


class WaitTime(Node):
    """`for` a length of time (`2h`), or `until` a moment: ISO 8601, also from a look-up (`{{ event.eta }}`).

    A moment that is over lets the run pass. One that cannot be read is a mistake of the run: exit `error`, if there.
    """

    type: Literal["wait_time"]
    for_: Annotated[Duration | None, Field(alias="for")] = None
    until: values.LiquidText | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> WaitTime:
        if (self.for_ is None) == (self.until is None):
            raise PydanticCustomError("wait_length", "write either for or until")
        return self


def exits(_node: WaitTime) -> tuple[str, ...]:
    """One way out."""
    return ("next",)


def visit(node: WaitTime, run: RunView, now: datetime) -> Outcome:
    """Stay until the moment."""
    if node.for_ is not None:
        return Stay(due_at=now + node.for_)
    assert node.until is not None
    moment = conditions.read_moment(values.resolve(node.until, run))
    if moment is None:
        return Fail("moment_unreadable")
    return Stay(due_at=moment) if moment > now else Leave()


def resume(_node: WaitTime, _run: RunView, came: Resume, _now: datetime) -> Outcome | None:
    """Go on when the moment has come; nothing else matters here."""
    return Leave() if isinstance(came, TimerDue) else None


KIND = NodeKind(type="wait_time", model=WaitTime, visit=visit, resume=resume, exits=exits, waits=True)
