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

_PATH = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_TEXT = r"'[^'\\{}]*'|\"[^\"\\{}]*\""
LOOK_UP = re.compile(rf"\{{\{{\s*({_PATH})\s*((?:\|\s*default:\s*(?:{_PATH}|{_TEXT})\s*)*)\}}\}}", re.ASCII)
DEFAULT = re.compile(rf"\|\s*default:\s*({_PATH}|{_TEXT})\s*", re.ASCII)
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


Path = tuple[str, ...]
Part = str | tuple[Path | str, ...]  # a text as it stands; or a path, then what is tried where it leads nowhere


def _direct_parts(source: str) -> tuple[Part, ...] | None:
    """Texts and look-ups in turn; None when the source does anything else."""
    parts: list[Part] = []
    end = 0
    for match in LOOK_UP.finditer(source):
        parts.append(source[end : match.start()])
        options = [_option(text) for text in (match[1], *DEFAULT.findall(match[2]))]
        if any(isinstance(option, tuple) and not _is_plain(option) for option in options):
            return None
        parts.append(tuple(options))
        end = match.end()
    parts.append(source[end:])
    if len(source) > SOURCE_MAX or any(isinstance(part, str) and MARKUP.search(part) for part in parts):
        return None
    return tuple(part for part in parts if part != "")


def _option(text: str) -> Path | str:
    return text[1:-1] if text[0] in "'\"" else tuple(text.split("."))


def _is_plain(path: Path) -> bool:
    return path[0] not in RESERVED and not SPECIAL & set(path) and not RESERVED & set(path[1:])


def _render_parts(parts: tuple[Part, ...], context: Mapping[str, Any]) -> str | None:
    """The text, or None where a value is of a kind that Liquid must print."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        found: str | None = ""
        for option in part:
            found = option if isinstance(option, str) else _look_up(option, context)
            if found != "":
                break
        if found is None:
            return None
        texts.append(found)
    text = "".join(texts)
    return text if len(text) * 4 <= OUTPUT_MAX or len(text.encode()) <= OUTPUT_MAX else None


def _look_up(path: Path, context: Mapping[str, Any]) -> str | None:
    """A value as text, empty for nothing; None for a kind that Liquid must print."""
    value: Any = context
    for name in path:
        if value is None:
            return ""
        if type(value) is not dict and value is not context:
            return None
        value = value.get(name)
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return ""
    return str(value) if kind is int else None


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
