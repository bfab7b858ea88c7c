"""Phone numbers: what the Cloud API makes of `to`, and which country a number belongs to."""

import csv
from functools import lru_cache
from importlib.resources import files

# Area codes of +1 that are Canadian; the Caribbean ones below follow the market table. Source: NANPA, 2026.
CANADA = frozenset(
    [
        "204",
        "226",
        "236",
        "249",
        "250",
        "257",
        "263",
        "289",
        "306",
        "343",
        "354",
        "365",
        "367",
        "368",
        "382",
        "387",
        "403",
        "416",
        "418",
        "428",
        "431",
        "437",
        "438",
        "450",
        "460",
        "468",
        "474",
        "506",
        "514",
        "519",
        "537",
        "548",
        "568",
        "579",
        "581",
        "584",
        "587",
        "604",
        "613",
        "639",
        "647",
        "672",
        "683",
        "705",
        "709",
        "742",
        "753",
        "778",
        "780",
        "782",
        "807",
        "819",
        "825",
        "851",
        "867",
        "873",
        "879",
        "902",
        "905",
        "942",
    ]
)
CARIBBEAN = frozenset(
    [
        "242",
        "246",
        "264",
        "268",
        "284",
        "340",
        "345",
        "441",
        "473",
        "649",
        "658",
        "664",
        "670",
        "671",
        "684",
        "721",
        "758",
        "767",
        "784",
        "787",
        "809",
        "829",
        "849",
        "868",
        "869",
        "876",
        "939",
    ]
)


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Prefix of a number -> ISO alpha-2 of its country, from the market table."""
    found: dict[str, str] = {}
    with files("cloudsim").joinpath("data/markets.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["calling_code"] == "1" and not row["national_prefixes"]:
                continue
            for national in (row["national_prefixes"] or "").split("|"):
                if national.isdigit() or not national:
                    found.setdefault(row["calling_code"] + national, row["iso2"])
    return found


@lru_cache(maxsize=4096)
def country_of(digits: str) -> str:
    """ISO alpha-2 of a number in international digits; `US` for +1 outside Canada and the islands, else `ZZ`."""
    if digits.startswith("1"):
        area = digits[1:4]
        if area in CANADA:
            return "CA"
        if area not in CARIBBEAN:
            return "US"
    table = _countries()
    for length in (4, 3, 2, 1):
        if digits[:length] in table:
            return table[digits[:length]]
    return "ZZ"


def calling_code_of(digits: str) -> str:
    if digits.startswith("1"):
        return "1"
    codes = {prefix for prefix in _countries() if digits.startswith(prefix)}
    return min(codes, key=len) if codes else digits[:2]


def normalise(text: str, *, own_number: str) -> str:
    """International digits of `text` as the Cloud API reads it, or an empty string when it is no number.

    Without `+` and not already international, the country code of the business's own number is put in front
    (reference 2.2). Mexico's old mobile 1 is taken out, so that `wa_id` may differ from what was sent.
    """
    kept = text.translate(_PUNCTUATION)
    plus = kept.startswith("+")
    digits = kept.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return ""
    if not plus and (len(kept) != len(text) or len(digits) < 11):
        digits = calling_code_of(own_number) + digits.lstrip("0")
    if not 7 <= len(digits) <= 15:
        return ""
    if digits.startswith("521") and len(digits) == 13:
        return "52" + digits[3:]
    return digits


_PUNCTUATION = str.maketrans("", "", "-(). \u00a0")
