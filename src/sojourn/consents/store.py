"""SQL of the consent ledger and what is folded from it. Double opt-ins: `request_store.py`; lists: `list_store.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, cast
from uuid import UUID

from sojourn.consents.chain import GENESIS
from sojourn.consents.facts import PersonRows, fold_person
from sojourn.consents.ledger import ScopeRow
from sojourn.consents.list_store import has_suppressions, list_allowed, list_suppressions_of
from sojourn.consents.merged import ChannelRow, as_one, blocks_of_one, by_first_owner, rows_of_one
from sojourn.consents.model import ConsentFacts, Suppression
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import bucket_of
from sojourn.profiles import merge_store as merges
from sojourn.profiles import store as profiles
from sojourn.profiles.model import IdentityRow

EVERY_CHANNEL = "*"


async def read_consent_facts(
    conn: Conn,
    workspace_id: UUID,
    profile_ids: Iterable[UUID],
    channel: str,
    now: datetime,
    *,
    keys: KeyRing | None = None,
    identities: Mapping[UUID, Sequence[IdentityRow]] | None = None,
    accept_general: bool = False,
) -> dict[UUID, ConsentFacts]:
    """What holds for people on one channel; every id that was asked for has an entry. One statement a kind.

    Changes said under a profile that was merged into one of these count too, and the withdrawal of either wins (see
    `merged.py`). `identities` spares reading the addresses on the channel; `keys` finds suppressions whose address was
    erased. `accept_general`: grants that name no channel count.
    """
    ids = list(dict.fromkeys(profile_ids))
    if not ids:
        return {}
    aliases = await merges.find_aliases(conn, ids)
    merged: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for alias, found in aliases.items():
        merged[found.standing_id][alias] = found.merged_at
    everybody = [*ids, *(aliases.keys() - set(ids))]
    known: Mapping[Any, Sequence[IdentityRow]] = (
        identities if identities is not None else await profiles.list_identities(conn, workspace_id, ids)
    )
    said = await _list_rows(conn, everybody, channel)
    joinings = await merges.list_merges(conn, workspace_id, aliases) if aliases else {}
    rows = as_one(by_first_owner(said, merged, joinings), merged, rows_of_one)
    blocks = as_one(await _list_blocks(conn, everybody, channel), merged, blocks_of_one)
    address_keys = {id_: [row.key for row in known.get(id_, ())] for id_ in ids}
    suppressions: Mapping[UUID, Sequence[Suppression]] = {}
    if await has_suppressions(conn, workspace_id):
        every = known if identities is None else await profiles.list_identities(conn, workspace_id, ids)
        all_keys = {id_: [row.key for row in cast("Mapping[Any, Any]", every).get(id_, ())] for id_ in ids}
        suppressions = await list_suppressions_of(conn, workspace_id, all_keys, channel, now, keys=keys)
    allowed = await list_allowed(conn, workspace_id, {key for found in address_keys.values() for key in found})
    return {
        id_: fold_person(
            PersonRows(
                rows=rows.get(id_, ()),
                blocks=blocks.get(id_, ()),
                identities=known.get(id_, ()),
                suppressions=suppressions.get(id_, ()),
                on_allow_list=any(key in allowed for key in address_keys[id_]),
            ),
            channel=channel,
            now=now,
            accept_general=accept_general,
        )
        for id_ in ids
    }


async def _list_rows(conn: Conn, ids: Sequence[UUID], channel: str) -> dict[UUID, list[ChannelRow]]:
    found: dict[UUID, list[ChannelRow]] = defaultdict(list)
    for row in await fetch_all(conn, SQL_LIST_ROWS, {**_ids(ids), "channels": [channel, EVERY_CHANNEL]}):
        found[row["profile_id"]].append((row["channel"], _scope_row(row)))
    return found


async def _list_blocks(conn: Conn, ids: Sequence[UUID], channel: str) -> dict[UUID, list[Mapping[str, Any]]]:
    found: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await fetch_all(conn, SQL_LIST_BLOCKS, {**_ids(ids), "channel": channel}):
        found[row["profile_id"]].append(row)
    return found


ScopeKey = tuple[UUID, str, str, str, str]  # profile, channel, purpose, topic, identity key


async def list_scope_rows(conn: Conn, profile_ids: Iterable[UUID]) -> dict[ScopeKey, ScopeRow]:
    """All folded rows of people, every channel."""
    rows = await fetch_all(conn, SQL_LIST_ALL_ROWS, _ids(profile_ids))
    return {
        (row["profile_id"], row["channel"], row["purpose"], row["topic"], row["identity_key"]): _scope_row(row)
        for row in rows
    }


async def upsert_scope_rows(conn: Conn, workspace_id: UUID, rows: Mapping[ScopeKey, ScopeRow], now: datetime) -> None:
    """Write folded rows as they are; the caller holds the heads of these people."""
    if not rows:
        return
    ordered = sorted(rows.items(), key=lambda item: tuple(map(str, item[0])))
    params = {
        "workspace": workspace_id,
        "now": now,
        "profiles": [key[0] for key, _ in ordered],
        "buckets": [bucket_of(key[0]) for key, _ in ordered],
        "channels": [key[1] for key, _ in ordered],
        "purposes": [key[2] for key, _ in ordered],
        "topics": [key[3] for key, _ in ordered],
        "identity_keys": [key[4] for key, _ in ordered],
        "granted": [row.granted_at for _, row in ordered],
        "grant_expires": [row.grant_expires_at for _, row in ordered],
        "pending": [row.pending_at for _, row in ordered],
        "pending_expires": [row.pending_expires_at for _, row in ordered],
        "withdrawn": [row.withdrawn_at for _, row in ordered],
    }
    await execute(conn, SQL_UPSERT_ROWS, params)


async def lock_heads(conn: Conn, workspace_id: UUID, profile_ids: Iterable[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """The end of each person's chain, (number, hash), locked in the order of the ids; (0, genesis) where none was."""
    ids = sorted(set(profile_ids))
    params = {"workspace": workspace_id, "genesis": GENESIS, "ids": ids, "buckets": [bucket_of(id_) for id_ in ids]}
    await execute(conn, SQL_INSERT_HEADS, params)
    rows = await fetch_all(conn, SQL_LOCK_HEADS, params)
    return {row["profile_id"]: (row["seq"], bytes(row["hash"])) for row in rows}


async def update_heads(conn: Conn, heads: Mapping[UUID, tuple[int, bytes]]) -> None:
    """Move the ends of chains."""
    if heads:
        params = {
            "ids": list(heads),
            "buckets": [bucket_of(id_) for id_ in heads],
            "seqs": [seq for seq, _ in heads.values()],
            "hashes": [hash_ for _, hash_ in heads.values()],
        }
        await execute(conn, SQL_UPDATE_HEADS, params)


async def find_entries(
    conn: Conn, workspace_id: UUID, pairs: Iterable[tuple[UUID, bytes]]
) -> dict[tuple[UUID, bytes], dict[str, Any]]:
    """Entries that were recorded under these (profile, key) before."""
    wanted = list(dict.fromkeys(pairs))
    if not wanted:
        return {}
    params = {
        "workspace": workspace_id,
        "profiles": [profile for profile, _ in wanted],
        "buckets": [bucket_of(profile) for profile, _ in wanted],
        "keys": [key for _, key in wanted],
    }
    rows = await fetch_all(conn, SQL_FIND_ENTRIES, params)
    return {(row["profile_id"], bytes(row["entry_key"])): row for row in rows}


async def insert_entries(conn: Conn, entries: Sequence[Mapping[str, Any]]) -> None:
    """Append to the ledger."""
    if entries:
        await execute(conn, SQL_INSERT_ENTRIES, {name: [entry[name] for entry in entries] for name in ENTRY_COLUMNS})


async def list_entries(conn: Conn, workspace_id: UUID, profile_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """The whole ledger of people, each in the order of its chain."""
    return await fetch_all(conn, SQL_LIST_ENTRIES, {"workspace": workspace_id, **_ids(profile_ids)})


async def get_entries(conn: Conn, entry_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Entries by id, oldest first."""
    return await fetch_all(conn, SQL_GET_ENTRIES, _ids(entry_ids))


async def upsert_blocks(
    conn: Conn,
    workspace_id: UUID,
    blocks: Sequence[tuple[UUID, str, str, datetime | None, datetime | None]],
    now: datetime,
) -> None:
    """Note stops and holds (profile, channel, kind, blocked at, lifted at); of each moment the latest stays."""
    if not blocks:
        return
    merged: dict[tuple[UUID, str, str], tuple[datetime | None, datetime | None]] = {}
    for profile, channel, kind, blocked_at, lifted_at in blocks:
        old = merged.get((profile, channel, kind), (None, None))
        merged[(profile, channel, kind)] = (_later(old[0], blocked_at), _later(old[1], lifted_at))
    ordered = sorted(merged.items(), key=lambda item: tuple(map(str, item[0])))
    params = {
        "workspace": workspace_id,
        "now": now,
        "profiles": [key[0] for key, _ in ordered],
        "buckets": [bucket_of(key[0]) for key, _ in ordered],
        "channels": [key[1] for key, _ in ordered],
        "kinds": [key[2] for key, _ in ordered],
        "blocked": [moments[0] for _, moments in ordered],
        "lifted": [moments[1] for _, moments in ordered],
    }
    await execute(conn, SQL_UPSERT_BLOCKS, params)


async def list_blocks(conn: Conn, profile_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Stops and holds of people on all channels, lifted ones too."""
    return await fetch_all(conn, SQL_LIST_ALL_BLOCKS, _ids(profile_ids))


async def delete_state(conn: Conn, workspace_id: UUID, profile_ids: Iterable[UUID]) -> dict[str, int]:
    """Delete what is folded or under way for people; the ledger itself stays. Counts a table."""
    params = {"workspace": workspace_id, **_ids(profile_ids)}
    return {
        "consents": await execute(conn, SQL_DELETE_ROWS, params),
        "consent_blocks": await execute(conn, SQL_DELETE_BLOCKS, params),
        "consent_requests": await execute(conn, SQL_DELETE_REQUESTS, params),
    }


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _ids(ids: Iterable[UUID]) -> dict[str, list[Any]]:
    wanted = list(ids)
    return {"ids": wanted, "buckets": sorted({bucket_of(id_) for id_ in wanted})}


def _scope_row(row: Mapping[str, Any]) -> ScopeRow:
    return ScopeRow(
        purpose=row["purpose"],
        topic=row["topic"],
        identity_key=row["identity_key"],
        granted_at=row["granted_at"],
        grant_expires_at=row["grant_expires_at"],
        pending_at=row["pending_at"],
        pending_expires_at=row["pending_expires_at"],
        withdrawn_at=row["withdrawn_at"],
    )


ENTRY_COLUMNS = (
    "id",
    "bucket",
    "workspace_id",
    "profile_id",
    "seq",
    "kind",
    "channel",
    "purpose",
    "topic",
    "state",
    "source",
    "identity_hash",
    "effective_at",
    "expires_at",
    "recorded_at",
    "entry_key",
    "sealed",
    "prev_hash",
    "hash",
)
SQL_LIST_ROWS: LiteralString = """
SELECT profile_id, channel, purpose, topic, identity_key, granted_at, grant_expires_at, pending_at, pending_expires_at,
       withdrawn_at
  FROM consents
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND channel = ANY(%(channels)s)
"""
SQL_LIST_ALL_ROWS: LiteralString = """
SELECT profile_id, channel, purpose, topic, identity_key, granted_at, grant_expires_at, pending_at, pending_expires_at,
       withdrawn_at
  FROM consents
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_UPSERT_ROWS: LiteralString = """
INSERT INTO consents (profile_id, bucket, workspace_id, channel, purpose, topic, identity_key, granted_at,
                      grant_expires_at, pending_at, pending_expires_at, withdrawn_at, updated_at)
SELECT profile_id, bucket, %(workspace)s, channel, purpose, topic, identity_key, granted_at, grant_expires_at,
       pending_at, pending_expires_at, withdrawn_at, %(now)s
  FROM unnest(%(profiles)s::uuid[], %(buckets)s::smallint[], %(channels)s::text[], %(purposes)s::text[],
              %(topics)s::text[], %(identity_keys)s::text[], %(granted)s::timestamptz[],
              %(grant_expires)s::timestamptz[], %(pending)s::timestamptz[], %(pending_expires)s::timestamptz[],
              %(withdrawn)s::timestamptz[])
       AS t (profile_id, bucket, channel, purpose, topic, identity_key, granted_at, grant_expires_at, pending_at,
             pending_expires_at, withdrawn_at)
ON CONFLICT (profile_id, channel, purpose, topic, identity_key, bucket) DO UPDATE
   SET granted_at = excluded.granted_at, grant_expires_at = excluded.grant_expires_at,
       pending_at = excluded.pending_at, pending_expires_at = excluded.pending_expires_at,
       withdrawn_at = excluded.withdrawn_at, updated_at = excluded.updated_at
"""
SQL_INSERT_HEADS: LiteralString = """
INSERT INTO consent_heads (profile_id, bucket, workspace_id, seq, hash)
SELECT id, bucket, %(workspace)s, 0, %(genesis)s
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[]) AS t (id, bucket)
 ORDER BY id
ON CONFLICT DO NOTHING
"""
SQL_LOCK_HEADS: LiteralString = """
SELECT profile_id, seq, hash
  FROM consent_heads
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY profile_id
   FOR UPDATE
"""
SQL_UPDATE_HEADS: LiteralString = """
UPDATE consent_heads h
   SET seq = t.seq, hash = t.hash
  FROM unnest(%(ids)s::uuid[], %(buckets)s::smallint[], %(seqs)s::integer[], %(hashes)s::bytea[])
       AS t (id, bucket, seq, hash)
 WHERE h.profile_id = t.id AND h.bucket = t.bucket
"""
SQL_FIND_ENTRIES: LiteralString = """
SELECT e.id, e.profile_id, e.channel, e.purpose, e.topic, e.state, e.source, e.effective_at, e.expires_at,
       e.recorded_at, e.entry_key
  FROM consent_entries e
  JOIN unnest(%(profiles)s::uuid[], %(buckets)s::smallint[], %(keys)s::bytea[]) AS t (profile_id, bucket, key)
    ON e.workspace_id = %(workspace)s AND e.profile_id = t.profile_id AND e.bucket = t.bucket AND e.entry_key = t.key
"""
SQL_INSERT_ENTRIES: LiteralString = """
INSERT INTO consent_entries (id, bucket, workspace_id, profile_id, seq, kind, channel, purpose, topic, state, source,
                             identity_hash, effective_at, expires_at, recorded_at, entry_key, sealed, prev_hash, hash)
SELECT * FROM unnest(%(id)s::uuid[], %(bucket)s::smallint[], %(workspace_id)s::uuid[], %(profile_id)s::uuid[],
                     %(seq)s::integer[], %(kind)s::text[], %(channel)s::text[], %(purpose)s::text[], %(topic)s::text[],
                     %(state)s::text[], %(source)s::text[], %(identity_hash)s::bytea[], %(effective_at)s::timestamptz[],
                     %(expires_at)s::timestamptz[], %(recorded_at)s::timestamptz[], %(entry_key)s::bytea[],
                     %(sealed)s::bytea[], %(prev_hash)s::bytea[], %(hash)s::bytea[])
"""
SQL_LIST_ENTRIES: LiteralString = """
SELECT id, bucket, workspace_id, profile_id, seq, kind, channel, purpose, topic, state, source, identity_hash,
       effective_at, expires_at, recorded_at, entry_key, sealed, prev_hash, hash
  FROM consent_entries
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY profile_id, seq
"""
SQL_GET_ENTRIES: LiteralString = """
SELECT id, profile_id, channel, purpose, topic, state, source, effective_at, expires_at, recorded_at, sealed
  FROM consent_entries
 WHERE id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY id
"""
SQL_UPSERT_BLOCKS: LiteralString = """
INSERT INTO consent_blocks AS b (profile_id, bucket, workspace_id, channel, kind, blocked_at, lifted_at, updated_at)
SELECT profile_id, bucket, %(workspace)s, channel, kind, blocked_at, lifted_at, %(now)s
  FROM unnest(%(profiles)s::uuid[], %(buckets)s::smallint[], %(channels)s::text[], %(kinds)s::text[],
              %(blocked)s::timestamptz[], %(lifted)s::timestamptz[])
       AS t (profile_id, bucket, channel, kind, blocked_at, lifted_at)
ON CONFLICT (profile_id, channel, kind, bucket) DO UPDATE
   SET blocked_at = greatest(b.blocked_at, excluded.blocked_at),
       lifted_at = greatest(b.lifted_at, excluded.lifted_at),
       updated_at = excluded.updated_at
"""
SQL_LIST_BLOCKS: LiteralString = """
SELECT profile_id, kind, blocked_at, lifted_at
  FROM consent_blocks
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s) AND channel = %(channel)s
"""
SQL_LIST_ALL_BLOCKS: LiteralString = """
SELECT profile_id, channel, kind, blocked_at, lifted_at
  FROM consent_blocks
 WHERE profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
 ORDER BY channel, kind
"""
SQL_DELETE_ROWS: LiteralString = """
DELETE FROM consents WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_DELETE_BLOCKS: LiteralString = """
DELETE FROM consent_blocks
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
SQL_DELETE_REQUESTS: LiteralString = """
DELETE FROM consent_requests
 WHERE workspace_id = %(workspace)s AND profile_id = ANY(%(ids)s) AND bucket = ANY(%(buckets)s)
"""
