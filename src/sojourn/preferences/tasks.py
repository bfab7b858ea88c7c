"""Worker side of preferences: the only handlers of consent news, and the poller of double opt-ins."""

from __future__ import annotations

from datetime import datetime

from sojourn.consents import request_store
from sojourn.consents.answers import expire_requests
from sojourn.consents.signals import ConsentChanged, ConsentRequested
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Handler, Periodic, Poller, Work
from sojourn.preferences.actions import ask_to_confirm, confirm_changes, remind


async def on_consent_requested(work: Work, conn: Conn, batch: list[ConsentRequested]) -> None:
    """Ask people to confirm. In order per person."""
    await ask_to_confirm(conn, batch, keys=work.keys, now=work.now())


async def on_consent_changed(work: Work, conn: Conn, batch: list[ConsentChanged]) -> None:
    """Confirm what changed without a message of the person. In order per person."""
    await confirm_changes(conn, batch, keys=work.keys, now=work.now())


async def settle_double_opt_ins(work: Work) -> int:
    """End double opt-ins whose time is over and send due reminders. How many rows; called again while there are any."""
    now = work.now()
    async with work.transaction() as conn:
        return await expire_requests(conn, keys=work.keys, now=now) + await remind(conn, keys=work.keys, now=now)


async def next_double_opt_in(conn: Conn, now: datetime) -> datetime | None:
    """When the next one ends or is to be reminded of."""
    return await request_store.next_due(conn)


HANDLERS: tuple[Handler, ...] = (
    Handler(
        message=ConsentRequested,
        handle=on_consent_requested,
        name="preferences.on_consent_requested",
        batch=200,
        ordered=True,
    ),
    Handler(
        message=ConsentChanged,
        handle=on_consent_changed,
        name="preferences.on_consent_changed",
        batch=500,
        ordered=True,
    ),
)
POLLERS: tuple[Poller, ...] = (
    Poller(name="preferences.double_opt_ins", handle=settle_double_opt_ins, next_due=next_double_opt_in),
)
PERIODICS: tuple[Periodic, ...] = ()
