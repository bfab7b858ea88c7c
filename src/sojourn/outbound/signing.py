"""Signatures as Standard Webhooks has them: pure. https://github.com/standard-webhooks/standard-webhooks (read 2026-08)

A receiver checks `webhook-signature` against HMAC-SHA256 of "id.timestamp.body" under the secret, and refuses
timestamps that are minutes off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def secret_text(secret: bytes) -> str:
    """A secret as it is handed over."""
    return PREFIX + base64.b64encode(secret).decode()


def headers_of(message_id: str, body: bytes, secrets: Sequence[bytes], *, at: datetime) -> dict[str, str]:
    """The headers that go with a body: one signature a secret, the newest first.

    `at` is the system clock's moment: receivers compare it with theirs.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets
    ]
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}
