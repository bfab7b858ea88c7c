"""Run keys: the id inside an event that tells one run of a person from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROFILE_KEY = ""  # the key of the one run that a person has when the trigger names no id
KEY_MAX = 200  # characters


def find(properties: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path inside an event, or None."""
    value: Any = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def key_text(value: Any) -> str | None:
    """A value as a run key: text and whole numbers. None for what identifies nothing, or is too long."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= KEY_MAX else None
