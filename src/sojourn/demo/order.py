"""One order, played: the event goes in by the public API, and we watch the person's phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sojourn.demo.api import Api, until
from sojourn.demo.door import Notes
from sojourn.demo.people import Person, people

FIRST_ORDER = 1001
PATIENCE_SECONDS = 8.0
PLAYED = 12  # the first people take turns


def next_customer(notes: Notes) -> Person:
    """Whose order it is this time: people who agreed to order updates, in turn, who read English."""
    crowd = [person for person in people(40) if "transactional" in person.purposes and person.language == "en"]
    return crowd[notes.orders % PLAYED]


async def play(api: Api, sim: Api, notes: Notes) -> tuple[Notes, tuple[str, ...]]:
    """Ship one order and watch; what happened, line by line."""
    person = next_customer(notes)
    order_id = f"B-{FIRST_ORDER + notes.orders}"
    seen = len(await chat(sim, person))
    await sim.post("/sim/people", {"people": [{"wa_id": person.wa_id, "behaviour": eager()}]})
    await api.post("/v1/events", order_shipped(person, order_id))
    notes = replace(notes, orders=notes.orders + 1)

    async def all_three() -> list[dict[str, Any]] | None:
        found = (await chat(sim, person))[seen:]
        return found if len(found) >= 3 else None

    messages = await until(all_three, seconds=PATIENCE_SECONDS, every=0.1) or (await chat(sim, person))[seen:]
    return notes, tuple(tell(person, order_id, messages))


def order_shipped(person: Person, order_id: str) -> dict[str, Any]:
    """The event as the shop's own system would send it."""
    return {
        "name": "order.shipped",
        "profile": {"phone": person.phone},
        "properties": {"order_id": order_id, "carrier": "PakketX", "track": f"PX{order_id[2:]}", "items": 2},
        "idempotency_key": f"demo-shipped-{order_id}",
    }


def eager() -> dict[str, Any]:
    """Somebody who has the phone in hand."""
    tap = {"when": {"button_text": "Leave with neighbour"}, "do": {"tap": "Leave with neighbour"}, "after_seconds": 0.3}
    return {"read": 1.0, "read_delay": 0.2, "sent_delay": 0.05, "delivered_delay": 0.1, "replies": [tap]}


async def chat(sim: Api, person: Person) -> list[dict[str, Any]]:
    """The messages on this person's phone, oldest first."""
    answer = await sim.get(f"/sim/people/{person.wa_id}/chat")
    found: list[dict[str, Any]] = answer["messages"]
    return found


def tell(person: Person, order_id: str, messages: list[dict[str, Any]]) -> list[str]:
    """What happened, for the terminal."""
    lines = [f"Just now order {order_id} of {person.first_name} {person.last_name} was shipped (POST /v1/events):"]
    for message in messages:
        who = "Brisk Coffee" if message["direction"] == "out" else person.first_name
        lines.append(f"  {moment(message)}  {who}: {message.get('text') or message.get('type')}")
    if not messages:
        lines.append("  nothing has arrived yet; look at the logs, or run `sojourn doctor`")
    return lines


def moment(message: dict[str, Any]) -> str:
    """Its time of day, for people."""
    return f"{datetime.fromisoformat(message['at']).astimezone():%H:%M:%S}"
