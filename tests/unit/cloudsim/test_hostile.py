"""Bodies of any shape get an answer of the Graph, never a crash, and never count as accepted by accident."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudsim.people import chat
from tests.unit.cloudsim.conftest import PHONE, WABA, Bench, interactive, order_shipped

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "id",
                    "parameters",
                    "components",
                    "name",
                    "language",
                    "code",
                    "action",
                    "buttons",
                    "sections",
                    "rows",
                    "body",
                    "header",
                    "link",
                    "index",
                    "sub_type",
                    "cards",
                    "reply",
                    "title",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TOO_FAST = 131056  # the pair of numbers; with it nothing would be tried
KINDS = ["text", "image", "location", "contacts", "interactive", "template", "reaction"]


def paths(value: Any, here: tuple = ()) -> list[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in [(*here, key), *paths(inner, (*here, key))]]


BODY = interactive("list", {"button": "b", "sections": [{"title": "t", "rows": [{"id": "i", "title": "t"}]}]})
PLACES = [("template", path) for path in paths(order_shipped())] + [("list", path) for path in paths(BODY)]


@pytest.mark.parametrize(("kind", "path"), PLACES, ids=str)
def test_one_wrong_value_anywhere(bench: Bench, kind, path):
    for wrong in (None, 7, "x", [], {}, [1], True):
        body = copy.deepcopy(order_shipped() if kind == "template" else BODY)
        holder: Any = body
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        status, answer = bench.post(body)
        assert status == 200 or answer["error"]["code"] not in {0, TOO_FAST}, wrong
        bench.go(3600)
        for message in bench.sim.world.messages.values():
            assert chat.view(bench.sim, message)["text"] is not None, wrong


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), JSON)
def test_any_content(kind, content):
    status, answer = Bench().post({"to": "+447700900123", "type": kind, kind: content})
    assert status in {200, 400, 404}
    assert status == 200 or answer["error"]["fbtrace_id"]


@given(JSON, JSON)
def test_any_template(components, category):
    bench = Bench()
    status, _ = bench.call(
        "POST",
        f"/v26.0/{WABA}/message_templates",
        {"name": "x", "language": "en", "category": category or "UTILITY", "components": components},
    )
    assert status in {200, 400}
    assert bench.call("GET", f"/v26.0/{PHONE}")[0] == 200
