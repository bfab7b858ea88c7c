"""A journey's definition: parsed from plain data with every mistake at once, each with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from sojourn.journeys.interpreter import migrate
from sojourn.journeys.interpreter.node import NODE_ID_PATTERN, Node, NodeKind
from sojourn.journeys.interpreter.nodes import KIND_OF
from sojourn.journeys.interpreter.problems import Problem, join
from sojourn.journeys.interpreter.source import Source, read_source
from sojourn.journeys.interpreter.values import Part

NODES_MAX = 1_000


class Envelope(Part):
    """What stands around the nodes."""

    format: Literal[1] = 1
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", examples=["order-updates"])]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=4000)] | None = None
    labels: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=20)] = Field(default_factory=list)
    nodes: Annotated[dict[str, Any], Field(min_length=1, max_length=NODES_MAX)]


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition; `raw` is the data that it was read from.

    `broken` holds the nodes that do not have the right shape, as they stand in the file: with one of them the
    definition can be checked further, but not walked.
    """

    key: str
    name: str
    description: str | None
    nodes: Mapping[str, Node]
    raw: Mapping[str, Any]
    broken: Mapping[str, Any] = field(default_factory=dict)

    def has(self, node_id: str) -> bool:
        """Whether the file has a node of this name, broken or not."""
        return node_id in self.nodes or node_id in self.broken

    def kind(self, node_id: str) -> NodeKind:
        """The kind of a node."""
        return KIND_OF[self.nodes[node_id].type]  # type: ignore[attr-defined]


def read_definition(text: str) -> tuple[Definition | None, list[Problem], Source]:
    """A file's text (YAML or JSON) as a definition, with all mistakes of shape and their lines. None: it has none."""
    source = read_source(text)
    if source.data is None:
        return None, list(source.problems), source
    definition, problems = parse_definition(source.data)
    return definition, [*source.problems, *with_lines(problems, source)], source


def with_lines(problems: list[Problem], source: Source) -> list[Problem]:
    """The same mistakes with the lines of their paths."""
    return [replace(p, line=source.line_of(p.path)) if p.line is None else p for p in problems]


def parse_definition(data: Any) -> tuple[Definition | None, list[Problem]]:
    """Plain data as a definition, with all mistakes of shape. Whether it makes sense is `validate`'s question.

    With mistakes the definition is only good for further checks; it is None when the data is no object at all.
    """
    data = migrate.to_current(data)
    envelope, problems = _parse(Envelope, data, "")
    if not isinstance(data, Mapping):
        return None, problems
    raw_nodes = data.get("nodes")
    if isinstance(raw_nodes, Mapping) and len(raw_nodes) > NODES_MAX:
        return None, problems
    nodes: dict[str, Node] = {}
    broken: dict[str, Any] = {}
    for node_id, raw in raw_nodes.items() if isinstance(raw_nodes, Mapping) else ():
        node, mistakes = _parse_node(str(node_id), raw)
        problems += mistakes
        if node is None:
            broken[str(node_id)] = raw
        else:
            nodes[str(node_id)] = node
    key, name, description = ("", "", None) if envelope is None else (envelope.key, envelope.name, envelope.description)
    return Definition(key, name, description, nodes, data, broken), problems


def _parse_node(node_id: str, raw: Any) -> tuple[Node | None, list[Problem]]:
    place = join("nodes", node_id)
    if re.match(NODE_ID_PATTERN, node_id) is None:
        message = (
            "a node's name is lower-case letters, digits and _, begins with a letter, and has at most 48 characters"
        )
        return None, [Problem(path=place, code="node_name", message=message)]
    if not isinstance(raw, Mapping):
        return None, [Problem(path=place, code="node_shape", message="a node is an object with a type")]
    type_ = raw.get("type")
    kind = KIND_OF.get(type_) if isinstance(type_, str) else None
    if kind is None:
        message = f"there is no node type {type_!r}; there are: {', '.join(KIND_OF)}"
        return None, [Problem(path=join(place, "type"), code="node_type", message=message)]
    return _parse(kind.model, raw, place)


def _parse(model: type[Any], data: Any, place: str) -> tuple[Any, list[Problem]]:
    assert issubclass(model, BaseModel)
    try:
        return model.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, [_problem(place, dict(mistake)) for mistake in error.errors(include_url=False)]


CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "literal_error": "choice",
    "enum": "choice",
    "string_pattern_mismatch": "pattern",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "too_short": "too_few",
}


MESSAGES = {
    "unknown_field": "there is no such field here",
    "missing": "this field is missing",
    "model_type": "a journey is an object with key, name and nodes",
}


def _problem(place: str, mistake: dict[str, Any]) -> Problem:
    parts = [part for part in mistake["loc"] if not (isinstance(part, str) and part.startswith("<"))]
    is_key = bool(parts) and parts[-1] == "[key]"
    path = join(place, *(parts[:-1] if is_key else parts))
    code = CODES.get(mistake["type"], mistake["type"])
    message = MESSAGES.get(code, mistake["msg"])
    return Problem(path=path, code=code, message=message[:1].lower() + message[1:])
