"""SQL of merges: what each of them did, and who became an alias of whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sojourn.kit import json
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import bucket_of, bucket_of_key
from sojourn.profiles.merging import FACTS, Merge
from sojourn.profiles.model import ProfileId


@dataclass(frozen=True, slots=True)
class Alias:
    """Who stands for a merged profile now, and since when."""

    standing_id: ProfileId
    merged_at: datetime


async def find_aliases(conn: Conn, ids: Iterable[UUID]) -> dict[ProfileId, Alias]:
    """The profiles that were merged into these, by their own id."""
    rows = await fetch_all(conn, SQL_FIND_ALIASES, {"ids": list(ids)})
    return {row["id"]: Alias(row["merged_into"], row["merged_at"]) for row in rows}


async def find_standing(conn: Conn, ids: Iterable[UUID]) -> dict[UUID, ProfileId]:
    """Who stands for those of these profiles that were merged; the others are left out."""
    wanted = list(ids)
    params = {"ids": wanted, "buckets": sorted({bucket_of(id_) for id_ in wanted})}
    return {row["id"]: row["merged_into"] for row in await fetch_all(conn, SQL_FIND_STANDING, params)}


async def update_merged(conn: Conn, pairs: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Make the first of each pair, and all its aliases, aliases of the second."""
    params = {"losers": [loser for loser, _ in pairs], "winners": [winner for _, winner in pairs], "now": now}
    await execute(conn, SQL_MARK_MERGED, params)


async def update_unmerged(conn: Conn, profile_id: UUID, followers: Sequence[UUID], now: datetime) -> None:
    """Let a profile stand for itself again, and for these aliases."""
    ids = [profile_id, *followers]
    params = {"id": profile_id, "ids": ids, "buckets": sorted({bucket_of(id_) for id_ in ids}), "now": now}
    await execute(conn, SQL_MARK_UNMERGED, params)


async def insert_merges(conn: Conn, workspace_id: UUID, merges: Sequence[Merge]) -> None:
    """Note what merges did."""
    params = {
        "workspace": workspace_id,
        "ids": [merge.id for merge in merges],
        "buckets": [bucket_of(merge.loser_id) for merge in merges],
        "losers": [merge.loser_id for merge in merges],
        "winners": [merge.winner_id for merge in merges],
        "merged": [merge.merged_at for merge in merges],
        **_json_columns(merges),
    }
    await execute(conn, SQL_INSERT_MERGES, params)


async def update_merges(conn: Conn, merges: Sequence[Merge]) -> None:
    """Write what may change of merges: an earlier one below them was undone."""
    if merges:
        params = {
            "ids": [merge.id for merge in merges],
            "buckets": [bucket_of(merge.loser_id) for merge in merges],
            "losers": [merge.loser_id for merge in merges],
            **_json_columns(merges),
        }
        await execute(conn, SQL_UPDATE_MERGES, params)


async def list_merges(conn: Conn, workspace_id: UUID, losers: Iterable[UUID]) -> dict[ProfileId, Merge]:
    """The merges in force that made these profiles aliases, by loser."""
    wanted = list(losers)
    params = {"workspace": workspace_id, "ids": wanted, "buckets": sorted({bucket_of(id_) for id_ in wanted})}
    found: dict[ProfileId, Merge] = {}
    for row in await fetch_all(conn, SQL_LIST_MERGES, params):
        lists = {name: tuple(row[name]) for name in ("keys", "primary_keys")}
        found[row["loser_id"]] = Merge(**{**row, **lists})
    return found


async def update_undone(conn: Conn, merge: Merge, *, standing_id: UUID, now: datetime) -> None:
    """Note that a merge was undone, and who had stood for the loser."""
    params = {"id": merge.id, "loser": merge.loser_id, "bucket": bucket_of(merge.loser_id), "from": standing_id}
    await execute(conn, SQL_MARK_UNDONE, {**params, "now": now})


async def list_apart(conn: Conn, workspace_id: UUID, ids: Iterable[UUID]) -> set[frozenset[ProfileId]]:
    """Pairs among these profiles that somebody had merged and parted again: they are two people."""
    wanted = list(ids)
    params = {"workspace": workspace_id, "ids": wanted, "buckets": sorted({bucket_of(id_) for id_ in wanted})}
    rows = await fetch_all(conn, SQL_LIST_APART, params)
    return {
        frozenset({row["loser_id"], other})
        for row in rows
        for other in (row["winner_id"], row["undone_from"])
        if other in wanted
    }


async def return_keys(conn: Conn, workspace_id: UUID, merge: Merge, *, standing_id: UUID, now: datetime) -> list[str]:
    """Give the addresses of a merge back to its loser, as far as the standing profile still has them. Which went."""
    params = {
        "workspace": workspace_id,
        "loser": merge.loser_id,
        "standing": standing_id,
        "keys": list(merge.keys),
        "buckets": sorted({bucket_of_key(key) for key in merge.keys}),
        "primary": list(merge.primary_keys),
        "now": now,
    }
    rows = await fetch_all(conn, SQL_RETURN_KEYS, params) if merge.keys else []
    return [row["key"] for row in rows]


async def clear_facts(conn: Conn, facts: Mapping[UUID, Mapping[str, str]], now: datetime) -> None:
    """Empty the locale, zone or country of profiles where it still is the given one."""
    if facts:
        ids = sorted(facts)
        params: dict[str, Any] = {name: [facts[id_].get(name) for id_ in ids] for name in FACTS}
        params |= {"ids": ids, "buckets": [bucket_of(id_) for id_ in ids], "now": now}
        await execute(conn, SQL_CLEAR_FACTS, params)


def _json_columns(merges: Sequence[Merge]) -> dict[str, list[str]]:
    """The columns of several values each, as JSON: arrays of arrays of unequal length cannot be unnested."""
    return {
        name: [json.encode(getattr(merge, name)).decode() for merge in merges]
        for name in ("keys", "primary_keys", "given", "given_facts")
    }


SQL_FIND_ALIASES: LiteralString = """
SELECT id, merged_into, coalesce(merged_at, updated_at) AS merged_at
  FROM profiles
 WHERE merged_into = ANY(%(ids)s)
 ORDER BY id
"""
SQL_FIND_STANDING: LiteralString = """
SELECT id, merged_into
  FROM profiles
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND merged_into IS NOT NULL
"""
SQL_MARK_MERGED: LiteralString = """
UPDATE profiles p
   SET merged_into = t.winner, merged_at = %(now)s, updated_at = %(now)s
  FROM unnest(%(losers)s::uuid[], %(winners)s::uuid[]) AS t (loser, winner)
 WHERE p.id = t.loser OR p.merged_into = t.loser
"""
SQL_MARK_UNMERGED: LiteralString = """
UPDATE profiles
   SET merged_into = CASE WHEN id <> %(id)s THEN %(id)s::uuid END,
       merged_at = CASE WHEN id <> %(id)s THEN merged_at END,
       updated_at = %(now)s
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_INSERT_MERGES: LiteralString = """
INSERT INTO profile_merges (id, bucket, workspace_id, loser_id, winner_id, keys, primary_keys, given, given_facts,
                            merged_at)
SELECT id, bucket, %(workspace)s, loser_id, winner_id,
       ARRAY(SELECT jsonb_array_elements_text(keys)), ARRAY(SELECT jsonb_array_elements_text(primary_keys)),
       given, given_facts, merged_at
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(losers)s::uuid[], %(winners)s::uuid[], %(keys)s::jsonb[],
              %(primary_keys)s::jsonb[], %(given)s::jsonb[], %(given_facts)s::jsonb[], %(merged)s::timestamptz[])
       AS t (id, bucket, loser_id, winner_id, keys, primary_keys, given, given_facts, merged_at)
"""
SQL_UPDATE_MERGES: LiteralString = """
UPDATE profile_merges m
   SET keys = ARRAY(SELECT jsonb_array_elements_text(t.keys)),
       primary_keys = ARRAY(SELECT jsonb_array_elements_text(t.primary_keys)),
       given = t.given, given_facts = t.given_facts
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(losers)s::uuid[], %(keys)s::jsonb[],
              %(primary_keys)s::jsonb[], %(given)s::jsonb[], %(given_facts)s::jsonb[])
       AS t (id, bucket, loser_id, keys, primary_keys, given, given_facts)
 WHERE m.loser_id = t.loser_id AND m.id = t.id AND m.bucket = t.bucket
"""
SQL_LIST_MERGES: LiteralString = """
SELECT id, loser_id, winner_id, keys, primary_keys, given, given_facts, merged_at
  FROM profile_merges
 WHERE workspace_id = %(workspace)s AND loser_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND undone_at IS NULL
"""
SQL_MARK_UNDONE: LiteralString = """
UPDATE profile_merges
   SET undone_at = %(now)s, undone_from = %(from)s
 WHERE loser_id = %(loser)s AND id = %(id)s AND bucket = %(bucket)s
"""
SQL_LIST_APART: LiteralString = """
SELECT loser_id, winner_id, undone_from
  FROM profile_merges
 WHERE workspace_id = %(workspace)s AND loser_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
   AND undone_at IS NOT NULL AND (winner_id = ANY(%(ids)s) OR undone_from = ANY(%(ids)s))
"""
SQL_RETURN_KEYS: LiteralString = """
UPDATE identities
   SET profile_id = %(loser)s, is_primary = key = ANY(%(primary)s), updated_at = %(now)s
 WHERE workspace_id = %(workspace)s AND key = ANY(%(keys)s) AND bucket = ANY(%(buckets)s)
   AND profile_id = %(standing)s
RETURNING key
"""
SQL_CLEAR_FACTS: LiteralString = """
UPDATE profiles p
   SET locale = CASE WHEN p.locale IS DISTINCT FROM t.locale THEN p.locale END,
       timezone = CASE WHEN p.timezone IS DISTINCT FROM t.timezone THEN p.timezone END,
       country = CASE WHEN p.country IS DISTINCT FROM t.country THEN p.country END,
       updated_at = %(now)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(locale)s::text[], %(timezone)s::text[], %(country)s::text[])
       AS t (id, bucket, locale, timezone, country)
 WHERE p.id = t.id AND p.bucket = t.bucket
"""
