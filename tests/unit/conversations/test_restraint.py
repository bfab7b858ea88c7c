"""When automations stop answering."""

from __future__ import annotations

import pytest

from sojourn.conversations.restraint import Silence, Spoken, silence


@pytest.mark.parametrize(
    ("answers", "same", "answers_max", "answers_question", "outcome"),
    [
        (0, 1, 5, False, None),
        (4, 1, 5, False, None),
        (5, 1, 5, False, Silence.TOO_MANY),
        (6, 1, 5, False, Silence.TOO_MANY),
        (0, 2, 5, False, None),
        (0, 3, 5, False, Silence.REPEATED),
        (0, 4, 5, False, Silence.REPEATED),
        (5, 3, 5, False, Silence.REPEATED),
        (4, 0, 5, False, None),
        (9, 9, 5, True, None),
        (0, 1, 0, False, Silence.TOO_MANY),
        (0, 1, 0, True, None),
        (1, 1, 1, False, Silence.TOO_MANY),
    ],
)
def test_after_five_answers_an_hour_or_three_equal_messages_automations_are_silent(
    answers: int, same: int, answers_max: int, answers_question: bool, outcome: Silence | None
) -> None:
    spoken = Spoken(answers=answers, same=same)
    assert silence(spoken, answers_max=answers_max, answers_question=answers_question) is outcome
