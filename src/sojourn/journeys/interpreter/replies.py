"""Telling one answer of a person from another: taps by id, texts by words, numbers by range, kinds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sojourn.journeys.interpreter.run import ReplyCame
from sojourn.journeys.interpreter.values import Part

ReplyKind = Literal[
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "order", "button",
    "button_reply", "list_reply", "flow_reply",
]  # fmt: skip
TapId = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Taps = Annotated[list[TapId], BeforeValidator(_as_list, json_schema_input_type=TapId | list[TapId])]
Texts = Annotated[list[Words], BeforeValidator(_as_list, json_schema_input_type=Words | list[Words])]
Kinds = Annotated[list[ReplyKind], BeforeValidator(_as_list, json_schema_input_type=ReplyKind | list[ReplyKind])]


class NumberRange(Part):
    """A number in the text, both bounds included."""

    min: float | None = None
    max: float | None = None


class ReplyMatch(Part):
    """Which answers are meant; at least one line. Several lines: any of them is enough.

    `tap` ids of buttons and list rows · `text` the whole message, without regard to case, accents and punctuation ·
    `contains` words inside it · `number` a text that is a number · `kind` what was sent · `anything` every answer.
    """

    tap: Taps = Field(default_factory=list)
    text: Texts = Field(default_factory=list)
    contains: Texts = Field(default_factory=list)
    number: NumberRange | None = None
    kind: Kinds = Field(default_factory=list)
    anything: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> ReplyMatch:
        if not (self.tap or self.text or self.contains or self.number or self.kind or self.anything):
            raise PydanticCustomError("reply_empty", "say which answers: tap, text, contains, number, kind or anything")
        return self


class ReplyCase(ReplyMatch):
    """Answers, and the exit that they take."""

    exit: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


def matches(match: ReplyMatch, reply: ReplyCame) -> bool:
    """Whether an answer is meant."""
    if match.anything or (match.kind and reply.kind in match.kind):
        return True
    if reply.tap_id is not None:
        return reply.tap_id in match.tap
    if reply.text is None:
        return False
    said = plain(reply.text)
    if match.text and said in {plain(text) for text in match.text}:
        return True
    if any(re.search(rf"(?<!\w){re.escape(plain(text))}(?!\w)", said) for text in match.contains):
        return True
    return match.number is not None and _in_range(match.number, reply.text)


def first_match(cases: Sequence[ReplyCase], reply: ReplyCame) -> str | None:
    """The exit of the first case that means this answer, or None."""
    return next((case.exit for case in cases if matches(case, reply)), None)


def plain(text: str) -> str:
    """A text for comparing: lower case, no accents, no punctuation, single spaces; symbols alone stay as they are."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).casefold()
    words = " ".join(re.findall(r"\w+", bare))
    return words or bare.strip()


def _in_range(wanted: NumberRange, text: str) -> bool:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return False
    low = wanted.min is None or number >= wanted.min
    return low and (wanted.max is None or number <= wanted.max)
