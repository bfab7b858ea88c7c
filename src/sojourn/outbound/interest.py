"""Whether anybody wants to hear of something: asked wherever it happens, so it must cost next to nothing.

Each process remembers for a second what the endpoints of a workspace want; a new endpoint hears everything from a
second after its creation on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from sojourn.kit.database import Conn
from sojourn.outbound import store
from sojourn.outbound.model import Event

REMEMBERED_SECONDS = 1.0
REMEMBERED_MAX = 10_000  # workspaces

_known: dict[UUID, tuple[float, frozenset[str]]] = {}


async def wanted_events(conn: Conn, workspace_id: UUID) -> frozenset[str]:
    """The events that some endpoint of a workspace wants, as of a second ago at the worst."""
    moment = time.monotonic()
    known = _known.get(workspace_id)
    if known is not None and moment - known[0] < REMEMBERED_SECONDS:
        return known[1]
    found = await store.list_wanted(conn, workspace_id)
    if len(_known) >= REMEMBERED_MAX:
        _known.clear()
    _known[workspace_id] = (moment, found)
    return found


def wants(*events: Event) -> Callable[[Conn, UUID], Awaitable[bool]]:
    """A question for `Handler.wanted`: does anybody of a workspace want any of these?"""
    asked = frozenset(event.value for event in events)

    async def is_wanted(conn: Conn, workspace_id: UUID) -> bool:
        return not asked.isdisjoint(await wanted_events(conn, workspace_id))

    return is_wanted


def forget(workspace_id: UUID) -> None:
    """An endpoint changed in this process."""
    _known.pop(workspace_id, None)
