"""What folders above say about a person or their answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.countries.purposes import Purpose
from sojourn.deliveries.actions.cancelling import cancel_deliveries
from sojourn.deliveries.model import Delivery, DeliveryId
from sojourn.deliveries.rendering import parse_tap_id
from sojourn.deliveries.store import erasing, limits, rows
from sojourn.kit.database import Conn
from sojourn.messages import store as messages


async def hold_profile(
    conn: Conn,
    workspace_id: UUID,
    profile_id: UUID,
    *,
    purpose: Purpose,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> None:
    """Hold a purpose to a person (marketing while a case is open), until a moment or `release_profile`."""
    await limits.upsert_hold(conn, workspace_id, profile_id, purpose=purpose.value, reason=reason, until=until, now=now)


async def release_profile(conn: Conn, profile_id: UUID, *, purpose: Purpose, reason: str) -> bool:
    """Lift a hold; whether there was one."""
    return bool(await limits.delete_hold(conn, profile_id, purpose=purpose.value, reason=reason))


async def record_reply(conn: Conn, delivery_id: UUID, at: datetime) -> None:
    """A person answered to this delivery; the first answer's moment is kept."""
    await rows.update_replied(conn, delivery_id, at)


async def resolve_tap(conn: Conn, workspace_id: UUID, tap_id: str) -> tuple[Delivery, str] | None:
    """The delivery whose button or row was tapped, and the plain id; None for an id that is none of ours."""
    parsed = parse_tap_id(tap_id)
    if parsed is None:
        return None
    found = await rows.find_deliveries(conn, workspace_id, [parsed[0]])
    delivery = found.get(parsed[0])
    return None if delivery is None else (delivery, parsed[1])


async def find_quoted(conn: Conn, workspace_id: UUID, provider_message_id: str) -> Delivery | None:
    """The delivery behind the provider's id of a message that a person quotes, or None."""
    known = await messages.find_by_provider_ids(conn, workspace_id, [provider_message_id])
    found = await rows.find_deliveries(conn, workspace_id, [DeliveryId(id_) for id_ in known.values()])
    return next(iter(found.values()), None)


async def erase_profiles(
    conn: Conn, workspace_id: UUID, ids: Sequence[UUID], now: datetime, *, names: Sequence[str] = ()
) -> dict[str, int]:
    """Empty what was written to people and cancel what waits for them. Counts a table.

    The bare deliveries stay for the funnels. What is dispatched runs on; its reports find the rows marked. `names`:
    words that are about the people, in lower case.
    """
    cancelled = 0
    for profile_id in ids:
        cancelled += await cancel_deliveries(conn, workspace_id, profile_id=profile_id, reason="erased", now=now)
    theirs = await erasing.lock_deliveries_of(conn, ids)
    counts = await erasing.erase_deliveries(conn, workspace_id, theirs, names=names)
    counts |= await messages.erase_people(conn, ids)
    return {**counts, "outbox": cancelled}


async def count_kept(conn: Conn, ids: Sequence[UUID]) -> dict[str, int]:
    """How many rows a table an erasure of these people leaves, emptied."""
    return await erasing.count_kept(conn, await erasing.lock_deliveries_of(conn, ids))


async def erase_strays(conn: Conn, workspace_id: UUID, needles: Sequence[bytes]) -> int:
    """Forget reports about messages that we do not know, as far as they contain any of these texts (JSON). How many."""
    return await erasing.delete_strays(conn, workspace_id, needles)
