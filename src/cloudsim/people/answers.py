"""Answers to what is on the phone: taps, rows, Flows, reactions, places, cards, links."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from cloudsim import delivery
from cloudsim.graph import media as media_store
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.people import chat
from cloudsim.people.inbound import receive
from cloudsim.simulator import Simulator
from cloudsim.world import Message, Person, Phone

MOBILE_AGENT = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)


def share_place(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    found: Json = {
        "latitude": float(action.get("latitude", 52.0907)),
        "longitude": float(action.get("longitude", 5.1214)),
    }
    found |= {key: action[key] for key in ("name", "address", "url") if action.get(key)}
    return receive(
        sim, person, phone, "location", found, action=action, context_id=_request(sim, person, phone, action)
    )


def _request(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """The location or contact request that this answers, if the newest message was one."""
    target = find_target(
        sim,
        person,
        phone,
        action,
        lambda shown: shown.get("interactive") in {"location_request_message", "request_contact_info"},
        newest_only=True,
    )
    return target.id if target else ""


def share_contacts(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    cards = as_list(action.get("contacts"))
    context_id = ""
    if not cards:
        own = {"phone": f"+{person.wa_id}", "type": "CELL", "wa_id": person.wa_id}
        cards = [{"name": {"formatted_name": person.name}, "phones": [own], "origin": "contact_request"}]
        context_id = _request(sim, person, phone, action)
        person.contact_books |= {sim.world.portfolio_of(phone).id}
    return receive(sim, person, phone, "contacts", cards, action=action, context_id=context_id)


def give_reaction(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(sim, person, phone, action, lambda shown: True)
    if target is None:
        raise Unfit("there is no message to react to")
    emoji = str(action.get("emoji", "👍"))
    content: Json = {"message_id": target.id, **({"emoji": emoji} if emoji else {})}
    return receive(sim, person, phone, "reaction", content, action=action, opens=sim.settings.reaction_opens_window)


def find_target(
    sim: Simulator,
    person: Person,
    phone: Phone,
    action: Json,
    fits: Callable[[Json], bool],
    *,
    newest_only: bool = False,
) -> Message | None:
    """The message of the business that is meant: `message_id`, else the newest one on the phone that fits."""
    named = action.get("message_id")
    if named:
        found = sim.world.messages.get(str(named))
        if found is None or found.wa_id != person.wa_id:
            raise Unfit("message_id is not a message to this person")
        return found
    thread = sim.world.threads.get((phone.id, person.wa_id))
    for wamid in reversed(thread.messages if thread else []):
        message = sim.world.messages[wamid]
        if message.inbound or message.state not in {"delivered", "read", "played"}:
            continue
        if fits(chat.seen(sim, message)):
            return message
        if newest_only:
            return None
    return None


def _wanted(action: Json, options: list[Json]) -> Json | None:
    """The button or row that is meant: by id or payload, text or index; without any, the first."""
    for key, names in (("payload", ("payload", "id")), ("id", ("id", "payload")), ("text", ("text", "title"))):
        if action.get(key) is not None:
            return next((option for option in options if any(option.get(name) == action[key] for name in names)), None)
    index = action.get("index", action.get("button"))
    if isinstance(index, str):
        return _wanted({"text": index}, options)
    if index is not None:
        return options[int(index)] if 0 <= int(index) < len(options) else None
    return options[0] if options else None


def _all_buttons(shown: Json) -> list[Json]:
    cards = as_list(shown.get("cards"))
    inner = [
        {**button, "card_index": number} for number, card in enumerate(cards) for button in card.get("buttons", [])
    ]
    return [*as_list(shown.get("buttons")), *inner]


def tap(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(sim, person, phone, action, lambda shown: _wanted(action, _all_buttons(shown)) is not None)
    button = _wanted(action, _all_buttons(chat.seen(sim, target))) if target else None
    if target is None or button is None:
        raise Unfit("no message on the phone has such a button")
    match button["type"]:
        case "quick_reply":
            content: Json = {"payload": button["payload"], "text": button["text"]}
            return receive(sim, person, phone, "button", content, context_id=target.id)
        case "reply":
            reply: Json = {"type": "button_reply", "button_reply": {"id": button["id"], "title": button["text"]}}
            return receive(sim, person, phone, "interactive", reply, context_id=target.id)
        case "url":
            _open(sim, str(button["url"]))
        case "flow":
            return answer_flow(sim, person, phone, {**action, "message_id": target.id})
        case "location_request_message":
            return share_place(sim, person, phone, {**action, "message_id": target.id})
        case "request_contact_info":
            return share_contacts(sim, person, phone, {**action, "message_id": target.id})
    return ""  # a call or a copied code: the business hears nothing


def pick_row(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    choice = {"id": action["row"]} if isinstance(action.get("row"), str) else action
    choice = {"index": action["row"]} if isinstance(action.get("row"), int) else choice
    target = find_target(
        sim, person, phone, action, lambda shown: _wanted(choice, as_list(shown.get("rows"))) is not None
    )
    row = _wanted(choice, as_list(chat.seen(sim, target).get("rows"))) if target else None
    if target is None or row is None:
        raise Unfit("no list on the phone has such a row")
    reply: Json = {"id": row["id"], "title": row["title"]}
    if row.get("description"):
        reply["description"] = row["description"]
    return receive(sim, person, phone, "interactive", {"type": "list_reply", "list_reply": reply}, context_id=target.id)


def answer_flow(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(
        sim, person, phone, action, lambda shown: any(b["type"] == "flow" for b in shown.get("buttons", []))
    )
    if target is None:
        raise Unfit("there is no Flow message on the phone")
    token = next(
        (b.get("flow_token", "unused") for b in chat.seen(sim, target)["buttons"] if b["type"] == "flow"), "unused"
    )
    answers = {"flow_token": token, **as_object(action.get("response"))}
    reply: Json = {
        "type": "nfm_reply",
        "nfm_reply": {"name": "flow", "body": "Sent", "response_json": json.dumps(answers, separators=(",", ":"))},
    }
    return receive(sim, person, phone, "interactive", reply, context_id=target.id)


def answer_address(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(sim, person, phone, action, lambda shown: shown.get("interactive") == "address_message")
    values = as_object(action.get("values")) or {"name": person.name}
    reply: Json = {
        "type": "nfm_reply",
        "nfm_reply": {
            "name": "address_message",
            "body": "\n".join(map(str, values.values())),
            "response_json": json.dumps({"values": values}, separators=(",", ":")),
        },
    }
    return receive(sim, person, phone, "interactive", reply, context_id=target.id if target else "")


def play_voice(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(sim, person, phone, action, lambda shown: as_object(shown.get("media")).get("type") == "audio")
    if target is None:
        raise Unfit("there is no voice message on the phone")
    delivery.play(sim, target)
    return ""


def open_url(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    if action.get("url"):
        _open(sim, str(action["url"]))
        return ""

    def urls(shown: Json) -> list[Json]:
        return [button for button in _all_buttons(shown) if button["type"] == "url"]

    target = find_target(sim, person, phone, action, lambda shown: _wanted(action, urls(shown)) is not None)
    button = _wanted(action, urls(chat.seen(sim, target))) if target else None
    if button is None:
        raise Unfit("no message on the phone has such a link")
    _open(sim, str(button["url"]))
    return ""


def _open(sim: Simulator, url: str) -> None:
    """Follow a link as a phone would: the platform tells nobody, the business's own redirect may notice."""
    sim.world.counts.clicks += 1
    if (urlsplit(url).hostname or "") in media_store.LOOPBACK:
        sim.spawn(_get(sim, url))


async def _get(sim: Simulator, url: str) -> None:
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        headers = {"User-Agent": MOBILE_AGENT}
        async with sim.http.get(url, headers=headers, timeout=timeout, allow_redirects=False) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return
