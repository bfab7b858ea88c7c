"""Checks a definition: every mistake at once. Pure; what needs a workspace (templates) is checked when publishing."""

from __future__ import annotations

from typing import Any

from sojourn.journeys.interpreter.checks import answers, graph, names, window
from sojourn.journeys.interpreter.definition import Definition, parse_definition, read_definition, with_lines
from sojourn.journeys.interpreter.problems import Problem

CHECKS = (graph.check, answers.check, names.check, window.check)


def validate(definition: Definition) -> list[Problem]:
    """All mistakes and warnings of a definition whose parts have the right shape."""
    return [problem for check in CHECKS for problem in check(definition)]


def validate_data(data: Any) -> tuple[Definition | None, list[Problem]]:
    """Parse and check plain data. The definition is None when a part has the wrong shape."""
    definition, problems = parse_definition(data)
    return definition, problems if definition is None else validate(definition)


def validate_text(text: str) -> tuple[Definition | None, list[Problem]]:
    """Parse and check a file's text; mistakes carry their line."""
    definition, problems, source = read_definition(text)
    return definition, problems if definition is None else with_lines(validate(definition), source)
