"""Lengths of time as people write them: `45s`, `15m`, `2h`, `3d`, `1w`, and `1d 12h`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION_MAX = timedelta(days=365)
PATTERN = r"^\s*\d+\s*[wdhms](\s*\d+\s*[wdhms])*\s*$"
_PART = re.compile(r"(\d+)\s*([wdhms])")


def parse_duration(text: str) -> timedelta | None:
    """The length that a text says, or None when it says none. No upper bound."""
    if len(text) > 60 or re.match(PATTERN, text) is None:
        return None
    seconds = sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))
    return timedelta(seconds=min(seconds, 10**9))


def format_duration(length: timedelta) -> str:
    """A length in the fewest units: `1d 12h`."""
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count and unit != "w":
            parts.append(f"{count}{unit}")
        elif count:
            parts.append(f"{count * 7}d")
    return " ".join(parts) or "0s"


def _validate(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    length = parse_duration(value) if isinstance(value, str) else None
    if length is None:
        raise PydanticCustomError("duration", "must be a length of time such as 15m, 2h or 3d")
    if not timedelta(seconds=1) <= length <= DURATION_MAX:
        raise PydanticCustomError("duration_range", "must be between 1s and 365d")
    return length


Duration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    WithJsonSchema(
        {"type": "string", "pattern": PATTERN, "examples": ["15m", "2h", "3d", "1d 12h"], "title": "Length of time"}
    ),
]
