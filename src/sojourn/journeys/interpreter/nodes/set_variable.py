"""Remember values in the run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter import values
from sojourn.journeys.interpreter.node import Node, NodeKind, only_next
from sojourn.journeys.interpreter.outcomes import Leave, Outcome
from sojourn.journeys.interpreter.run import RunView

VARIABLES_MAX = 50


class SetVariable(Node):
    """Each name gets its value, in order; later texts of this node see the earlier values as `run.<name>`."""

    type: Literal["set_variable"]
    set: Annotated[dict[values.Name, values.Value], Field(min_length=1, max_length=VARIABLES_MAX)]


def visit(node: SetVariable, run: RunView, _now: datetime) -> Outcome:
    """Set them and go on."""
    variables = dict(run.memory.variables)
    for name, value in node.set.items():
        variables[name] = values.resolve(value, run.with_variables(variables))
    return Leave(variables=variables)


KIND = NodeKind(type="set_variable", model=SetVariable, visit=visit, exits=only_next)
