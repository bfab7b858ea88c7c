"""Secrets of API keys: made from 256 random bits, stored as a SHA-256 digest."""

from __future__ import annotations

import hashlib
import secrets

from sojourn.workspaces.model import KeyKind

PREFIXES = {KeyKind.SECRET: "sk_", KeyKind.WRITE: "wk_"}
SHOWN_CHARACTERS = 9  # of the secret, so that people can tell their keys apart


def new_secret(kind: KeyKind) -> str:
    """A fresh secret of a key; never stored."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is stored of a secret. A plain hash suffices: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def prefix_of(secret: str) -> str:
    """How the secret begins, for lists."""
    return secret[:SHOWN_CHARACTERS]
