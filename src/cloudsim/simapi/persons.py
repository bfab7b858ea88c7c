"""People over the scripting API: make them, look at them, act for them."""

from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.numbers import country_of
from cloudsim.people import chat
from cloudsim.people.actions import act
from cloudsim.people.behaviour import WHEN_KEYS
from cloudsim.settings import Behaviour, update
from cloudsim.simulator import Simulator
from cloudsim.world import Person, Phone


class NotThere(Exception):
    """Nothing has this name; the text says what was looked for."""


def upsert_person(sim: Simulator, spec: Json) -> Person:
    """Create or change one person. Raises Unfit."""
    wa_id = str(spec.get("wa_id", "")).lstrip("+")
    if not wa_id.isdigit():
        raise Unfit("wa_id must be a number in international digits")
    world = sim.world
    person = world.people.get(wa_id)
    if person is None:
        person = Person(wa_id, str(spec.get("name") or f"Person {wa_id[-4:]}"), country_of(wa_id))
        world.people[wa_id] = person
    person.listed = True
    for name in ("name", "username", "locale", "country", "parent_bsuid"):
        setattr(person, name, str(spec.get(name, getattr(person, name))))
    for name in ("on_whatsapp", "receipts", "online"):
        setattr(person, name, bool(spec.get(name, getattr(person, name))))
    person.fail_with = int(spec.get("fail_with") or 0)
    if "marketing_cap" in spec:
        person.marketing_cap = spec["marketing_cap"]
    for alias in as_list(spec.get("aliases")):
        world.aliases[str(alias).lstrip("+")] = wa_id
    if spec.get("bsuid"):
        for portfolio_id in world.portfolios:
            person.bsuids[portfolio_id] = str(spec["bsuid"])
            world.bsuids[str(spec["bsuid"])] = (portfolio_id, wa_id)
    if person.parent_bsuid:
        world.bsuids[person.parent_bsuid] = ("*", wa_id)
    for portfolio_id in world.portfolios:
        world.bsuid(person, portfolio_id)
    if "behaviour" in spec:
        person.behaviour = make_behaviour(sim, spec["behaviour"])
    return person


def make_behaviour(sim: Simulator, spec: object) -> Behaviour | None:
    """The default with what `spec` says instead; null goes back to the default."""
    if spec is None:
        return None
    default = sim.settings.default
    made = Behaviour(
        default.sent_delay,
        default.delivered_delay,
        default.failed_delay,
        default.read,
        default.read_delay,
        list(default.replies),
    )
    update(made, as_object(spec))
    check_replies(made)
    return made


def check_replies(behaviour: Behaviour) -> None:
    for rule in behaviour.replies:
        when = as_object(rule.get("when"))
        if not when or not set(when) <= WHEN_KEYS or "do" not in rule:
            raise Unfit(f"a reply rule is {{when: {{{', '.join(sorted(WHEN_KEYS))}}}, do: …}}")


def view(sim: Simulator, person: Person) -> Json:
    return {
        "wa_id": person.wa_id,
        "name": person.name,
        "username": person.username or None,
        "country": person.country,
        "locale": person.locale,
        "on_whatsapp": person.on_whatsapp,
        "receipts": person.receipts,
        "online": person.online,
        "bsuids": person.bsuids,
        "has_blocked": sorted(person.has_blocked),
        "stopped_marketing": sorted(person.stopped),
        "moved_to": person.moved_to or None,
        "fail_with": person.fail_with or None,
        "listed": person.listed,
        "own_behaviour": person.behaviour is not None,
    }


def get_person(sim: Simulator, wa_id: str) -> Person:
    wa_id = wa_id.lstrip("+")
    person = sim.world.people.get(wa_id)
    if person is None and wa_id in sim.world.bsuids:
        person = sim.world.people.get(sim.world.bsuids[wa_id][1])
    if person is None:
        raise NotThere(f"there is no person {wa_id}")
    return person


def get_phone(sim: Simulator, phone_id: str) -> Phone:
    """By id; without one, the only or first number there is."""
    found = sim.world.phones.get(phone_id) if phone_id else next(iter(sim.world.phones.values()), None)
    if found is None:
        raise NotThere(f"there is no phone number {phone_id or '(none at all)'}")
    return found


def list_people(sim: Simulator, request: Request) -> Response:
    """`?search=` by name, number or username; `?listed=1` only those made on purpose; `limit`, `after` as offset."""
    wanted = request.query.get("search", "").lower().lstrip("+")
    start, limit = int(request.query.get("after", 0)), min(1000, int(request.query.get("limit", 100)))
    found = [
        person
        for person in sim.world.people.values()
        if (not wanted or wanted in person.wa_id or wanted in person.name.lower() or wanted in person.username.lower())
        and (person.listed or not request.query.get("listed"))
    ]
    return Response.of({"people": [view(sim, person) for person in found[start : start + limit]], "total": len(found)})


def save_people(sim: Simulator, request: Request) -> Response:
    """One person, or `{"people": […]}`."""
    body = request.json()
    specs = as_list(body.get("people")) or [body]
    return Response.of({"people": [view(sim, upsert_person(sim, as_object(spec))) for spec in specs]})


def show_person(sim: Simulator, request: Request, wa_id: str) -> Response:
    return Response.of(view(sim, get_person(sim, wa_id)))


def show_chat(sim: Simulator, request: Request, wa_id: str) -> Response:
    person = get_person(sim, wa_id)
    phone = get_phone(sim, request.query.get("phone_number_id", ""))
    thread = sim.world.threads.get((phone.id, person.wa_id))
    limit = int(request.query.get("limit", 200))
    wamids = thread.messages[-limit:] if thread else []
    window = thread.window_until if thread else 0.0
    return Response.of(
        {
            "person": view(sim, person),
            "phone_number_id": phone.id,
            "window_open": window > sim.now(),
            "window_until": window or None,
            "messages": [chat.view(sim, sim.world.messages[wamid]) for wamid in wamids],
        }
    )


def do_action(sim: Simulator, request: Request, wa_id: str) -> Response:
    body = request.json()
    person = (
        get_person(sim, wa_id)
        if wa_id.lstrip("+") in sim.world.people or "." in wa_id
        else upsert_person(sim, {"wa_id": wa_id})
    )
    phone = get_phone(sim, str(body.get("phone_number_id", "")))
    return Response.of({"wamid": act(sim, person, phone, body) or None})
