"""A journey file with mistakes is refused with every mistake at once, each with its place."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from sojourn.journeys.interpreter.nodes import NODE_KINDS
from sojourn.journeys.interpreter.schema import journey_schema
from sojourn.journeys.interpreter.validate import validate_text

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples" / "journeys").glob("*.*"))
HEAD = "key: x\nname: X\nnodes:\n  start: {type: event_trigger, event: a, next: first}\n"


def problems_of(nodes: str) -> list[tuple[str, str]]:
    _, problems = validate_text(HEAD + nodes)
    return [(problem.path, problem.code) for problem in problems]


def test_all_mistakes_of_a_file_come_at_once_with_path_and_line() -> None:
    text = """key: Bad Key
nodes:
  start: {type: event_trigger, event: 'a b', next: nowhere}
  wait:
    type: wait_for
    for:
      - {exit: one, event: b, if: {all: [{path: oops, op: eq}, {not: {path: profile.x, op: like}}]}}
      - {exit: two}
    timeout: 2y
  mystery: {type: teleport}
  set: {type: set_variable, set: {a: '{{ foo.bar }}', b: '{{ event.x | frobnicate }}', c: '{% if %}'}, next: set}
  set: {type: end}
"""
    _, problems = validate_text(text)
    found = {(problem.line, problem.path, problem.code) for problem in problems}
    assert {
        (1, "key", "pattern"),
        (1, "name", "missing"),
        (3, "nodes.start.event", "pattern"),
        (7, "nodes.wait.for[0].if.all[0].path", "pattern"),
        (7, "nodes.wait.for[0].if.all[1].not.op", "choice"),
        (8, "nodes.wait.for[1]", "wait_case"),
        (9, "nodes.wait.timeout", "duration"),
        (10, "nodes.mystery.type", "node_type"),
        (11, "nodes.set.set.a", "unknown_name"),
        (11, "nodes.set.set.b", "unknown_filter"),
        (11, "nodes.set.set.c", "liquid"),
        (12, "nodes.set", "duplicate"),
    } <= found


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("  first: {type: end, next: start}", ("nodes.first", "exit_unknown")),
        ("  other: {type: end}", ("nodes.start.next", "unknown_node")),
        ("  first: {type: end}\n  lone: {type: end}", ("nodes.lone", "unreachable")),
        ("  first: {type: set_variable, set: {a: 1}}", ("nodes.first", "exit_open")),
        ("  first: {type: wait_time, for: 1h, next: start}", ("nodes.first.next", "into_trigger")),
        (
            "  first: {type: set_variable, set: {a: 1}, next: second}\n  second: {type: set_variable, set: {a: 2}, next: first}",
            ("nodes.first", "loop_without_wait"),
        ),
        (
            "  first: {type: wait_time, until: '{{ event.at }}', next: first}",
            ("nodes.first", "loop_without_wait"),
        ),
        (
            "  first: {type: condition, cases: [{exit: hot, if: {path: run.heat, value: 1}}], next: done}\n  done: {type: end}",
            ("nodes.first.cases[0].if.path", "unknown_variable"),
        ),
        (
            "  first: {type: set_variable, set: {key: 1}, next: done}\n  done: {type: end}",
            ("nodes.first.set.key", "reserved_name"),
        ),
        (
            "  first: {type: branch_reply, cases: [{exit: yes, tap: yes}], no_answer_after: 1h, next: done}\n  done: {type: end}",
            ("nodes.first", "no_message_before"),
        ),
        (
            "  first: {type: send_template, template: t, purpose: marketing, reply_ids: [no], next: ask}\n"
            "  ask: {type: branch_reply, cases: [{exit: yes, tap: yes}], no_answer_after: 1h, next: done}\n  done: {type: end}",
            ("nodes.ask.cases[0].tap[0]", "tap_not_offered"),
        ),
        (
            "  first: {type: wait_for, for: [{exit: b, event: b, match: id}], timeout: 1h, next: done}\n  done: {type: end}",
            ("nodes.first.for[0].match", "match_without_key"),
        ),
        (
            "  first: {type: wait_for, for: [{exit: r, delivery: read, of: done}], timeout: 1h, next: done}\n  done: {type: end}",
            ("nodes.first.for[0].of", "not_a_message"),
        ),
        (
            "  first: {type: send_message, text: Hi, next: done}\n  done: {type: end}",
            ("nodes.first", "window_maybe_shut"),
        ),
        (
            "  first: {type: send_message, text: SALE, purpose: consent_request, next: done}\n  done: {type: end}",
            ("nodes.first.purpose", "purpose_reserved"),
        ),
        (
            "  first: {type: send_message, content: {type: buttons, body: Hi}, next: done}\n  done: {type: end}",
            ("nodes.first.content", "content"),
        ),
        (
            "  first: {type: wait_for, for: [{exit: b, event: b}], next: done}\n  done: {type: end}",
            ("nodes.first.timeout", "no_timeout"),
        ),
        (
            "  first: {type: call_url, url: 'ftp://x', timeout: 2m, next: done}\n  done: {type: end}",
            ("nodes.first.timeout", "duration_range"),
        ),
    ],
)
def test_a_mistake_is_found_with_its_place(nodes: str, expected: tuple[str, str]) -> None:
    assert expected in problems_of(nodes)


def test_a_message_soon_after_an_answer_needs_no_second_exit() -> None:
    nodes = """  first: {type: send_template, template: t, purpose: service, reply_ids: [yes], next: ask}
  ask: {type: branch_reply, cases: [{exit: yes, tap: yes}], no_answer_after: 1h, exits: {no_answer: done}, next: nap}
  nap: {type: wait_time, for: 23h, next: say}
  say: {type: send_message, text: Hi, next: done}
  done: {type: end}
"""
    assert problems_of(nodes) == []
    assert ("nodes.say", "window_maybe_shut") in problems_of(nodes.replace("23h", "25h"))


def test_a_broken_node_does_not_hide_mistakes_elsewhere() -> None:
    found = problems_of("  first: {type: teleport, next: second}\n  second: {type: wait_time, for: 1h, next: third}")
    assert ("nodes.second.next", "unknown_node") in found
    assert ("nodes.second", "unreachable") not in found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("a: [", "syntax"),
        ("[1, 2]", "model_type"),
        ("a: &x 1\nb: *x", "alias"),
        ("a: !!python/object:os.system x", "tag"),
        ("a: " + "[" * 60 + "]" * 60, "too_deep"),
        ("[" * 20_000, "too_deep"),
        ("- " * 20_000, "too_deep"),
        ('{"a": ' * 20_000, "too_deep"),
        ("x" * 256_001, "too_long"),
        ("\u00e4" * 128_001, "too_long"),
        ("? [a]\n: 1", "key"),
    ],
)
def test_a_text_that_is_no_journey_is_refused(text: str, code: str) -> None:
    definition, problems = validate_text(text)
    assert definition is None
    assert code in {problem.code for problem in problems}


def test_a_topic_is_the_same_in_whatever_letters() -> None:
    nodes = "  first: {{type: send_template, template: t, purpose: marketing, topic: {}, next: done}}\n  done: {{type: end}}"
    definition, _ = validate_text(HEAD + nodes.format("OFFERS"))
    assert definition is not None
    assert definition.nodes["first"].topic == "offers"  # type: ignore[attr-defined]
    assert ("nodes.first.topic", "topic") in problems_of(nodes.format("daily offers"))


def test_of_too_many_nodes_none_is_looked_at() -> None:
    nodes = ", ".join(f"n{number}: {{type: {'end' if number else 'teleport'}}}" for number in range(1_001))
    _, problems = validate_text(f"key: x\nname: X\nnodes: {{{nodes}}}")
    assert [(problem.path, problem.code) for problem in problems] == [("nodes", "too_many")]


def test_words_that_yaml_once_took_for_booleans_stay_words() -> None:
    from sojourn.journeys.interpreter.source import read_source

    text = "{a: yes, b: no, c: on, d: 12:30, e: 2026-03-03, f: true, g: 1.5, h: ~, i: 0x10}"
    assert read_source(text).data == {
        "a": "yes",
        "b": "no",
        "c": "on",
        "d": "12:30",
        "e": "2026-03-03",
        "f": True,
        "g": 1.5,
        "h": None,
        "i": "0x10",
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_valid_and_fit_the_schema(path: Path) -> None:
    definition, problems = validate_text(path.read_text())
    assert definition is not None, problems
    assert problems == []
    jsonschema_rs.validate(journey_schema(), json.loads(json.dumps(definition.raw)))
    again, _ = validate_text(json.dumps(definition.raw))
    assert again is not None
    assert again.raw == definition.raw


def test_the_published_schema_is_the_one_of_the_code() -> None:
    path = ROOT / "docs" / "reference" / "journey.schema.json"
    assert json.loads(path.read_text()) == journey_schema(), "run: sojourn journey schema > " + str(path)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    validator = jsonschema_rs.validator_for(journey_schema())
    good = yaml.safe_load(HEAD + "  first: {type: end}")
    assert validator.is_valid(good)
    for bad in ({"type": "teleport"}, {"type": "end", "next": 3}, {"type": "wait_time", "for": "soon"}):
        assert not validator.is_valid({**good, "nodes": {**good["nodes"], "first": bad}})


def test_every_node_type_is_in_the_schema() -> None:
    text = json.dumps(journey_schema())
    assert all(f'"const": "{kind.type}"' in text for kind in NODE_KINDS)
