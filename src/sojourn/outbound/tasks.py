"""From news inside the product to what endpoints are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sojourn.channels.signals import SenderChanged
from sojourn.channels.store import find_sender
from sojourn.consents.signals import ConsentChanged
from sojourn.conversations.signals import MessagesTaken
from sojourn.deliveries.signals import DeliveriesMoved
from sojourn.journeys.signals import RunsEnded
from sojourn.kit.database import Conn
from sojourn.kit.jobs import LEASED, TRANSACTIONAL, Handler, Signal, Work
from sojourn.messages import store as messages
from sojourn.outbound import actions, store
from sojourn.outbound.actions import SendWebhook
from sojourn.outbound.interest import wants
from sojourn.outbound.model import Event, Told
from sojourn.outbound.sending import send_webhooks
from sojourn.profiles import store as profiles
from sojourn.templates.signals import TemplateChanged


async def on_messages_taken(work: Work, conn: Conn, batch: list[MessagesTaken]) -> None:
    """A person wrote."""
    for workspace_id, signals in _by_workspace(batch):
        taken = [one for signal in signals for one in signal.messages]
        is_personal = await actions.wants_personal_data(conn, workspace_id, Event.MESSAGE_RECEIVED)
        said = await messages.get_messages(conn, [one.message_id for one in taken]) if is_personal else {}
        people = await _addresses(conn, workspace_id, [one.profile_id for one in taken]) if is_personal else {}
        told = [
            Told(
                event=Event.MESSAGE_RECEIVED, at=one.at, profile_id=one.profile_id,
                data={"message_id": one.message_id, "sender_id": one.sender_id, "kind": one.kind},
                personal={"text": said[one.message_id].text, "identities": people.get(one.profile_id, [])}
                if one.message_id in said else {},
            )
            for one in taken
        ]  # fmt: skip
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


async def on_deliveries_moved(work: Work, conn: Conn, batch: list[DeliveriesMoved]) -> None:
    """Deliveries got further, or were excluded."""
    for workspace_id, signals in _by_workspace(batch):
        moves = [(signal.at, move) for signal in signals for move in signal.moves]
        known = await store.list_deliveries(conn, sorted({move.delivery_id for _, move in moves}))
        told = []
        for at, move in moves:
            row = known.get(move.delivery_id)
            if row is None:
                continue
            event = Event.DELIVERY_EXCLUDED if move.status == "excluded" else Event.DELIVERY_STATUS_CHANGED
            names = ("purpose", "channel", "sender_id", "owner_kind", "owner_id", "run_id", "template_id")
            data = {"delivery_id": move.delivery_id, "status": move.status, "reason": move.reason}
            data |= {name: row[name] for name in names}
            personal = {"key": row["key"], "text": row["body"]}
            told.append(Told(event=event, at=at, profile_id=move.profile_id, data=data, personal=personal))
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


async def on_consent_changed(work: Work, conn: Conn, batch: list[ConsentChanged]) -> None:
    """Somebody agreed or withdrew."""
    for workspace_id, signals in _by_workspace(batch):
        told = [
            Told(
                event=Event.CONSENT_CHANGED, at=one.at, profile_id=one.profile_id,
                data={"entry_id": one.entry_id, "channel": one.channel, "purpose": one.purpose,
                      "topic": one.topic or None, "state": one.state, "source": one.source},
            )
            for one in signals
        ]  # fmt: skip
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


async def on_template_changed(work: Work, conn: Conn, batch: list[TemplateChanged]) -> None:
    """A provider reviewed, paused or judged a template."""
    for workspace_id, signals in _by_workspace(batch):
        told = [
            Told(
                event=Event.TEMPLATE_STATE_CHANGED, at=one.at,
                data={"template_id": one.template_id, "language": one.language, "state": one.state,
                      "old_state": one.old_state, "quality": one.quality},
            )
            for one in signals
        ]  # fmt: skip
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


async def on_sender_changed(work: Work, conn: Conn, batch: list[SenderChanged]) -> None:
    """A sender's state, quality or limit changed: as it is now, once a batch."""
    for workspace_id, signals in _by_workspace(batch):
        told = []
        for sender_id, what in dict.fromkeys((one.sender_id, one.what) for one in signals):
            sender = await find_sender(conn, sender_id)
            if sender is not None:
                data = {"sender_id": sender_id, "what": what, "state": sender.state, "quality": sender.quality,
                        "stopped_reason": sender.stopped_reason}  # fmt: skip
                told.append(Told(event=Event.SENDER_STATE_CHANGED, at=work.now(), data=data))
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


async def on_runs_ended(work: Work, conn: Conn, batch: list[RunsEnded]) -> None:
    """Runs of journeys are over."""
    for workspace_id, signals in _by_workspace(batch):
        told = [
            Told(
                event=Event.JOURNEY_RUN_ENDED, at=one.ended_at or work.now(), profile_id=one.profile_id,
                data={"run_id": one.run_id, "journey_id": one.journey_id, "state": one.state, "reason": one.reason},
            )
            for signal in signals
            for one in signal.runs
        ]  # fmt: skip
        await actions.tell(conn, workspace_id, told, keys=work.keys, now=work.now())


def _by_workspace(batch: Iterable[Any]) -> list[tuple[UUID, list[Any]]]:
    found: dict[UUID, list[Any]] = {}
    for signal in batch:
        found.setdefault(signal.workspace_id, []).append(signal)
    return list(found.items())


async def _addresses(conn: Conn, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, str]]]:
    known = await profiles.list_identities(conn, workspace_id, ids)
    return {
        profile_id: [{"scheme": row.scheme.value, "value": row.value} for row in rows]
        for profile_id, rows in known.items()
    }


def _heard(message: type[Signal], handle: Any, name: str, *events: Event) -> Handler:
    return Handler(message=message, handle=handle, name=f"outbound.{name}", mode=TRANSACTIONAL, wanted=wants(*events))


HANDLERS: tuple[Handler, ...] = (
    _heard(MessagesTaken, on_messages_taken, "on_messages_taken", Event.MESSAGE_RECEIVED),
    _heard(
        DeliveriesMoved,
        on_deliveries_moved,
        "on_deliveries_moved",
        Event.DELIVERY_STATUS_CHANGED,
        Event.DELIVERY_EXCLUDED,
    ),
    _heard(ConsentChanged, on_consent_changed, "on_consent_changed", Event.CONSENT_CHANGED),
    _heard(TemplateChanged, on_template_changed, "on_template_changed", Event.TEMPLATE_STATE_CHANGED),
    _heard(SenderChanged, on_sender_changed, "on_sender_changed", Event.SENDER_STATE_CHANGED),
    _heard(RunsEnded, on_runs_ended, "on_runs_ended", Event.JOURNEY_RUN_ENDED),
    Handler(
        message=SendWebhook,
        handle=send_webhooks,
        name="outbound.send_webhooks",
        mode=LEASED,
        batch=20,
        max_attempts=10,
        concurrency=2,
    ),
)
