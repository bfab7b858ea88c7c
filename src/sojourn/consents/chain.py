"""The hash chain of a person's ledger: pure. It verifies without the key of the person, so also after an erasure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sojourn.kit import json

GENESIS = b"\x00" * 32
HASHED_COLUMNS = (
    "id",
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
)


def entry_hash(prev_hash: bytes, entry: Mapping[str, Any]) -> bytes:
    """SHA-256 over the previous hash, the plain columns and the digest of the sealed bytes (32 bytes).

    Moments count in microseconds since 1970, which is what PostgreSQL keeps.
    """
    plain = json.encode([_plain(entry[name]) for name in HASHED_COLUMNS])
    sealed = hashlib.sha256(bytes(entry["sealed"] or b"")).digest()
    return hashlib.sha256(bytes(prev_hash) + plain + sealed).digest()


def find_break(entries: Iterable[Mapping[str, Any]]) -> int | None:
    """The number (`seq`) of the first entry that does not follow from the one before, or None when all do.

    The entries of one person, in order of `seq`, from the first one.
    """
    previous, expected = GENESIS, 1
    for entry in entries:
        if entry["seq"] != expected or bytes(entry["prev_hash"]) != previous:
            return expected
        if bytes(entry["hash"]) != entry_hash(previous, entry):
            return expected
        previous, expected = bytes(entry["hash"]), expected + 1
    return None


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        delta = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return delta.days * 86_400_000_000 + delta.seconds * 1_000_000 + delta.microseconds
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value
