"""Write down what was said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.channels.base import InboundMessage
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn
from sojourn.messages import store
from sojourn.messages.masking import mask_cards
from sojourn.messages.model import InboundReceipt, StoredMessage

OPENS_NO_WINDOW = frozenset({"system", "revoke", "edit"})  # kinds that are not the person writing to us


async def record_inbound(
    conn: Conn, items: Sequence[tuple[UUID, InboundMessage]], *, now: datetime, channel: str = "whatsapp"
) -> list[InboundReceipt]:
    """Store inbound messages (profile, message), in the order given; a receipt for each.

    The provider's id is claimed in this transaction, so that a repeated webhook has one effect. Opens or extends the
    service window of the pair from the message's own time. Card numbers are masked before anything is written.
    """
    receipts: list[InboundReceipt] = []
    fresh: list[StoredMessage] = []
    by_workspace: dict[UUID, dict[str, UUID]] = {}
    for profile_id, message in items:
        ids = by_workspace.setdefault(message.workspace_id, {})
        if message.provider_message_id not in ids:
            ids[message.provider_message_id] = kit_ids.new_id(now, kit_ids.bucket_of(profile_id))
    written: dict[UUID, set[str]] = {}
    known: dict[UUID, dict[str, UUID]] = {}
    for workspace_id, ids in by_workspace.items():
        new = await store.insert_provider_ids(conn, workspace_id, list(ids.items()), "in")
        written[workspace_id] = new
        known[workspace_id] = await store.find_by_provider_ids(conn, workspace_id, ids.keys() - new)
    for profile_id, message in items:
        provider_id, workspace_id = message.provider_message_id, message.workspace_id
        if provider_id in written[workspace_id]:
            written[workspace_id].discard(provider_id)
            stored = _stored(by_workspace[workspace_id][provider_id], profile_id, message, now, channel)
            fresh.append(stored)
            receipts.append(InboundReceipt(message_id=stored.id, is_new=True))
        else:
            again = known[workspace_id].get(provider_id, by_workspace[workspace_id][provider_id])
            receipts.append(InboundReceipt(message_id=again, is_new=False))
    if fresh:
        await store.copy_messages(conn, fresh)
        await _open_windows(conn, fresh, now)
    return receipts


async def _open_windows(conn: Conn, messages: Sequence[StoredMessage], now: datetime) -> None:
    latest: dict[UUID, dict[tuple[UUID, UUID], datetime]] = {}
    for message in messages:
        if message.kind in OPENS_NO_WINDOW:
            continue
        pairs = latest.setdefault(message.workspace_id, {})
        pair = (message.profile_id, message.sender_id)
        pairs[pair] = max(pairs.get(pair, message.said_at), message.said_at)
    for workspace_id, pairs in latest.items():
        rows = [(profile, sender, said_at) for (profile, sender), said_at in pairs.items()]
        await store.upsert_windows(conn, workspace_id, rows, now)


def _stored(id_: UUID, profile_id: UUID, message: InboundMessage, now: datetime, channel: str) -> StoredMessage:
    data: dict[str, Any] = dict(message.data)
    for name in ("tap_id", "tap_title", "referral", "profile_name"):
        value = getattr(message, name)
        if value is not None:
            data[name] = value
    if message.media:
        data["media"] = message.media
    return StoredMessage(
        id=id_,
        workspace_id=message.workspace_id,
        profile_id=profile_id,
        sender_id=message.sender_id,
        channel=channel,
        direction="in",
        kind=message.kind,
        text=mask_cards(message.text),
        provider_message_id=message.provider_message_id,
        context_id=message.context_id,
        said_at=message.at,
        recorded_at=now,
        data=data,
    )


async def record_outbound(
    conn: Conn, messages: Sequence[StoredMessage], *, repeated: Collection[UUID] = frozenset()
) -> None:
    """Store messages that a provider took; each has the id of its delivery.

    A provider id that is stored already changes nothing. `repeated` names deliveries that may have been taken before
    under another provider id (a further attempt): their text stays as it is.
    """
    by_workspace: dict[UUID, list[StoredMessage]] = {}
    for message in messages:
        by_workspace.setdefault(message.workspace_id, []).append(message)
    present = set(await store.get_messages(conn, repeated)) if repeated else set()
    for workspace_id, rows in by_workspace.items():
        ids = [(message.provider_message_id, message.id) for message in rows]
        new = await store.insert_provider_ids(conn, workspace_id, ids, "out")
        fresh = [message for message in rows if message.provider_message_id in new and message.id not in present]
        if fresh:
            await store.copy_messages(conn, fresh)


async def note_provider_ids(conn: Conn, sent: Sequence[tuple[UUID, str, UUID]]) -> None:
    """Remember only whose messages these are (workspace, provider's id, delivery), by digest: the person was erased."""
    by_workspace: dict[UUID, list[tuple[str, UUID]]] = {}
    for workspace_id, provider_id, delivery_id in sent:
        by_workspace.setdefault(workspace_id, []).append((provider_id, delivery_id))
    for workspace_id, ids in by_workspace.items():
        await store.insert_provider_ids(conn, workspace_id, ids, "out")
