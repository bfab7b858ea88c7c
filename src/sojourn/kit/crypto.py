"""Secrets at rest: envelopes under the installation key, data keys a person, keyed hashes.

An envelope is `version(1) | key id(4) | nonce(12) | AES-256-GCM ciphertext`. The context is authenticated, so that an
envelope cannot be moved to another field.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_BYTES = 32


class UnreadableSecret(Exception):
    """The envelope was made under another key, for another field, or was changed."""


class KeyRing:
    """The installation's keys: the first one encrypts, all of them decrypt, the last one makes keyed hashes.

    `check_values` has an HMAC of a constant for each key by its id: enough to know a key again, of no use otherwise.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("a key ring needs at least one key")
        self._primary = _key_id(secrets[0])
        self._ciphers: Mapping[bytes, AESGCM] = {_key_id(s): AESGCM(_derive(s, b"envelope")) for s in secrets}
        self._hash_key = _derive(secrets[-1], b"hash")
        self.hashing_id = _key_id(secrets[-1])
        self.check_values: Mapping[bytes, bytes] = {_key_id(s): _check_value(s) for s in secrets}

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Seal bytes for one place (`context`, for example `senders.token`)."""
        nonce = os.urandom(12)
        return VERSION + self._primary + nonce + self._ciphers[self._primary].encrypt(nonce, plain, context.encode())

    def decrypt(self, envelope: bytes, *, context: str) -> bytes:
        """Open what `encrypt` sealed. Raises UnreadableSecret."""
        envelope = bytes(envelope)
        cipher = self._ciphers.get(envelope[1:5])
        if envelope[:1] != VERSION or cipher is None:
            raise UnreadableSecret("unknown key or version")
        try:
            return cipher.decrypt(envelope[5:17], envelope[17:], context.encode())
        except InvalidTag as error:
            raise UnreadableSecret("wrong key or context") from error

    def is_current(self, envelope: bytes) -> bool:
        """Whether the envelope was sealed under the first key (rotation re-seals the others)."""
        return bytes(envelope)[1:5] == self._primary

    def keyed_hash(self, value: str | bytes, *, purpose: str) -> bytes:
        """A 32-byte HMAC of a value: comparable here, worthless elsewhere. Stable while the oldest key stays."""
        data = value.encode() if isinstance(value, str) else value
        return hmac.new(self._hash_key, purpose.encode() + b"\x00" + data, hashlib.sha256).digest()


class DataKey:
    """A key of one person: what it seals is gone when the key is destroyed."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._cipher = AESGCM(secret)

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Seal bytes for one place."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def decrypt(self, sealed: bytes, *, context: str) -> bytes:
        """Open what `encrypt` sealed. Raises UnreadableSecret."""
        sealed = bytes(sealed)
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], context.encode())
        except InvalidTag as error:
            raise UnreadableSecret("wrong key or context") from error


def new_data_key() -> DataKey:
    """A fresh key for one person."""
    return DataKey(AESGCM.generate_key(bit_length=256))


def wrap_data_key(keys: KeyRing, key: DataKey) -> bytes:
    """A person's key sealed under the installation key, for storage."""
    return keys.encrypt(key.secret, context="data_key")


def unwrap_data_key(keys: KeyRing, wrapped: bytes) -> DataKey:
    """A stored person's key, ready to use. Raises UnreadableSecret."""
    return DataKey(keys.decrypt(wrapped, context="data_key"))


def find_key_ring(secret_key: str | None, data_dir: Path) -> KeyRing | None:
    """The ring from `SOJOURN_SECRET_KEY` (several separated by commas, newest first), else from `secret.key`.

    None when there is neither. Raises ValueError when a key cannot be one.
    """
    if secret_key:
        return KeyRing([_parse(part.strip()) for part in secret_key.split(",") if part.strip()])
    try:
        text = key_file(data_dir).read_text()
    except FileNotFoundError:
        return None
    if not text.strip():
        raise ValueError(f"{key_file(data_dir)} is empty: put the key back, from your backup of it")
    return KeyRing([_parse(line) for line in text.split()])


def key_file(data_dir: Path) -> Path:
    """Where the installation key lies when `SOJOURN_SECRET_KEY` is not set."""
    return data_dir / "secret.key"


def make_key_file(data_dir: Path) -> bool:
    """Make a key, 0600, whole or not at all. False when there is one already: processes may start at once."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="secret.key.", dir=data_dir)  # 0600
    try:
        with os.fdopen(handle, "w") as out:
            out.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode() + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(name, key_file(data_dir))
    except FileExistsError:
        return False
    finally:
        Path(name).unlink()
    return True


def _parse(text: str) -> bytes:
    try:
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        secret = b""
    if len(secret) >= KEY_BYTES:
        return secret
    if len(text) < 16:
        raise ValueError("the secret key is too short: give at least 32 random bytes as base64")
    return hashlib.sha256(text.encode()).digest()


def _key_id(secret: bytes) -> bytes:
    return hashlib.sha256(b"sojourn key id\x00" + secret).digest()[:4]


def _check_value(secret: bytes) -> bytes:
    return hmac.new(_derive(secret, b"check"), b"sojourn installation key", hashlib.sha256).digest()


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"sojourn " + info).derive(secret)
