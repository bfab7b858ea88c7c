"""What every node type has: common fields, and the kind that the registry lists."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from sojourn.journeys.interpreter.outcomes import Outcome
from sojourn.journeys.interpreter.run import Resume, RunView
from sojourn.journeys.interpreter.values import Part

NODE_ID_PATTERN = r"^[a-z][a-z0-9_]{0,47}$"
EXIT_PATTERN = r"^[a-z][a-z0-9_]{0,47}(\.[a-z0-9_]{1,48})?$"
NodeId = Annotated[str, Field(pattern=NODE_ID_PATTERN)]
ExitName = Annotated[str, Field(pattern=EXIT_PATTERN)]
EventName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$", examples=["order.shipped"])]
DEFAULT_EXIT = "next"
ERROR_EXIT = "error"


class Position(Part):
    """Where the canvas draws the node."""

    x: float
    y: float


class Node(Part):
    """A box of the journey. Exits that `exits` does not name lead to `next`."""

    title: Annotated[str, Field(max_length=120)] | None = None
    notes: Annotated[str, Field(max_length=4000)] | None = None
    position: Position | None = None
    next: NodeId | None = None
    exits: dict[ExitName, NodeId] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """One node type. `visit` runs on arrival, `resume` when something comes while a run stands here (None: not for it).

    `exits(node)` are the ways out that must lead somewhere. `waits`: the run may stand here for long, by design.
    `passing`: the run stands here only until an effect has its answer, and what comes meanwhile is kept for it.
    """

    type: str
    model: builtins.type[Node]
    visit: Callable[[Any, RunView, datetime], Outcome]
    resume: Callable[[Any, RunView, Resume, datetime], Outcome | None] | None = None
    exits: Callable[[Any], tuple[str, ...]]
    waits: bool = False
    passing: bool = False


def only_next(_node: Node) -> tuple[str, ...]:
    """The exits of a node with one way out."""
    return (DEFAULT_EXIT,)
