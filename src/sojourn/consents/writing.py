"""Appends to the ledger: seals the personal parts, continues each person's chain, recognises what was there before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.consents import store
from sojourn.consents.chain import entry_hash
from sojourn.consents.errors import ProfileErased
from sojourn.consents.list_store import hash_identity
from sojourn.consents.model import Evidence
from sojourn.kit import json
from sojourn.kit.crypto import DataKey, KeyRing, UnreadableSecret
from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of, new_id
from sojourn.profiles import store as profiles
from sojourn.profiles.model import ProfileId

SEAL_CONTEXT = "consent_entries.sealed"
KEY_PURPOSE = "consent_entry"


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a change is about: scheme, value, and the key that equal lines share."""

    scheme: str
    value: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """One line to append. `key` None: it is always new."""

    profile_id: UUID
    kind: str
    channel: str
    purpose: str
    topic: str
    state: str
    source: str
    address: Address | None
    effective_at: datetime
    expires_at: datetime | None
    evidence: Evidence | None
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a line stands now; `is_new` is false when it had been appended before."""

    id: UUID
    is_new: bool
    row: Mapping[str, Any]


async def append_entries(
    conn: Conn, workspace_id: UUID, entries: Sequence[NewEntry], *, keys: KeyRing, now: datetime
) -> list[Recorded]:
    """Append lines, in their order within each person; the answer has one element a line, in the order given.

    Locks the ends of these people's chains. Raises ProfileErased for somebody without a key.
    """
    people = {entry.profile_id for entry in entries}
    data_keys = await profiles.ensure_profile_keys(conn, keys, people)
    missing = people - data_keys.keys()
    if missing:
        raise ProfileErased(profile_ids=sorted(map(str, missing)))
    heads = await store.lock_heads(conn, workspace_id, people)
    hashed = [entry_key(keys, entry) for entry in entries]
    pairs = [(entry.profile_id, key) for entry, key in zip(entries, hashed, strict=True) if key is not None]
    seen = await store.find_entries(conn, workspace_id, pairs)
    recorded: list[Recorded] = []
    rows: list[dict[str, Any]] = []
    for entry, key in zip(entries, hashed, strict=True):
        if key is not None and (entry.profile_id, key) in seen:
            row = seen[(entry.profile_id, key)]
            recorded.append(Recorded(id=row["id"], is_new=False, row=row))
            continue
        seq, prev_hash = heads[entry.profile_id]
        row = _row(entry, data_keys[ProfileId(entry.profile_id)], keys, now)
        row |= {"workspace_id": workspace_id, "entry_key": key, "seq": seq + 1, "prev_hash": prev_hash}
        row["hash"] = entry_hash(prev_hash, row)
        heads[entry.profile_id] = (seq + 1, row["hash"])
        rows.append(row)
        if key is not None:
            seen[(entry.profile_id, key)] = row
        recorded.append(Recorded(id=row["id"], is_new=True, row=row))
    await store.insert_entries(conn, rows)
    await store.update_heads(conn, {row["profile_id"]: heads[row["profile_id"]] for row in rows})
    return recorded


def _row(entry: NewEntry, data_key: DataKey, keys: KeyRing, now: datetime) -> dict[str, Any]:
    bucket = bucket_of(entry.profile_id)
    return {
        "id": new_id(now, bucket),
        "bucket": bucket,
        "profile_id": entry.profile_id,
        "kind": entry.kind,
        "channel": entry.channel,
        "purpose": entry.purpose,
        "topic": entry.topic,
        "state": entry.state,
        "source": entry.source,
        "identity_hash": hash_identity(keys, entry.address.key) if entry.address else None,
        "effective_at": entry.effective_at,
        "expires_at": entry.expires_at,
        "recorded_at": now,
        "sealed": _seal(entry, data_key),
    }


def _seal(entry: NewEntry, data_key: DataKey) -> bytes | None:
    if entry.address is None and entry.evidence is None:
        return None
    personal = {
        "address": asdict(entry.address) if entry.address else None,
        "evidence": _present(entry.evidence),
    }
    return data_key.encrypt(json.encode(personal), context=SEAL_CONTEXT)


def _present(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None
    return {name: value for name, value in asdict(evidence).items() if value not in (None, {}, "")}


def open_sealed(sealed: bytes | None, data_key: DataKey | None) -> tuple[Address | None, Evidence | None] | None:
    """The personal parts of a line; None when they cannot be opened, because the person was erased."""
    if sealed is None:
        return None, None
    if data_key is None:
        return None
    try:
        data = json.decode(data_key.decrypt(sealed, context=SEAL_CONTEXT))
    except UnreadableSecret:
        return None
    address, evidence = data["address"], data["evidence"]
    return (Address(**address) if address else None, Evidence(**evidence) if evidence else None)


def entry_key(keys: KeyRing, entry: NewEntry) -> bytes | None:
    """What a repeated line is recognised by: a keyed hash, because keys of callers may contain an address."""
    return None if entry.key is None else keys.keyed_hash(entry.key, purpose=KEY_PURPOSE)[:16]


def content_key(entry: NewEntry) -> str:
    """The key of a line without one of its own: all it says."""
    address = entry.address.key if entry.address else ""
    said = [entry.kind, entry.channel, entry.purpose, entry.topic, entry.state, entry.source, address,
            entry.effective_at, entry.expires_at, _present(entry.evidence)]  # fmt: skip
    return "content:" + hashlib.sha256(json.encode(said)).hexdigest()
