"""A topic is the same topic however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sojourn.countries.topics import InvalidTopic, Topic, normalise_topic


@pytest.mark.parametrize("text", ["offers", "OFFERS", " Offers\n", "offer\u017f"])
def test_capitals_and_spaces_around_make_no_other_topic(text: str) -> None:
    assert normalise_topic(text) == "offers"


@pytest.mark.parametrize(
    "text", ["", " ", "daily offers", "caf\u00e9", "cafe\u0301", "a" * 65, "a.b", "\uff4f\uff46\uff46", "a\u200b"]
)
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(InvalidTopic, match="letters"):
        normalise_topic(text)
    with pytest.raises(ValidationError, match="letters"):
        TypeAdapter(Topic).validate_python(text)


@given(st.text(max_size=70))
def test_once_is_enough(text: str) -> None:
    try:
        topic = normalise_topic(text)
    except InvalidTopic:
        return
    assert normalise_topic(topic) == normalise_topic(topic.upper()) == topic
