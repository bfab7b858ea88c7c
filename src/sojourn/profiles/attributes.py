"""Attributes of a person: names, types, and the three that policy reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sojourn.kit import json
from sojourn.kit.errors import FieldError
from sojourn.profiles.model import ATTRIBUTE_NAME_MAX, ATTRIBUTE_VALUE_MAX, ATTRIBUTES_MAX

NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$ \-]*")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Patch:
    """What a call says about a person: attributes to set, attributes to remove, and the columns they reach."""

    values: dict[str, Any]
    removed: tuple[str, ...]
    locale: str | None
    timezone: str | None
    country: str | None


def make_patch(attributes: Mapping[str, Any] | None) -> Patch:
    """Split attributes into what is set and what a null removes; read locale, zone and country out of them."""
    if not attributes:
        return EMPTY
    values = {name: value for name, value in attributes.items() if value is not None}
    removed = tuple(name for name, value in attributes.items() if value is None)
    locale = values.get("locale", values.get("language"))
    zone = values.get("timezone")
    country = values.get("country")
    return Patch(
        values=values,
        removed=removed,
        locale=locale.replace("-", "_")[:35] if isinstance(locale, str) and locale else None,
        timezone=zone if isinstance(zone, str) and zone in ZONES else None,
        country=country.upper() if isinstance(country, str) and len(country) == 2 and country.isalpha() else None,
    )


EMPTY = Patch({}, (), None, None, None)


def merge(old: Patch, new: Patch) -> Patch:
    """Two patches of one person as one; the later wins."""
    if old is EMPTY:
        return new
    if new is EMPTY:
        return old
    return Patch(
        values={name: value for name, value in {**old.values, **new.values}.items() if name not in new.removed},
        removed=tuple(dict.fromkeys((*(name for name in old.removed if name not in new.values), *new.removed))),
        locale=new.locale or old.locale,
        timezone=new.timezone or old.timezone,
        country=new.country or old.country,
    )


def type_of(value: object) -> str:
    """The type of an attribute's value, as the schema names it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "datetime" if len(value) >= 10 and MOMENT.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


def check(attributes: Mapping[str, Any], declared: Mapping[str, str], path: str = "attributes") -> list[FieldError]:
    """Mistakes in attributes: names, sizes, values that are not of the declared type. Empty when all is well."""
    errors: list[FieldError] = []
    if len(attributes) > ATTRIBUTES_MAX:
        errors.append({"field": path, "code": "too_many_attributes", "limit": ATTRIBUTES_MAX})
    for name, value in attributes.items():
        field = f"{path}.{name}"
        if len(name) > ATTRIBUTE_NAME_MAX or NAME.fullmatch(name) is None:
            errors.append({"field": field[:200], "code": "invalid_attribute_name", "limit": ATTRIBUTE_NAME_MAX})
        elif value is not None and _size(value) > ATTRIBUTE_VALUE_MAX:
            errors.append({"field": field, "code": "attribute_too_large", "limit": ATTRIBUTE_VALUE_MAX})
        elif value is not None and not _fits(value, declared.get(name)):
            errors.append({"field": field, "code": "wrong_attribute_type", "limit": declared[name]})
    return errors


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) * 4 if len(value) * 4 <= ATTRIBUTE_VALUE_MAX else len(value.encode())
    return 0 if isinstance(value, bool | int | float) else len(json.encode(value))


def _fits(value: object, declared: str | None) -> bool:
    if declared is None or declared == "mixed":
        return True
    found = type_of(value)
    return found == declared or (declared == "text" and found == "datetime")
