"""The shop's 500 people: the same ones every time, none of them real. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

COUNT = 500
FIRST_NUMBER = 447_000_000_000  # a range that no operator hands out
WORDING = "Yes, tell me about my orders on WhatsApp."
WORDING_WITH_OFFERS = "Yes, tell me about my orders and about offers on WhatsApp. I can stop at any time."
FIRST_NAMES = (
    "Anna", "Ben", "Chloe", "Daan", "Emma", "Finn", "Grace", "Hugo", "Iris", "Jack",
    "Kate", "Liam", "Mila", "Noah", "Olive", "Piet", "Quinn", "Rosa", "Sam", "Tess",
    "Uma", "Vera", "Will", "Xena", "Yara", "Zoe", "Amir", "Bella", "Cem", "Dora",
)  # fmt: skip
LAST_NAMES = (
    "Archer", "Baker", "Carter", "Dekker", "Ellis", "Fisher", "Gardner", "Hughes", "Ingram", "Jansen",
    "Kelly", "Lowe", "Mason", "Novak", "Osman", "Parker", "Quist", "Reid", "Smit", "Turner",
    "Underhill", "Visser", "Ward", "Young", "Zeller",
)  # fmt: skip
FAVOURITES = ("espresso", "filter", "decaf", "cold brew")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One customer. `purposes` are what they agreed to on WhatsApp; a few agreed to nothing."""

    number: int
    first_name: str
    last_name: str
    language: str
    timezone: str
    favourite: str
    purposes: tuple[str, ...]

    @property
    def wa_id(self) -> str:
        """Their WhatsApp id: the phone number's digits."""
        return str(self.number)

    @property
    def phone(self) -> str:
        """Their number in E.164."""
        return f"+{self.number}"


def people(count: int = COUNT) -> Iterator[Person]:
    """All of them, in order."""
    for index in range(count):
        dutch = index % 5 == 3
        yield Person(
            number=FIRST_NUMBER + index,
            first_name=FIRST_NAMES[index % len(FIRST_NAMES)],
            last_name=LAST_NAMES[(index * 7) % len(LAST_NAMES)],
            language="nl" if dutch else "en",
            timezone="Europe/Amsterdam" if dutch else "Europe/London",
            favourite=FAVOURITES[index % len(FAVOURITES)],
            purposes=_purposes(index),
        )


def _purposes(index: int) -> tuple[str, ...]:
    if index % 25 == 24:
        return ()
    return ("transactional", "marketing") if index % 3 else ("transactional",)


COLUMNS = (
    "phone", "external_id", "first_name", "last_name", "language", "timezone", "favourite",
    "consent_channel", "consent_purpose", "consent_state", "consent_at", "consent_source", "consent_wording",
    "consent_wording_version", "consent_language", "consent_form_id",
)  # fmt: skip


def as_csv(count: int = COUNT) -> str:
    """The file that a shop would import: one line a person, with the evidence of what they agreed to."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for index, person in enumerate(people(count)):
        about = (
            person.phone, f"customer-{index + 1}", person.first_name, person.last_name, person.language,
            person.timezone, person.favourite,
        )  # fmt: skip
        writer.writerow((*about, *_consent(index, person)))
    return text.getvalue()


def _consent(index: int, person: Person) -> tuple[str, ...]:
    if not person.purposes:
        return ("",) * 9
    wording = WORDING_WITH_OFFERS if "marketing" in person.purposes else WORDING
    given_at = f"2026-0{1 + index % 9}-{1 + index % 28:02d}T{8 + index % 12:02d}:{index % 60:02d}:00Z"
    return ("whatsapp", "|".join(person.purposes), "granted", given_at, "form", wording, "3", "en", "checkout-7")
