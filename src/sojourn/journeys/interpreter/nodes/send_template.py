"""Send an approved template."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter import sending, values
from sojourn.journeys.interpreter.effects import RequestTemplate
from sojourn.journeys.interpreter.node import NodeKind
from sojourn.journeys.interpreter.outcomes import Outcome
from sojourn.journeys.interpreter.replies import TapId
from sojourn.journeys.interpreter.run import RunView


class SendTemplate(sending.SendNode):
    """An approved template in the person's language. `variables` fill or overrule the template's own sources.

    `reply_ids` are the ids that taps come back with, in the order of the template's buttons; null for a button that
    is no quick reply.
    """

    type: Literal["send_template"]
    template: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: values.LiquidText | None = None
    variables: dict[values.Name, values.Value] = Field(default_factory=dict)
    reply_ids: Annotated[list[TapId | None], Field(max_length=10)] = Field(default_factory=list)


def visit(node: SendTemplate, run: RunView, now: datetime) -> Outcome:
    """Ask for the delivery."""
    language = None if node.language is None else values.render(node.language, run).strip() or None
    own = {name: values.resolve(value, run) for name, value in node.variables.items()}
    return sending.request(
        node,
        RequestTemplate(
            step_key=run.step_key,
            seq=run.run.seq,
            purpose=node.purpose.value,
            template=node.template,
            language=language,
            variables={**own, **sending.context_of(run)},
            reply_ids={str(index): id_ for index, id_ in enumerate(node.reply_ids) if id_ is not None},
            expires_at=sending.expires_at(node, now),
            topic=node.topic,
        ),
    )


KIND = NodeKind(
    type="send_template", model=SendTemplate, visit=visit, resume=sending.resume, exits=sending.exits, passing=True
)
