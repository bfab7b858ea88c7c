"""SQL of profiles and their data keys. Addresses: `identity_store.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Rollback

from sojourn.kit import ids as kit_ids
from sojourn.kit import json
from sojourn.kit.crypto import DataKey, KeyRing, new_data_key, unwrap_data_key, wrap_data_key
from sojourn.kit.database import Conn, copy_rows, execute, fetch_all
from sojourn.profiles.attributes import Patch
from sojourn.profiles.identity_store import find_by_identity, list_identities
from sojourn.profiles.model import AttributeChange, Profile, ProfileId, UnknownProfile

__all__ = ["find_by_identity", "get_profile", "get_profiles", "list_identities"]

COPY_FROM = 20  # rows; below, one statement with arrays is cheaper than the round trips of COPY
REMOVED_SEPARATOR = "\x1f"


async def get_profiles(conn: Conn, workspace_id: UUID, ids: Iterable[UUID]) -> dict[ProfileId, Profile]:
    """Profiles by id; ids that are unknown here are left out. Erased and merged ones are returned as such."""
    params = {"workspace": workspace_id, **_keys(ids)}
    return {row["id"]: Profile(**row) for row in await fetch_all(conn, SQL_GET_PROFILES, params)}


async def get_profile(conn: Conn, workspace_id: UUID, profile_id: UUID) -> Profile:
    """One profile; a merged one yields the profile that stands for it now. Raises UnknownProfile."""
    found = (await get_profiles(conn, workspace_id, [profile_id])).get(ProfileId(profile_id))
    if found is not None and found.merged_into is not None:
        return await get_profile(conn, workspace_id, found.merged_into)
    if found is None or found.erased_at is not None:
        raise UnknownProfile(profile_id=str(profile_id))
    return found


# Locks of people are taken in one order everywhere: new addresses by their keys, profiles in one statement by their
# ids, then known addresses. Whoever finds that what was read before a lock has changed gives the lock back first.


async def lock_profiles(conn: Conn, ids: Iterable[UUID]) -> None:
    """Lock profiles in the order of their ids, so that they may be merged: nobody else names them meanwhile."""
    await fetch_all(conn, SQL_LOCK_PROFILES, _keys(ids))


async def lock_owners(conn: Conn, ids: Iterable[UUID]) -> None:
    """Lock profiles in the order of their ids, so that their addresses may change."""
    await fetch_all(conn, SQL_LOCK_OWNERS, _keys(ids))


async def lock_whole_people(conn: Conn, ids: Iterable[UUID]) -> None:
    """As `lock_profiles`, for all profiles of the people behind these, as they stand once the locks are there."""
    wanted = list(ids)
    is_settled = False
    while not is_settled:
        people = await list_people(conn, wanted)
        async with conn.transaction() as attempt:
            await lock_profiles(conn, {one for person in people.values() for one in person})
            is_settled = await list_people(conn, wanted) == people
            if not is_settled:
                raise Rollback(attempt)


async def list_profiles(conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int) -> list[Profile]:
    """Living profiles of a workspace, oldest first."""
    params = {"workspace": workspace_id, "after": after, "limit": limit}
    return [Profile(**row) for row in await fetch_all(conn, SQL_LIST_PROFILES, params)]


async def list_aliases(conn: Conn, ids: Iterable[UUID]) -> dict[ProfileId, list[ProfileId]]:
    """The profiles that were merged into these, by the profile that stands for them now."""
    found: dict[ProfileId, list[ProfileId]] = {}
    for row in await fetch_all(conn, SQL_LIST_ALIASES, {"ids": list(ids)}):
        found.setdefault(row["merged_into"], []).append(row["id"])
    return found


async def list_people(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, tuple[ProfileId, ...]]:
    """All profiles of the person behind each of these, itself among them; the one that stands for them comes first.

    The same person yields the same tuple, whichever of their profiles was asked for. Locks nothing.
    """
    wanted = list(dict.fromkeys(ids))
    rows = await fetch_all(conn, SQL_LIST_STANDING, _keys(wanted))
    standing = {id_: ProfileId(id_) for id_ in wanted} | {row["id"]: row["standing"] for row in rows}
    aliases = await list_aliases(conn, set(standing.values()))
    return {id_: (head, *aliases.get(head, ())) for id_, head in standing.items()}


async def lock_people(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, tuple[ProfileId, ...]]:
    """As `list_people`, and so that nobody of these is merged, or merged back, before this transaction ends.

    Of people with several profiles one transaction at a time has the lock; all others only keep a merge waiting.
    """
    wanted = list(dict.fromkeys(ids))
    await fetch_all(conn, SQL_KEEP_PROFILES, _keys(wanted))
    locked: set[ProfileId] = set()
    while True:  # who stands for a person may change until the lock is there
        people = await list_people(conn, wanted)
        heads = {person[0] for person in people.values() if len(person) > 1} - locked
        if not heads:
            return people
        await lock_owners(conn, heads)
        locked |= heads


async def insert_profiles(conn: Conn, profiles: Sequence[Profile]) -> None:
    """Write new profiles."""
    rows = [
        (
            profile.id,
            kit_ids.bucket_of(profile.id),
            profile.workspace_id,
            json.encode(profile.attributes).decode(),
            profile.locale,
            profile.timezone,
            profile.country,
            profile.is_test,
            profile.source,
            profile.created_at,
            profile.updated_at,
        )
        for profile in profiles
    ]
    if len(rows) >= COPY_FROM:
        await copy_rows(conn, SQL_COPY_PROFILES, rows)
    elif rows:
        columns = zip(*rows, strict=True)
        names = ("ids", "buckets", "workspaces", "attributes", "locales", "zones", "countries", "tests", "sources")
        params = dict(zip((*names, "created", "updated"), map(list, columns), strict=True))
        await execute(conn, SQL_INSERT_PROFILES, params)


async def update_attributes(
    conn: Conn, patches: Sequence[tuple[UUID, Patch]], *, source: str, now: datetime
) -> list[ProfileId]:
    """Merge patches into profiles (one patch a profile), locking them in the order of their ids.

    Returns the profiles that really changed, and notes what in their history by the same statement. Erased ones never
    change.
    """
    if not patches:
        return []
    params = {
        "ids": [profile_id for profile_id, _ in patches],
        "buckets": [kit_ids.bucket_of(profile_id) for profile_id, _ in patches],
        "changes": [kit_ids.new_id(now, kit_ids.bucket_of(profile_id)) for profile_id, _ in patches],
        "source": source,
        "values": [json.encode(patch.values).decode() for _, patch in patches],
        "removed": [REMOVED_SEPARATOR.join(patch.removed) for _, patch in patches],
        "locales": [patch.locale for _, patch in patches],
        "zones": [patch.timezone for _, patch in patches],
        "countries": [patch.country for _, patch in patches],
        "now": now,
    }
    return [row["id"] for row in await fetch_all(conn, SQL_UPDATE_ATTRIBUTES, params)]


async def update_test_flags(conn: Conn, ids: Sequence[UUID], now: datetime) -> None:
    """Mark profiles as test profiles."""
    await execute(conn, SQL_MARK_TEST, {**_keys(ids), "now": now})


async def list_attribute_changes(
    conn: Conn, workspace_id: UUID, ids: Sequence[UUID], *, name: str | None, before: UUID | None, limit: int
) -> list[AttributeChange]:
    """What changed of these profiles' attributes, newest first; with `name` only changes of that attribute."""
    params = {"workspace": workspace_id, "name": name, "before": before, "limit": limit, **_keys(ids)}
    return [AttributeChange(**row) for row in await fetch_all(conn, SQL_LIST_CHANGES, params)]


async def list_declared_types(conn: Conn, workspace_id: UUID) -> dict[str, str]:
    """Attributes whose type somebody declared."""
    rows = await fetch_all(conn, SQL_LIST_DECLARED, {"workspace": workspace_id})
    return {row["name"]: row["type"] for row in rows}


async def list_attribute_definitions(conn: Conn, workspace_id: UUID) -> list[dict[str, Any]]:
    """Every attribute that was ever seen, by name: `name`, `type`, `is_declared`."""
    return await fetch_all(conn, SQL_LIST_DEFINITIONS, {"workspace": workspace_id})


async def insert_attribute_definitions(conn: Conn, workspace_id: UUID, types: dict[str, str], now: datetime) -> None:
    """Note attributes at their first sight; an inferred type that does not hold becomes `mixed`."""
    names = sorted(types)
    params = {"workspace": workspace_id, "names": names, "types": [types[name] for name in names], "now": now}
    await execute(conn, SQL_NOTE_ATTRIBUTES, params)


async def upsert_declared_type(conn: Conn, workspace_id: UUID, name: str, type_: str, now: datetime) -> None:
    """Declare the type of an attribute."""
    await execute(conn, SQL_DECLARE, {"workspace": workspace_id, "name": name, "type": type_, "now": now})


async def get_profile_keys(conn: Conn, keys: KeyRing, ids: Iterable[UUID]) -> dict[ProfileId, DataKey]:
    """The data keys of profiles, as far as they have one: an erased person has none any more."""
    rows = await fetch_all(conn, SQL_GET_KEYS, _keys(ids))
    return {row["profile_id"]: unwrap_data_key(keys, row["wrapped"]) for row in rows}


async def ensure_profile_keys(conn: Conn, keys: KeyRing, ids: Iterable[UUID]) -> dict[ProfileId, DataKey]:
    """The data keys of living profiles, made where there is none yet. Erased and unknown ones are left out."""
    wanted = sorted(set(ids))
    found = await get_profile_keys(conn, keys, wanted)
    missing = [profile_id for profile_id in wanted if profile_id not in found]
    if not missing:
        return found
    params = {**_keys(missing), "wrapped": [wrap_data_key(keys, new_data_key()) for _ in missing]}
    await execute(conn, SQL_INSERT_KEYS, params)
    return {**found, **await get_profile_keys(conn, keys, missing)}


async def delete_people(conn: Conn, workspace_id: UUID, ids: Sequence[UUID], now: datetime) -> dict[str, int]:
    """Erase what these folders hold of people: addresses, attributes, data keys. The bare profile row stays.

    Returns how many rows of each table went or were emptied.
    """
    params = {"workspace": workspace_id, "now": now, **_keys(ids)}
    return {
        "identities": await execute(conn, SQL_ERASE_IDENTITIES, params),
        "identity_changes": await execute(conn, SQL_ERASE_CHANGES, params),
        "attribute_changes": await execute(conn, SQL_ERASE_HISTORY, params),
        "profile_merges": await execute(conn, SQL_ERASE_MERGES, params),
        "profile_keys": await execute(conn, SQL_ERASE_KEYS, params),
        "profiles": await execute(conn, SQL_ERASE_PROFILES, params),
    }


def _keys(ids: Iterable[UUID]) -> dict[str, list[Any]]:
    wanted = list(ids)
    return {"ids": wanted, "buckets": sorted({kit_ids.bucket_of(id_) for id_ in wanted})}


SQL_GET_PROFILES: LiteralString = """
SELECT id, workspace_id, attributes, locale, timezone, country, is_test, source, created_at, updated_at, erased_at,
       merged_into
  FROM profiles
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND workspace_id = %(workspace)s
"""
SQL_LOCK_PROFILES: LiteralString = """
SELECT id FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id FOR UPDATE
"""
SQL_LIST_PROFILES: LiteralString = """
SELECT id, workspace_id, attributes, locale, timezone, country, is_test, source, created_at, updated_at, erased_at,
       merged_into
  FROM profiles
 WHERE workspace_id = %(workspace)s AND erased_at IS NULL AND merged_into IS NULL
   AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
 ORDER BY id
 LIMIT %(limit)s
"""
SQL_LIST_ALIASES: LiteralString = """
SELECT id, merged_into FROM profiles WHERE merged_into = ANY(%(ids)s) ORDER BY id
"""
SQL_LIST_STANDING: LiteralString = """
SELECT id, coalesce(merged_into, id) AS standing FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_KEEP_PROFILES: LiteralString = """
SELECT id FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id FOR KEY SHARE
"""
SQL_LOCK_OWNERS: LiteralString = """
SELECT id FROM profiles WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) ORDER BY id FOR NO KEY UPDATE
"""
SQL_COPY_PROFILES: LiteralString = """
COPY profiles (id, bucket, workspace_id, attributes, locale, timezone, country, is_test, source, created_at, updated_at)
FROM STDIN
"""
SQL_INSERT_PROFILES: LiteralString = """
INSERT INTO profiles (id, bucket, workspace_id, attributes, locale, timezone, country, is_test, source, created_at,
                      updated_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(workspaces)s::uuid[], %(attributes)s::jsonb[],
                     %(locales)s::text[], %(zones)s::text[], %(countries)s::text[], %(tests)s::boolean[],
                     %(sources)s::text[], %(created)s::timestamptz[], %(updated)s::timestamptz[])
"""
# The same statement writes the history: the names whose value really is another one now, and no row without any.
SQL_UPDATE_ATTRIBUTES: LiteralString = """
WITH patches AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(values)s::jsonb[], %(removed)s::text[],
                         %(locales)s::text[], %(zones)s::text[], %(countries)s::text[], %(changes)s::uuid[])
                  AS t (id, bucket, given, removed, locale, timezone, country, change_id)
), current AS (
    SELECT p.id, p.bucket, p.workspace_id, t.change_id, t.given, t.removed, p.attributes AS before,
           (p.attributes || t.given) - string_to_array(t.removed, chr(31)) AS attributes,
           coalesce(t.locale, p.locale) AS locale,
           coalesce(t.timezone, p.timezone) AS timezone,
           coalesce(t.country, p.country) AS country
      FROM profiles p
      JOIN patches t ON t.id = p.id AND t.bucket = p.bucket
     WHERE p.erased_at IS NULL
     ORDER BY p.id
       FOR NO KEY UPDATE OF p
), noted AS (
    INSERT INTO attribute_changes (id, bucket, workspace_id, profile_id, source, changes, changed_at)
    SELECT c.change_id, c.bucket, c.workspace_id, c.id, %(source)s, d.changes, %(now)s
      FROM current c
      JOIN LATERAL (
           SELECT jsonb_object_agg(n.name, jsonb_build_array(c.before -> n.name, c.attributes -> n.name)) AS changes
             FROM (SELECT jsonb_object_keys(c.given) UNION ALL SELECT unnest(string_to_array(c.removed, chr(31))))
                  AS n (name)
            WHERE c.before -> n.name IS DISTINCT FROM c.attributes -> n.name) d ON d.changes IS NOT NULL
     WHERE c.before <> c.attributes
)
UPDATE profiles p
   SET attributes = c.attributes, locale = c.locale, timezone = c.timezone, country = c.country, updated_at = %(now)s
  FROM current c
 WHERE p.id = c.id AND p.bucket = c.bucket
   AND (p.attributes, p.locale, p.timezone, p.country)
       IS DISTINCT FROM (c.attributes, c.locale, c.timezone, c.country)
RETURNING p.id
"""
SQL_LIST_CHANGES: LiteralString = """
SELECT id, profile_id, source, changes, changed_at
  FROM attribute_changes
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND workspace_id = %(workspace)s
   AND (%(name)s::text IS NULL OR changes ? %(name)s::text)
   AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
SQL_MARK_TEST: LiteralString = """
UPDATE profiles
   SET is_test = true, updated_at = %(now)s
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND NOT is_test
"""
SQL_LIST_DECLARED: LiteralString = """
SELECT name, type FROM attribute_definitions WHERE workspace_id = %(workspace)s AND is_declared
"""
SQL_LIST_DEFINITIONS: LiteralString = """
SELECT name, type, is_declared FROM attribute_definitions WHERE workspace_id = %(workspace)s ORDER BY name
"""
SQL_NOTE_ATTRIBUTES: LiteralString = """
INSERT INTO attribute_definitions AS d (workspace_id, name, type, created_at)
SELECT %(workspace)s, t.name, t.type, %(now)s
  FROM unnest(%(names)s::text[], %(types)s::text[]) AS t (name, type)
ON CONFLICT (workspace_id, name) DO UPDATE SET type = 'mixed'
 WHERE NOT d.is_declared AND d.type <> excluded.type AND d.type <> 'mixed'
"""
SQL_DECLARE: LiteralString = """
INSERT INTO attribute_definitions (workspace_id, name, type, is_declared, created_at)
VALUES (%(workspace)s, %(name)s, %(type)s, true, %(now)s)
ON CONFLICT (workspace_id, name) DO UPDATE SET type = excluded.type, is_declared = true
"""
SQL_GET_KEYS: LiteralString = """
SELECT profile_id, wrapped FROM profile_keys WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_INSERT_KEYS: LiteralString = """
INSERT INTO profile_keys (profile_id, bucket, wrapped)
SELECT t.id, p.bucket, t.wrapped
  FROM unnest(%(ids)s::uuid[], %(wrapped)s::bytea[]) AS t (id, wrapped)
  JOIN profiles p ON p.id = t.id AND p.bucket = ANY(%(buckets)s) AND p.erased_at IS NULL
 ORDER BY t.id
ON CONFLICT DO NOTHING
"""
SQL_ERASE_IDENTITIES: LiteralString = """
DELETE FROM identities WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s)
"""
SQL_ERASE_CHANGES: LiteralString = """
DELETE FROM identity_changes WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s)
"""
SQL_ERASE_HISTORY: LiteralString = """
DELETE FROM attribute_changes WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_ERASE_MERGES: LiteralString = """
DELETE FROM profile_merges
 WHERE workspace_id = %(workspace)s AND (loser_id = ANY(%(ids)s) OR winner_id = ANY(%(ids)s))
"""
SQL_ERASE_KEYS: LiteralString = """
DELETE FROM profile_keys WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_ERASE_PROFILES: LiteralString = """
UPDATE profiles
   SET attributes = '{}', locale = NULL, timezone = NULL, country = NULL, erased_at = %(now)s, updated_at = %(now)s
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND workspace_id = %(workspace)s AND erased_at IS NULL
"""
