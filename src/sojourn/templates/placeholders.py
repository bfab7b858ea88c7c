"""Variables in a template's texts: `{{name}}` or `{{1}}`, and which policy fills each. Pure.

A variable may be filled differently where it stands: `body.1`, `header.1`, `button.0.1`, `card.2.body.1` come before
plain `1`. What has no policy is looked up by its own name in the context.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sojourn.templates.model import VariablePolicy

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
NAME = re.compile(r"[a-z0-9_]+")
CODE = "code"


def names_in(text: str) -> list[str]:
    """The variables of a text, in their order, each as often as it stands there."""
    return PLACEHOLDER.findall(text)


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """The text with every variable replaced."""
    return PLACEHOLDER.sub(lambda match: value_of(match[1]), text)


def policy_name(variables: Mapping[str, VariablePolicy], scope: str, name: str, *, is_code: bool = False) -> str:
    """The name under which a variable at a place is filled."""
    for candidate in (f"{scope}.{name}", name, CODE if is_code else name):
        if candidate in variables:
            return candidate
    return CODE if is_code else name
