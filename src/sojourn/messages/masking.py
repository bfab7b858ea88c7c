"""What must not stay readable: card numbers as they arrive, one-time codes once they are sent. Pure."""

from __future__ import annotations

import re
from typing import Any

CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
DIGITS = re.compile(r"\d")
MASK = "•"


def mask_cards(text: str | None) -> str | None:
    """The text with every card number (13 to 19 digits that pass the Luhn check) masked but for its last four."""
    if text is None or len(text) < 13:
        return text
    return CARD.sub(_mask_card, text)


def _mask_card(match: re.Match[str]) -> str:
    found = match[0]
    digits = [int(digit) for digit in DIGITS.findall(found)]
    if not _is_card(digits):
        return found
    keep = len(digits) - 4
    seen = 0
    masked = []
    for char in found:
        if char.isdigit():
            seen += 1
            masked.append(MASK if seen <= keep else char)
        else:
            masked.append(char)
    return "".join(masked)


def _is_card(digits: list[int]) -> bool:
    """The Luhn check (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if index % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and any(digits)


def mask_code(text: str | None) -> str | None:
    """The text of a one-time code with every digit and every upper-case group of a code masked."""
    return None if text is None else re.sub(r"\b(?=\w*\d)\w+\b", lambda match: MASK * len(match[0]), text)


def mask_values(value: Any) -> Any:
    """A JSON value with every text in it replaced: what is left of the variables of a code."""
    if isinstance(value, dict):
        return {key: mask_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_values(inner) for inner in value]
    return MASK * 6 if isinstance(value, str | int | float) and not isinstance(value, bool) else value
