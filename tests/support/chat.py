"""A small world for tests of conversations: a workspace with a number, and one person who writes to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.channels import store as channel_store
from sojourn.channels.base import InboundMessage
from sojourn.channels.model import NewSender
from sojourn.channels.signals import MessageReceived
from sojourn.consents import actions as consents
from sojourn.consents import store as consent_store
from sojourn.consents.model import ConsentChange, ConsentFacts, ConsentState, Evidence, Purpose
from sojourn.conversations import inbound
from sojourn.conversations.signals import ReplyRouted
from sojourn.deliveries.rendering import tap_id
from sojourn.kit import json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.jobs import Handler, Registry
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme
from sojourn.workspaces.actions import create_workspace


async def _ignore(*_: Any) -> None: ...


# One listener, so that what was routed can be read.
REGISTRY = Registry([Handler(message=ReplyRouted, handle=_ignore, name="test.on_reply_routed", ordered=True)])


@dataclass
class Chat:
    """A workspace with a number, and one person who writes to it."""

    conn: Conn
    keys: KeyRing
    now: datetime
    workspace: UUID
    sender: UUID
    wa_id: str = "447700900303"
    user_id: str | None = "GB.303"
    said: int = 0
    sent: list[InboundMessage] = field(default_factory=list)

    async def say(self, text: str | None = None, *, after: float = 60, **more: Any) -> None:
        """One message, some seconds after the one before."""
        self.now += timedelta(seconds=after)
        self.said += 1
        message = InboundMessage(
            workspace_id=self.workspace,
            sender_id=self.sender,
            provider_message_id=more.pop("id", f"wamid.{self.said}"),
            at=more.pop("at", self.now.replace(microsecond=0)),
            kind=more.pop("kind", "text"),
            wa_id=self.wa_id,
            user_id=self.user_id,
            text=text,
            **more,
        )
        self.sent.append(message)
        await self.receive([message])

    async def tap(self, delivery_id: UUID, plain: str) -> None:
        """A tap on a button of one of our messages."""
        await self.say("title", kind="button_reply", tap_id=tap_id(delivery_id, plain), tap_title="title")

    async def receive(self, messages: list[InboundMessage]) -> None:
        batch = [MessageReceived(workspace_id=self.workspace, message=message) for message in messages]
        await inbound.receive_messages(self.conn, batch, keys=self.keys, now=self.now)

    async def profile(self) -> UUID:
        ref = ProfileRef(identities=(Identity(Scheme.WA_ID, self.wa_id),))
        [profile] = await resolve_profiles(self.conn, self.workspace, [ref], now=self.now, source="test")
        return profile

    async def facts(self) -> ConsentFacts:
        profile = await self.profile()
        found = await consent_store.read_consent_facts(
            self.conn, self.workspace, [profile], "whatsapp", self.now, keys=self.keys
        )
        return found[profile]

    async def marketing(self) -> ConsentState:
        return (await self.facts()).state(Purpose.MARKETING)

    async def grant(self, **more: Any) -> None:
        self.now += timedelta(seconds=60)
        change = ConsentChange(
            profile_id=await self.profile(),
            channel="whatsapp",
            purpose=Purpose.MARKETING,
            state=ConsentState.GRANTED,
            evidence=Evidence(form_id="co-7"),
            **more,
        )
        await consents.record_consents(self.conn, self.workspace, [change], keys=self.keys, now=self.now)

    async def answers(self) -> list[dict[str, Any]]:
        """What we asked to be sent, oldest first."""
        rows = await fetch_all(
            self.conn,
            """SELECT d.id, d.status, d.reason, d.purpose, k.key, c.rendered AS content
                 FROM deliveries d JOIN delivery_keys k ON k.delivery_id = d.id
                 LEFT JOIN delivery_contents c ON c.delivery_id = d.id
                WHERE d.workspace_id = %(workspace)s ORDER BY d.requested_at, d.id""",
            {"workspace": self.workspace},
        )
        for row in rows:
            row["content"] = json.decode(bytes(row["content"])) if row["content"] else None
        return rows

    async def routed(self) -> list[ReplyRouted]:
        rows = await fetch_all(self.conn, "SELECT payload FROM jobs WHERE handler = 'test.on_reply_routed' ORDER BY id")
        return [json.decode_as(bytes(row["payload"]), ReplyRouted) for row in rows]

    async def add_number(self, phone_number_id: str) -> None:
        """Another number of the workspace, to which the person writes from now on."""
        self.sender = await _add_sender(self.conn, self.workspace, phone_number_id, self.now)


async def make_chat(conn: Conn, keys: KeyRing, now: datetime) -> Chat:
    """A workspace whose number is active."""
    workspace = await create_workspace(conn, "Brisk Coffee", timezone="Europe/Amsterdam", now=now)
    return Chat(conn, keys, now, workspace.id, await _add_sender(conn, workspace.id, "401", now))


async def _add_sender(conn: Conn, workspace_id: UUID, phone_number_id: str, now: datetime) -> UUID:
    new = NewSender(
        channel="whatsapp",
        name="Care",
        phone_number=f"+447700900{phone_number_id}",
        phone_number_id=phone_number_id,
        waba_id="w1",
        portfolio_id="p1",
        is_default=phone_number_id == "401",
    )
    sender = await channel_store.insert_sender(conn, workspace_id, new, webhook_app_id=None, simulated=True, now=now)
    await execute(conn, "UPDATE senders SET state = 'active' WHERE id = %(id)s", {"id": sender})
    return sender
