"""What a person can do: write, tap, send a photo, stop, block, go offline, change the number."""

import base64
import itertools
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from cloudsim import delivery
from cloudsim.graph import media as media_store
from cloudsim.graph import templates
from cloudsim.identifiers import inbound_wamid
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.numbers import country_of
from cloudsim.people import chat
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import contact, message_value, metadata
from cloudsim.world import WINDOW_SECONDS, Message, Person, Phone

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SAMPLES = {
    "image": ("image/png", PIXEL, ""),
    "video": ("video/mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", ""),
    "audio": ("audio/ogg; codecs=opus", b"OggS\x00\x02" + b"\x00" * 20, ""),
    "document": ("application/pdf", b"%PDF-1.4\n%%EOF\n", "document.pdf"),
    "sticker": (
        "image/webp",
        b"RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00",
        "",
    ),
}
MOBILE_AGENT = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)
EXTRA_KEYS = ("forwarded", "frequently_forwarded", "referred_product")


def act(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Do one thing now; return the wamid of the message that it sent, or an empty string. Raises Unfit."""
    name = str(action.get("action", ""))
    deed = DEEDS.get(name)
    if deed is None:
        raise Unfit(f"unknown action {name!r}; known: {', '.join(sorted(DEEDS))}")
    return deed(sim, person, phone, action)


def receive(
    sim: Simulator,
    person: Person,
    phone: Phone,
    kind: str,
    content: object,
    *,
    action: Json | None = None,
    context_id: str = "",
    opens: bool = True,
    extra: Json | None = None,
) -> str:
    """A message from a person to a business number: it opens the window, and the callback hears of it."""
    if person.wa_id in phone.blocked:
        raise Unfit(f"{phone.id} has blocked this person, who therefore cannot write")
    now = sim.now()
    world = sim.world
    portfolio = world.portfolio_of(phone)
    thread = world.thread(phone.id, person.wa_id)
    hidden = delivery.is_number_hidden(sim, person, portfolio.id, thread)
    message: Json = {} if hidden else {"from": person.wa_id}
    message["from_user_id"] = world.bsuid(person, portfolio.id)
    message |= {
        "id": inbound_wamid(message["from_user_id"] if hidden else person.wa_id),
        "timestamp": str(int(now)),
        "type": kind,
        kind: content,
        **(extra or {}),
    }
    context = _context(phone, action or {}, context_id)
    if context:
        message["context"] = context
    referral = as_object((action or {}).get("referral"))
    if referral:
        message["referral"] = referral
        thread.fep_offer_until = now + WINDOW_SECONDS
    if opens:
        thread.window_until = now + WINDOW_SECONDS
        thread.last_inbound_at = now
        if thread.fep_until > now and sim.settings.fep_extend_hours:
            thread.fep_until = min(thread.fep_limit, thread.fep_until + sim.settings.fep_extend_hours * 3600)
    _emit_inbound(sim, person, phone, message, hidden=hidden)
    return str(message["id"])


def _emit_inbound(sim: Simulator, person: Person, phone: Phone, message: Json, *, hidden: bool) -> None:
    world = sim.world
    thread = world.thread(phone.id, person.wa_id)
    kind = str(message["type"])
    portfolio = world.portfolio_of(phone)
    kept = Message(
        message["id"],
        phone.id,
        person.wa_id,
        True,
        kind,
        sim.now(),
        message,
        state="received",
        context_id=as_object(message.get("context")).get("id", ""),
    )
    world.keep(kept, thread)
    world.counts.inbound += 1
    block = contact(world, person, portfolio.id, hide_number=hidden)
    if delivery.identity_is_checked(phone):
        block["identity_key_hash"] = person.identity
    sim.emit(
        phone.waba_id,
        "messages",
        message_value(phone, message, block),
        phone_id=phone.id,
        kind=kind,
        wa_id=person.wa_id,
        wamid=message["id"],
    )


def _context(phone: Phone, action: Json, context_id: str) -> Json:
    context_id = context_id or str(action.get("reply_to") or "")
    found: Json = {"from": phone.number, "id": context_id} if context_id else {}
    for key in EXTRA_KEYS:
        if action.get(key):
            found[key] = action[key]
    return found


def _text(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    return receive(sim, person, phone, "text", {"body": str(action.get("text", ""))}, action=action)


def _media(kind: str) -> Callable[[Simulator, Person, Phone, Json], str]:
    def send(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
        mime_type, content, filename = SAMPLES[kind]
        mime_type = str(action.get("mime_type") or mime_type)
        filename = str(action.get("filename") or filename)
        if action.get("base64"):
            content = base64.b64decode(str(action["base64"]))
        media = media_store.keep_media(sim, phone, content, mime_type, received=True, filename=filename)
        found = media_store.reference(media)
        found["url"] = media_store.download_url(sim, media, sim.public_url, "webhook")
        if action.get("caption") and kind not in {"audio", "sticker"}:
            found["caption"] = str(action["caption"])
        if kind == "document":
            found["filename"] = filename
        elif kind == "audio":
            found["voice"] = bool(action.get("voice", True))
        elif kind == "sticker":
            found["animated"] = bool(action.get("animated", False))
        return receive(sim, person, phone, kind, found, action=action)

    return send


def _location(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _contacts(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    cards = as_list(action.get("contacts"))
    context_id = ""
    if not cards:
        own = {"phone": f"+{person.wa_id}", "type": "CELL", "wa_id": person.wa_id}
        cards = [{"name": {"formatted_name": person.name}, "phones": [own], "origin": "contact_request"}]
        context_id = _request(sim, person, phone, action)
        person.contact_books.add(sim.world.portfolio_of(phone).id)
    return receive(sim, person, phone, "contacts", cards, action=action, context_id=context_id)


def _reaction(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _tap(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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
            return _flow_reply(sim, person, phone, {**action, "message_id": target.id})
        case "location_request_message":
            return _location(sim, person, phone, {**action, "message_id": target.id})
        case "request_contact_info":
            return _contacts(sim, person, phone, {**action, "message_id": target.id})
    return ""  # a call or a copied code: the business hears nothing


def _list_row(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _flow_reply(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _address_reply(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _order(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    items = as_list(action.get("product_items")) or [
        {"product_retailer_id": "sencha-100", "quantity": 1, "item_price": 7.5, "currency": "EUR"}
    ]
    order = {
        "catalog_id": str(action.get("catalog_id", "880011")),
        "text": str(action.get("text", "")),
        "product_items": items,
    }
    return receive(sim, person, phone, "order", order, action=action)


def _unsupported(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    kind = {"type": str(action.get("type", "poll_creation"))}
    return receive(sim, person, phone, "unsupported", kind, extra={"errors": [error]})


def _preference(value: str) -> Callable[[Simulator, Person, Phone, Json], str]:
    def tell(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
        portfolio = sim.world.portfolio_of(phone)
        (person.stopped.add if value == "stop" else person.stopped.discard)(portfolio.id)
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


def _block(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.has_blocked.add(phone.id)
    return ""


def _unblock(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.has_blocked.discard(phone.id)
    return ""


def _report(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Report the newest template message as spam: its quality falls."""
    target = find_target(sim, person, phone, action, lambda shown: bool(shown.get("template")))
    template = sim.world.templates.get(target.template_id) if target else None
    if template is not None:
        templates.report_spam(sim, template)
    return ""


def _online(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.online = True
    delivery.bring_waiting(sim, person)
    return ""


def _offline(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    person.online = False
    return ""


def _change_number(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _change_user_id(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _change_identity(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


def _read(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Open the chat: everything on the phone is read, or up to `message_id`."""
    thread = sim.world.thread(phone.id, person.wa_id)
    last = str(action.get("message_id") or "")
    listed = list(itertools.takewhile(lambda wamid: wamid != last, thread.messages))
    for wamid in [*listed, *([last] if last else [])]:
        message = sim.world.messages.get(wamid)
        if message is not None and not message.inbound and message.state in {"delivered", "sent"} and person.online:
            delivery.read(sim, message)
    return ""


def _play(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    target = find_target(sim, person, phone, action, lambda shown: as_object(shown.get("media")).get("type") == "audio")
    if target is None:
        raise Unfit("there is no voice message on the phone")
    delivery.play(sim, target)
    return ""


def _open_url(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
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


DEEDS: dict[str, Callable[[Simulator, Person, Phone, Json], str]] = {
    "text": _text,
    "tap": _tap,
    "list": _list_row,
    "reaction": _reaction,
    "image": _media("image"),
    "video": _media("video"),
    "audio": _media("audio"),
    "document": _media("document"),
    "sticker": _media("sticker"),
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "flow_reply": _flow_reply,
    "address_reply": _address_reply,
    "unsupported": _unsupported,
    "stop_marketing": _preference("stop"),
    "resume_marketing": _preference("resume"),
    "block": _block,
    "unblock": _unblock,
    "report": _report,
    "online": _online,
    "offline": _offline,
    "change_number": _change_number,
    "change_user_id": _change_user_id,
    "change_identity": _change_identity,
    "read": _read,
    "play": _play,
    "open_url": _open_url,
}
