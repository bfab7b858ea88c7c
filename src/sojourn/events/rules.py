"""Rule-based events: a named filter on the payload of one event. Pure.

A rule is a list of conditions, all of which must hold: `{"path": "order.total", "op": "ge", "value": 100}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sojourn.events.model import NAME
from sojourn.kit.errors import FieldError

CONDITIONS_MAX = 20
MISSING = object()


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(found: Any, wanted: Any) -> bool:
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (found, wanted))
        texts = isinstance(found, str) and isinstance(wanted, str)
        return (numbers or texts) and compare(found, wanted)

    return check


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, wanted: bool(found == wanted and isinstance(found, bool) == isinstance(wanted, bool)),
    "ne": lambda found, wanted: bool(found != wanted),
    "lt": _ordered(lambda found, wanted: bool(found < wanted)),
    "le": _ordered(lambda found, wanted: bool(found <= wanted)),
    "gt": _ordered(lambda found, wanted: bool(found > wanted)),
    "ge": _ordered(lambda found, wanted: bool(found >= wanted)),
    "in": lambda found, wanted: found in wanted,
    "contains": lambda found, wanted: wanted in found if isinstance(found, list | str) else False,
    "exists": lambda found, wanted: (found is not MISSING and found is not None) == wanted,
}


def matches(conditions: Sequence[Mapping[str, Any]], properties: Mapping[str, Any]) -> bool:
    """Whether every condition holds for the payload; a path that is not there fulfils only `exists: false`."""
    return all(_holds(condition, properties) for condition in conditions)


def _holds(condition: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    found: Any = properties
    for part in str(condition["path"]).split("."):
        found = found.get(part, MISSING) if isinstance(found, Mapping) else MISSING
    if found is MISSING and condition["op"] != "exists":
        return False
    try:
        return OPERATORS[condition["op"]](found, condition.get("value"))
    except TypeError:
        return False


def check_rule(name: str, base_name: str, conditions: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Every mistake in a rule; empty when there is none."""
    errors: list[FieldError] = [
        {"field": field, "code": "invalid_event_name", "limit": 100}
        for field, value in (("name", name), ("base_name", base_name))
        if NAME.fullmatch(value) is None
    ]
    if name == base_name:
        errors.append({"field": "name", "code": "same_as_base", "message": "a rule names another event"})
    if not 1 <= len(conditions) <= CONDITIONS_MAX:
        errors.append({"field": "conditions", "code": "length", "limit": CONDITIONS_MAX})
    for index, condition in enumerate(conditions[:CONDITIONS_MAX]):
        field = f"conditions[{index}]"
        if not isinstance(condition.get("path"), str) or not condition["path"]:
            errors.append({"field": f"{field}.path", "code": "required"})
        if condition.get("op") not in OPERATORS:
            errors.append({"field": f"{field}.op", "code": "unknown_operator", "limit": sorted(OPERATORS)})
        elif condition["op"] == "in" and not isinstance(condition.get("value"), list):
            errors.append({"field": f"{field}.value", "code": "wrong_type", "message": "a list"})
        elif condition["op"] == "exists" and not isinstance(condition.get("value"), bool):
            errors.append({"field": f"{field}.value", "code": "wrong_type", "message": "true or false"})
        elif "value" not in condition:
            errors.append({"field": f"{field}.value", "code": "required"})
    return errors
