"""Definitions of older formats become the current one when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CURRENT_FORMAT = 1

# format n -> the function that makes n + 1 of it; the first format has no predecessor
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def to_current(data: Any) -> Any:
    """The same definition in the current format. What is no definition at all comes back as it is."""
    if not isinstance(data, Mapping):
        return data
    result = dict(data)
    format_ = result.get("format", CURRENT_FORMAT)
    while isinstance(format_, int) and format_ in MIGRATIONS:
        result = MIGRATIONS[format_](result)
        format_ = result["format"]
    return result
