"""What a person does without writing: stop marketing, block, report, go offline, change the number, read."""

import itertools
from collections.abc import Callable

from cloudsim import delivery
from cloudsim.graph import template_life
from cloudsim.identifiers import inbound_wamid
from cloudsim.jsontypes import Json, Unfit
from cloudsim.numbers import country_of
from cloudsim.people.answers import find_target
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import contact, message_value, metadata
from cloudsim.world import Person, Phone


def set_preference(value: str) -> Callable[[Simulator, Person, Phone, Json], str]:
    def tell(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
        portfolio = sim.world.portfolio_of(phone)
        person.stopped = person.stopped | {portfolio.id} if value == "stop" else person.stopped - {portfolio.id}
        thread = sim.world.thread(phone.id, person.wa_id)
        hidden = delivery.is_number_hidden(sim, person, portfolio.id, thread)
        bsuid = sim.world.bsuid(person, portfolio.id)
        preference: Json = {} if hidden else {"wa_id": person.wa_id}
        preference |= {
            "user_id": bsuid,
            "detail": f"User requested to {value} marketing messages",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(sim.now()),
        }
        body: Json = {
            "messaging_product": "whatsapp",
            "metadata": metadata(phone),
            "contacts": [contact(sim.world, person, portfolio.id, hide_number=hidden)],
            "user_preferences": [preference],
        }
        sim.emit(phone.waba_id, "user_preferences", body, phone_id=phone.id, kind=value, wa_id=person.wa_id)
        return ""

    return tell


def block(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.has_blocked |= {phone.id}
    return ""


def unblock(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.has_blocked -= {phone.id}
    return ""


def report_spam(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Report the newest template message as spam: its quality falls."""
    target = find_target(sim, person, phone, action, lambda shown: bool(shown.get("template")))
    template = sim.world.templates.get(target.template_id) if target else None
    if template is not None:
        template_life.report_spam(sim, template)
    return ""


def come_online(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.online = True
    delivery.bring_waiting(sim, person)
    return ""


def go_offline(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.online = False
    return ""


def change_number(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """A new number means a new business-scoped id; every business in touch hears of it."""
    new = str(action.get("to", "")).lstrip("+")
    if not new.isdigit() or new in sim.world.people:
        raise Unfit("`to` must be a number that nobody else has")
    portfolio = sim.world.portfolio_of(phone)
    previous_id = sim.world.bsuid(person, portfolio.id)
    heir = Person(
        new,
        person.name,
        country_of(new),
        username=person.username,
        receipts=person.receipts,
        locale=person.locale,
        behaviour=person.behaviour,
        generation=person.generation + 1,
        listed=True,
    )
    sim.world.people[new] = heir
    person.moved_to = new
    system: Json = {
        "type": "user_changed_number",
        "wa_id": new,
        "user_id": sim.world.bsuid(heir, portfolio.id),
        "body": f"User {person.name} changed from {person.wa_id} to {new}",
        "previous_user_id": previous_id,
    }
    return _system(sim, person, phone, system, {"from": person.wa_id})


def change_user_id(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    portfolio = sim.world.portfolio_of(phone)
    previous_id = sim.world.bsuid(person, portfolio.id)
    person.generation += 1
    person.bsuids.clear()
    system: Json = {
        "type": "user_changed_user_id",
        "body": "User changed their user id",
        "user_id": sim.world.bsuid(person, portfolio.id),
        "previous_user_id": previous_id,
    }
    return _system(sim, person, phone, system, {})


def change_identity(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    number = int(person.identity.rpartition("-")[2]) + 1
    person.identity = f"identity-{number}"
    return ""


def _system(sim: Simulator, person: Person, phone: Phone, system: Json, head: Json) -> str:
    message: Json = {
        **head,
        "id": inbound_wamid(person.wa_id),
        "timestamp": str(int(sim.now())),
        "type": "system",
        "system": system,
    }
    sim.emit(
        phone.waba_id,
        "messages",
        message_value(phone, message, None),
        phone_id=phone.id,
        kind="system",
        wa_id=person.wa_id,
        wamid=message["id"],
    )
    return str(message["id"])


def open_chat(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Open the chat: everything on the phone is read, or up to `message_id`."""
    thread = sim.world.thread(phone.id, person.wa_id)
    last = str(action.get("message_id") or "")
    listed = list(itertools.takewhile(lambda wamid: wamid != last, thread.messages))
    for wamid in [*listed, *([last] if last else [])]:
        message = sim.world.messages.get(wamid)
        if message is not None and not message.inbound and message.state in {"delivered", "sent"} and person.online:
            delivery.read(sim, message)
    return ""
