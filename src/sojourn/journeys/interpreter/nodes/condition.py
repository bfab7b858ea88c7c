"""Branch on facts: the first case that holds."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter.conditions import Condition, Predicate, compile_condition
from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.outcomes import Leave, Outcome
from sojourn.journeys.interpreter.run import RunView
from sojourn.journeys.interpreter.values import Part

ELSE_EXIT = "else"


class Branch(Part):
    """A condition and its exit."""

    exit: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
    if_: Annotated[Condition, Field(alias="if")]


class ConditionNode(Node):
    """The first case whose `if` holds takes its exit; none: `else`."""

    type: Literal["condition"]
    cases: Annotated[list[Branch], Field(min_length=1, max_length=30)]

    @cached_property
    def predicates(self) -> tuple[tuple[Predicate, Leave], ...]:
        """The cases, ready to be asked."""
        return tuple((compile_condition(case.if_), Leave(exit=case.exit)) for case in self.cases)


ELSE = Leave(exit=ELSE_EXIT)


def exits(node: ConditionNode) -> tuple[str, ...]:
    """One a case, and else."""
    return (*dict.fromkeys(case.exit for case in node.cases), ELSE_EXIT)


def visit(node: ConditionNode, run: RunView, _now: datetime) -> Outcome:
    """Leave by the first case that holds."""
    for predicate, leave in node.predicates:
        if predicate(run):
            return leave
    return ELSE


KIND = NodeKind(type="condition", model=ConditionNode, visit=visit, exits=exits)
