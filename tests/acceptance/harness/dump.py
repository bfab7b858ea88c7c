"""A dump of an installation as whoever steals everything would read it: tables, files, logs; keys included.

Each value of each table is read as it is, and again with every layer taken off that can be: envelopes under the
installation key, evidence under the keys of people, deflate, base64 (the provider's message ids hide numbers in it).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from sojourn.channels.whatsapp.media import CONTEXT as MEDIA_CONTEXT
from sojourn.channels.whatsapp.sealing import CONTEXT as BODY_CONTEXT
from sojourn.kit.crypto import DataKey, KeyRing, UnreadableSecret, find_key_ring, unwrap_data_key

from .story import Story

BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
CONTEXTS = (BODY_CONTEXT, MEDIA_CONTEXT, "archives.part", "outbound.message")
SEALED_EVIDENCE = "consent_entries.sealed"


@dataclass(frozen=True, slots=True)
class Piece:
    """A readable piece and where it was found: a table's column, or a file."""

    place: str
    content: bytes


def dump(story: Story) -> list[Piece]:
    """Everything that can be read of a product's installation. What the simulator keeps is the outside world's."""
    ring = find_key_ring(None, story.folder / "data")
    assert ring is not None
    pieces = [
        Piece(place, layer)
        for place, value, keys in _values(story.database.url, ring)
        for layer in layers(value, ring, keys)
    ]
    files = [path for path in (story.folder / "data").rglob("*") if path.is_file()]
    files += [path for path in story.folder.glob("*.log") if path.stem != "cloudsim"]
    pieces += [Piece(path.name, layer) for path in files for layer in layers(path.read_bytes(), ring, [])]
    return pieces


def mentions(pieces: Iterable[Piece], needles: Iterable[str]) -> dict[str, set[str]]:
    """Where each needle stands, in any case of letters; needles that stand nowhere are left out."""
    found: dict[str, set[str]] = {}
    wanted = [(needle, needle.lower().encode()) for needle in needles]
    for piece in pieces:
        content = piece.content.lower()
        for needle, raw in wanted:
            if raw in content:
                found.setdefault(needle, set()).add(piece.place)
    return found


def plain_hashes(values: Iterable[str]) -> Iterator[bytes]:
    """Every hash that somebody without our key could make of these values, whole and cut to 16 bytes."""
    for value in values:
        data = value.encode()
        digests = [
            hashlib.new(name, data).digest() for name in ("md5", "sha1", "sha224", "sha256", "sha512", "sha3_256")
        ]
        digests += [hashlib.blake2b(data, digest_size=size).digest() for size in (16, 32, 64)]
        digests += [hmac.new(key, data, name).digest() for key in (b"", b"\x00") for name in ("md5", "sha1", "sha256")]
        for digest in digests:
            yield digest[:16]


def _values(url: str, ring: KeyRing) -> Iterator[tuple[str, bytes, list[DataKey]]]:
    with psycopg.connect(url, row_factory=dict_row) as conn:
        tables = [row["name"] for row in conn.execute(
            "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()]  # fmt: skip
        keys = [
            unwrap_data_key(ring, bytes(row["wrapped"])) for row in conn.execute("SELECT wrapped FROM profile_keys")
        ]
        assert len(tables) > 50
        for table in tables:
            for row in conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))):
                for column, value in row.items():
                    place = f"{table}.{column}"
                    for plain in _plain(value):
                        yield place, plain, keys if place == SEALED_EVIDENCE else []


def _plain(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes | memoryview):
        yield bytes(value)
    elif isinstance(value, list):
        for item in value:
            yield from _plain(item)
    elif isinstance(value, dict):
        yield json.dumps(value, ensure_ascii=False).encode()
    elif value is not None:
        yield str(value).encode()


def layers(value: bytes, ring: KeyRing, keys: Iterable[DataKey]) -> Iterator[bytes]:
    """The value, and what is inside of it."""
    yield value
    inner: list[bytes] = []
    for context in CONTEXTS:
        try:
            inner.append(ring.decrypt(value, context=context))
        except UnreadableSecret:
            continue
    for key in keys:
        try:
            inner.append(key.decrypt(value, context=SEALED_EVIDENCE))
        except UnreadableSecret:
            continue
    if value.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(value)) as packed:
            inner += [packed.read(name) for name in packed.namelist()]
    for start in (0, 1):
        try:
            inner.append(zlib.decompress(value[start:]))
        except zlib.error:
            continue
    for content in inner:
        yield from layers(content, ring, ())
    for token in BASE64.findall(value):
        for cut in (token, token[1:], token[2:], token[3:]):  # a name may stand before it without a break
            yield (
                base64.urlsafe_b64decode(cut.replace(b"+", b"-").replace(b"/", b"_") + b"=" * (-len(cut) % 4))
                if len(cut.rstrip(b"=")) % 4 != 1
                else b""
            )
