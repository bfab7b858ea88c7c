"""Brisk Coffee: its numbers at the simulator, its senders, templates, people and agreements, through public APIs only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .api import Api
from .story import Story

PORTFOLIO, APP, WABA = "601234567890123", "501234567890123", "301234567890123"
TOKEN, SECRET = "EAAsimulated", "test_app_secret"
BATCH = 1000
RATE_CARD = {
    "name": "Test rate card",
    "currency": "EUR",
    "effective_from": "2026-01-01",
    "rates": {"*": {"marketing": "0.08", "utility": "0.02", "authentication": "0.02"}},
}
QUICK = {"instant": True, "latency_ms": 0, "default": {"sent_delay": 0.3, "delivered_delay": 0.7, "read": 0}}


class Shop:
    """A workspace that can send: `senders` are the ids of its numbers in the order given."""

    def __init__(self, api: Api, sim: Api, base_url: str) -> None:
        self.api = api
        self.sim = sim
        self.base_url = base_url
        self.phones: list[str] = []  # ids of the numbers at the simulator
        self.senders: list[str] = []

    @classmethod
    async def open(
        cls,
        story: Story,
        *,
        numbers: Sequence[str] = ("+447700900000",),
        rate: int = 70,
        behaviour: Mapping[str, Any] = QUICK,
    ) -> Shop:
        """The shop of a story, ready to send, with the test rate card and the story's disturbances at work."""
        shop = cls(story.api, story.sim, story.sim_url)
        await shop.connect(numbers, rate=rate, behaviour=behaviour)
        await shop.api.post("/v1/rate-cards", RATE_CARD)
        rules: list[dict[str, Any]] = []
        if story.disturbance.doubled:
            rules.append({"kind": "duplicate", "times": 1})
        if story.disturbance.shuffled:
            rules.append({"kind": "shuffle", "seconds": 3})
        if rules:
            await shop.sim.post("/sim/scenarios", {"rules": rules})
        return shop

    async def connect(self, numbers: Sequence[str], *, rate: int, behaviour: Mapping[str, Any]) -> None:
        """Numbers at the simulator, each with a sender of ours, checked and subscribed."""
        phones = [
            {"display_phone_number": number, "verified_name": "Brisk Coffee", "throughput_mps": max(80, rate)}
            for number in numbers
        ]
        made = await self.sim.post(
            "/sim/setup",
            {"portfolio": {"id": PORTFOLIO, "name": "Brisk Coffee"}, "app": {"id": APP, "secret": SECRET},
             "waba": {"id": WABA, "currency": "EUR", "timezone": "Europe/Amsterdam"}, "phone_numbers": phones,
             "tokens": [{"token": TOKEN}]},
        )  # fmt: skip
        await self.sim.post("/sim/behaviour", dict(behaviour))
        self.phones = [phone["id"] for phone in made["phone_numbers"]]
        for position, (number, phone) in enumerate(zip(numbers, self.phones, strict=True)):
            sender = await self.api.post(
                "/v1/senders",
                {"channel": "whatsapp", "name": f"Number {position + 1}", "phone_number": number.replace(" ", ""),
                 "phone_number_id": phone, "waba_id": WABA, "app_id": APP, "app_secret": SECRET, "access_token": TOKEN,
                 "base_url": self.base_url, "throughput_per_s": rate, "is_default": position == 0,
                 "timezone": "Europe/Amsterdam"},
            )  # fmt: skip
            self.senders.append(sender["id"])
            await self.api.post(f"/v1/senders/{sender['id']}/webhook")
        for sender_id in self.senders:
            await self._wait_connected(sender_id)

    async def _wait_connected(self, sender_id: str) -> None:
        sender: Any = None
        for _ in range(1000):
            sender = await self.api.get(f"/v1/senders/{sender_id}")
            if sender["state"] == "failed":
                break
            if sender["state"] == "active" and sender["webhook"]["verified_at"]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"the sender is not connected: {sender}")

    async def add_template(
        self,
        name: str,
        body: str | Mapping[str, str],
        *,
        purpose: str = "transactional",
        category: str = "utility",
        buttons: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Mapping[str, Any]]] = (),
        header: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        default_language: str = "en",
    ) -> str:
        """Write a template, submit it, and wait for its approval; the id of the template.

        `body` and `buttons` may be given by language; `variables` maps a name to its Liquid.
        """
        bodies = {default_language: body} if isinstance(body, str) else dict(body)
        variants = []
        for language, text in bodies.items():
            components: list[dict[str, Any]] = [] if header is None else [{"type": "HEADER", **header}]
            components.append({"type": "BODY", "text": text})
            row = buttons.get(language, ()) if isinstance(buttons, Mapping) else buttons
            if row:
                components.append({"type": "BUTTONS", "buttons": [dict(button) for button in row]})
            variants.append({"language": language, "components": components})
        draft = {
            "name": name, "purpose": purpose, "category": category, "default_language": default_language,
            "variables": {variable: {"value": value} for variable, value in (variables or {}).items()},
            "variants": variants,
        }  # fmt: skip
        made = await self.api.post("/v1/templates", draft)
        await self.api.post(f"/v1/templates/{made['id']}/submit", {})
        found: Any = None
        for _ in range(1000):
            found = await self.api.get(f"/v1/templates/{made['id']}")
            states = {variant["state"] for variant in found["variants"]}
            if states == {"approved"}:
                return str(made["id"])
            if states & {"rejected", "disabled"}:
                break
            await asyncio.sleep(0.02)
        raise AssertionError(f"the template was not approved: {found}")

    async def people(self, specs: Iterable[Mapping[str, Any]]) -> None:
        """Make people at the simulator."""
        await self.sim.post("/sim/people", {"people": [dict(spec) for spec in specs]})

    async def consent(
        self,
        phones: Sequence[str],
        purpose: str = "transactional",
        *,
        at: datetime | None = None,
        evidence: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        topic: str | None = None,
    ) -> list[str]:
        """Record that these people agreed; their profile ids in the same order."""
        proof = dict(
            evidence or {"wording": "Yes, write to me on WhatsApp.", "language": "en", "collected_by": "checkout"}
        )
        ids: list[str] = []
        for start in range(0, len(phones), BATCH):
            consents = [
                {"profile": {"phone": phone, "attributes": {"timezone": "Europe/Amsterdam", **(attributes or {})}},
                 "channel": "whatsapp", "purpose": purpose, "state": "granted", "evidence": proof,
                 **({"topic": topic} if topic else {}), **({"effective_at": at.isoformat()} if at else {}),
                 "idempotency_key": f"{purpose}-{topic}-{phone}"}
                for phone in phones[start : start + BATCH]
            ]  # fmt: skip
            ids += [row["profile_id"] for row in (await self.api.post("/v1/consents", {"consents": consents}))["items"]]
        return ids

    async def deliver(self, deliveries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask for deliveries in batches; the outcomes in the same order. A repeat changes nothing: keys are the caller's."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(deliveries), BATCH):
            batch = [dict(delivery) for delivery in deliveries[start : start + BATCH]]
            found += (await self.api.post("/v1/deliveries", {"deliveries": batch}))["deliveries"]
        return found

    async def event(
        self, name: str, phone: str, key: str | None = None, at: datetime | None = None, **properties: Any
    ) -> Any:
        """Something happened to a person."""
        event: dict[str, Any] = {"name": name, "profile": {"phone": phone}, "properties": properties}
        if key is not None:
            event["idempotency_key"] = key
        if at is not None:
            event["occurred_at"] = at.isoformat()
        return await self.api.post("/v1/events", event)

    async def publish(self, journey: Mapping[str, Any]) -> str:
        """Save and publish a journey; its id."""
        saved = await self.api.post("/v1/journeys", dict(journey))
        await self.api.post(f"/v1/journeys/{saved['id']}/publish")
        return str(saved["id"])

    async def act(self, phone: str, action: str, **more: Any) -> Any:
        """A person does something on the phone."""
        body = {"action": action, "phone_number_id": self.phones[0], **more}
        return await self.sim.post(f"/sim/people/{phone.lstrip('+')}/actions", body)

    async def chat(self, phone: str, number: int = 0) -> list[dict[str, Any]]:
        """What the person's phone shows, oldest first."""
        found = await self.sim.get(f"/sim/people/{phone.lstrip('+')}/chat", phone_number_id=self.phones[number])
        messages: list[dict[str, Any]] = found["messages"]
        return messages

    async def received(self, phone: str, number: int = 0) -> list[dict[str, Any]]:
        """What the business wrote to this person, oldest first."""
        return [message for message in await self.chat(phone, number) if message["direction"] == "out"]

    async def counts(self, **filters: Any) -> dict[str, Any]:
        """The simulator's own counts."""
        found: dict[str, Any] = await self.sim.get("/sim/counts", **filters)
        return found

    async def delivery(self, delivery_id: str) -> dict[str, Any]:
        """One delivery with its reasons."""
        found: dict[str, Any] = await self.api.get(f"/v1/deliveries/{delivery_id}")
        return found


def template_message(
    phone: str, key: str, template: str, purpose: str = "transactional", **more: Any
) -> dict[str, Any]:
    """A request for a template message to a number."""
    return {
        "key": key,
        "identities": [{"scheme": "phone", "value": phone}],
        "purpose": purpose,
        "template": {"name": template, **({"variables": more.pop("variables")} if "variables" in more else {})},
        **more,
    }


def crowd(count: int, start: int = 0) -> list[str]:
    """Numbers of people whom nobody has: +44 7000 000000 upwards."""
    return [f"+447000{number:06d}" for number in range(start, start + count)]
