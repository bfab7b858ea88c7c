"""From what was read about a person to the facts that the policy sees. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sojourn.consents.model import ConsentFacts
from sojourn.countries import pack, zones
from sojourn.messages.model import Window
from sojourn.messages.window import window_until
from sojourn.policy.model import (
    ConsentMessage,
    CountryFacts,
    PairFacts,
    PersonFacts,
    WindowFacts,
    WorkspaceFacts,
)
from sojourn.profiles.model import IdentityRow, Profile, Scheme
from sojourn.workspaces.model import WorkspaceSettings


@dataclass(frozen=True, slots=True)
class Burden:
    """What weighs on people, by person; the rows that a decision changes are locked."""

    pressure: Mapping[UUID, Mapping[str, Any]]
    pairs: Mapping[UUID, Mapping[UUID, PairFacts]]
    marks: Mapping[UUID, Sequence[datetime]]
    told: Mapping[UUID, Sequence[tuple[ConsentMessage, datetime]]]


@dataclass(frozen=True, slots=True)
class People:
    """What was read about people, by person."""

    identities: Mapping[UUID, Sequence[IdentityRow]]
    consents: Mapping[UUID, ConsentFacts]
    windows: Mapping[UUID, Mapping[UUID, Window]]
    holds: Mapping[UUID, Mapping[str, str]]


def person_facts(
    profile: Profile,
    address: IdentityRow | None,
    channel: str,
    settings: WorkspaceSettings,
    read: People,
    burden: Burden,
    *,
    is_counted: bool,
) -> PersonFacts:
    """The facts about one person; `profile` is the one that stands for them.

    `is_counted`: they are among the recipients that the portfolio's limit counts already.
    """
    person = profile.id
    number = _number(read.identities[person])
    weight = burden.pressure.get(person)
    return PersonFacts(
        person_id=person,
        is_erased=profile.erased_at is not None,
        address_scheme=None if address is None else address.scheme.value,
        address_state=None if address is None else address.state.value,
        consents=read.consents.get(person),
        country=_country(profile, address, number, channel, settings.us_territories_blocked),
        zones=zones.person_zones(timezone_name=profile.timezone, country=profile.country, number=number),
        holds=read.holds.get(person, {}),
        marks=burden.marks.get(person, ()),
        saturated_until=None if weight is None else weight["saturated_until"],
        consent_messages=burden.told.get(person),
        windows={
            sender: WindowFacts(
                last_inbound_at=window.last_inbound_at,
                window_until=window_until(window.last_inbound_at, window.closed_at),
            )
            for sender, window in read.windows.get(person, {}).items()
        },
        pairs=burden.pairs.get(person, {}),
        portfolio_counted=is_counted,
    )


def address_values(rows: Sequence[IdentityRow]) -> frozenset[str]:
    """Every address as a provider may spell it: a number also without its plus."""
    return frozenset(row.value.removeprefix("+") for row in rows)


def choose_address(rows: Sequence[IdentityRow], schemes: Sequence[Scheme]) -> IdentityRow | None:
    """The address to use: an active one of the first scheme that has one, else whichever shows why there is none."""
    best: tuple[tuple[int, int], IdentityRow] | None = None
    for row in rows:
        if row.scheme not in schemes:
            continue
        weight = (0 if row.state.value == "active" else 1, schemes.index(row.scheme) * 2 + (not row.is_primary))
        if best is None or weight < best[0]:
            best = (weight, row)
    return None if best is None else best[1]


def workspace_facts(settings: WorkspaceSettings) -> WorkspaceFacts:
    """The settings of a workspace as the policy sees them."""
    return WorkspaceFacts(
        brake=settings.brake,
        allow_list_on=settings.allow_list_on,
        quiet_hours_on=settings.quiet_hours_on,
        quiet_from_minute=_minute(settings.quiet_from),
        quiet_until_minute=_minute(settings.quiet_until),
        quiet_transactional=settings.quiet_transactional,
        quiet_regulatory=settings.quiet_regulatory,
        marketing_cap=settings.marketing_cap,
        marketing_cap_days=settings.marketing_cap_days,
        service_case_days=settings.service_case_days,
        consent_reminder=settings.double_opt_in_reminder,
    )


def _minute(local_time: str) -> int:
    hours, minutes = local_time.split(":")
    return int(hours) * 60 + int(minutes)


def _number(rows: Sequence[IdentityRow]) -> str | None:
    for row in rows:
        if row.scheme is Scheme.PHONE:
            return row.value
    return next((f"+{row.value}" for row in rows if row.scheme is Scheme.WA_ID), None)


def _country(
    profile: Profile, address: IdentityRow | None, number: str | None, channel: str, territories_blocked: bool
) -> CountryFacts | None:
    code = None
    if number is not None:
        code = zones.country_of_number(number)
    elif address is not None and address.scheme is Scheme.BSUID:
        code = zones.country_of_bsuid(address.value)
    code = code or profile.country
    if code is None:
        return None
    area = number[1:5] if number is not None and number.startswith("+1") else None
    return _country_facts(code, area, channel, territories_blocked)


@lru_cache(maxsize=4096)
def _country_facts(code: str, area: str | None, channel: str, territories_blocked: bool) -> CountryFacts:
    """What the pack says; of a number only what decides is kept (`1` and area code), so that the cache stays small."""
    blocked = pack.blocked_purposes(code, channel=channel, number=area, territories_blocked=territories_blocked)
    country = pack.find_country(code)
    hours = None if country is None else country.marketing_hours
    return CountryFacts(
        code=code,
        blocked_purposes=frozenset(purpose.value for purpose in blocked),
        feedback_is_marketing=country is not None and country.feedback_is_marketing,
        quiet_from_minute=None if hours is None else hours.until_minute,
        quiet_until_minute=None if hours is None else hours.from_minute,
    )
