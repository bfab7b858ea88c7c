"""The run is over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.outcomes import End, Outcome
from sojourn.journeys.interpreter.run import RunView


class EndNode(Node):
    """Ends the run; `reason` is what reports count it under."""

    type: Literal["end"]
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")] = "finished"


def exits(_node: EndNode) -> tuple[str, ...]:
    """None."""
    return ()


def visit(node: EndNode, _run: RunView, _now: datetime) -> Outcome:
    """End."""
    return End(node.reason)


KIND = NodeKind(type="end", model=EndNode, visit=visit, exits=exits)
