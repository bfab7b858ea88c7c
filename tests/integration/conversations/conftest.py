"""A workspace with a number, and one person who writes to it."""

from __future__ import annotations

from datetime import datetime

import pytest

from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from tests.support.chat import Chat, make_chat


@pytest.fixture
async def chat(conn: Conn, keys: KeyRing, now: datetime) -> Chat:
    """One chat."""
    return await make_chat(conn, keys, now)
