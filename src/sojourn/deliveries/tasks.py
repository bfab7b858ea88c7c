"""The road out at work: send what is due, merge what is reported, look after what stays unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import DeadlockDetected

from sojourn.channels import transports
from sojourn.channels.base import Result
from sojourn.channels.signals import SenderChanged, StatusesReported
from sojourn.deliveries.actions import rates, unknowns
from sojourn.deliveries.actions.answers import record_results
from sojourn.deliveries.actions.claiming import claim_attempts
from sojourn.deliveries.actions.reports import apply_statuses, merge_late_strays
from sojourn.deliveries.actions.said import Outgoing
from sojourn.deliveries.attempt_ids import delivery_of
from sojourn.deliveries.store import attempts, outbox, statuses
from sojourn.kit import crash
from sojourn.kit import ids as kit_ids
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.jobs import TRANSACTIONAL, Handler, Periodic, Poller, Work

CHUNK = 50  # messages whose answers are waited for together
GATHER_SECONDS = 0.03  # how long a first answer waits for others before it is written
RECORD_WAITS_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0, None)
TIME_TO_LIVE = timedelta(days=30)  # the platform drops what it could not deliver by then (reference, section 2.21)
EXPIRE_BATCH = 5000
STRAYS_BATCH = 1000
STRAYS_LOOKED_AT = timedelta(days=2)  # older ones are about messages of somebody else


async def send_due_deliveries(work: Work) -> int:
    """Send one block of one sender. Runs several times beside itself, in any number of processes.

    Transaction 1 leases permissions of the sender's rate. Transaction 2 claims, decides again and marks dispatched.
    Then the calls, many in flight and outside of any transaction; then their answers, written as they come in.
    """
    async with work.transaction() as conn:
        leased = await rates.lease_block(conn, work.now())
    if leased is None:
        return 0
    async with work.transaction() as conn:
        outgoing, seen = await claim_attempts(
            conn, leased.sender, leased.shares, keys=work.keys, now=work.now(), system_now=system_now()
        )
    crash.point("deliveries.dispatched")
    if outgoing:
        await _send(work, outgoing)
    return seen


async def _send(work: Work, outgoing: Sequence[Outgoing]) -> None:
    by_delivery: dict[UUID, Outgoing] = {delivery_of(out.message.attempt_id)[0]: out for out in outgoing}
    chunks = [outgoing[start : start + CHUNK] for start in range(0, len(outgoing), CHUNK)]
    open_calls = {asyncio.create_task(transports.send_all(work, [out.message for out in chunk])) for chunk in chunks}
    try:
        while open_calls:
            done, open_calls = await asyncio.wait(open_calls, return_when=asyncio.FIRST_COMPLETED)
            if open_calls:
                more, open_calls = await asyncio.wait(open_calls, timeout=GATHER_SECONDS)
                done |= more
            await _record(work, [result for call in done for result in call.result()], by_delivery)
    finally:
        for call in open_calls:
            call.cancel()


async def _record(work: Work, results: Sequence[Result], outgoing: dict[UUID, Outgoing]) -> None:
    """Write answers. A database that is away for a moment gets several tries; after that reports settle them."""
    crash.point("deliveries.sent")
    for wait in RECORD_WAITS_SECONDS:
        try:
            async with work.transaction() as conn:
                await record_results(conn, results, keys=work.keys, now=work.now(), outgoing=outgoing)
        except (DatabaseUnavailable, DeadlockDetected):
            if wait is None:
                raise
            await asyncio.sleep(wait)
        else:
            break
    crash.point("deliveries.answered")


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When something may leave next, as the rates of senders allow it."""
    return await outbox.next_due(conn, now)


async def in_flight(conn: Conn, now: datetime) -> bool:
    """Whether bytes are on their way."""
    return await attempts.is_in_flight(conn)


async def look_after_unknown(work: Work) -> int:
    """Sweep attempts of dead workers, and judge those whose grace is over."""
    async with work.transaction() as conn:
        await unknowns.take_pulse(conn, system_now())
        swept = await unknowns.sweep_abandoned(conn, now=work.now(), system_now=system_now())
    crash.point("deliveries.swept")
    async with work.transaction() as conn:
        return swept + await unknowns.judge_unknown(conn, now=work.now())


async def next_unknown(conn: Conn, now: datetime) -> datetime | None:
    """When the grace of an unknown attempt ends."""
    found = await attempts.oldest_untold(conn)
    moments = [row["dispatched_at"] + await unknowns.grace_of(conn, row["workspace_id"]) for row in found]
    return min(moments, default=None)


async def on_statuses_reported(work: Work, conn: Conn, batch: list[StatusesReported]) -> None:
    """Merge reports, whatever their order and number."""
    await apply_statuses(conn, batch, keys=work.keys, now=work.now())


async def on_sender_changed(work: Work, conn: Conn, batch: list[SenderChanged]) -> None:
    """Take over state and throughput of a sender, so that its queue stops or goes on at once."""
    for sender_id in {signal.sender_id for signal in batch}:
        await rates.refresh_senders(conn, work.now(), only=sender_id)


async def refresh_senders(work: Work) -> None:
    """Take over what no signal told, and raise lowered rates again."""
    async with work.transaction() as conn:
        await rates.refresh_senders(conn, work.now())


async def expire_unreported(work: Work) -> None:
    """End messages that the platform must have dropped: sent a month ago and never reported delivered or failed."""
    now = work.now()
    last = now - TIME_TO_LIVE
    while True:
        async with work.transaction() as conn:
            found = await statuses.expire_unreported(
                conn,
                first=kit_ids.first_id(last - timedelta(days=7)),
                last=kit_ids.first_id(last),
                now=now,
                limit=EXPIRE_BATCH,
            )
        if len(found) < EXPIRE_BATCH:
            return


async def merge_strays(work: Work) -> None:
    """Merge reports whose message became known at the very moment when they were put aside."""
    found = STRAYS_BATCH
    while found == STRAYS_BATCH:
        now = work.now()
        async with work.transaction() as conn:
            found = await merge_late_strays(
                conn, keys=work.keys, now=now, since=now - STRAYS_LOOKED_AT, limit=STRAYS_BATCH
            )


HANDLERS = (
    Handler(
        message=StatusesReported,
        handle=on_statuses_reported,
        name="deliveries.on_statuses_reported",
        mode=TRANSACTIONAL,
        batch=20,
    ),
    Handler(message=SenderChanged, handle=on_sender_changed, name="deliveries.on_sender_changed", mode=TRANSACTIONAL),
)
POLLERS = (
    Poller(
        name="deliveries.send_due",
        handle=send_due_deliveries,
        next_due=next_due,
        busy=in_flight,
        concurrency=4,
        idle_seconds=0.5,
    ),
    Poller(name="deliveries.unknown", handle=look_after_unknown, next_due=next_unknown, idle_seconds=1.0),
)
PERIODICS = (
    Periodic(name="deliveries.refresh_senders", every=timedelta(seconds=30), handle=refresh_senders),
    Periodic(name="deliveries.merge_strays", every=timedelta(minutes=10), handle=merge_strays),
    Periodic(name="deliveries.expire_unreported", every=timedelta(days=1), handle=expire_unreported),
)
