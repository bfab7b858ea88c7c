"""Worker side of conversations: messages, preferences and number changes of people, as channels report them."""

from __future__ import annotations

from uuid import UUID

from sojourn.channels.signals import IdentityChanged, MessageReceived, PreferenceReported
from sojourn.channels.store import find_sender
from sojourn.consents.actions import record_platform_preferences
from sojourn.conversations.consent_words import CHANNEL
from sojourn.conversations.inbound import receive_messages
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Handler, Periodic, Poller, Work
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme


async def on_message_received(work: Work, conn: Conn, batch: list[MessageReceived]) -> None:
    """Take in what people said; a repeated message has no second effect. In order per person and sender."""
    await receive_messages(conn, batch, keys=work.keys, now=work.now())


async def on_preference_reported(work: Work, conn: Conn, batch: list[PreferenceReported]) -> None:
    """Note stops and resumes on the platform's own side; the person's own word stays as it is."""
    now = work.now()
    by_workspace: dict[UUID, list[PreferenceReported]] = {}
    for signal in batch:
        if signal.wa_id or signal.user_id:
            by_workspace.setdefault(signal.workspace_id, []).append(signal)
    for workspace_id, signals in by_workspace.items():
        portfolios = {}
        for sender_id in {signal.sender_id for signal in signals}:
            sender = await find_sender(conn, sender_id)
            portfolios[sender_id] = None if sender is None else sender.portfolio_id
        refs = [
            ProfileRef(identities=_identities(signal.wa_id, signal.user_id), portfolio_id=portfolios[signal.sender_id])
            for signal in signals
        ]
        people = await profiles.resolve_profiles(conn, workspace_id, refs, now=now, source="inbound")
        preferences = [
            (profile_id, CHANNEL, signal.value, signal.at) for profile_id, signal in zip(people, signals, strict=True)
        ]
        await record_platform_preferences(conn, workspace_id, preferences, keys=work.keys, now=now)


async def on_identity_changed(work: Work, conn: Conn, batch: list[IdentityChanged]) -> None:
    """A person told the platform a new number or id: their profile keeps everything but the consent of the old one."""
    for signal in batch:
        old = _identities(signal.old_wa_id, signal.old_user_id)
        new = _identities(signal.new_wa_id, signal.new_user_id)
        if old and new:
            await profiles.move_identity(conn, signal.workspace_id, old=old, new=new, now=work.now())


def _identities(wa_id: str | None, user_id: str | None) -> tuple[Identity, ...]:
    given = ((Scheme.WA_ID, wa_id), (Scheme.BSUID, user_id))
    return tuple(Identity(scheme, value) for scheme, value in given if value)


HANDLERS: tuple[Handler, ...] = (
    Handler(
        message=MessageReceived,
        handle=on_message_received,
        name="conversations.on_message_received",
        batch=200,
        ordered=True,
    ),
    Handler(
        message=PreferenceReported,
        handle=on_preference_reported,
        name="conversations.on_preference_reported",
        batch=200,
        ordered=True,
    ),
    Handler(
        message=IdentityChanged,
        handle=on_identity_changed,
        name="conversations.on_identity_changed",
        batch=50,
        ordered=True,
    ),
)
POLLERS: tuple[Poller, ...] = ()
PERIODICS: tuple[Periodic, ...] = ()
