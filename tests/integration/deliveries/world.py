"""A coffee shop with a sender that only remembers, templates and people, for tests of the road out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.channels import actions as channels
from sojourn.channels import store as channel_store
from sojourn.channels.base import Pricing, StatusUpdate
from sojourn.channels.memory import memory
from sojourn.channels.model import NewSender, SenderState
from sojourn.channels.signals import StatusesReported
from sojourn.consents.actions import record_consents
from sojourn.consents.model import ConsentChange, Evidence, Purpose
from sojourn.deliveries import tasks
from sojourn.deliveries.actions import request_deliveries
from sojourn.deliveries.actions.reports import apply_statuses
from sojourn.deliveries.model import Delivery, DeliveryRequest, FreeMessage, ProfileId, TemplateMessage
from sojourn.kit.clock import Clock
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Database, fetch_all, fetch_one
from sojourn.kit.jobs import Registry, Work
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme
from sojourn.templates import actions as templates
from sojourn.templates.model import Category, TemplateDraft, VariablePolicy, VariantDraft
from sojourn.workspaces.actions import create_workspace
from sojourn.workspaces.model import WorkspaceSettings


class StoppedClock(Clock):
    """A product clock that stands until it is moved."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def push(self, offset: timedelta) -> None:
        self.moment += offset


@dataclass
class Shop:
    db: Database
    keys: KeyRing
    clock: StoppedClock
    workspace_id: UUID
    sender_id: UUID
    people: list[ProfileId]

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def work(self) -> Work:
        return Work(db=self.db, settings=None, http=None, keys=self.keys, clock=self.clock)  # type: ignore[arg-type]

    async def request(self, *requests: DeliveryRequest) -> list[Delivery]:
        async with self.db.transaction() as conn:
            return await request_deliveries(conn, self.workspace_id, requests, keys=self.keys, now=self.now)

    async def send(self) -> int:
        """Send all that is due now."""
        total = 0
        while done := await tasks.send_due_deliveries(self.work):
            total += done
        return total

    async def report(self, *updates: StatusUpdate) -> int:
        signal = StatusesReported(workspace_id=self.workspace_id, sender_id=self.sender_id, updates=list(updates))
        async with self.db.transaction() as conn:
            return await apply_statuses(conn, [signal], keys=self.keys, now=self.now)

    async def row(self, delivery: Delivery) -> dict[str, Any]:
        async with self.db.transaction() as conn:
            return await fetch_one(conn, "SELECT * FROM deliveries WHERE id = %(id)s", {"id": delivery.id})

    async def rows(self, sql: Any) -> list[dict[str, Any]]:
        async with self.db.transaction() as conn:
            return await fetch_all(conn, sql)

    def update(self, attempt_id: UUID, status: str, **more: Any) -> StatusUpdate:
        values: dict[str, Any] = {
            "sender_id": self.sender_id,
            "provider_message_id": f"memory.{attempt_id}",
            "status": status,
            "at": self.now,
            "attempt_id": attempt_id,
            "wa_id": "447000000000",
            "pricing": Pricing(category="utility", type="regular", model="PMP"),
            **more,
        }
        return StatusUpdate(**values)


def order_message(**more: Any) -> TemplateMessage:
    return TemplateMessage(
        template="order_shipped", variables={"event": {"order": "B-1001", "carrier": "PakketX"}}, **more
    )


def request(profile: ProfileId, key: str = "k1", **more: Any) -> DeliveryRequest:
    values: dict[str, Any] = {
        "key": key,
        "profile_id": profile,
        "purpose": Purpose.TRANSACTIONAL,
        "message": order_message(),
        "channel": "memory",
        **more,
    }
    return DeliveryRequest(**values)


def promotion(profile: ProfileId, key: str = "p1", **more: Any) -> DeliveryRequest:
    return request(
        profile, key, **{"purpose": Purpose.MARKETING, "message": TemplateMessage(template="spring"), **more}
    )


def answer(profile: ProfileId, key: str = "a1", body: str = "Noted", **more: Any) -> DeliveryRequest:
    message = FreeMessage(content={"type": "text", "body": body})
    return request(profile, key, **{"purpose": Purpose.SERVICE, "message": message, **more})


DRAFTS = (
    TemplateDraft(
        name="order_shipped",
        purpose="transactional",
        category=Category.UTILITY,
        default_language="en",
        variables={
            "order": VariablePolicy(value="{{ event.order }}"),
            "carrier": VariablePolicy(value="{{ event.carrier }}", default="our courier"),
        },
        variants=(
            VariantDraft(
                language="en",
                components=[
                    {
                        "type": "BODY",
                        "text": "Your order {{order}} left with {{carrier}} today.",
                        "example": {"body_text_named_params": [
                            {"param_name": "order", "example": "B-1"}, {"param_name": "carrier", "example": "PostNL"}]},
                    },
                    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Leave with neighbour"}]},
                ],
            ),
        ),
    ),
    TemplateDraft(
        name="spring",
        purpose="marketing",
        category=Category.MARKETING,
        default_language="en",
        variants=(
            VariantDraft(language="en", components=[
                {"type": "BODY", "text": "Spring roast is here."},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop promos"}]}]),
        ),
    ),
    TemplateDraft(
        name="code",
        purpose="authentication",
        category=Category.AUTHENTICATION,
        default_language="en",
        variables={"code": VariablePolicy(value="{{ code }}")},
        variants=(
            VariantDraft(language="en", components=[
                {"type": "BODY", "add_security_recommendation": True},
                {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]),
        ),
    ),
)  # fmt: skip


async def make_shop(
    db: Database,
    keys: KeyRing,
    now: datetime,
    *,
    people: int = 2,
    settings: WorkspaceSettings | None = None,
    throughput: int = 80,
    channel: str = "memory",
    drafts: tuple[TemplateDraft, ...] = DRAFTS[:2],
    portfolio_limit: int | None = None,
) -> Shop:
    """A workspace with an active sender, approved templates and people who agreed to everything."""
    memory.clear()
    db._registry = db._registry or Registry()
    async with db.transaction() as conn:
        conn.registry = db._registry
        workspace = await create_workspace(conn, "Brisk Coffee", settings=settings, now=now)
        sender_id = await make_sender(conn, workspace.id, now, throughput, channel, portfolio_limit)
        for draft in drafts:
            await make_template(conn, workspace.id, draft, now)
        ids = await make_people(conn, workspace.id, people, keys=keys, now=now, channel=channel)
    return Shop(db, keys, StoppedClock(now), workspace.id, sender_id, ids)


async def make_sender(
    conn: Conn, workspace_id: UUID, now: datetime, throughput: int, channel: str, portfolio_limit: int | None = None
) -> UUID:
    new = NewSender(
        channel=channel, name="Shop", phone_number="+447700900000", is_default=True, throughput_per_s=throughput,
        portfolio_limit=portfolio_limit,
    )  # fmt: skip
    sender_id = await channel_store.insert_sender(conn, workspace_id, new, webhook_app_id=None, simulated=True, now=now)
    sender = await channel_store.get_sender(conn, workspace_id, sender_id)
    await channels.change_state(conn, sender, SenderState.ACTIVE, reason=None, source="check", now=now)
    return sender_id


async def make_template(conn: Conn, workspace_id: UUID, draft: TemplateDraft, now: datetime) -> None:
    made = await templates.create_template(conn, "system", workspace_id, draft, now=now)
    for variant in made.variants.values():
        await templates.set_variant_state(conn, workspace_id, variant.id, "approved", reason=None, now=now)


async def make_people(
    conn: Conn, workspace_id: UUID, count: int, *, keys: KeyRing, now: datetime, channel: str = "memory", first: int = 0
) -> list[ProfileId]:
    refs = [
        ProfileRef(
            identities=(Identity(Scheme.PHONE, f"+44700000{first + index:04d}"),), attributes={"first_name": "Anna"}
        )
        for index in range(count)
    ]
    ids = await resolve_profiles(conn, workspace_id, refs, now=now, source="test")
    long_ago = now - timedelta(days=20)
    for purpose in (Purpose.TRANSACTIONAL, Purpose.MARKETING):
        await record_consents(
            conn, workspace_id,
            [consent(profile, purpose, "granted", long_ago, channel) for profile in ids], keys=keys, now=now,
        )  # fmt: skip
    return ids


def consent(profile: ProfileId, purpose: Purpose, state: Any, at: datetime, channel: str = "memory") -> ConsentChange:
    evidence = Evidence(form_id="co-7", wording="Send me news about my orders", language="en")
    return ConsentChange(
        profile_id=profile, channel=channel, purpose=purpose, state=state, effective_at=at,
        evidence=evidence if state == "granted" else None,
    )  # fmt: skip


async def withdraw(shop: Shop, profile: ProfileId, purpose: Purpose = Purpose.MARKETING) -> None:
    async with shop.db.transaction() as conn:
        change = replace(consent(profile, purpose, "withdrawn", shop.now))
        await record_consents(conn, shop.workspace_id, [change], keys=shop.keys, now=shop.now)
