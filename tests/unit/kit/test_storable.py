"""What the database cannot hold is found, with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.kit.storable import SUSPICIOUS, first_unstorable, is_storable


@pytest.mark.parametrize(
    "text",
    ["\x00", "a\x00b", "\ud83d", "\udc00 alone", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"],
)
def test_what_cannot_be_stored(text: str) -> None:
    assert not is_storable(text)


@pytest.mark.parametrize("text", ["", "😀", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01 was long ago", "\\u0000"])
def test_what_can_be_stored(text: str) -> None:
    assert is_storable(text)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"people": [{"name": "ok"}, {"name": "a\\u0000"}]}', "people.1.name"),
        (b'{"a": {"b\\u0000": 1}}', "a"),
        (b'"\\ud83d"', "body"),
        (b'{"a": "\\ud83d\\ude00"}', None),
        (b"key: \x00", "body"),
        (b"key: value", None),
    ],
)
def test_the_place_is_named(body: bytes, where: str | None) -> None:
    assert first_unstorable(body) == where


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_the_search_over_bytes_misses_nothing(value: object) -> None:
    body = json.dumps(value).encode()
    if first_unstorable(body) is not None:
        assert SUSPICIOUS.search(body)
