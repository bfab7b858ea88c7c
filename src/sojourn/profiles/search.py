"""Finding people by what somebody types: an address, a part of one, or a part of a name.

Reads every person of the workspace when it has to: people search by hand, and rarely. No index on names is kept, which
every write of a profile would have to pay for.
"""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, fetch_all
from sojourn.profiles.model import Identity, InvalidIdentity, Profile, Scheme
from sojourn.profiles.phone_numbers import SPACES, normalise_identity
from sojourn.profiles.store import find_by_identity

WORDS_MAX = 6
FRAGMENT_MIN = 3  # characters of an address
FRAGMENT_PEOPLE_MAX = 1_000


def addresses_in(text: str, default_region: str | None) -> list[Identity]:
    """Every address that the text could be as a whole, as it is stored."""
    found = []
    for scheme in Scheme:
        try:
            found.append(normalise_identity(Identity(scheme, text), default_region))
        except InvalidIdentity:
            continue
    return found


def fragment_of(text: str) -> str | None:
    """What to look for inside addresses: the digits of something that looks like a number, else the text. Or None."""
    digits = SPACES.sub("", text).lstrip("+")
    if digits.isdigit():
        digits = digits.lstrip("0")
        return digits if len(digits) >= FRAGMENT_MIN else None
    return text.lower() if len(text) >= FRAGMENT_MIN and " " not in text else None


async def search_profiles(
    conn: Conn, workspace_id: UUID, text: str, *, default_region: str | None, after: UUID | None, limit: int
) -> list[Profile]:
    """Living people, oldest first, whose address is or contains the text, or whose name has all of its words."""
    words = text.split()[:WORDS_MAX]
    fragment = fragment_of(text)
    owners = await find_by_identity(conn, workspace_id, addresses_in(text, default_region))
    params = {
        "workspace": workspace_id, "after": after, "limit": limit, "owners": list(set(owners.values())),
        "words": [_pattern(word.lower()) for word in words],
        "fragment": None if fragment is None else _pattern(fragment), "people": FRAGMENT_PEOPLE_MAX,
    }  # fmt: skip
    return [Profile(**row) for row in await fetch_all(conn, SQL_SEARCH, params)]


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


SQL_SEARCH: LiteralString = """
SELECT id, workspace_id, attributes, locale, timezone, country, is_test, source, created_at, updated_at, erased_at,
       merged_into
  FROM profiles
 WHERE workspace_id = %(workspace)s AND erased_at IS NULL AND merged_into IS NULL
   AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
   AND (id = ANY(%(owners)s::uuid[])
        OR lower(concat_ws(' ', attributes ->> 'name', attributes ->> 'first_name', attributes ->> 'last_name'))
           LIKE ALL(%(words)s::text[])
        OR id IN (SELECT profile_id
                    FROM identities
                   WHERE workspace_id = %(workspace)s AND %(fragment)s::text IS NOT NULL
                     AND scheme IN ('phone', 'wa_id', 'email', 'external_id') AND lower(value) LIKE %(fragment)s::text
                   LIMIT %(people)s))
 ORDER BY id
 LIMIT %(limit)s
"""
