"""Takes a person out of jobs that carry several people, or nobody's id: pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from sojourn.kit import json

DEPTH_MAX = 50
WORD = re.compile(r"[^\W_]+")


def needles_of(addresses: Collection[str]) -> list[bytes]:
    """How addresses stand in the JSON of a job: as whole texts, numbers with and without their plus."""
    spellings = {spelling for address in addresses for spelling in spellings_of(address)}
    return sorted(json.encode(spelling) for spelling in spellings)


def spellings_of(address: str) -> set[str]:
    """An address as a provider or a caller may write it."""
    digits = address.removeprefix("+")
    return {address, digits, "+" + digits} if digits.isdigit() else {address}


def words_of(values: Any) -> list[str]:
    """Every word in some JSON values, in lower case: what a caller may have named the person by."""
    found: set[str] = set()
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found |= {value.lower(), *WORD.findall(value.lower())}
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return sorted(found - {""})


def without_person(payload: bytes, names: Collection[str]) -> bytes | None:
    """A job without what is about the person; None when it is about nobody else and has to go.

    Of a list of reports only theirs are touched: one that echoes our own id stays, without their address, so that the
    outcome of what was on its way is still counted.
    """
    try:
        data = json.decode(payload)
    except msgspec.DecodeError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("updates"), list):
        return None if _names(data, names) else payload
    kept = []
    for update in data["updates"]:
        if not _names(update, names):
            kept.append(update)
        elif isinstance(update, dict) and update.get("attempt_id"):
            kept.append({**update, "wa_id": None, "user_id": None, "provider_message_id": "", "details": ""})
    return json.encode({**data, "updates": kept}) if kept else None


def _names(value: Any, names: Collection[str], depth: int = 0) -> bool:
    if depth > DEPTH_MAX:
        return True
    if isinstance(value, str):
        return value in names
    if isinstance(value, dict):
        return any(_names(item, names, depth + 1) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, names, depth + 1) for item in value)
    return False
