"""Texts with Liquid in them: read once, checked when published, rendered in the sandbox that templates use too.

A text that is one look-up and nothing else (`{{ event.total }}`) keeps the value's type, so that numbers stay numbers.
The moment of rendering is the name `now`: the machine's clock is no fact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid import RenderContext
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate
from liquid.undefined import is_undefined

from sojourn.templates.liquid_sandbox import ENVIRONMENT, compile_text
from sojourn.templates.model import RenderFailed

ROOTS = frozenset({"profile", "event", "trigger", "reply", "run", "workspace", "delivery", "now"})
TEXT_MAX = 10_000  # characters a text may have in the file, and may become
NO_CLOCK: dict[str, Any] = {"now": None, "today": None}
PLAIN = re.compile(r"^\s*\{\{-?\s*([a-z]+(?:\.[A-Za-z0-9_-]+)+)\s*-?\}\}\s*$")


class TextFailed(Exception):
    """A text could not be rendered: it is too long, loops too often, or a filter got what it cannot take."""


def has_liquid(text: str) -> bool:
    """Whether there is anything to render."""
    return "{{" in text or "{%" in text


@lru_cache(maxsize=4096)
def _parse(text: str) -> BoundTemplate:
    return ENVIRONMENT.from_string(text)


def check_text(text: str) -> tuple[str, str] | None:
    """What is wrong with a text, as (code, sentence), or None."""
    if len(text) > TEXT_MAX:
        return "too_long", f"longer than {TEXT_MAX} characters"
    if not has_liquid(text):
        return None
    try:
        template = _parse(text)
        analysis = template.analyze()
    except LiquidError as error:
        return "liquid", str(error).split("\n", 1)[0]
    unknown = sorted(set(analysis.globals) - ROOTS)
    if unknown:
        return "unknown_name", f"nothing is called {unknown[0]!r} here; there are: {', '.join(sorted(ROOTS))}"
    missing = sorted(set(analysis.filters) - set(ENVIRONMENT.filters))
    if missing:
        return "unknown_filter", f"there is no filter {missing[0]!r}"
    return None


@lru_cache(maxsize=4096)
def roots_of(text: str) -> frozenset[str]:
    """The names that a correct text looks up (`profile`, `event`, …); empty for plain text."""
    if not has_liquid(text):
        return frozenset()
    try:
        return frozenset(_parse(text).analyze().globals)
    except LiquidError:
        return frozenset()


def render(text: str, context: Mapping[str, Any]) -> str:
    """A text with its values filled in; what is missing becomes nothing. Raises TextFailed."""
    if not has_liquid(text):
        return text
    try:
        return compile_text(text).render(context)
    except RenderFailed as error:
        raise TextFailed(str(error.data.get("detail", ""))) from error


def evaluate(text: str, context: Mapping[str, Any]) -> Any:
    """A text's value: typed when the text is one output and nothing else, else the rendered text. Raises TextFailed."""
    if not has_liquid(text):
        return text
    try:
        template = _parse(text.strip())
        if len(template.nodes) != 1 or not isinstance(template.nodes[0], OutputNode):
            return render(text, context)
        value = template.nodes[0].expression.evaluate(RenderContext(template, globals=NO_CLOCK | dict(context)))
    except (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise TextFailed(str(error).split("\n", 1)[0]) from error
    if is_undefined(value):
        return None
    return str(value) if isinstance(value, str) else value
