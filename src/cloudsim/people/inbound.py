"""What a person sends: any message from their side, with its window, context and callback."""

import base64
from collections.abc import Callable

from cloudsim import delivery
from cloudsim.graph import media as media_store
from cloudsim.identifiers import inbound_wamid
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.simulator import Simulator
from cloudsim.webhooks.bodies import contact, message_value
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
EXTRA_KEYS = ("forwarded", "frequently_forwarded", "referred_product")


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


def write(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    return receive(sim, person, phone, "text", {"body": str(action.get("text", ""))}, action=action)


def send_media(kind: str) -> Callable[[Simulator, Person, Phone, Json], str]:
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


def place_order(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    items = as_list(action.get("product_items")) or [
        {"product_retailer_id": "sencha-100", "quantity": 1, "item_price": 7.5, "currency": "EUR"}
    ]
    order = {
        "catalog_id": str(action.get("catalog_id", "880011")),
        "text": str(action.get("text", "")),
        "product_items": items,
    }
    return receive(sim, person, phone, "order", order, action=action)


def send_unsupported(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    kind = {"type": str(action.get("type", "poll_creation"))}
    return receive(sim, person, phone, "unsupported", kind, extra={"errors": [error]})
