"""A workspace, a person, and journeys' own handlers."""

from __future__ import annotations

from datetime import datetime

import pytest

from sojourn.journeys.tasks import HANDLERS, POLLERS
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Registry
from tests.support.journeys import World, make_world


@pytest.fixture
def registry() -> Registry:
    """Journeys alone."""
    return Registry(HANDLERS, POLLERS)


@pytest.fixture
async def world(conn: Conn, now: datetime, keys: KeyRing) -> World:
    """A workspace with one person, Anna."""
    return await make_world(conn, now, keys)
