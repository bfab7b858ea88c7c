"""Whether an automation may answer once more, so that two robots that talk to each other come to an end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

SPAN = timedelta(hours=1)  # of the product clock; what was said longer ago does not count
REPEATS_MAX = 2  # the third message with the same text is not answered


class Silence(StrEnum):
    """Why an automation says nothing."""

    REPEATED = "repeated"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What was said between a person and a sender within `SPAN`.

    `answers` are automatic ones that were not refused, without replies to a valid answer; `same` counts the messages of
    the person with the text of the one to be answered, that one among them (0: it has no text).
    """

    answers: int = 0
    same: int = 0


def silence(spoken: Spoken, *, answers_max: int, answers_question: bool) -> Silence | None:
    """Why the automation keeps silent, or None where it may answer.

    `answers_question`: the person gave a valid answer to a question of ours, and the reply to that never counts.
    """
    if answers_question:
        return None
    if spoken.same > REPEATS_MAX:
        return Silence.REPEATED
    return Silence.TOO_MANY if spoken.answers >= answers_max else None
