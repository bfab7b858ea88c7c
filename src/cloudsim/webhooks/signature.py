"""The signature of a callback: HMAC-SHA256 of the raw bytes with the app secret."""

import hmac


def sign(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def sign_legacy(secret: bytes, body: bytes) -> str:
    """The value of the older `X-Hub-Signature`."""
    return "sha1=" + hmac.digest(secret, body, "sha1").hex()
