"""The country pack and the zones that a person may be in."""

from __future__ import annotations

import pytest

from sojourn.countries.pack import blocked_purposes, find_country, load_pack
from sojourn.countries.purposes import LANES, PURPOSES, Purpose
from sojourn.countries.zones import country_of_bsuid, country_of_number, person_zones, zones_of_country, zones_of_number

NEEDED = ["DE", "FR", "NL", "ES", "IT", "GB", "US", "IN", "BR", "MX", "ID"]


def test_every_purpose_has_a_lane() -> None:
    assert set(LANES) == set(Purpose)
    assert {purpose.value for purpose in Purpose} == PURPOSES


@pytest.mark.parametrize("code", NEEDED)
def test_the_first_edition_names_source_and_date(code: str) -> None:
    country = load_pack()[code]
    assert country.sources
    assert country.checked_on.year >= 2026
    assert country.consent_age
    assert zones_of_country(code)


def test_members_of_the_eu_without_a_file_follow_its_base() -> None:
    assert find_country("pt") is not None
    assert find_country("AT").feedback_is_marketing is False  # type: ignore[union-attr]
    assert find_country("DE").feedback_is_marketing is True  # type: ignore[union-attr]
    assert find_country("ZZ") is None
    assert find_country(None) is None


def test_marketing_on_whatsapp_is_blocked_for_numbers_of_the_states_only() -> None:
    block = frozenset({Purpose.MARKETING})
    assert blocked_purposes("US", channel="whatsapp", number="+12025550101") == block
    assert blocked_purposes("US", channel="whatsapp", number="12125550123") == block
    assert blocked_purposes("US", channel="whatsapp", number=None) == block
    assert blocked_purposes("US", channel="sms", number="+12025550101") == frozenset()
    assert blocked_purposes("PR", channel="whatsapp", number="+17875550101") == frozenset()
    assert blocked_purposes("PR", channel="whatsapp", number="+17875550101", territories_blocked=True) == block
    assert blocked_purposes("CA", channel="whatsapp", number="+14165550101") == frozenset()
    assert blocked_purposes("GB", channel="whatsapp", number="+447700900101") == frozenset()


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+447700900101", "GB"),
        ("447700900101", "GB"),
        ("+12025550101", "US"),
        ("+14165550101", "CA"),
        ("+17875550101", "PR"),
        ("+5511987654321", "BR"),
        ("+79161234567", "RU"),
        ("+77011234567", "KZ"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_country_of_a_number_needs_no_valid_number(number: str | None, country: str | None) -> None:
    assert country_of_number(number) == country


def test_a_business_scoped_id_begins_with_its_country() -> None:
    assert country_of_bsuid("US.20481632641282565121") == "US"
    assert country_of_bsuid(None) is None


def test_zones_of_a_person() -> None:
    assert person_zones(timezone_name="Europe/Amsterdam", country="US", number="+12025550101") == ("Europe/Amsterdam",)
    assert person_zones(timezone_name="Mars/Base", country="NL", number=None) == ("Europe/Amsterdam",)
    assert person_zones(timezone_name=None, country="GB", number="+447700900101") == ("Europe/London",)
    assert person_zones(timezone_name=None, country=None, number="+12025550101") == ("America/New_York",)
    assert len(person_zones(timezone_name=None, country="BR", number="+5511987654321")) > 5
    assert person_zones(timezone_name=None, country=None, number=None) == ()
    assert "America/New_York" in zones_of_number("+18005550101")
