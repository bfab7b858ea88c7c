"""Signatures are those of Standard Webhooks: its own library accepts them, and nothing that was changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sojourn.outbound.model import WAITS
from sojourn.outbound.sending import wait_after
from sojourn.outbound.signing import headers_of, secret_text

NEW, OLD = b"n" * 32, b"o" * 32
BODY = '{"type":"message.received","data":{"text":"héé"}}'.encode()


def headers(*secrets: bytes, at: datetime | None = None) -> dict[str, str]:
    return headers_of("msg_1", BODY, secrets, at=at or datetime.now(UTC))


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_after_a_rotation_both_secrets_verify(secret: bytes) -> None:
    assert Webhook(secret_text(secret)).verify(BODY, headers(NEW, OLD))


@pytest.mark.parametrize(
    ("body", "made"),
    [
        (BODY + b" ", headers(NEW)),
        (BODY, headers(OLD)),
        (BODY, headers(NEW) | {"webhook-id": "msg_2"}),
        (BODY, headers(NEW, at=datetime.now(UTC) - timedelta(hours=1))),
    ],
)
def test_what_was_changed_does_not(body: bytes, made: dict[str, str]) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(NEW)).verify(body, made)


def test_waits_grow_and_end() -> None:
    waits = [wait_after(tried, 0.0) for tried in range(1, len(WAITS) + 2)]
    assert waits == [*WAITS, None]
    assert wait_after(1, 1.0) == timedelta(seconds=5.5)
