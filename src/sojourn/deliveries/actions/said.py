"""The ledger's half: what a provider took was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec

from sojourn.channels.base import OutboundMessage
from sojourn.deliveries.model import Purpose
from sojourn.deliveries.store import rows
from sojourn.deliveries.store.statuses import Tracked
from sojourn.kit import json
from sojourn.kit.database import Conn
from sojourn.messages import actions as messages
from sojourn.messages.masking import mask_code, mask_values
from sojourn.messages.model import StoredMessage


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on the wire, with what is written down once it was taken. `known`: the person's known addresses."""

    message: OutboundMessage
    rendered: bytes
    body: str | None
    channel: str
    known: frozenset[str] = frozenset()


async def record_said(
    conn: Conn,
    accepted: Sequence[tuple[Tracked, str]],
    *,
    outgoing: Mapping[UUID, Outgoing],
    now: datetime,
) -> None:
    """Write what was taken (delivery, provider's id) into the ledger; `outgoing` by delivery spares reading it again.

    One-time codes are masked in the ledger, and in the delivery itself from now on. Of what an erased person was sent
    only the digest of the provider's id is kept, so that reports about it are still recognised.
    """
    await messages.note_provider_ids(
        conn, [(row.workspace_id, provider_id, row.id) for row, provider_id in accepted if row.is_erased]
    )
    accepted = [(row, provider_id) for row, provider_id in accepted if not row.is_erased]
    if not accepted:
        return
    missing = [row.id for row, _ in accepted if row.id not in outgoing]
    stored = await rows.list_claimed(conn, missing) if missing else {}
    said: list[StoredMessage] = []
    codes: list[UUID] = []
    for row, provider_message_id in accepted:
        sent = outgoing.get(row.id)
        rendered, body, channel = b"{}", None, "whatsapp"
        if sent is not None:
            rendered, body, channel = sent.rendered, sent.body, sent.channel
        elif row.id in stored:
            found = stored[row.id]
            rendered, body, channel = bytes(found["rendered"] or b"{}"), found["body"], found["channel"]
        message = _message(row, provider_message_id, rendered, body, channel, now)
        if row.purpose == Purpose.AUTHENTICATION:
            codes.append(row.id)
            message = replace(message, text=mask_code(body), data=_masked(rendered))
        said.append(message)
    repeated = {row.id for row, _ in accepted if row.attempt_number > 1 or row.id not in outgoing}
    await messages.record_outbound(conn, said, repeated=repeated)
    if codes:
        await _mask(conn, codes)


def _message(
    row: Tracked, provider_message_id: str, rendered: bytes, body: str | None, channel: str, now: datetime
) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        workspace_id=row.workspace_id,
        profile_id=row.profile_id,
        sender_id=row.sender_id,
        channel=channel,
        direction="out",
        kind=kind_of(rendered),
        text=body,
        provider_message_id=provider_message_id,
        context_id=None,
        said_at=now,
        recorded_at=now,
        data=msgspec.Raw(rendered),  # type: ignore[arg-type]
    )


class _Kind(msgspec.Struct):
    type: str = "unknown"


def kind_of(rendered: bytes) -> str:
    """The kind of a stored content."""
    return json.decode_as(rendered, _Kind).type


def _masked(rendered: bytes) -> dict[str, object]:
    values = json.decode(rendered)
    if isinstance(values, dict) and "components" in values:
        values["components"] = mask_values(values["components"])
    elif isinstance(values, dict) and "body" in values:
        values["body"] = mask_code(values["body"])
    return dict(values)


async def _mask(conn: Conn, ids: Sequence[UUID]) -> None:
    """A code that was sent stays readable nowhere."""
    found = await rows.list_contents(conn, ids)
    await rows.update_masked(
        conn,
        [
            (
                row["delivery_id"],
                json.encode(_mask_request(json.decode(bytes(row["request"])))),
                json.encode(_masked(bytes(row["rendered"] or b"{}"))),
                mask_code(row["body"]),
            )
            for row in found
        ],
    )


def _mask_request(values: dict[str, object]) -> dict[str, object]:
    masked = dict(values)
    for name in ("variables", "content"):
        if name in masked:
            masked[name] = mask_values(masked[name])
    return masked
