"""Whose a message is, and the message in the ledger: the first half of what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from sojourn.channels.base import InboundMessage
from sojourn.channels.store import list_senders
from sojourn.consents import form_store, links
from sojourn.consents.form_store import StoredLink
from sojourn.conversations import store
from sojourn.kit.database import Conn
from sojourn.messages.actions import record_inbound
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import Identity, InvalidIdentity, ProfileId, ProfileRef, Resolution, Scheme
from sojourn.profiles.phone_numbers import normalise_identity
from sojourn.workspaces.model import Workspace

log = structlog.get_logger(__name__)

SILENT_KINDS = frozenset({"system", "edit", "revoke"})


@dataclass(slots=True)
class Item:
    """One message on its way through: as it came, whose it is, what was found out about it."""

    message: InboundMessage
    profile_id: ProfileId
    is_new_person: bool
    said: str | None
    links: list[StoredLink] = field(default_factory=list)
    message_id: UUID | None = None
    word_language: str | None = None


async def identify(conn: Conn, workspace: Workspace, received: Sequence[InboundMessage], now: datetime) -> list[Item]:
    """Whose each message is; a first-time writer becomes a profile. Messages without any address are left out."""
    portfolios = {sender.id: sender.portfolio_id for sender in await list_senders(conn, workspace.id)}
    named = [(message, ref) for message in received if (ref := _ref(message, portfolios)) is not None]
    if not named:
        return []
    refs = [ref for _, ref in named]
    found = await profiles.resolve_refs(conn, workspace.id, refs, now=now, source="inbound")
    await profiles.clear_unreachable(conn, workspace.id, [one for ref in refs for one in ref.identities], now=now)
    await _name_new_people(conn, workspace.id, [message for message, _ in named], found, now)
    codes = {code for message, _ in named for code in links.find_codes(message.text)}
    by_code = await form_store.find_links_by_code(conn, workspace.id, codes) if codes else {}
    return [
        _item(message, one.profile_id, is_new=one.is_new, by_code=by_code)
        for (message, _), one in zip(named, found, strict=True)
    ]


def _ref(message: InboundMessage, portfolios: Mapping[UUID, str | None]) -> ProfileRef | None:
    given = [(Scheme.WA_ID, message.wa_id), (Scheme.BSUID, message.user_id)]
    identities = []
    for scheme, value in given:
        if not value:
            continue
        try:
            identities.append(normalise_identity(Identity(scheme, value)))
        except InvalidIdentity:
            log.warning("inbound_address_invalid", scheme=scheme.value, sender_id=str(message.sender_id))
    if not identities:
        return None
    return ProfileRef(identities=tuple(identities), portfolio_id=portfolios.get(message.sender_id))


async def _name_new_people(
    conn: Conn,
    workspace_id: UUID,
    received: Sequence[InboundMessage],
    found: Sequence[Resolution],
    now: datetime,
) -> None:
    """A first-time writer is called what they call themselves."""
    names = [
        (one.profile_id, {"name": message.profile_name})
        for message, one in zip(received, found, strict=True)
        if one.is_new and message.profile_name
    ]
    if names:
        await profiles.update_attributes(conn, workspace_id, names, now, source="inbound")


def _item(message: InboundMessage, profile_id: ProfileId, *, is_new: bool, by_code: Mapping[str, StoredLink]) -> Item:
    """A message with the codes of our links taken out of its text: people never typed them."""
    found = [by_code[code] for code in links.find_codes(message.text) if code in by_code]
    said = message.text
    if found and message.text is not None:
        text = links.without_codes(message.text, {link.code for link in found})
        message = msgspec.structs.replace(message, text=text)
    return Item(message=message, profile_id=profile_id, is_new_person=is_new, said=said, links=found)


async def store_items(conn: Conn, workspace_id: UUID, items: Sequence[Item], now: datetime) -> list[Item]:
    """Write the messages into the ledger; those that were new."""
    receipts = await record_inbound(conn, [(item.profile_id, item.message) for item in items], now=now)
    fresh = []
    for item, receipt in zip(items, receipts, strict=True):
        item.message_id = receipt.message_id
        if receipt.is_new:
            fresh.append(item)
    spoken = [item for item in fresh if item.message.kind not in SILENT_KINDS]
    rows = [(item.profile_id, item.message.sender_id, item.message.at, item.message.user_id) for item in spoken]
    if rows:
        await store.upsert_conversations(conn, workspace_id, rows, now)
    return fresh
