"""Liquid filters of ours: dates, numbers and money as a person's country writes them, hashes, sets. Pure.

Where a filter takes a zone or a locale and none is given, it uses the person's: `profile.timezone`, then
`workspace.timezone`; the language of the template, then `profile.locale`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal
from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

LENGTHS = ("short", "medium", "long", "full")
# strftime's names of days and months follow the machine's locale; these follow the person's.
NAMED = {"%A": "EEEE", "%a": "EEE", "%B": "MMMM", "%b": "MMM", "%h": "MMM", "%p": "a"}
DIRECTIVE = re.compile(r"%-?[A-Za-z%]")
LIST_MAX = 1_000


@lru_cache(maxsize=256)
def locale_of(code: str | None) -> Locale:
    """The locale of a language code; English for one that nobody knows."""
    try:
        return Locale.parse((code or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        base = (code or "en").replace("-", "_").partition("_")[0]
        return Locale.parse("en") if base in ("en", code) else locale_of(base)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """The zone of a name; UTC for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _given(value: object, default: str | None) -> str | None:
    return default if value is None or is_undefined(value) or value == "" else str(value)


def _look_up(context: RenderContext, *path: str) -> str | None:
    found: Any = context.scope
    for name in path:
        try:
            found = found[name]
        except (KeyError, TypeError, IndexError):
            return None
    return found if isinstance(found, str) and found else None


def _locale(context: RenderContext, given: object) -> Locale:
    default = _look_up(context, "locale") or _look_up(context, "profile", "locale")
    return locale_of(_given(given, default))


def _moment(value: object, context: RenderContext) -> datetime | date | None:
    if value in ("now", "today"):
        value = _look_up(context, "now")
    if isinstance(value, datetime | date):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit() and len(value) <= 13):
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            return None
    return None


@with_context
def format_moment(
    value: object,
    pattern: object = "medium",
    timezone: object = None,
    locale: object = None,
    *,
    context: RenderContext,
) -> str:
    """`{{ event.at | date: "%d %B %H:%M", "Europe/Amsterdam", "nl" }}`.

    The pattern is strftime's, or `short`, `medium`, `long`, `full`, or one of CLDR ("EEEE d MMM"). A value that is no
    moment comes out unchanged.
    """
    if is_undefined(value) or value is None or value == "":
        return ""
    moment = _moment(value, context)
    if moment is None:
        return str(value)
    pattern = _given(pattern, "medium") or "medium"
    language = _locale(context, locale)
    if isinstance(moment, datetime):
        person = _look_up(context, "profile", "timezone") or _look_up(context, "workspace", "timezone") or "UTC"
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(
            zone_of(_given(timezone, person) or "UTC")
        )
    if "%" not in pattern:
        if isinstance(moment, datetime):
            return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=language)
        return format_date(moment, pattern, locale=language)
    return DIRECTIVE.sub(lambda match: _directive(match[0], moment, language), pattern)


def _directive(directive: str, moment: datetime | date, locale: Locale) -> str:
    named = NAMED.get(directive)
    if named is None:
        return moment.strftime(directive)
    if isinstance(moment, datetime):
        return format_datetime(moment, named, tzinfo=moment.tzinfo, locale=locale)
    return format_date(moment, named, locale=locale)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or is_undefined(value) or value is None:
        return None
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) <= 40 else Decimal("NaN")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@with_context
def format_number(value: object, decimals: object = None, locale: object = None, *, context: RenderContext) -> str:
    """`{{ 1234.5 | number: 2 }}`; a value that is no number comes out unchanged."""
    number = _number(value)
    if number is None:
        return "" if is_undefined(value) or value is None else str(value)
    places = _given(decimals, None)
    if places is None:
        return str(format_decimal(number, locale=_locale(context, locale)))
    if not places.isdigit() or int(places) > 10:
        raise FilterArgumentError("number: decimals go from 0 to 10", token=None)
    pattern = "#,##0" + ("." + "0" * int(places) if int(places) else "")
    return str(format_decimal(number, format=pattern, locale=_locale(context, locale)))


@with_context
def format_money(value: object, currency: object = "EUR", locale: object = None, *, context: RenderContext) -> str:
    """`{{ order.total | currency: "EUR" }}`; a value that is no number comes out unchanged."""
    number = _number(value)
    if number is None:
        return "" if is_undefined(value) or value is None else str(value)
    try:
        return str(format_currency(number, _given(currency, "EUR") or "EUR", locale=_locale(context, locale)))
    except UnknownCurrencyError as error:
        raise FilterArgumentError("currency: unknown currency", token=None) from error


def title_case(value: object) -> str:
    """Every word with a capital."""
    return " ".join(word[:1].upper() + word[1:] for word in _text(value).split(" "))


def _text(value: object) -> str:
    return "" if is_undefined(value) or value is None else str(value)


def _hash(name: str) -> Callable[[object], str]:
    def apply(value: object) -> str:
        return hashlib.new(name, _text(value).encode(), usedforsecurity=False).hexdigest()

    return apply


def _sequence(value: object) -> Sequence[Any]:
    if is_undefined(value) or value is None:
        return []
    if isinstance(value, list | tuple | range):
        return value
    return [value]


def _values(value: object, name: object) -> list[Any]:
    items = _sequence(value)
    key = _given(name, None)
    if key is None:
        return list(items)
    return [item[key] for item in items if isinstance(item, dict) and key in item]


def count(value: object) -> int:
    """How many items a list has; 0 for nothing."""
    return len(_sequence(value))


def distinct(value: object, name: object = None) -> list[Any]:
    """Items in their order, each once; by the value of a property when one is named."""
    key = _given(name, None)
    seen: list[Any] = []
    kept: list[Any] = []
    for item in _sequence(value)[:LIST_MAX]:
        mark = item.get(key) if key is not None and isinstance(item, dict) else item
        if mark not in seen:
            seen.append(mark)
            kept.append(item)
    return kept


def first_n(value: object, number: object = 1) -> list[Any]:
    """The first items."""
    return list(_sequence(value)[: _amount(number)])


def last_n(value: object, number: object = 1) -> list[Any]:
    """The last items."""
    amount = _amount(number)
    return list(_sequence(value)[-amount:]) if amount else []


def _amount(number: object) -> int:
    try:
        return max(0, min(int(str(number)), LIST_MAX))
    except ValueError as error:
        raise FilterArgumentError("expected a whole number", token=None) from error


def smallest(value: object, name: object = None) -> Any:
    """The smallest item, or the smallest value of a property; nothing for an empty list."""
    return _extreme(min, value, name)


def largest(value: object, name: object = None) -> Any:
    """The largest item, or the largest value of a property; nothing for an empty list."""
    return _extreme(max, value, name)


def _extreme(choose: Callable[..., Any], value: object, name: object) -> Any:
    try:
        return choose(_values(value, name), default=None)
    except TypeError as error:
        raise FilterArgumentError("min and max need items of one kind", token=None) from error


FILTERS: dict[str, Callable[..., Any]] = {
    "date": format_moment,
    "number": format_number,
    "currency": format_money,
    "money": format_money,
    "titlecase": title_case,
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "count": count,
    "distinct": distinct,
    "first_n": first_n,
    "last_n": last_n,
    "min": smallest,
    "max": largest,
}
