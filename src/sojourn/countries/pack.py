"""The country pack: one file a country or region, and look-ups in it. Pure, but for reading its own files once."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import yaml

from sojourn.countries.purposes import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From–until of a local day, in minutes after midnight; `until` is the first minute that is no longer allowed."""

    from_minute: int
    until_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A purpose that may not be sent on a channel; `area_codes` narrows it to some numbers of the country."""

    channel: str
    purpose: Purpose
    area_codes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What law and custom ask for in one country. `checked_on` is when the file was last compared with its sources."""

    code: str
    name: str
    checked_on: date
    sources: Sequence[str] = ()
    marketing_hours: Hours | None = None
    rest_days: Sequence[str] = ()
    feedback_is_marketing: bool = False
    consent_age: int | None = None
    marketing_age: int | None = None
    sms_registration: str | None = None
    sms_hours: Hours | None = None
    blocked: Sequence[Block] = ()
    territories: Sequence[str] = ()
    consent_proof_years: int = 5
    data: Mapping[str, Any] = field(default_factory=dict)


def find_country(code: str | None) -> Country | None:
    """The country's entry, that of the EU for a member without a file of its own, or None."""
    if code is None:
        return None
    return load_pack().get(code.upper())


def blocked_purposes(
    code: str | None, *, channel: str, number: str | None, territories_blocked: bool = False
) -> frozenset[Purpose]:
    """The purposes that may not be sent to somebody in this country on this channel.

    `number` is E.164 with or without the plus, None for a person without one: then the whole country counts.
    `territories_blocked` extends the blocks of a country to its territories, which have codes of their own.
    """
    blocked: set[Purpose] = set()
    for country in load_pack().values():
        is_territory = territories_blocked and code in country.territories
        if country.code != code and not is_territory:
            continue
        for block in country.blocked:
            if block.channel == channel and (is_territory or _covers(block, number)):
                blocked.add(block.purpose)
    return frozenset(blocked)


def _covers(block: Block, number: str | None) -> bool:
    if block.area_codes is None or number is None:
        return True
    digits = number.removeprefix("+")
    return digits.startswith("1") and digits[1:4] in block.area_codes


@cache
def load_pack() -> Mapping[str, Country]:
    """All countries by code (ISO 3166-1 alpha-2), members of the EU without a file of their own included."""
    raw = {data["code"]: data for data in _files()}
    pack: dict[str, Country] = {}
    for code, data in raw.items():
        base = raw.get(data.get("extends", ""), {})
        if "members" not in data:
            pack[code] = _country({**base, **data})
    for base in (data for data in raw.values() if "members" in data):
        for member in base["members"]:
            pack.setdefault(member, _country({**base, "code": member, "name": member}))
    return pack


def _files() -> list[dict[str, Any]]:
    folder = resources.files("sojourn.countries") / "data"
    return [
        yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")
    ]


def _country(data: Mapping[str, Any]) -> Country:
    sms = data.get("sms") or {}
    return Country(
        code=data["code"],
        name=data["name"],
        checked_on=data["date"],
        sources=tuple(data.get("sources", ())),
        marketing_hours=_hours(data.get("marketing_hours")),
        rest_days=tuple(data.get("rest_days", ())),
        feedback_is_marketing=data.get("feedback_is_marketing", False),
        consent_age=data.get("consent_age"),
        marketing_age=data.get("marketing_age"),
        sms_registration=sms.get("sender_registration"),
        sms_hours=_hours(sms.get("hours")),
        blocked=tuple(_block(block) for block in data.get("blocked", ())),
        territories=tuple(data.get("territories", ())),
        consent_proof_years=(data.get("retention") or {}).get("consent_proof_years", 5),
        data=data,
    )


def _hours(data: Mapping[str, str] | None) -> Hours | None:
    if not data:
        return None
    return Hours(from_minute=_minute(data["from"]), until_minute=_minute(data["until"]))


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _block(data: Mapping[str, Any]) -> Block:
    file = data.get("area_codes")
    return Block(
        channel=data["channel"],
        purpose=Purpose(data["purpose"]),
        area_codes=None if file is None else _area_codes(file),
    )


def _area_codes(file: str) -> frozenset[str]:
    """North American area codes of the 50 states and DC. Source: geocoding data of libphonenumber 9.0 (2026-11)."""
    text = (resources.files("sojourn.countries") / "data" / file).read_text(encoding="utf-8")
    return frozenset(row["area_code"] for row in csv.DictReader(io.StringIO(text)))
