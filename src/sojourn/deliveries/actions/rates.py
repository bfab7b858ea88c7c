"""Leases of senders' rates, and what senders become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sojourn.channels import store as channels
from sojourn.channels.model import Sender
from sojourn.deliveries.lanes import faster, lease, share
from sojourn.deliveries.store import limits, outbox
from sojourn.kit.database import Conn

BLOCK_MAX = 250  # messages a claim: what one worker keeps on the wire at once
RAISE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Leased:
    """Permissions for one sender, shared among its lanes."""

    sender: Sender
    shares: dict[int, int]


async def lease_block(conn: Conn, now: datetime) -> Leased | None:
    """Permissions for the sender that has waited longest, or None when nothing may leave now.

    A transaction of its own: the row of the rate is locked for as long as this takes. A sender that is not active any
    more is taken off the list.
    """
    rate = await limits.lock_ready_rate(conn, now)
    if rate is None:
        return None
    sender = await channels.find_sender(conn, rate.sender_id)
    if sender is None or sender.state.value != "active":
        await limits.update_sender(conn, rate.sender_id, is_active=False, ceiling=rate.ceiling_per_s, now=now)
        return None
    demand = await outbox.count_due(conn, rate.sender_id, now=now, limit=BLOCK_MAX)
    wanted = min(sum(demand.values()), BLOCK_MAX)
    got = lease(free_from=rate.free_from, rate_per_s=rate.rate_per_s, now=now, wanted=wanted)
    if not got.granted:
        return None
    await limits.update_free_from(conn, rate.sender_id, got.free_from)
    return Leased(sender, share(demand, got.granted))


async def refresh_senders(conn: Conn, now: datetime, only: UUID | None = None) -> None:
    """Take over what became of senders, and raise rates again that were lowered a minute ago or more."""
    for row in await limits.list_rates(conn):
        if only is not None and row["sender_id"] != only:
            continue
        sender = await channels.find_sender(conn, row["sender_id"])
        active = sender is not None and sender.state.value == "active"
        ceiling = row["ceiling_per_s"] if sender is None else float(sender.throughput_per_s)
        await limits.update_sender(conn, row["sender_id"], is_active=active, ceiling=ceiling, now=now)
        if active and row["rate_per_s"] < ceiling == row["ceiling_per_s"] and now - row["changed_at"] >= RAISE_AFTER:
            await limits.update_rate(conn, row["sender_id"], rate=faster(row["rate_per_s"], ceiling), now=now)
