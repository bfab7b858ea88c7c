"""What is wrong with a journey file: every mistake at once, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `path` is its place in the file (`nodes.ask.exits.timeout`, `nodes.ask.cases[1].tap`).

    An `error` refuses the file; a `warning` is shown and lets it pass. `line` counts from 1 where the text is known.
    """

    path: str
    code: str
    message: str
    severity: Literal["error", "warning"] = "error"
    line: int | None = None

    @property
    def is_error(self) -> bool:
        """Whether the file cannot be published with it."""
        return self.severity == "error"


def has_errors(problems: list[Problem]) -> bool:
    """Whether one of them refuses the file."""
    return any(problem.is_error for problem in problems)


def join(*parts: str | int) -> str:
    """A path from its parts: names with dots, positions in brackets."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part:
            path += f".{part}" if path else part
    return path
