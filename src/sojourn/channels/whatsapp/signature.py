"""The signature of a webhook: HMAC-SHA256 over the raw bytes with the app's secret.

Source: Cloud API reference, section 5.1. Never decode and encode the body before this: escapes would change.
"""

import hashlib
import hmac

_PREFIX = b"sha256="


def sign(secret: bytes, body: bytes) -> bytes:
    """Return the value of the header X-Hub-Signature-256 for a body."""
    return _PREFIX + hmac.digest(secret, body, hashlib.sha256).hex().encode()


def is_valid(secret: bytes, body: bytes, header: bytes | None) -> bool:
    """Tell whether a header signs exactly these bytes; takes the same time whatever the header says."""
    return hmac.compare_digest(sign(secret, body), (header or b"").lower())
