"""Checks a definition: every mistake at once. Pure; what needs a workspace (templates) is checked when publishing."""

from __future__ import annotations

from typing import Any

from sojourn.journeys.interpreter.checks import answers, graph, names, purposes, window
from sojourn.journeys.interpreter.definition import Definition, parse_definition, read_definition, with_lines
from sojourn.journeys.interpreter.problems import Problem, has_errors

CHECKS = (graph.check, answers.check, names.check, window.check, purposes.check)


def validate(definition: Definition) -> list[Problem]:
    """All mistakes and warnings beyond the shape of the parts."""
    return [problem for check in CHECKS for problem in check(definition)]


def validate_data(data: Any) -> tuple[Definition | None, list[Problem]]:
    """Parse and check plain data. The definition is None when there is an error; warnings let it pass."""
    definition, problems = parse_definition(data)
    if definition is not None:
        problems += validate(definition)
    return (None if has_errors(problems) else definition), problems


def validate_text(text: str) -> tuple[Definition | None, list[Problem]]:
    """Parse and check a file's text; mistakes carry their line and stand in the file's order."""
    definition, problems, source = read_definition(text)
    if definition is not None:
        problems += with_lines(validate(definition), source)
    problems.sort(key=lambda problem: problem.line or 0)
    return (None if has_errors(problems) else definition), problems
