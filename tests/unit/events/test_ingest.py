"""Reading bodies: never a crash, always a place and a code."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.events import ingest, segment
from sojourn.events.rules import check_rule, matches
from sojourn.kit.errors import MalformedBody

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["events", "name", "profile", "phone", "properties", "batch", "type", "userId", "traits", "event", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused_with_a_place(value):
    body = json.dumps(value).encode()
    for read in (
        lambda: ingest.parse(body, now=NOW, default_region=None, declared={}).errors,
        lambda: segment.parse_batch(body, now=NOW, default_region=None).errors,
        lambda: segment.parse_single(body, "track", now=NOW, default_region=None).errors,
    ):
        try:
            errors = read()
        except MalformedBody:
            continue
        assert all({"field", "code"} <= error.keys() for error in errors)


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("order_shipped", "order_shipped"),
        ("order.confirmed", "order.confirmed"),
        ("OrderPlaced", "OrderPlaced"),
        ("Order Completed", "order_completed"),
        ("  Заказ ", ""),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_segment_name_becomes_ours(given_, written):
    assert segment.event_name(given_) == written


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"path": "order.total", "op": "ge", "value": 100}, True),
        ({"path": "order.total", "op": "lt", "value": "a"}, False),
        ({"path": "order.items", "op": "contains", "value": "tea"}, True),
        ({"path": "order.gone", "op": "eq", "value": None}, False),
        ({"path": "order.gone", "op": "exists", "value": False}, True),
        ({"path": "order.paid", "op": "eq", "value": 1}, False),
        ({"path": "order.currency", "op": "in", "value": ["EUR", "GBP"]}, True),
        ({"path": "order.total.cents", "op": "exists", "value": True}, False),
    ],
)
def test_a_condition_looks_at_a_path(condition, holds):
    payload = {"order": {"total": 120, "items": ["tea"], "paid": True, "currency": "EUR"}}
    assert matches([condition], payload) is holds
    assert check_rule("a", "b", [condition]) == []


def test_a_key_of_nothing_but_nul_is_a_mistake() -> None:
    body = b'{"name": "a", "profile": {"external_id": "u"}, "idempotency_key": "\\u0000"}'
    parsed = ingest.parse(body, now=NOW, default_region=None, declared={})
    assert not parsed.events
    assert [error["field"] for error in parsed.errors] == ["idempotency_key"]
