"""How a raw webhook body is kept: deflated where that pays, sealed under the installation key."""

import hashlib
import zlib
from uuid import UUID

from sojourn.kit.crypto import KeyRing

CONTEXT = "webhook_bodies.body"
DEFLATE_FROM_BYTES = 2048  # a body with many updates shrinks to a tenth; a single status is not worth the time
_RAW, _DEFLATED = b"\x00", b"\x01"
DIGEST_BYTES = 16


def digest_of(webhook_app_id: UUID, body: bytes) -> bytes:
    """The unique key of a post: the same bytes for the same app have the same one."""
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES, key=webhook_app_id.bytes).digest()


def seal(body: bytes, keys: KeyRing) -> bytes:
    """The envelope of a body."""
    plain = _DEFLATED + zlib.compress(body, 1) if len(body) >= DEFLATE_FROM_BYTES else _RAW + body
    return keys.encrypt(plain, context=CONTEXT)


def unseal(envelope: bytes, keys: KeyRing) -> bytes:
    """The body in an envelope. Raises crypto.UnreadableSecret."""
    plain = keys.decrypt(envelope, context=CONTEXT)
    return zlib.decompress(plain[1:]) if plain[:1] == _DEFLATED else plain[1:]
