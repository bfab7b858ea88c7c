"""Liquid in a sandbox: limits on loops, output, variables, nesting, source, and on what a filter may make. Pure.

A text that only looks values up (`Hi {{ profile.first_name | default: "there" }}`) takes a direct path that is proved
equal to Liquid by a property test: it answers for texts and whole numbers, and hands everything else to Liquid.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import FilterArgumentError, LiquidError

from sojourn.templates.filters import FILTERS
from sojourn.templates.model import RenderFailed

SOURCE_MAX = 10_000  # characters of a text
OUTPUT_MAX = 10_000  # bytes
TEXT_MAX = 20_000  # characters of one value inside a chain of filters
LIST_MAX = 10_000  # items of one value inside a chain of filters
COMPILED_KEPT = 5_000
REFUSED_TAGS = ("include", "render")  # there is nothing to include


class Sandbox(Environment):
    """Liquid with all limits on."""

    loop_iteration_limit = 1_000
    output_stream_limit = OUTPUT_MAX
    local_namespace_limit = 10_000
    context_depth_limit = 10
    block_nesting_limit = 20


def _refuse_big(*values: object) -> None:
    for value in values:
        if isinstance(value, str) and len(value) > TEXT_MAX:
            raise FilterArgumentError(f"a text of more than {TEXT_MAX} characters", token=None)
        if isinstance(value, list | tuple | dict | range) and len(value) > LIST_MAX:
            raise FilterArgumentError(f"a list of more than {LIST_MAX} items", token=None)
        if isinstance(value, int) and value.bit_length() > TEXT_MAX:
            raise FilterArgumentError("a number that is too large", token=None)


def _refuse_growth(name: str, value: object, args: tuple[object, ...]) -> None:
    """Two filters can multiply sizes in one step: refuse them before they do."""
    text = str(value) if not isinstance(value, list | tuple | range) else ""
    if name.startswith("replace") and len(args) == 2 and text:
        old, new = str(args[0]), str(args[1])
        times = text.count(old) if old else len(text) + 1
        _refuse_size(len(text) + times * len(new))
    elif name == "join" and isinstance(value, list | tuple | range):
        glue = len(str(args[0])) if args else 1
        _refuse_size(sum(len(item) if isinstance(item, str) else 20 for item in value) + glue * len(value))
    elif name == "times" and isinstance(value, str):
        _refuse_size(len(value))


def _refuse_size(size: int) -> None:
    if size > TEXT_MAX:
        raise FilterArgumentError(f"a text of more than {TEXT_MAX} characters", token=None)


def _guarded(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(filter_)
    def apply(value: object, *args: object, **kwargs: object) -> Any:
        _refuse_big(value, *args)
        _refuse_growth(name, value, args)
        result = filter_(value, *args, **kwargs)
        _refuse_big(result)
        return result

    return apply


def _make_environment() -> Environment:
    environment = Sandbox()
    environment.filters.update(FILTERS)
    environment.filters = {name: _guarded(name, filter_) for name, filter_ in environment.filters.items()}
    for name in REFUSED_TAGS:
        environment.tags.pop(name, None)
    return environment


ENVIRONMENT = _make_environment()

LOOK_UP = re.compile(
    r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*"
    r"(?:\|\s*default:\s*(?:'([^'\\{}]*)'|\"([^\"\\{}]*)\")\s*)?\}\}",
    re.ASCII,
)
MARKUP = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|^\}|\{$")
# Words that mean something of their own to Liquid, as a whole or after a dot.
RESERVED = frozenset(
    {
        *("now", "today", "true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "contains", "in", "if"),
        *("else", "unless", "forloop", "tablerowloop"),
    }
)
SPECIAL = frozenset({"size", "first", "last"})


class Compiled:
    """A text ready to be rendered many times."""

    __slots__ = ("_liquid", "parts", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts = _direct_parts(source)
        self._liquid: BoundTemplate | None = None
        if self.parts is None:
            self._liquid = _parse(source)

    def render(self, context: Mapping[str, Any]) -> str:
        """The text for a context. Raises RenderFailed: a limit was crossed, or a filter got what it cannot take."""
        if self.parts is not None:
            direct = _render_parts(self.parts, context)
            if direct is not None:
                return direct
        return self.render_liquid(context)

    def render_liquid(self, context: Mapping[str, Any]) -> str:
        """The text for a context, always by Liquid itself."""
        if self._liquid is None:
            self._liquid = _parse(self.source)
        try:
            # The machine's clock is no fact: `now` is what the caller says, or nothing.
            return self._liquid.render({"now": None, "today": context.get("now"), **context})
        except LiquidError as error:
            raise RenderFailed(detail=_message(error)) from error
        except (ArithmeticError, ValueError, TypeError, RecursionError, KeyError, IndexError) as error:
            raise RenderFailed(detail=type(error).__name__) from error


Part = str | tuple[tuple[str, ...], str | None]


def _direct_parts(source: str) -> tuple[Part, ...] | None:
    """Texts and look-ups in turn; None when the source does anything else."""
    parts: list[Part] = []
    end = 0
    for match in LOOK_UP.finditer(source):
        parts.append(source[end : match.start()])
        path = tuple(match[1].split("."))
        if path[0] in RESERVED or SPECIAL & set(path) or RESERVED & set(path[1:]):
            return None
        parts.append((path, match[2] if match[2] is not None else match[3]))
        end = match.end()
    parts.append(source[end:])
    if len(source) > SOURCE_MAX or any(isinstance(part, str) and MARKUP.search(part) for part in parts):
        return None
    return tuple(part for part in parts if part != "")


def _render_parts(parts: tuple[Part, ...], context: Mapping[str, Any]) -> str | None:
    """The text, or None where a value is of a kind that Liquid must print."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        path, default = part
        value: Any = context
        for name in path:
            if value is None:
                break
            if type(value) is not dict and value is not context:
                return None
            value = value.get(name)
        kind = type(value)
        if kind is str:
            texts.append(value if value or default is None else default)
        elif value is None:
            texts.append(default or "")
        elif kind is int:
            texts.append(str(value))
        else:
            return None
    text = "".join(texts)
    return text if len(text) * 4 <= OUTPUT_MAX or len(text.encode()) <= OUTPUT_MAX else None


def _parse(source: str) -> BoundTemplate:
    if len(source) > SOURCE_MAX:
        raise RenderFailed(detail=f"a text has up to {SOURCE_MAX} characters", limit=SOURCE_MAX)
    try:
        return ENVIRONMENT.from_string(source)
    except LiquidError as error:
        raise RenderFailed(detail=_message(error)) from error
    except RecursionError as error:
        raise RenderFailed(detail="nested too deeply") from error


def _message(error: LiquidError) -> str:
    return str(error.args[0] if error.args else error).splitlines()[0][:200]


@functools.lru_cache(maxsize=COMPILED_KEPT)
def compile_text(source: str) -> Compiled:
    """A text, parsed and kept. Raises RenderFailed for one that Liquid does not understand."""
    return Compiled(source)
