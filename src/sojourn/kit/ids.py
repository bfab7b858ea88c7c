"""Ids: UUIDv7, whose last byte is the bucket of the profile that the row belongs to.

So an echoed id finds its bucket without a look-up, and ids sort by time (RFC 9562, section 5.7).
"""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

BUCKETS = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def new_id(now: datetime, bucket: int | None = None) -> UUID:
    """A fresh UUIDv7 of this moment; with `bucket` (0–255) as its last byte when one is given."""
    random = bytearray(os.urandom(10))
    random[0] = 0x70 | (random[0] & 0x0F)
    random[2] = 0x80 | (random[2] & 0x3F)
    if bucket is not None:
        random[9] = bucket
    return UUID(bytes=_milliseconds(now) + bytes(random))


def first_id(moment: datetime) -> UUID:
    """The smallest id of a moment: a border between what is older and what is not. Before 1970 there are no ids."""
    return UUID(bytes=_milliseconds(moment) + b"\x00" * 10)


def _milliseconds(moment: datetime) -> bytes:
    # whole numbers: a float is half a millisecond off often enough to put an id into the next one
    return max(0, (moment - _EPOCH) // _MILLISECOND).to_bytes(6, "big")


def bucket_of(id_: UUID) -> int:
    """The bucket (0–255) that an id carries in its last byte."""
    return id_.int & 0xFF


def bucket_of_key(key: str) -> int:
    """The bucket (0–255) of a narrow key table: a stable hash of the key."""
    return hashlib.blake2b(key.encode(), digest_size=1).digest()[0]


def short_id(id_: UUID) -> str:
    """A UUID as 26 lower-case letters and digits, for places where characters are few (button ids)."""
    return base64.b32encode(id_.bytes).decode().rstrip("=").lower()


def from_short_id(text: str) -> UUID | None:
    """The UUID behind a short id, or None when the text is none."""
    if len(text) != 26 or not text.isascii() or not text.isalnum():
        return None
    try:
        return UUID(bytes=base64.b32decode(text.upper() + "======"))
    except ValueError:
        return None
