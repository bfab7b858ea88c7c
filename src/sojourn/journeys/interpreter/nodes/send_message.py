"""Send a free-form message inside the service window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from sojourn.channels.content import ContentInvalid, TemplateContent, decode_content
from sojourn.countries.purposes import Purpose
from sojourn.journeys.interpreter import sending, values
from sojourn.journeys.interpreter.effects import RequestMessage
from sojourn.journeys.interpreter.node import NodeKind
from sojourn.journeys.interpreter.outcomes import Outcome
from sojourn.journeys.interpreter.run import RunView


def _check_content(content: dict[str, Any]) -> dict[str, Any]:
    try:
        decoded = decode_content(content)
    except ContentInvalid as error:
        sentence = "; ".join(f"{mistake['field']}: {mistake['message']}" for mistake in error.errors)
        raise PydanticCustomError("content", "{sentence}", {"sentence": sentence}) from error
    if isinstance(decoded, TemplateContent):
        raise PydanticCustomError("content", "a template is sent by a send_template node")
    return content


class SendMessage(sending.SendNode):
    """A free-form message: `text`, or any `content` that the channels know (buttons, list, image, …).

    Outside the service window it is excluded (`excluded.window_closed`). `quote: true` quotes the answer before it.
    """

    type: Literal["send_message"]
    purpose: Purpose = Purpose.SERVICE
    text: values.LiquidText | None = None
    content: Annotated[values.Values, AfterValidator(_check_content)] | None = None
    quote: bool = False

    @model_validator(mode="after")
    def _says_one_thing(self) -> SendMessage:
        if (self.text is None) == (self.content is None):
            raise PydanticCustomError("message_content", "write either text or content")
        return self


def tap_ids(node: SendMessage) -> Iterator[str]:
    """The ids of the buttons and list rows that the message shows."""
    content = node.content or {}
    for button in content.get("buttons", ()):
        yield button["id"]
    for section in content.get("sections", ()):
        for row in section.get("rows", ()):
            yield row["id"]


def visit(node: SendMessage, run: RunView, now: datetime) -> Outcome:
    """Ask for the delivery."""
    reply = run.memory.reply
    return sending.request(
        node,
        RequestMessage(
            step_key=run.step_key,
            seq=run.run.seq,
            purpose=node.purpose.value,
            content=node.content if node.content is not None else {"type": "text", "body": node.text},
            variables=sending.context_of(run),
            expires_at=sending.expires_at(node, now),
            reply_to=reply.message_id if node.quote and reply is not None else None,
        ),
    )


KIND = NodeKind(
    type="send_message", model=SendMessage, visit=visit, resume=sending.resume, exits=sending.exits, passing=True
)
