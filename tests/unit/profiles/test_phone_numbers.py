"""How addresses are written and compared."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.profiles.model import InvalidIdentity, Scheme
from sojourn.profiles.phone_numbers import PLAIN_E164, address_key, country_of, normalise


@pytest.mark.parametrize(
    ("given_", "region", "stored"),
    [
        ("+44 7700 900101", None, "+447700900101"),
        ("07700 900101", "GB", "+447700900101"),
        ("0044 7700 900101", None, "+447700900101"),
        ("+44 (0)7700 900101", None, "+447700900101"),
        ("447700900101", None, "+447700900101"),
        ("(631) 555-1234", "US", "+16315551234"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+44 7000 000000", None, "+447000000000"),
    ],
)
def test_a_number_becomes_e164(given_, region, stored):
    assert normalise(Scheme.PHONE, given_, region) == stored


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        (Scheme.PHONE, "hello"),
        (Scheme.PHONE, ""),
        (Scheme.PHONE, "+12"),
        (Scheme.EMAIL, "anna"),
        (Scheme.WA_ID, "44 77a"),
        (Scheme.BSUID, "77"),
        (Scheme.EXTERNAL_ID, " "),
        (Scheme.EXTERNAL_ID, "x" * 256),
    ],
)
def test_what_is_no_address_is_refused(scheme, value):
    with pytest.raises(InvalidIdentity):
        normalise(scheme, value)


# The plan of each country whose numbers take the short way: calling code, first digits, and how many digits follow.
PLANS = (("44", "123456789", 9), ("49", "123456789", 9), ("49", "123456789", 10), ("33", "123456789", 8), ("34", "6789", 8),
         ("31", "123456789", 8), ("91", "6789", 9), ("1", "23456789", 9))  # fmt: skip


@given(st.sampled_from(PLANS), st.data())
def test_the_short_way_agrees_with_the_library(plan, data):
    code, first, rest = plan
    digits = data.draw(st.integers(0, 10**rest - 1))
    number = f"+{code}{data.draw(st.sampled_from(first))}{digits:0{rest}d}"
    assert PLAIN_E164.fullmatch(number)
    parsed = phonenumbers.parse(number)
    assert normalise(Scheme.PHONE, number) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**8 - 1))
def test_the_short_way_agrees_for_brazilian_mobiles(area, unit, digits):
    number = f"+55{area}{unit}9{digits:08d}"
    assert PLAIN_E164.fullmatch(number)
    parsed = phonenumbers.parse(number)
    assert normalise(Scheme.PHONE, number) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def test_spellings_of_one_line_share_a_key():
    assert address_key(Scheme.PHONE, "+447700900101") == address_key(Scheme.WA_ID, "447700900101")
    assert address_key(Scheme.PHONE, "+5511988887777") == address_key(Scheme.WA_ID, "551188887777")
    assert address_key(Scheme.PHONE, "+525512345678") == address_key(Scheme.WA_ID, "5215512345678")
    assert address_key(Scheme.PHONE, "+541123456789") == address_key(Scheme.WA_ID, "5491123456789")
    home = normalise(Scheme.PHONE, "011 15 2345-6789", "AR")
    assert address_key(Scheme.PHONE, home) == address_key(Scheme.PHONE, "+541123456789")
    assert address_key(Scheme.PHONE, "+541123456789") != address_key(Scheme.PHONE, "+541123456788")


def test_a_brazilian_mobile_is_never_taken_for_a_landline():
    assert address_key(Scheme.PHONE, "+5511933334444") != address_key(Scheme.PHONE, "+551133334444")


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+447700900101", "GB"),
        ("+447781123456", "GG"),
        ("+31612345678", "NL"),
        ("+12025550123", "US"),
        ("+14165550123", "CA"),
        ("+17875550123", "PR"),
        ("+77012345678", "KZ"),
        ("+882123456", None),
    ],
)
def test_the_country_comes_from_the_number(number, country):
    assert country_of(number) == country
