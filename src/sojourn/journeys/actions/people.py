"""What erasing and merging people means for their runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.journeys.store import runs as store
from sojourn.kit.database import Conn


async def erase_profiles(conn: Conn, ids: Sequence[UUID], now: datetime) -> dict[str, int]:
    """End the open runs of these people and forget what their runs remember. Counts of rows a table.

    The bare steps stay for the figures: which node, when, by which exit.
    """
    return await store.erase_people(conn, ids, now)


async def merge_profile(_conn: Conn, *, loser: UUID, winner: UUID, now: datetime) -> int:
    """Nothing moves: runs stay with the profile in which they began, and events of the winner reach them as well."""
    return 0
