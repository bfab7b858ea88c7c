"""The double opt-in of story F6: form, question, tap; expiry and one reminder; confirmations by template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from sojourn.channels import store as channel_store
from sojourn.channels.base import InboundMessage
from sojourn.channels.model import NewSender
from sojourn.channels.signals import MessageReceived
from sojourn.consents import forms, links
from sojourn.consents import store as consent_store
from sojourn.consents.actions import record_consents
from sojourn.consents.answers import expire_requests
from sojourn.consents.errors import TooManySubmissions, UnknownWording
from sojourn.consents.form_store import StoredForm
from sojourn.consents.forms import FormContent, Submission, Topic, Wording
from sojourn.consents.history import read_history
from sojourn.consents.links import LinkContent
from sojourn.consents.model import ConsentChange, ConsentState, Evidence, Purpose
from sojourn.consents.signals import ConsentChanged, ConsentRequested
from sojourn.conversations import inbound
from sojourn.deliveries.actions import request_deliveries
from sojourn.deliveries.model import DeliveryRequest, TemplateMessage
from sojourn.deliveries.rendering import tap_id
from sojourn.kit import json
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, execute, fetch_all
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import Handler, Registry
from sojourn.preferences.actions import ask_to_confirm, confirm_changes, remind
from sojourn.templates import store as template_store
from sojourn.templates.model import Category, LogicalTemplate, TemplateId, Variant, VariantState
from sojourn.workspaces.actions import create_workspace, update_settings
from sojourn.workspaces.store import get_workspace

FORM = FormContent(
    name="Footer",
    business_name="Brisk Coffee",
    wordings=[
        Wording(language="nl", text="Ja, stuur mij aanbiedingen via WhatsApp.", hash="9f2c"),
        Wording(language="en", text="Yes, send me offers on WhatsApp."),
    ],
    topics=[Topic(key="offers", labels={"nl": "Aanbiedingen"})],
    privacy_notice_version="2026-01",
)
F6 = Submission(
    phone="+44 7700 900303", topics=("offers",), locale="nl", ip="198.51.100.7", wording_hash="9f2c", client="c"
)


async def ignore(*_: Any) -> None: ...


@pytest.fixture
def registry() -> Registry:
    """Listeners, so that what was told can be read."""
    return Registry(
        [
            Handler(message=ConsentRequested, handle=ignore, name="requested", ordered=True),
            Handler(message=ConsentChanged, handle=ignore, name="changed", ordered=True),
        ]
    )


@dataclass
class Shop:
    """A workspace with double opt-in on, a number, the question's template in two languages, and a form."""

    conn: Conn
    keys: KeyRing
    now: datetime
    workspace: UUID
    sender: UUID
    form: StoredForm

    async def submit(self, submission: Submission = F6) -> UUID:
        done = await forms.submit_form(
            self.conn,
            self.form,
            submission,
            workspace=await get_workspace(self.conn, self.workspace),
            keys=self.keys,
            now=self.now,
            system_now=self.now,
        )
        await self.work()
        return done.profile_id

    async def work(self) -> None:
        """What the worker would do with the news."""
        for name, type_, act in (
            ("requested", ConsentRequested, ask_to_confirm),
            ("changed", ConsentChanged, confirm_changes),
        ):
            rows = await fetch_all(
                self.conn, "DELETE FROM jobs WHERE handler = %(name)s RETURNING payload", {"name": name}
            )
            batch = [json.decode_as(bytes(row["payload"]), type_) for row in rows]
            await act(self.conn, batch, keys=self.keys, now=self.now)  # type: ignore[arg-type]

    async def say(self, text: str, *, tap: tuple[UUID, str] | None = None, wa_id: str = "447700900303") -> None:
        self.now += timedelta(seconds=60)
        message = InboundMessage(
            workspace_id=self.workspace,
            sender_id=self.sender,
            provider_message_id=f"wamid.{self.now.timestamp()}",
            at=self.now.replace(microsecond=0),
            kind="button" if tap else "text",
            wa_id=wa_id,
            text=text,
            tap_id=tap_id(*tap) if tap else None,
        )
        signal = MessageReceived(workspace_id=self.workspace, message=message)
        await inbound.receive_messages(self.conn, [signal], keys=self.keys, now=self.now)
        await self.work()

    async def state(self, profile: UUID, topic: str | None = None) -> ConsentState:
        facts = await consent_store.read_consent_facts(
            self.conn, self.workspace, [profile], "whatsapp", self.now, keys=self.keys
        )
        return facts[profile].state(Purpose.MARKETING, topic)

    async def sent(self) -> list[dict[str, Any]]:
        return await fetch_all(
            self.conn,
            """SELECT d.id, d.status, d.reason, d.purpose, d.owner_id, c.template, c.body
                 FROM deliveries d LEFT JOIN delivery_contents c ON c.delivery_id = d.id
                ORDER BY d.requested_at, d.id""",
        )


@pytest.fixture
async def shop(conn: Conn, keys: KeyRing, now: datetime) -> Shop:
    workspace = await create_workspace(conn, "Brisk Coffee", timezone="Europe/Amsterdam", now=now)
    await update_settings(conn, "system", workspace.id, {"double_opt_in": True}, now)
    new = NewSender(channel="whatsapp", name="Care", phone_number="+447700900000", waba_id="w1", is_default=True)
    sender = await channel_store.insert_sender(conn, workspace.id, new, webhook_app_id=None, simulated=True, now=now)
    await execute(conn, "UPDATE senders SET state = 'active'")
    await add_template(conn, workspace.id, "opt_in_question", "consent_request", now)
    await add_template(conn, workspace.id, "spring_roast", "marketing", now)
    form = await forms.save_form(conn, workspace.id, "nl-foot-2", FORM, actor="key:1", now=now)
    return Shop(conn, keys, now, workspace.id, sender, form)


async def add_template(conn: Conn, workspace: UUID, name: str, purpose: str, now: datetime) -> None:
    category = Category.MARKETING if purpose == "marketing" else Category.UTILITY
    template = LogicalTemplate(
        id=TemplateId(new_id(now)),
        name=name,
        purpose=purpose,
        category=category,
        default_language="en",
        parameter_format="named",
    )
    await template_store.insert_template(conn, workspace, template, now)
    texts = {"en": ("Shall we write?", "Yes, please", "No"), "nl": ("Zullen we schrijven?", "Ja, graag", "Nee")}
    rows = []
    for language, (body, yes, no) in texts.items():
        buttons = [{"type": "QUICK_REPLY", "text": yes}, {"type": "QUICK_REPLY", "text": no}]
        rows.append(
            (
                template.id,
                Variant(
                    id=new_id(now),
                    language=language,
                    state=VariantState.APPROVED,
                    category=category,
                    waba_id="w1",
                    components=[{"type": "BODY", "text": body}, {"type": "BUTTONS", "buttons": buttons}],
                ),
            )
        )
    await template_store.upsert_variants(conn, workspace, rows, now)


async def test_a_form_waits_for_the_tap_and_the_tap_grants_with_evidence(shop: Shop) -> None:
    profile = await shop.submit()
    assert await shop.state(profile) is ConsentState.PENDING
    [question] = await shop.sent()
    assert (question["status"], question["body"].split("\n")[0], question["purpose"]) == (
        "queued",
        "Zullen we schrijven?",
        "consent_request",
    )
    marketing = DeliveryRequest(
        key="promo",
        profile_id=profile,  # type: ignore[arg-type]
        purpose=Purpose.MARKETING,
        message=TemplateMessage(template="spring_roast"),
    )
    [promo] = await request_deliveries(shop.conn, shop.workspace, [marketing], keys=shop.keys, now=shop.now)
    assert (promo.status, promo.reason) == ("excluded", "consent_pending")
    await shop.say("Ja, graag", tap=(question["id"], "yes"))
    assert await shop.state(profile) is ConsentState.GRANTED
    assert await shop.state(profile, "offers") is ConsentState.GRANTED
    welcome = (await shop.sent())[-1]
    assert welcome["status"] == "queued"
    assert welcome["body"].startswith("Welkom!")
    history = await read_history(shop.conn, shop.workspace, profile, keys=shop.keys, with_evidence=True, now=shop.now)
    granted = next(line for line in history.lines if line.row["state"] == "granted" and not line.row["topic"])
    evidence = granted.evidence
    assert evidence is not None
    assert (evidence.form_id, evidence.wording_hash, evidence.ip) == ("nl-foot-2", "9f2c", "198.51.100.7")
    assert evidence.wording == "Ja, stuur mij aanbiedingen via WhatsApp."
    assert evidence.message_id is not None
    assert history.is_intact
    await shop.say("Stopp!!")
    assert await shop.state(profile) is ConsentState.WITHDRAWN


async def test_the_same_form_twice_a_day_asks_once(shop: Shop) -> None:
    await shop.submit()
    shop.now += timedelta(hours=2)
    await shop.submit()
    assert len(await shop.sent()) == 1


async def test_whoever_never_answers_expires_after_seven_days_and_is_reminded_once_at_most(shop: Shop) -> None:
    profile = await shop.submit()
    assert await remind(shop.conn, keys=shop.keys, now=shop.now + timedelta(days=6)) == 0
    await update_settings(shop.conn, "system", shop.workspace, {"double_opt_in_reminder": True}, shop.now)
    other = await shop.submit(Submission(phone="+447700900304", locale="en", client="c"))
    shop.now += timedelta(days=3)
    assert await remind(shop.conn, keys=shop.keys, now=shop.now) == 1
    assert await remind(shop.conn, keys=shop.keys, now=shop.now + timedelta(days=3)) == 0
    assert len(await shop.sent()) == 3
    shop.now += timedelta(days=4)
    assert await shop.state(profile) is ConsentState.EXPIRED
    assert await expire_requests(shop.conn, keys=shop.keys, now=shop.now) == 2
    assert await expire_requests(shop.conn, keys=shop.keys, now=shop.now) == 0
    assert await shop.state(other) is ConsentState.EXPIRED
    states = {row["state"] for row in await fetch_all(shop.conn, "SELECT state FROM consent_entries")}
    assert states == {"pending", "expired"}
    question = (await shop.sent())[0]
    await shop.say("Ja, graag", tap=(question["id"], "yes"))
    assert await shop.state(profile) is ConsentState.PENDING, "too late: they are asked anew, in the chat"


async def test_a_no_declines(shop: Shop) -> None:
    profile = await shop.submit()
    [question] = await shop.sent()
    await shop.say("Nee", tap=(question["id"], "no"))
    assert await shop.state(profile) is ConsentState.WITHDRAWN


async def test_an_unknown_wording_proves_nothing_and_a_client_has_a_limit(shop: Shop) -> None:
    with pytest.raises(UnknownWording):
        await shop.submit(Submission(phone="+447700900305", wording_hash="0000"))
    with pytest.raises(TooManySubmissions):
        for number in range(30):
            await shop.submit(Submission(phone=f"+4477009004{number:02}", client="198.51.100.9"))


async def test_a_link_is_an_opt_in_in_the_chat_and_its_code_is_never_shown(shop: Shop) -> None:
    content = LinkContent(
        name="Poster",
        phone_number="+447700900000",
        text="Yes, send me offers",
        wording="By sending this message you agree to offers on WhatsApp.",
        topics=["offers"],
    )
    link = await links.create_link(shop.conn, shop.workspace, content, code="K7Q2M9XD", actor="key:1", now=shop.now)
    assert links.link_url(link) == "https://wa.me/447700900000?text=Yes%2C%20send%20me%20offers%20%28%23K7Q2M9XD%29"
    assert links.qr_image(link, "png").startswith(b"\x89PNG")
    assert b"<svg" in links.qr_image(link, "svg")
    await shop.say("Yes, send me offers (#K7Q2M9XD)", wa_id="447700900777")
    [message] = await fetch_all(shop.conn, "SELECT text, profile_id FROM messages")
    assert message["text"] == "Yes, send me offers"
    assert await shop.state(message["profile_id"], "offers") is ConsentState.GRANTED
    assert (await shop.sent())[-1]["status"] == "queued"
    await shop.say("what is #AAAAAAAA")
    rows = await fetch_all(shop.conn, "SELECT text FROM messages ORDER BY said_at")
    assert rows[-1]["text"] == "what is #AAAAAAAA"


async def test_changes_by_api_are_confirmed_where_a_template_is_named(shop: Shop) -> None:
    await add_template(shop.conn, shop.workspace, "you_are_in", "consent_request", shop.now)
    profile = await shop.submit()
    settings = {"opt_in_confirmation_template": "you_are_in", "opt_out_confirmation_template": "you_are_in"}
    await update_settings(shop.conn, "system", shop.workspace, settings, shop.now)
    for state in (ConsentState.GRANTED, ConsentState.WITHDRAWN, ConsentState.GRANTED, ConsentState.WITHDRAWN):
        shop.now += timedelta(minutes=1)
        change = ConsentChange(
            profile_id=profile,
            channel="whatsapp",
            purpose=Purpose.MARKETING,
            state=state,
            evidence=Evidence(form_id="desk"),
        )
        await record_consents(shop.conn, shop.workspace, [change], keys=shop.keys, now=shop.now)
        await shop.work()
    confirmations = [row for row in await shop.sent() if row["template"] == "you_are_in"]
    assert [row["status"] for row in confirmations] == ["queued"] * 3, "two opt-ins, one opt-out confirmation a day"
