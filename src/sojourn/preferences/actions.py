"""Ask people to confirm a consent, remind them once, confirm changes that came without a message of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sojourn.consents import request_store
from sojourn.consents.model import INBOUND_SOURCES, ConsentSource, ConsentState, Purpose
from sojourn.consents.request_store import ConsentRequest
from sojourn.consents.signals import ConsentChanged, ConsentRequested
from sojourn.consents.texts import channel_name
from sojourn.countries.purposes import Purpose as AnyPurpose
from sojourn.deliveries.actions import request_deliveries
from sojourn.deliveries.model import DeliveryRequest, ProfileId, TemplateMessage
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.workspaces import store as workspaces
from sojourn.workspaces.model import Workspace

REPLY_IDS = {"0": "yes", "1": "no"}  # plain ids of the question's quick replies; see conversations/consent_words.py
UNCONFIRMED_SOURCES = INBOUND_SOURCES | {
    ConsentSource.IMPORT,
    ConsentSource.MERGE,
    ConsentSource.TOMBSTONE,
    ConsentSource.SYSTEM,
    ConsentSource.PLATFORM,
}  # answered elsewhere, or said by nobody just now
FALLBACK_CHANNEL = "whatsapp"
REMINDER_BATCH = 200

Asked = TypeVar("Asked", ConsentRequested, ConsentChanged, ConsentRequest)


async def ask_to_confirm(conn: Conn, batch: Sequence[ConsentRequested], *, keys: KeyRing, now: datetime) -> None:
    """Request the double opt-in question, in the language of the request; what began in a chat is asked there."""
    outside = [signal for signal in batch if signal.source not in INBOUND_SOURCES]
    for workspace, signals in await _by_workspace(conn, outside):
        requests = [
            _question(
                workspace,
                signal.request_id,
                signal.profile_id,
                signal.channel,
                signal.locale,
                key=f"consent:{signal.request_id}:question:{signal.at.isoformat()}",
            )
            for signal in signals
        ]
        await request_deliveries(conn, workspace.id, requests, keys=keys, now=now)


async def confirm_changes(conn: Conn, batch: Sequence[ConsentChanged], *, keys: KeyRing, now: datetime) -> None:
    """Confirm marketing opt-ins and opt-outs by template, where the workspace names one; opt-outs once a day."""
    outside = [
        signal
        for signal in batch
        if signal.source not in UNCONFIRMED_SOURCES and signal.purpose == Purpose.MARKETING and not signal.topic
    ]
    for workspace, signals in await _by_workspace(conn, outside):
        requests = [request for signal in signals if (request := _confirmation(workspace, signal)) is not None]
        if requests:
            await request_deliveries(conn, workspace.id, requests, keys=keys, now=now)


async def remind(conn: Conn, *, keys: KeyRing, now: datetime) -> int:
    """Ask once more where that was switched on and nobody has answered. How many; run again while there are any."""
    due = await request_store.lock_reminders(conn, now, REMINDER_BATCH)
    for workspace, requests in await _by_workspace(conn, due):
        asked = [
            _question(
                workspace,
                request.id,
                request.profile_id,
                request.channel,
                request.locale,
                key=f"consent:{request.id}:reminder",
            )
            for request in requests
        ]
        await request_deliveries(conn, workspace.id, asked, keys=keys, now=now)
    await request_store.update_reminded(conn, [request.id for request in due], now)
    return len(due)


async def _by_workspace(conn: Conn, asked: Iterable[Asked]) -> list[tuple[Workspace, list[Asked]]]:
    found: dict[UUID, list[Asked]] = {}
    for one in asked:
        found.setdefault(one.workspace_id, []).append(one)
    return [(await workspaces.get_workspace(conn, id_), members) for id_, members in found.items()]


def _question(
    workspace: Workspace, request_id: UUID, profile_id: UUID, channel: str, locale: str | None, *, key: str
) -> DeliveryRequest:
    return DeliveryRequest(
        key=key,
        profile_id=ProfileId(profile_id),
        purpose=AnyPurpose.CONSENT_REQUEST,
        message=TemplateMessage(
            template=workspace.settings.opt_in_question_template,
            language=locale,
            variables=_variables(workspace, channel),
            reply_ids=REPLY_IDS,
        ),
        channel=channel,
        owner_kind="preferences",
        owner_id=request_id,
    )


def _confirmation(workspace: Workspace, signal: ConsentChanged) -> DeliveryRequest | None:
    settings = workspace.settings
    key = f"consent:{signal.entry_id}:confirmation"
    channel = FALLBACK_CHANNEL if signal.channel == "*" else signal.channel
    if signal.state == ConsentState.GRANTED:
        template = settings.opt_in_confirmation_template
    elif signal.state == ConsentState.WITHDRAWN:
        template = settings.opt_out_confirmation_template
        day = signal.at.astimezone(ZoneInfo(workspace.timezone)).date()
        key = f"stop:{signal.profile_id}:{channel}:{day.isoformat()}"
    else:
        return None
    if not template:
        return None
    return DeliveryRequest(
        key=key,
        profile_id=ProfileId(signal.profile_id),
        purpose=AnyPurpose.CONSENT_REQUEST,
        message=TemplateMessage(template=template, language=signal.locale, variables=_variables(workspace, channel)),
        channel=channel,
        owner_kind="preferences",
    )


def _variables(workspace: Workspace, channel: str) -> dict[str, str]:
    return {"business": workspace.business_name, "channel": channel_name(channel)}
