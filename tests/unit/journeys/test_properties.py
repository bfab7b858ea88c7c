"""For any valid journey and any story: the interpreter ends, and says the same thing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sojourn.journeys.interpreter.compile import compile_journey
from sojourn.journeys.interpreter.run import RunState
from sojourn.journeys.interpreter.validate import validate_data, validate_text
from sojourn.journeys.interpreter.walkthrough import Walkthrough

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
IDS = [f"n{index}" for index in range(8)]
EVENTS = ["a", "b", "c"]


def exits(names: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({name: st.sampled_from(IDS) for name in names})


def with_exits(node: dict[str, Any], names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return exits(names).map(lambda found: {**node, "exits": found})


CONDITION = st.sampled_from(
    [
        {"path": "profile.score", "op": "gt", "value": 3},
        {"path": "event.n", "op": "eq", "value": 1},
        {"any": [{"path": "run.key", "op": "exists"}, {"not": {"path": "reply.id", "value": "yes"}}]},
    ]
)
NODE = st.one_of(
    st.sampled_from(["1s", "2h", "3d"]).flatmap(
        lambda length: with_exits({"type": "wait_time", "for": length}, ["next"])
    ),
    with_exits({"type": "wait_time", "until": "{{ event.at }}"}, ["next", "error"]),
    st.sampled_from(EVENTS).flatmap(
        lambda name: with_exits(
            {"type": "wait_for", "for": [{"exit": "came", "event": name, "earlier": True}], "timeout": "1d"},
            ["came", "timeout"],
        )
    ),
    with_exits(
        {"type": "wait_for", "for": [{"exit": "said", "reply": {"anything": True}}], "timeout": "1h"},
        ["said", "timeout"],
    ),
    with_exits(
        {"type": "branch_reply", "cases": [{"exit": "yes", "text": "yes"}], "no_answer_after": "1h"},
        ["yes", "else", "no_answer"],
    ),
    CONDITION.flatmap(
        lambda found: with_exits({"type": "condition", "cases": [{"exit": "yes", "if": found}]}, ["yes", "else"])
    ),
    with_exits({"type": "set_variable", "set": {"count": "{{ event.n | plus: 1 }}"}}, ["next"]),
    with_exits({"type": "update_profile", "set": {"score": "{{ event.n }}"}}, ["next"]),
    st.sampled_from(["when_sent", "at_once"]).flatmap(
        lambda proceed: with_exits(
            {"type": "send_template", "template": "t", "purpose": "marketing", "proceed": proceed}, ["next"]
        )
    ),
    with_exits({"type": "call_url", "url": "https://x.example"}, ["ok", "failed"]),
    st.just({"type": "end"}),
)
JOURNEY = st.fixed_dictionaries(dict.fromkeys(IDS, NODE)).map(
    lambda nodes: {
        "key": "any",
        "name": "Any",
        "nodes": {
            "start": {"type": "event_trigger", "event": "a", "run_key": "event.id", "next": "n0"},
            "also": {"type": "event_trigger", "event": "b", "next": "n0"},
            **nodes,
        },
    }
)
ACT = st.one_of(
    st.tuples(
        st.just("event"),
        st.sampled_from(EVENTS),
        st.fixed_dictionaries({"n": st.integers(0, 5), "id": st.sampled_from(["x", "y"])}),
    ),
    st.tuples(st.just("say"), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("wait"), st.integers(1, 200_000)),
)
ALLOWED = {
    "unreachable",
    "no_message_before",
    "loop_without_wait",
    "no_match",
}  # harmless here; loops must end by force


def story(data: dict[str, Any], acts: list[tuple[Any, ...]]) -> Walkthrough | None:
    from sojourn.journeys.interpreter.definition import parse_definition

    definition, problems = parse_definition(data)
    assert definition is not None
    assert problems == []
    journey = compile_journey(definition, journey_id=UUID(int=1), version_id=UUID(int=2))
    world = Walkthrough(journey, now=NOW, attributes={"score": 1}, outcomes={"n1": "excluded:no_consent"})
    for act in acts:
        match act:
            case ("event", name, properties):
                world.send_event(name, properties)
            case ("say", text):
                world.answer(text=text)
            case ("wait", seconds):
                world.pass_time(timedelta(seconds=seconds))
    return world


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(JOURNEY, st.lists(ACT, max_size=8))
def test_the_interpreter_ends_and_is_deterministic(data: dict[str, Any], acts: list[tuple[Any, ...]]) -> None:
    one, other = story(data, acts), story(data, acts)
    assert one is not None
    assert other is not None
    assert one.log == other.log
    for run in one.runs:
        assert run.state in (RunState.WAITING, RunState.FINISHED, RunState.ERROR)
        steps = [entry.value.seq for entry in one.log if entry.what == "step" and entry.run_key == run.key]
        assert run.state == RunState.WAITING or run.ended_at is not None
        assert len(steps) < 100_000


@given(JOURNEY)
def test_a_journey_without_errors_never_fails_for_too_many_steps(data: dict[str, Any]) -> None:
    definition, problems = validate_data(data)
    assume(not any(problem.code == "loop_without_wait" for problem in problems))
    assert definition is None or all(not problem.is_error for problem in problems)
    world = story(data, [("event", "a", {"n": 1, "id": "x"}), ("wait", 300_000), ("event", "b", {"n": 1})])
    assert world is not None
    assert all(run.exit_reason != "too_many_steps" for run in world.runs)


@given(st.text(max_size=300))
def test_any_text_is_answered_with_problems(text: str) -> None:
    definition, problems = validate_text(text)
    assert definition is not None or problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "for", "if", "exits", "next", "cases", "set", "event", "path", "all"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    st.dictionaries(st.sampled_from(["start", "wait", "Bad", "x"]), JSON, max_size=4),
    st.sampled_from(["wait_for", "condition", "call_url", "event_trigger"]),
)
def test_any_data_is_answered_with_problems(nodes: dict[str, Any], type_: str) -> None:
    typed = {key: {**value, "type": type_} if isinstance(value, dict) else value for key, value in nodes.items()}
    definition, problems = validate_data({"key": "x", "name": "x", "nodes": typed})
    assert definition is not None or problems
