"""The Liquid sandbox: limits that hold, helpers, and the direct path that equals Liquid."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sojourn.templates.liquid_sandbox import compile_text
from sojourn.templates.model import RenderFailed

NAMES = st.sampled_from(["profile", "event", "a", "b", "first_name", "size", "first", "now", "x1"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.sampled_from(["", " ", "{{ a }}", "{% if"]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=6,
)
PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["{", "}", "%", "'", "\n"]),
    st.builds(
        lambda path, defaults: "{{ " + " | default: ".join([".".join(path), *defaults]) + " }}",
        st.lists(NAMES, min_size=1, max_size=3),
        st.lists(
            st.sampled_from(["''", "'there'", '" "', "'x y'"])
            | st.lists(NAMES, min_size=1, max_size=2).map(lambda path: ".".join(path)),
            max_size=2,
        ),
    ),
)


@given(st.lists(PIECES, max_size=5).map("".join), st.dictionaries(NAMES, VALUES, max_size=4))
@example("{{ a | default: '' }}", {"a": False})
@example("{{ a.b }}", {"a": "text"})
@example("{{ a.b.c }}", {"a": {"b": None}})
def test_the_direct_path_says_what_liquid_says(source, context):
    try:
        compiled = compile_text(source)
    except RenderFailed:
        return
    try:
        expected = compiled.render_liquid(context)
    except RenderFailed:
        with pytest.raises(RenderFailed):
            compiled.render(context)
        return
    assert compiled.render(context) == expected


def test_plain_look_ups_take_the_direct_path():
    compiled = compile_text("Hi {{ profile.first_name | default: 'there' }}, {{ event.order }} of {{event.total}}")
    assert compiled.parts is not None
    assert compiled.render({"profile": {}, "event": {"order": "B-1", "total": 12}}) == "Hi there, B-1 of 12"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000) %}{% endfor %}",
        "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
        "{{ (1..100000000) | join: 'x' }}",
        "{{ (1..9000) | join: profile.long }}",
        "{{ 'aaaaaaaaaa' " + "| replace: 'a', 'aaaaaaaaaa' " * 40 + "}}",
        "{{ 'x' | append: profile.long | append: profile.long | append: profile.long }}",
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
        "{% assign a = 99999 %}{% for i in (1..1000) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
        "{% capture a %}{{ profile.long }}{{ profile.long }}{% endcapture %}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{{ profile | nonsense }}",
        "{{ profile.first_name",
        "{% if a %}" * 60,
        "x" * 10_001 + "{% if a %}{% endif %}",
        "{{ 1 | divided_by: 0 }}",
        "{{ items | max }}",
        "{{ 5 | number: 99 }}",
        "{{ 'x' | first_n: 'y' }}",
    ],
)
def test_a_text_that_asks_for_too_much_fails_fast(source):
    started = time.perf_counter()
    with pytest.raises(RenderFailed):
        compile_text(source).render({"profile": {"long": "y" * 9000}, "items": [1, "a"]})
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ at | date: '%d %B %H:%M', 'Europe/Amsterdam', 'nl' }}", "03 maart 09:05"),
        ("{{ at | date: '%A', 'Asia/Tokyo', 'ja' }}", "火曜日"),
        ("{{ at | date: 'd MMM', 'Europe/London', 'de' }}", "3 März"),
        ("{{ at | date: 'EEEE', timezone: 'Europe/London', locale: 'nl' }}", "dinsdag"),
        ("{{ at | date: '%H:%M' }}", "09:05"),
        ("{{ day | date: 'long', nil, 'en_GB' }}", "1 April 2026"),
        ("{{ 'soon' | date: '%d' }}", "soon"),
        ("{{ 1772525100 | date: '%Y' }}", "2026"),
        ("{{ 'now' | date: '%Y' }}", "2026"),
        ("{{ total | number: 2, 'de' }}", "1.234,50"),
        ("{{ total | number }}", "1.234,5"),
        ("{{ total | currency: 'EUR', 'nl' }}", "€\xa01.234,50"),
        ("{{ '12' | money: 'GBP', 'en_GB' }}", "£12.00"),
        ("{{ 'free' | currency: 'EUR' }}", "free"),
        ("{{ 'anna van dam' | titlecase }}", "Anna Van Dam"),
        ("{{ 'Anna' | upcase | downcase | capitalize }}", "Anna"),
        ("{{ 'a b' | url_encode }}", "a+b"),
        ("{{ 'a,b' | split: ',' | last }}", "b"),
        ("{{ 'long text' | truncate: 6 }}", "lon..."),
        ("{{ 'a-b' | replace: '-', '_' }}", "a_b"),
        ("{{ 'x' | sha256 | truncate: 8, '' }}", "2d711642"),
        ("{{ 'x' | md5 }}", "9dd4e461268c8034f5c8564e155c67a6"),
        ("{{ items | count }}", "3"),
        ("{{ items | distinct: 'kind' | count }}", "2"),
        ("{{ items | first_n: 2 | map: 'price' | join: '+' }}", "3+9"),
        ("{{ items | last_n: 1 | map: 'kind' | first }}", "tea"),
        ("{{ items | max: 'price' }}/{{ items | min: 'price' }}/{{ items | sum: 'price' }}", "9/2/14"),
        ("{% if items.size > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for item in items %}{{ item.price }};{% endfor %}", "3;9;2;"),
        ("{% assign n = 2 | times: 3 %}{{ n }}", "6"),
        ("{{ nothing.at.all }}", ""),
    ],
)
def test_helpers(source, text):
    context = {
        "at": "2026-03-03T08:05:00Z",
        "day": "2026-04-01",
        "total": 1234.5,
        "items": [{"kind": "tea", "price": 3}, {"kind": "cup", "price": 9}, {"kind": "tea", "price": 2}],
        "profile": {"timezone": "Europe/Amsterdam", "locale": "nl_NL"},
        "now": datetime(2026, 3, 3, 8, 5, tzinfo=UTC).isoformat(),
    }
    assert compile_text(source).render(context) == text


def test_the_machine_clock_cannot_be_read():
    for source in ("{{ now }}", "{{ today }}", "{{ 'now' | date: '%Y' }}", "{{ 'today' | date }}"):
        assert compile_text(source).render({}) in ("", "now", "today")
