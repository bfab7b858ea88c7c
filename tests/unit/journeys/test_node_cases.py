"""Each file in tests/cases/journeys is a journey, what is done to it, and everything that happens.

Rewrite the expectations with `SOJOURN_REWRITE_CASES=1` and read the difference in review.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sojourn.journeys.interpreter import effects
from sojourn.journeys.interpreter.compile import compile_journey
from sojourn.journeys.interpreter.durations import parse_duration
from sojourn.journeys.interpreter.run import Step
from sojourn.journeys.interpreter.validate import validate_data
from sojourn.journeys.interpreter.walkthrough import Entry, Walkthrough

CASES = sorted((Path(__file__).parents[2] / "cases" / "journeys").glob("*.json"))
NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def play(case: dict[str, Any]) -> Walkthrough:
    definition, problems = validate_data(case["definition"])
    assert definition is not None, problems
    assert [problem for problem in problems if not case.get("warnings")] == []
    journey = compile_journey(definition, journey_id=UUID(int=1), version_id=UUID(int=2))
    world = Walkthrough(
        journey,
        now=NOW,
        attributes=case.get("attributes"),
        outcomes=case.get("outcomes"),
        answers=case.get("answers"),
    )
    for act in case["script"]:
        match act:
            case {"event": name}:
                world.send_event(name, act.get("properties"))
            case {"tap": id_}:
                world.answer(tap_id=id_)
            case {"text": text}:
                world.answer(text=text)
            case {"kind": kind}:
                world.answer(kind=kind)
            case {"report": node, "status": status}:
                world.report(node, status)
            case {"wait": length}:
                passed = parse_duration(length)
                assert passed is not None
                world.pass_time(passed)
    return world


def describe(entry: Entry) -> str:
    head = f"{(entry.at - NOW)} {entry.run_key or '-'}"
    match entry.value:
        case Step() as step:
            return f"{head} {step.node} → {step.exit}" + (f" {json.dumps(step.detail)}" if step.detail else "")
        case effects.RequestTemplate() as sent:
            return f"{head} template {sent.template} {json.dumps(dict(sent.variables).get('event'))} {dict(sent.reply_ids)}"
        case effects.RequestMessage() as sent:
            return f"{head} message {json.dumps(sent.content)}"
        case effects.CallAddress() as call:
            return f"{head} {call.method} {call.url} {json.dumps(call.body)}"
        case effects.UpdateProfile() as update:
            return f"{head} profile {json.dumps(dict(update.attributes))}"
        case effects.OpenQuestion() | effects.CloseQuestions():
            return f"{head} {entry.what}"
    if entry.what == "began":
        return f"{head} began at {entry.node}"
    if entry.what == "waits":
        due = "for an answer" if entry.value is None else f"until {entry.value - NOW}"
        return f"{head} waits in {entry.node} {due}"
    return f"{head} ended: {entry.value}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_happens_as_written(path: Path) -> None:
    case = json.loads(path.read_text())
    happened = [describe(entry) for entry in play(case).log]
    if os.environ.get("SOJOURN_REWRITE_CASES"):
        case["expect"] = [line.replace(str(UUID(int=0)), "") for line in happened]
        path.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n")
    assert happened == case["expect"]


def test_every_node_type_has_a_case() -> None:
    from sojourn.journeys.interpreter.nodes import KIND_OF

    assert set(KIND_OF) <= {path.stem for path in CASES}
