"""Topics: what somebody wants to read of, within a purpose. One spelling, wherever a topic comes in."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

TOPIC_PATTERN = re.compile(r"[a-z0-9_-]{1,64}")
WRITTEN_MAX = 100  # characters, as written


class InvalidTopic(ValueError):
    """A topic is 1 to 64 letters from a to z, digits, - and _; capitals are read as small letters."""


def normalise_topic(text: str) -> str:
    """A topic as it is stored and compared: `Offers ` is `offers`. Raises InvalidTopic."""
    topic = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).strip()
    if TOPIC_PATTERN.fullmatch(topic) is None:
        raise InvalidTopic((InvalidTopic.__doc__ or "").strip())
    return topic


def _validate(text: str) -> str:
    try:
        return normalise_topic(text)
    except InvalidTopic as error:
        raise PydanticCustomError("topic", "{sentence}", {"sentence": str(error)}) from error


Topic = Annotated[str, Field(max_length=WRITTEN_MAX), AfterValidator(_validate)]
