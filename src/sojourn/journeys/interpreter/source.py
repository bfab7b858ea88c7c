"""A journey file's text (YAML or JSON) as plain data, with the line of every path.

Scalars are read as in YAML 1.2: `yes`, `no`, `on` and `12:30` stay text, because they are button ids and times here.
JSON is read by the same reader. Anchors, tags and repeated keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from sojourn.journeys.interpreter.problems import Problem, join

SOURCE_MAX = 256_000  # bytes; a journey of a thousand nodes needs about two thirds of it
DEPTH_MAX = 40

# libyaml's parser takes a fifth of the time of the one in Python.
_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_FastLoader):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own spelling)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789")
)  # fmt: skip
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"),
    list("-0123456789"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says: plain values, the line of each path, and mistakes of the text itself."""

    data: Any
    lines: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: str) -> int | None:
        """The line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = re.sub(r"(\.[^.\[\]]*|\[\d+\]|^[^.\[\]]*)$", "", path)
        return self.lines.get(path)


def read_source(text: str) -> Source:
    """Read YAML or JSON. `data` is None and `problems` says why when the text cannot be read at all."""
    if len(text) > SOURCE_MAX or len(text.encode(errors="surrogatepass")) > SOURCE_MAX:
        return Source(None, {}, [Problem(path="", code="too_long", message=f"longer than {SOURCE_MAX:,} bytes")])
    try:
        if (line := _too_deep(text)) is not None:
            message = f"nested deeper than {DEPTH_MAX}"
            return Source(None, {}, [Problem(path="", code="too_deep", message=message, line=line)])
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        message = error.problem or error.context or "cannot be read as YAML or JSON"
        return Source(None, {}, [Problem(path="", code="syntax", message=message, line=line)])
    except (yaml.YAMLError, ValueError) as error:
        return Source(None, {}, [Problem(path="", code="syntax", message=str(error).splitlines()[0])])
    if root is None:
        return Source(None, {}, [Problem(path="", code="empty", message="the file is empty")])
    reader = _Reader()
    data = reader.read(root, "", 0)
    return Source(data, reader.lines, reader.problems)


def _too_deep(text: str) -> int | None:
    """The line where the text goes too deep. Reads no further than that: a parser needs quadratic time or its stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                return event.start_mark.line + 1 if event.start_mark else 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: str, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if depth > DEPTH_MAX:
            self._refuse(path, "too_deep", f"nested deeper than {DEPTH_MAX}", line)
            return None
        if id(node) in self._seen:
            self._refuse(path, "alias", "anchors and aliases are not read: write the value out", line)
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, join(path, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(path, "key", "a name must be text", line)
                continue
            key = key_node.value
            place = join(path, key)
            if key in values:
                self._refuse(place, "duplicate", f"{key!r} stands here twice", line)
                continue
            self.lines[place] = line
            values[key] = self.read(value_node, place, depth + 1)
        return values

    def _scalar(self, node: yaml.Node, path: str, line: int) -> Any:
        text: str = node.value
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "bool":
                return text == "true"
            case "null":
                return None
            case "int":
                return int(text) if len(text) < 30 else float(text)
            case "float":
                return float(text)
        self._refuse(path, "tag", f"the tag {node.tag} is not read", line)
        return None

    def _refuse(self, path: str, code: str, message: str, line: int) -> None:
        self.problems.append(Problem(path=path, code=code, message=message, line=line))
