"""Set attributes of the person; the next node sees them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter import values
from sojourn.journeys.interpreter.effects import UpdateProfile as UpdateProfileEffect
from sojourn.journeys.interpreter.node import Node, NodeKind, only_next
from sojourn.journeys.interpreter.outcomes import Leave, Outcome
from sojourn.journeys.interpreter.run import RunView


class UpdateProfile(Node):
    """Each attribute gets its value; null removes it."""

    type: Literal["update_profile"]
    set: Annotated[dict[values.Name, values.Value], Field(min_length=1, max_length=50)]

    @cached_property
    def constant(self) -> Outcome | None:
        """The outcome, when no value needs a look-up."""
        return None if values.has_texts(self.set) else _outcome(dict(self.set))


def _outcome(attributes: dict[str, object]) -> Outcome:
    return Leave(effects=(UpdateProfileEffect(attributes),), attributes=attributes)


def visit(node: UpdateProfile, run: RunView, _now: datetime) -> Outcome:
    """Set them and go on."""
    return node.constant or _outcome({name: values.resolve(value, run) for name, value in node.set.items()})


KIND = NodeKind(type="update_profile", model=UpdateProfile, visit=visit, exits=only_next)
