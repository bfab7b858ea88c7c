"""Senders: their credentials, their webhooks, and a clock that must not be pushed under live ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

from sojourn.cli_doctor import store
from sojourn.cli_doctor.finding import Finding, fail, ok, warn
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn
from sojourn.settings import Settings

CHECK_AGE_MAX = timedelta(minutes=45)  # the probe runs every 15
SILENCE_MAX = timedelta(hours=24)
EXPIRY_WARNING = timedelta(days=7)
GUIDE = "docs/howto/connect-whatsapp.md"


async def check_senders(conn: Conn, settings: Settings) -> AsyncIterator[Finding]:
    """Everything about configured senders."""
    senders = await store.list_senders(conn)
    if not senders:
        yield warn("senders", "none is configured, so nothing can be sent", GUIDE)
        return
    live = [sender for sender in senders if not sender["simulated"] and sender["channel"] != "memory"]
    if settings.clock_file is not None and live:
        text = (
            f"SOJOURN_CLOCK_FILE is set while {len(live)} live senders exist: people would be written to at wrong times"
        )
        yield fail("clock", text, "unset SOJOURN_CLOCK_FILE; it is for demo and tests")
    for sender in senders:
        for finding in check_sender(sender, system_now()):
            yield finding


def check_sender(sender: dict[str, Any], now: datetime) -> Iterator[Finding]:
    """One sender; pure."""
    subject = f"sender {sender['name']}"
    if sender["state"] in {"failed", "stopped"}:
        reason = sender["stopped_reason"] or sender["state_reason"] or "no reason noted"
        yield fail(subject, f"is {sender['state']}: {reason}", f"mend the cause, then check it again; {GUIDE}")
        return
    if sender["state"] != "active":
        yield warn(subject, f"is {sender['state']}", f"finish its set-up: {GUIDE}")
        return
    problems = [*_credentials(subject, sender, now), *_webhooks(subject, sender, now)]
    yield from problems or [ok(subject, "active" + (" (simulated)" if sender["simulated"] else ""))]


def _credentials(subject: str, sender: dict[str, Any], now: datetime) -> Iterator[Finding]:
    if not sender["has_token"] and sender["channel"] == "whatsapp":
        yield fail(subject, "has no access token", f"save one: {GUIDE}")
    expires = sender["expires_at"]
    if expires is not None and expires < now:
        yield fail(subject, "its access token has expired", f"make a system user's token, which does not: {GUIDE}")
    elif expires is not None and expires < now + EXPIRY_WARNING:
        yield warn(subject, f"its access token expires {expires:%Y-%m-%d %H:%M} UTC", f"save a lasting one: {GUIDE}")
    checked = sender["checked_at"]
    if not sender["simulated"] and (checked is None or checked < now - CHECK_AGE_MAX):
        when = "never" if checked is None else f"last {checked:%Y-%m-%d %H:%M} UTC"
        yield warn(subject, f"credentials were checked {when}", "is a worker running? It checks every 15 minutes")


def _webhooks(subject: str, sender: dict[str, Any], now: datetime) -> Iterator[Finding]:
    if sender["simulated"] or sender["channel"] != "whatsapp":
        return
    if sender["verified_at"] is None:
        yield fail(subject, "the webhook was never verified", f"subscribe it at Meta: {GUIDE}")
        return
    heard = sender["last_webhook_at"]
    if heard is None or heard < now - SILENCE_MAX:
        since = "ever" if heard is None else f"since {heard:%Y-%m-%d %H:%M} UTC"
        text = f"no webhook {since}: statuses and answers do not reach us"
        yield warn(subject, text, f"check the subscription, the address and the app secret: {GUIDE}")
