"""Contact cards in an outgoing message. Source: Cloud API reference, section 2.7."""

import re
from datetime import date
from typing import Any

from sojourn.channels.whatsapp import limits
from sojourn.channels.whatsapp.checks import Checks

_NAME_PARTS = ("first_name", "last_name", "middle_name", "suffix", "prefix")
_ITEMS = {
    "phones": ("phone", "type", "wa_id"),
    "emails": ("email", "type"),
    "urls": ("url", "type"),
    "addresses": ("street", "city", "state", "zip", "country", "country_code", "type"),
}
_ORG = ("company", "department", "title")
_BIRTHDAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def build_cards(contacts: list[dict[str, Any]], checks: Checks) -> list[dict[str, Any]]:
    """Return the cards as they are, after checking them."""
    checks.count("contacts", contacts, 1, limits.CONTACTS_MAX)
    for index, card in enumerate(contacts):
        _check_card(f"contacts[{index}]", card, checks)
    return contacts


def _check_card(field: str, card: dict[str, Any], checks: Checks) -> None:
    known = {"name", "org", "birthday", *_ITEMS}
    for name in card.keys() - known:
        checks.fail(f"{field}.{name}", "unknown_field", f"{field} has no field {name}")
    _check_name(f"{field}.name", card.get("name"), checks)
    for name, parts in _ITEMS.items():
        items = card.get(name, [])
        if not isinstance(items, list):
            checks.fail(f"{field}.{name}", "not_a_list", f"{field}.{name} must be a list")
            continue
        for index, item in enumerate(items):
            _check_texts(f"{field}.{name}[{index}]", item, parts, checks)
    if "org" in card:
        _check_texts(f"{field}.org", card["org"], _ORG, checks)
    if "birthday" in card:
        _check_birthday(f"{field}.birthday", card["birthday"], checks)


def _check_name(field: str, name: object, checks: Checks) -> None:
    if not isinstance(name, dict):
        checks.fail(field, "required", f"{field} must be an object with formatted_name")
        return
    _check_texts(field, name, ("formatted_name", *_NAME_PARTS), checks)
    if "formatted_name" not in name:
        checks.fail(f"{field}.formatted_name", "required", f"{field}.formatted_name must be given")
    if not any(part in name for part in _NAME_PARTS):
        checks.fail(field, "too_few", f"{field} needs at least one of {', '.join(_NAME_PARTS)}", 1)


def _check_texts(field: str, item: object, parts: tuple[str, ...], checks: Checks) -> None:
    if not isinstance(item, dict):
        checks.fail(field, "not_an_object", f"{field} must be an object")
        return
    for name, value in item.items():
        if name not in parts:
            checks.fail(f"{field}.{name}", "unknown_field", f"{field} has no field {name}")
        else:
            checks.text(f"{field}.{name}", value, limits.CAPTION_MAX)


def _check_birthday(field: str, value: object, checks: Checks) -> None:
    try:
        valid = isinstance(value, str) and bool(_BIRTHDAY.match(value)) and bool(date.fromisoformat(value))
    except ValueError:
        valid = False
    if not valid:
        checks.fail(field, "not_a_date", f"{field} must be a date as YYYY-MM-DD")
