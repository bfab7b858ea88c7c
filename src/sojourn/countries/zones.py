"""Where a person may be: country of a number or business-scoped id, and the zones to think of. Pure.

One guessed zone is not a fact: where a country has several, all of them count, and "allowed" means allowed in each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, timezone

# Calling codes that several countries or many zones share: the digits say where in them.
SHARED_CODES = frozenset({1, 7})
BSUID_COUNTRY = re.compile(r"([A-Za-z]{2})\.")
UNKNOWN_ZONE = "Etc/Unknown"


def country_of_bsuid(bsuid: str | None) -> str | None:
    """The country that a business-scoped user id begins with (`GB.2048…`), or None."""
    match = BSUID_COUNTRY.match(bsuid or "")
    return match[1].upper() if match else None


@lru_cache(maxsize=16_384)
def country_of_number(number: str | None) -> str | None:
    """The country of an E.164 number (plus or not); of one the library calls invalid, the calling code's country."""
    parsed = _parse(number)
    if parsed is None or parsed.country_code is None:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        region = phonenumbers.region_code_for_country_code(parsed.country_code)
    return None if region in {None, "001", "ZZ"} else region


def zones_of_country(code: str | None) -> tuple[str, ...]:
    """All IANA zones of a country, sorted; empty when the country is unknown."""
    return _zones_by_country().get((code or "").upper(), ())


@lru_cache(maxsize=16_384)
def zones_of_number(number: str | None) -> tuple[str, ...]:
    """All zones that the holder of a number may be in: of the number's country, for +1 and +7 of its region."""
    parsed = _parse(number)
    if parsed is None:
        return ()
    if parsed.country_code in SHARED_CODES:
        zones = tuple(zone for zone in timezone.time_zones_for_geographical_number(parsed) if zone != UNKNOWN_ZONE)
        if zones:
            return zones
    return zones_of_country(country_of_number(number))


def person_zones(*, timezone_name: str | None, country: str | None, number: str | None) -> tuple[str, ...]:
    """All zones that a person may be in.

    Their own zone if it is a real one; else the zone of their country if it has exactly one; else all zones of the
    number's country (for +1 and +7 of the region that the number allows). Without a number, all of the country.
    """
    if timezone_name and timezone_name in _known_zones():
        return (timezone_name,)
    own = zones_of_country(country)
    if len(own) == 1:
        return own
    return zones_of_number(number) or own


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zones_by_country() -> Mapping[str, tuple[str, ...]]:
    """Source: zone.tab of the IANA time zone database, from the `tzdata` package."""
    found: dict[str, list[str]] = defaultdict(list)
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, _, name, *_ = line.split("\t")
            found[code].append(name)
    return {code: tuple(sorted(names)) for code, names in found.items()}


def _parse(number: str | None) -> PhoneNumber | None:
    if not number:
        return None
    digits = number if number.startswith("+") else f"+{number}"
    try:
        return phonenumbers.parse(digits)
    except NumberParseException:
        return None
