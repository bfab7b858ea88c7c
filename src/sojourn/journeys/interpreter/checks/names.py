"""Look-ups of things that this journey never has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.nodes.call_url import CallUrl
from sojourn.journeys.interpreter.nodes.event_trigger import EventTrigger
from sojourn.journeys.interpreter.nodes.set_variable import SetVariable
from sojourn.journeys.interpreter.problems import Problem, join

RESERVED = frozenset({"key", "id", "started_at"})
_RUN_PATH = re.compile(r"^run\.([A-Za-z0-9_$-]+)")
_DELIVERY_PATH = re.compile(r"^delivery\.([A-Za-z0-9_$-]+)")
_IN_TEXT = re.compile(r"\b(run|delivery)\.([A-Za-z_][A-Za-z0-9_-]*)")


def check(definition: Definition) -> Iterator[Problem]:
    """Variables that nothing sets, reserved names, triggers that ask for more than their event."""
    known = RESERVED | _variables(definition)
    for node_id, node in definition.nodes.items():
        place = join("nodes", node_id)
        yield from _check_reserved(node, place)
        if isinstance(node, EventTrigger) and node.if_ is not None:
            yield from _check_trigger(node.if_, join(place, "if"))
        for path, root, name in _look_ups(definition.raw["nodes"][node_id], place):
            if root == "run" and name not in known:
                message = f"nothing sets the variable {name!r}"
                yield Problem(path=path, code="unknown_variable", message=message)
            elif root == "delivery" and not definition.has(name):
                yield Problem(path=path, code="unknown_node", message=f"there is no node {name!r}")


def _variables(definition: Definition) -> frozenset[str]:
    names: set[str] = set()
    for node in definition.nodes.values():
        if isinstance(node, SetVariable):
            names |= set(node.set)
        elif isinstance(node, CallUrl):
            names |= set(node.save)
    for raw in definition.broken.values():
        for field in ("set", "save"):
            own = raw.get(field) if isinstance(raw, Mapping) else None
            names |= set(own) if isinstance(own, Mapping) else set()
    return frozenset(names)


def _check_reserved(node: BaseModel, place: str) -> Iterator[Problem]:
    field, names = ("set", node.set) if isinstance(node, SetVariable) else ("save", getattr(node, "save", {}))
    for name in names:
        if name in RESERVED:
            message = f"run.{name} is the engine's own; take another name"
            yield Problem(path=join(place, field, name), code="reserved_name", message=message)


def _check_trigger(condition: Any, place: str) -> Iterator[Problem]:
    for path in _paths(condition):
        if not path.startswith("event."):
            message = f"a trigger sees its event only, not {path!r}; put a condition node behind it"
            yield Problem(path=place, code="trigger_path", message=message)


def _paths(condition: Any) -> Iterator[str]:
    if isinstance(condition, BaseModel):
        for name in type(condition).model_fields:
            value = getattr(condition, name)
            if name == "path":
                yield value
            yield from _paths(value)
    elif isinstance(condition, list):
        for item in condition:
            yield from _paths(item)


def _look_ups(value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Every `run.x` and `delivery.x` in conditions and texts, with its place."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _look_ups(item, join(path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _look_ups(item, join(path, index))
    elif isinstance(value, str):
        if path.endswith(".path"):
            for root, pattern in (("run", _RUN_PATH), ("delivery", _DELIVERY_PATH)):
                found = pattern.match(value)
                if found:
                    yield path, root, found.group(1)
        elif "{" in value:
            for block in re.findall(r"\{[{%](.*?)[%}]\}", value, re.DOTALL):
                for root, name in _IN_TEXT.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", block)):
                    yield path, root, name
