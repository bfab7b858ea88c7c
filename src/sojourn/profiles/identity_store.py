"""SQL of addresses. Look-ups go by key and the key's own bucket; nothing joins them to profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import bucket_of, bucket_of_key, new_id
from sojourn.profiles.model import Identity, IdentityRow, IdentityState, NewIdentity, ProfileId, Scheme, StoredIdentity
from sojourn.profiles.phone_numbers import address_key


async def find_owners(conn: Conn, workspace_id: UUID, keys: Iterable[str]) -> dict[str, StoredIdentity]:
    """Whose these keys are; unknown ones are left out."""
    rows = await fetch_all(conn, SQL_FIND_OWNERS, {"workspace": workspace_id, **_key_params(keys)})
    return {row["key"]: _stored(row) for row in rows}


async def list_strong_ids(conn: Conn, workspace_id: UUID, ids: Iterable[UUID]) -> dict[ProfileId, list[StoredIdentity]]:
    """The external and business-scoped ids of profiles: what tells two people apart."""
    found: dict[ProfileId, list[StoredIdentity]] = {}
    for row in await fetch_all(conn, SQL_LIST_STRONG, {"workspace": workspace_id, "ids": list(ids)}):
        found.setdefault(row["profile_id"], []).append(_stored(row))
    return found


async def insert_identities(conn: Conn, workspace_id: UUID, rows: Sequence[NewIdentity], now: datetime) -> set[str]:
    """Write addresses in the order of their keys, so that two transactions never wait for each other in a circle.

    Returns the keys that were written; the others belong to somebody already.
    """
    if not rows:
        return set()
    ordered = sorted(rows, key=lambda row: row.key)
    params = {
        "workspace": workspace_id,
        "keys": [row.key for row in ordered],
        "buckets": [bucket_of_key(row.key) for row in ordered],
        "profiles": [row.profile_id for row in ordered],
        "schemes": [str(row.scheme) for row in ordered],
        "values": [row.value for row in ordered],
        "wa_ids": [row.wa_id for row in ordered],
        "portfolios": [row.portfolio_id for row in ordered],
        "now": now,
    }
    return {row["key"] for row in await fetch_all(conn, SQL_INSERT_IDENTITIES, params)}


async def delete_keys(conn: Conn, workspace_id: UUID, keys: Iterable[str]) -> None:
    """Remove addresses."""
    await execute(conn, SQL_DELETE_KEYS, {"workspace": workspace_id, **_key_params(keys)})


async def update_spellings(conn: Conn, workspace_id: UUID, rows: Sequence[NewIdentity], now: datetime) -> None:
    """Complete addresses: a phone number for a WhatsApp id, the WhatsApp id for a phone number."""
    if rows:
        ordered = sorted(rows, key=lambda row: row.key)
        params = {
            "workspace": workspace_id,
            "keys": [row.key for row in ordered],
            "buckets": [bucket_of_key(row.key) for row in ordered],
            "schemes": [str(row.scheme) for row in ordered],
            "values": [row.value for row in ordered],
            "wa_ids": [row.wa_id for row in ordered],
            "now": now,
        }
        await execute(conn, SQL_UPDATE_SPELLINGS, params)


async def update_owner_of_keys(
    conn: Conn, workspace_id: UUID, owners: Mapping[str, UUID], now: datetime, *, only_from: UUID | None = None
) -> None:
    """Give addresses to other profiles, as their primary ones."""
    if owners:
        keys = sorted(owners)
        params = {
            "workspace": workspace_id,
            "keys": keys,
            "buckets": [bucket_of_key(key) for key in keys],
            "profiles": [owners[key] for key in keys],
            "only_from": only_from,
            "now": now,
        }
        await execute(conn, SQL_MOVE_KEYS, params)


async def update_owner(
    conn: Conn, workspace_id: UUID, pairs: Sequence[tuple[UUID, UUID]], now: datetime
) -> dict[ProfileId, list[tuple[str, bool]]]:
    """Give every address of the first of each pair to the second, as further ones.

    Returns, by the first, the keys that went and whether each had been a primary one.
    """
    params = {"workspace": workspace_id, "losers": [a for a, _ in pairs], "winners": [b for _, b in pairs], "now": now}
    moved: dict[ProfileId, list[tuple[str, bool]]] = {}
    for row in await fetch_all(conn, SQL_MOVE_ALL, params):
        moved.setdefault(row["loser"], []).append((row["key"], row["was_primary"]))
    return moved


async def update_primaries(conn: Conn, workspace_id: UUID, rows: Sequence[tuple[UUID, Scheme, str]]) -> None:
    """Make an address (profile, scheme, key) the one in use; the profile's others of that scheme stand behind it."""
    if rows:
        params = {
            "workspace": workspace_id,
            "profiles": [profile for profile, _, _ in rows],
            "schemes": [str(scheme) for _, scheme, _ in rows],
            "keys": [key for _, _, key in rows],
        }
        await execute(conn, SQL_UPDATE_PRIMARIES, params)


async def insert_lost(
    conn: Conn, workspace_id: UUID, lost: Sequence[tuple[UUID, StoredIdentity]], now: datetime
) -> None:
    """Keep a trace of an address with the profile that lost it, as `identity_changed`: nobody is found by it."""
    if lost:
        keys = [lost_key(profile_id, row.key) for profile_id, row in lost]
        params = {
            "workspace": workspace_id,
            "keys": keys,
            "buckets": [bucket_of_key(key) for key in keys],
            "profiles": [profile_id for profile_id, _ in lost],
            "schemes": [str(row.scheme) for _, row in lost],
            "values": [row.value for _, row in lost],
            "wa_ids": [row.wa_id for _, row in lost],
            "now": now,
        }
        await execute(conn, SQL_INSERT_LOST, params)


def lost_key(profile_id: UUID, key: str) -> str:
    """The key under which a lost address stays with its old profile."""
    return f"lost:{profile_id}:{key}"


async def insert_changes(
    conn: Conn, workspace_id: UUID, changes: Sequence[tuple[UUID, str, str, UUID | None]], now: datetime
) -> None:
    """Append to the history of addresses: (profile, scheme, kind, the other profile)."""
    if changes:
        params = {
            "workspace": workspace_id,
            "ids": [new_id(now, bucket_of(profile)) for profile, _, _, _ in changes],
            "buckets": [bucket_of(profile) for profile, _, _, _ in changes],
            "profiles": [profile for profile, _, _, _ in changes],
            "schemes": [scheme for _, scheme, _, _ in changes],
            "kinds": [kind for _, _, kind, _ in changes],
            "others": [other for _, _, _, other in changes],
            "now": now,
        }
        await execute(conn, SQL_INSERT_CHANGES, params)


async def list_identities(
    conn: Conn, workspace_id: UUID, ids: Iterable[UUID], schemes: Iterable[Scheme] | None = None
) -> dict[ProfileId, list[IdentityRow]]:
    """Addresses of profiles, the primary ones first, then the newest; every id that was asked for has a list.

    A phone number whose WhatsApp id is known yields two rows with the same key: `phone` and `wa_id`.
    """
    wanted = set(schemes) if schemes is not None else set(Scheme)
    found: dict[ProfileId, list[IdentityRow]] = {ProfileId(id_): [] for id_ in ids}
    stored = wanted | {Scheme.PHONE} if Scheme.WA_ID in wanted else wanted
    params = {"workspace": workspace_id, "ids": list(found), "schemes": [str(scheme) for scheme in stored]}
    for row in await fetch_all(conn, SQL_LIST_IDENTITIES, params):
        rows = found[row["profile_id"]]
        scheme = Scheme(row["scheme"])
        if scheme in wanted:
            rows.append(_identity_row(row, scheme, row["value"]))
        if scheme is Scheme.PHONE and row["wa_id"] is not None and Scheme.WA_ID in wanted:
            rows.append(_identity_row(row, Scheme.WA_ID, row["wa_id"]))
    return found


async def find_by_identity(conn: Conn, workspace_id: UUID, identities: Iterable[Identity]) -> dict[Identity, ProfileId]:
    """Whose these normalised identities are; unknown ones are left out."""
    keys = {identity: address_key(identity.scheme, identity.value) for identity in identities}
    owners = await find_owners(conn, workspace_id, set(keys.values()))
    return {identity: owners[key].profile_id for identity, key in keys.items() if key in owners}


async def update_unreachable(
    conn: Conn, workspace_id: UUID, keys: Iterable[str], *, day: date, needed_days: int, now: datetime
) -> list[tuple[ProfileId, str]]:
    """Count a failure as "not on WhatsApp" on this day; returns the addresses that became unreachable by it."""
    params = {"workspace": workspace_id, "day": day, "needed": needed_days, "now": now, **_key_params(keys)}
    rows = await fetch_all(conn, SQL_MARK_UNREACHABLE, params)
    return [(row["profile_id"], row["key"]) for row in rows if row["state"] == "unreachable"]


async def update_reachable(conn: Conn, workspace_id: UUID, keys: Iterable[str], now: datetime) -> None:
    """Forget failures of addresses that have shown life."""
    await execute(conn, SQL_CLEAR_UNREACHABLE, {"workspace": workspace_id, "now": now, **_key_params(keys)})


async def update_confirmed(conn: Conn, workspace_id: UUID, keys: Iterable[str], now: datetime) -> None:
    """An address that was `identity_changed` is the person's again."""
    await execute(conn, SQL_CONFIRM, {"workspace": workspace_id, "now": now, **_key_params(keys)})


def _key_params(keys: Iterable[str]) -> dict[str, list[Any]]:
    wanted = sorted(set(keys))
    return {"keys": wanted, "buckets": sorted({bucket_of_key(key) for key in wanted})}


def _stored(row: dict[str, Any]) -> StoredIdentity:
    return StoredIdentity(
        key=row["key"],
        profile_id=row["profile_id"],
        scheme=Scheme(row["scheme"]),
        value=row["value"],
        wa_id=row["wa_id"],
        portfolio_id=row["portfolio_id"],
    )


def _identity_row(row: dict[str, Any], scheme: Scheme, value: str) -> IdentityRow:
    key = row["key"]
    return IdentityRow(
        profile_id=row["profile_id"],
        scheme=scheme,
        value=value,
        key=key if not key.startswith("lost:") else key.split(":", 2)[2],
        is_primary=row["is_primary"],
        state=IdentityState(row["state"]),
        unreachable_at=row["unreachable_at"],
        created_at=row["created_at"],
    )


SQL_FIND_OWNERS: LiteralString = """
SELECT key, profile_id, scheme, value, wa_id, portfolio_id
  FROM identities
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
"""
SQL_LIST_STRONG: LiteralString = """
SELECT key, profile_id, scheme, value, wa_id, portfolio_id
  FROM identities
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND scheme IN ('external_id', 'bsuid')
   AND state <> 'identity_changed'
"""
SQL_INSERT_IDENTITIES: LiteralString = """
INSERT INTO identities (workspace_id, key, bucket, profile_id, scheme, value, wa_id, portfolio_id, created_at,
                        updated_at)
SELECT %(workspace)s, key, bucket, profile_id, scheme, value, wa_id, portfolio_id, %(now)s, %(now)s
  FROM unnest(%(keys)s::text[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(schemes)s::text[], %(values)s::text[],
              %(wa_ids)s::text[], %(portfolios)s::text[])
       AS t (key, bucket, profile_id, scheme, value, wa_id, portfolio_id)
ON CONFLICT (workspace_id, key, bucket) DO NOTHING
RETURNING key
"""
SQL_DELETE_KEYS: LiteralString = """
DELETE FROM identities
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
"""
SQL_UPDATE_SPELLINGS: LiteralString = """
UPDATE identities i
   SET scheme = t.scheme, value = t.value, wa_id = coalesce(t.wa_id, i.wa_id), updated_at = %(now)s
  FROM unnest(%(keys)s::text[], %(buckets)s::smallint[], %(schemes)s::text[], %(values)s::text[], %(wa_ids)s::text[])
       AS t (key, bucket, scheme, value, wa_id)
 WHERE i.workspace_id = %(workspace)s AND i.key = t.key AND i.bucket = t.bucket
"""
SQL_MOVE_KEYS: LiteralString = """
UPDATE identities i
   SET profile_id = t.profile_id, is_primary = true, state = 'active', unreachable_at = NULL, failed_days = '{}',
       updated_at = %(now)s
  FROM unnest(%(keys)s::text[], %(buckets)s::smallint[], %(profiles)s::uuid[]) AS t (key, bucket, profile_id)
 WHERE i.workspace_id = %(workspace)s AND i.key = t.key AND i.bucket = t.bucket
   AND (%(only_from)s::uuid IS NULL OR i.profile_id = %(only_from)s::uuid)
"""
SQL_MOVE_ALL: LiteralString = """
WITH moved AS (
    SELECT i.key, i.bucket, i.is_primary, t.loser, t.winner
      FROM identities i
      JOIN unnest(%(losers)s::uuid[], %(winners)s::uuid[]) AS t (loser, winner) ON t.loser = i.profile_id
     WHERE i.workspace_id = %(workspace)s
     ORDER BY i.key
       FOR UPDATE OF i
)
UPDATE identities i
   SET profile_id = m.winner, updated_at = %(now)s,
       is_primary = i.is_primary AND NOT EXISTS (
           SELECT 1 FROM identities o
            WHERE o.workspace_id = i.workspace_id AND o.profile_id = m.winner AND o.scheme = i.scheme AND o.is_primary)
  FROM moved m
 WHERE i.workspace_id = %(workspace)s AND i.key = m.key AND i.bucket = m.bucket
RETURNING m.loser, i.key, m.is_primary AS was_primary
"""
SQL_UPDATE_PRIMARIES: LiteralString = """
UPDATE identities i
   SET is_primary = (i.key = t.key)
  FROM unnest(%(profiles)s::uuid[], %(schemes)s::text[], %(keys)s::text[]) AS t (profile_id, scheme, key)
 WHERE i.workspace_id = %(workspace)s AND i.profile_id = t.profile_id AND i.scheme = t.scheme
   AND i.is_primary <> (i.key = t.key)
"""
SQL_INSERT_LOST: LiteralString = """
INSERT INTO identities (workspace_id, key, bucket, profile_id, scheme, value, wa_id, is_primary, state, created_at,
                        updated_at)
SELECT %(workspace)s, key, bucket, profile_id, scheme, value, wa_id, false, 'identity_changed', %(now)s, %(now)s
  FROM unnest(%(keys)s::text[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(schemes)s::text[], %(values)s::text[],
              %(wa_ids)s::text[]) AS t (key, bucket, profile_id, scheme, value, wa_id)
ON CONFLICT (workspace_id, key, bucket) DO NOTHING
"""
SQL_INSERT_CHANGES: LiteralString = """
INSERT INTO identity_changes (id, bucket, workspace_id, profile_id, scheme, kind, other_id, recorded_at)
SELECT id, bucket, %(workspace)s, profile_id, scheme, kind, other_id, %(now)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(profiles)s::uuid[], %(schemes)s::text[], %(kinds)s::text[],
              %(others)s::uuid[]) AS t (id, bucket, profile_id, scheme, kind, other_id)
"""
SQL_LIST_IDENTITIES: LiteralString = """
SELECT profile_id, key, scheme, value, wa_id, is_primary, state, unreachable_at, created_at
  FROM identities
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND scheme = ANY(%(schemes)s)
 ORDER BY is_primary DESC, created_at DESC, key
"""
SQL_MARK_UNREACHABLE: LiteralString = """
UPDATE identities
   SET failed_days = failed_days || %(day)s::date,
       state = CASE WHEN state = 'active' AND cardinality(failed_days) + 1 >= %(needed)s THEN 'unreachable'
                    ELSE state END,
       unreachable_at = CASE WHEN state = 'active' AND cardinality(failed_days) + 1 >= %(needed)s
                             THEN %(now)s ELSE unreachable_at END,
       updated_at = %(now)s
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
   AND state <> 'unreachable' AND NOT %(day)s::date = ANY(failed_days)
RETURNING profile_id, key, state
"""
SQL_CLEAR_UNREACHABLE: LiteralString = """
UPDATE identities
   SET failed_days = '{}', unreachable_at = NULL, updated_at = %(now)s,
       state = CASE WHEN state = 'unreachable' THEN 'active' ELSE state END
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
   AND (state = 'unreachable' OR failed_days <> '{}')
"""
SQL_CONFIRM: LiteralString = """
UPDATE identities
   SET state = 'active', updated_at = %(now)s
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s) AND state = 'identity_changed'
"""
