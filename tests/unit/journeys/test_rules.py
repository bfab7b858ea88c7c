"""Conditions, answers, texts, lengths of time: what they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.journeys.interpreter import texts
from sojourn.journeys.interpreter.conditions import compare
from sojourn.journeys.interpreter.durations import format_duration, parse_duration
from sojourn.journeys.interpreter.keys import key_text
from sojourn.journeys.interpreter.replies import ReplyMatch, matches
from sojourn.journeys.interpreter.run import ReplyCame

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "op", "value", "expected"),
    [
        ("gold", "eq", "gold", True),
        (5, "eq", "5", True),
        ("5.0", "eq", 5, True),
        ("5", "eq", "5.0", False),
        (True, "eq", 1, False),
        (None, "eq", None, True),
        (None, "ne", "x", True),
        ("10", "gt", "9", True),
        ("b", "gt", "a", True),
        (None, "lt", 5, False),
        ([1], "gt", 0, False),
        ("nan", "gte", 0, False),
        ("b", "in", ["a", "b"], True),
        (3, "not_in", ["1", "2"], True),
        ("Hello World", "contains", "world", True),
        ([1, "2"], "contains", 2, True),
        ("abc", "starts_with", "ab", True),
        ("abc", "ends_with", "ab", False),
        ("", "exists", None, False),
        (0, "exists", None, True),
        (None, "missing", None, True),
        ("2026-03-01T08:00:00Z", "older_than", "1d", True),
        ("2026-03-03T07:00:00+00:00", "newer_than", "2h", True),
        ("soon", "older_than", "1d", False),
    ],
)
def test_comparisons(found: Any, op: Any, value: Any, expected: bool) -> None:
    assert compare(found, op, value, NOW) is expected


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists), st.text())
def test_comparing_anything_with_anything_never_fails(found: Any, value: Any) -> None:
    for op in ("eq", "ne", "gt", "gte", "lt", "lte", "contains", "starts_with", "older_than", "newer_than", "missing"):
        assert isinstance(compare(found, op, value, NOW), bool)  # type: ignore[arg-type]


def reply(text: str | None = None, *, tap_id: str | None = None, kind: str = "text") -> ReplyCame:
    return ReplyCame(id=UUID(int=1), kind=kind, at=NOW, text=text, tap_id=tap_id)


@pytest.mark.parametrize(
    ("match", "came", "expected"),
    [
        ({"text": "Ja, gerne"}, reply("ja gerne!!"), True),
        ({"text": ["Café"]}, reply("cafe"), True),
        ({"text": "👍"}, reply("👍"), True),
        ({"text": "yes"}, reply("yes please"), False),
        ({"contains": "book"}, reply("I want to book."), True),
        ({"contains": "book"}, reply("facebook"), False),
        ({"number": {"min": 0, "max": 10}}, reply(" 7,5 "), True),
        ({"number": {"max": 10}}, reply("nan"), False),
        ({"number": {}}, reply("ten"), False),
        ({"tap": "yes"}, reply("yes"), False),
        ({"tap": "yes"}, reply("Yes", tap_id="yes", kind="button"), True),
        ({"text": "yes"}, reply("Yes", tap_id="other", kind="button"), False),
        ({"kind": "image"}, reply(None, kind="image"), True),
        ({"anything": True}, reply(None, kind="sticker"), True),
    ],
)
def test_answers(match: dict[str, Any], came: ReplyCame, expected: bool) -> None:
    assert matches(ReplyMatch.model_validate(match), came) is expected


@pytest.mark.parametrize(("text", "hours"), [("2h", 2), ("1d 12h", 36), ("1w", 168), ("90m", 1.5), (" 30m 1h ", 1.5)])
def test_lengths_of_time(text: str, hours: float) -> None:
    assert parse_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "1h2", "1e3s", "9" * 70 + "s"])
def test_texts_that_are_no_length(text: str) -> None:
    assert parse_duration(text) is None


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400)))
def test_a_length_survives_being_written(length: timedelta) -> None:
    whole = timedelta(seconds=int(length.total_seconds()))
    assert parse_duration(format_duration(whole)) == whole


@pytest.mark.parametrize(
    ("value", "key"), [("B-1", "B-1"), (7, "7"), (True, None), ("", None), (1.5, None), ({}, None), ("x" * 201, None)]
)
def test_run_keys(value: Any, key: str | None) -> None:
    assert key_text(value) == key


def test_a_single_look_up_keeps_its_type_and_a_text_does_not() -> None:
    context = {"event": {"n": 2, "list": [1]}}
    assert texts.evaluate("{{ event.n | plus: 1 }}", context) == 3
    assert texts.evaluate("{{ event.list }}", context) == [1]
    assert texts.evaluate("n: {{ event.n }}", context) == "n: 2"
    assert texts.evaluate("{{ event.none }}", context) is None
    assert texts.render("[{{ event.none }}]", context) == "[]"


def test_liquid_does_not_read_the_machines_clock() -> None:
    assert texts.render("{{ now | date: '%Y' }}", {"now": NOW}) == "2026"
    assert "20" not in texts.render("{{ 'now' | date: '%Y' }}{{ today }}", {})
    assert texts.check_text("{{ today }}") is not None


@pytest.mark.parametrize("text", ["{% for i in (1..100000) %}x{% endfor %}", "{% include 'x' %}", "{{ x | split: 1 }}"])
def test_texts_beyond_the_limits_are_refused_not_endured(text: str) -> None:
    if texts.check_text(text) is None:
        with pytest.raises(texts.TextFailed):
            texts.render(text, {})
