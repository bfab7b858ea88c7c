"""How addresses are written and compared: pure.

Phone numbers are written in E.164 as `phonenumbers` (Google's libphonenumber) does. A number that the library calls
invalid is kept all the same: test numbers and new ranges are among them.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from sojourn.profiles.model import Identity, InvalidIdentity, Scheme

ID_MAX = 255  # characters
BSUID_MAX = 140  # characters; country code, dot, up to 128 letters and digits (Cloud API reference 5.4)
EMAIL_MAX = 254  # characters; RFC 5321, section 4.5.3.1.3

# Already E.164 for certain: no trunk prefix can hide in these, so that the parser need not look (17 µs a number).
PLAIN_E164 = re.compile(
    r"\+(?:44[1-9]\d{9}|49[1-9]\d{9,10}|33[1-9]\d{8}|34[6-9]\d{8}|31[1-9]\d{8}|55[1-9]\d9\d{8}|91[6-9]\d{9}|1[2-9]\d{9})"
)
SPACES = re.compile(r"[\s\u00a0().\-/]+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
BSUID = re.compile(r"[A-Za-z]{2}\.[A-Za-z0-9.]{1,137}")
BRAZIL_MOBILE = re.compile(r"55(\d\d)9([6-9]\d{7})")
MEXICO_MOBILE = re.compile(r"521(\d{10})")
ARGENTINA_MOBILE = re.compile(r"549(\d{10})")


def normalise(scheme: Scheme, value: str, default_region: str | None = None) -> str:
    """A value as it is stored: E.164 for a phone, digits for a WhatsApp id, lower case for an email.

    `default_region` (two letters) is the country of a phone number without one. Raises InvalidIdentity.
    """
    if scheme is Scheme.PHONE:
        return _normalise_phone(value.strip(), default_region)
    text = value.strip()
    if not text:
        raise InvalidIdentity(scheme, "empty")
    if scheme is Scheme.WA_ID:
        digits = SPACES.sub("", text.removeprefix("+"))
        if not (digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 20):
            raise InvalidIdentity(scheme, "a WhatsApp id is 5 to 20 digits")
        return digits
    if scheme is Scheme.BSUID:
        if len(text) > BSUID_MAX or BSUID.fullmatch(text) is None:
            raise InvalidIdentity(scheme, "a business-scoped id is a country code, a dot and letters or digits")
        return text
    if scheme is Scheme.EMAIL:
        if len(text) > EMAIL_MAX or EMAIL.fullmatch(text) is None:
            raise InvalidIdentity(scheme, "not an email address")
        return text.lower()
    if len(text) > ID_MAX or "\x00" in text:
        raise InvalidIdentity(scheme, f"longer than {ID_MAX} characters")
    return text


def _normalise_phone(text: str, region: str | None) -> str:
    if PLAIN_E164.fullmatch(text):
        return text
    return _parse_phone(text, region)


@lru_cache(maxsize=65_536)
def _parse_phone(text: str, region: str | None) -> str:
    compact = SPACES.sub("", text)
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if not compact.startswith("+") and region is None:
        compact = "+" + compact  # without a region the calling code is all there is
    try:
        parsed = phonenumbers.parse(compact, region)
    except NumberParseException as error:
        raise InvalidIdentity(Scheme.PHONE, "not a phone number") from error
    if phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.TOO_SHORT:
        raise InvalidIdentity(Scheme.PHONE, "too short for a phone number")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def normalise_identity(identity: Identity, default_region: str | None = None) -> Identity:
    """The identity as it is stored. Raises InvalidIdentity."""
    value = normalise(identity.scheme, identity.value, default_region)
    return identity if value == identity.value else Identity(identity.scheme, value)


def address_key(scheme: Scheme | str, value: str) -> str:
    """What a normalised address is compared by: equal keys are the same line, whatever the spelling.

    A phone number and a WhatsApp id share their keys. Brazilian mobiles with and without the ninth digit are one line,
    and so are Mexican mobiles with and without the 1 (Cloud API reference, 2.2), and Argentine ones with and without
    the 9: WhatsApp writes it (Help Center, "About international phone number format", read 2026-08), who calls from
    within the country does not, and the ten digits behind it are one line's alone, fixed or mobile (ITU, national
    numbering plan of Argentina: area code and subscriber number are ten digits, mobiles are called with 9 from abroad).
    """
    if scheme in (Scheme.PHONE, Scheme.WA_ID):
        digits = value.removeprefix("+")
        if digits.startswith("55"):
            digits = BRAZIL_MOBILE.sub(r"55\1\2", digits) if len(digits) == 13 else digits
        elif digits.startswith("521"):
            digits = MEXICO_MOBILE.sub(r"52\1", digits) if len(digits) == 13 else digits
        elif digits.startswith("549"):
            digits = ARGENTINA_MOBILE.sub(r"54\1", digits) if len(digits) == 13 else digits
        return "tel:" + digits
    return f"{scheme}:{value}"


def country_of(phone: str) -> str | None:
    """The country (two letters) of an E.164 number, for numbers that the library calls invalid too; else None."""
    prefix = phone[:9]
    known = _countries.get(prefix)
    if known is not None:
        return known
    for length in (1, 2, 3):
        code = phone[1 : 1 + length]
        if code.isdigit() and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _country_of(phone, int(code), prefix)
    return None


def _country_of(phone: str, code: int, prefix: str) -> str | None:
    rest = phone[1 + len(str(code)) :]
    if not rest.isdigit():
        return None
    region = phonenumbers.region_code_for_number(PhoneNumber(code, int(rest)))
    if region is None or region in NO_COUNTRY:
        main = phonenumbers.region_code_for_country_code(code)
        return None if main in NO_COUNTRY else main
    if len(_countries) < COUNTRIES_REMEMBERED:
        _countries[prefix] = region
    return region


NO_COUNTRY = frozenset({"001", "ZZ"})  # world-wide numbers; unknown
COUNTRIES_REMEMBERED = 50_000
# Valid numbers only: which country of a shared calling code a number belongs to is settled by its first digits.
_countries: dict[str, str] = {}
