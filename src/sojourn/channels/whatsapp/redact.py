"""Takes a person out of a raw webhook body. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from sojourn.channels.whatsapp.webhook_values import MAX_DEPTH, normalise_address

IsPerson = Callable[[str], bool]


def redact_body(body: bytes, is_person: IsPerson) -> bytes | None:
    """The body without every list item that names the person anywhere; None when nothing but an envelope is left.

    A body that cannot be read is dropped as a whole.
    """
    try:
        data = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("entry"), list):
        return None
    entries = [_without(entry, is_person) for entry in data["entry"]]
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("changes"), list):
            entry["changes"] = [change for change in entry["changes"] if not _names(change, is_person, 0)]
    left = [entry for entry in entries if isinstance(entry, dict) and entry.get("changes")]
    if not any(_has_items(entry) for entry in left):
        return None
    return msgspec.json.encode({**data, "entry": left})


def _has_items(entry: dict[str, Any]) -> bool:
    for change in entry["changes"]:
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(value, dict):
            return True
        lists = [item for name, item in value.items() if isinstance(item, list) and name != "contacts"]
        if not lists or any(lists):
            return True
    return False


def _without(value: Any, is_person: IsPerson, depth: int = 0) -> Any:
    """A copy without list items that name the person; entries and changes themselves are kept."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {name: _without(item, is_person, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        items = [_without(item, is_person, depth + 1) for item in value]
        if depth <= 1:  # the list of changes of an entry
            return items
        return [item for item in items if not _names(item, is_person, 0)]
    return value


def _names(value: Any, is_person: IsPerson, depth: int) -> bool:
    if depth > MAX_DEPTH:
        return True
    if isinstance(value, str):
        return is_person(normalise_address(value))
    if isinstance(value, dict):
        return any(_names(item, is_person, depth + 1) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, is_person, depth + 1) for item in value)
    return False
