"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what, how it is, and what to do."""

    subject: str
    level: Level
    text: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """For programs."""
        return {"subject": self.subject, "level": self.level.value, "text": self.text, "fix": self.fix}


def ok(subject: str, text: str) -> Finding:
    """All is well."""
    return Finding(subject=subject, level=Level.OK, text=text)


def warn(subject: str, text: str, fix: str) -> Finding:
    """It works, but should be looked at."""
    return Finding(subject=subject, level=Level.WARN, text=text, fix=fix)


def fail(subject: str, text: str, fix: str) -> Finding:
    """It does not work, or must not stay so."""
    return Finding(subject=subject, level=Level.FAIL, text=text, fix=fix)
