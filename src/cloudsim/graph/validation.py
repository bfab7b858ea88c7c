"""The schema of a message: what the platform refuses before it looks at limits or templates (reference 2)."""

from dataclasses import dataclass, field

from cloudsim.graph import interactive
from cloudsim.graph.errors import GraphError, invalid
from cloudsim.jsontypes import Json, as_list, as_object

TEXT_MAX = 4096
CAPTION_MAX = 1024
OPAQUE_MAX = 512
CONTACTS_MAX = 257
MEDIA_TYPES = frozenset({"image", "video", "audio", "document", "sticker"})
TYPES = MEDIA_TYPES | {"text", "location", "contacts", "interactive", "template", "reaction"}
# Bytes at most by type; source: reference 2.5.
SIZE_MAX = {"image": 5 << 20, "video": 16 << 20, "audio": 16 << 20, "document": 100 << 20, "sticker": 500 << 10}
MIME_TYPES = {
    "image": {"image/jpeg", "image/png"},
    "video": {"video/mp4", "video/3gpp"},
    "audio": {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"},
    "sticker": {"image/webp"},
}


@dataclass(slots=True)
class Checked:
    """`media` lists what must be uploaded or fetched, as (kind, {id | link, …})."""

    type: str
    media: list[tuple[str, Json]] = field(default_factory=list)
    context_id: str = ""


def check_envelope(body: Json) -> str:
    """The type of the message. Raises GraphError for a malformed envelope."""
    if body.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required and must be whatsapp.")
    kind = body.get("type", "text")
    if not isinstance(kind, str):
        raise invalid("The parameter type must be a string.")
    if kind not in TYPES:
        if kind == "pin" or body.get("recipient_type") == "group":
            raise GraphError(131051, "Groups are not simulated.")
        raise invalid(f'Param type must be one of {{{", ".join(sorted(TYPES)).upper()}}} - got "{kind}".')
    if body.get("recipient_type", "individual") != "individual":
        raise GraphError(131041, "Groups are not simulated.")
    to, recipient = body.get("to"), body.get("recipient")
    if not to and not recipient:
        raise invalid("The parameter to is required.")
    if not isinstance(to or recipient, str):
        raise invalid("The parameter to must be a string.")
    opaque = body.get("biz_opaque_callback_data")
    if opaque is not None and (not isinstance(opaque, str) or len(opaque) > OPAQUE_MAX):
        raise invalid(f"biz_opaque_callback_data must be a string of at most {OPAQUE_MAX} characters.")
    return kind


def check_content(body: Json, kind: str, *, country: str) -> Checked:
    """Raises GraphError when the object named like the type breaks a rule; templates are looked at elsewhere."""
    checked = Checked(kind)
    context = body.get("context")
    if context is not None:
        checked.context_id = str(as_object(context).get("message_id") or "")
        if not checked.context_id.startswith("wamid."):
            raise GraphError(131009, "context.message_id is not a valid message id")
        if kind == "reaction":
            raise GraphError(131009, "a reaction cannot be a contextual reply")
    if kind == "template":
        return checked
    content = body.get(kind)
    if kind == "contacts":
        _check_contacts(content)
        return checked
    if not isinstance(content, dict):
        raise invalid(f"{kind} is required" if kind != "text" else "text.body is required")
    if kind == "text":
        _check_text(content)
    elif kind in MEDIA_TYPES:
        _check_media(kind, content)
        checked.media.append((kind, content))
    elif kind == "location":
        _check_location(content)
    elif kind == "reaction":
        _check_reaction(content)
    else:
        interactive.check(content, checked.media, country=country)
    return checked


def _check_text(text: Json) -> None:
    body = text.get("body")
    if not isinstance(body, str) or not body:
        raise invalid("text.body is required")
    if len(body) > TEXT_MAX:
        raise invalid(f"Param text['body'] must be at most {TEXT_MAX} characters long.")
    if not isinstance(text.get("preview_url", False), bool):
        raise invalid("text.preview_url must be a boolean")


def _check_media(kind: str, content: Json) -> None:
    if bool(content.get("id")) == bool(content.get("link")):
        raise invalid(f"Param {kind} needs exactly one of id and link.")
    link = content.get("link")
    if link is not None and not str(link).startswith(("http://", "https://")):
        raise invalid(f"Param {kind}['link'] is not a valid URI.")
    caption = content.get("caption")
    if caption is not None:
        if kind in {"audio", "sticker"}:
            raise invalid(f"caption is not supported for {kind}")
        if not isinstance(caption, str) or len(caption) > CAPTION_MAX:
            raise invalid(f"Param {kind}['caption'] must be at most {CAPTION_MAX} characters long.")
    if "filename" in content and kind != "document":
        raise invalid(f"filename is not supported for {kind}")


def _check_location(location: Json) -> None:
    for name, most in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            value = float(location[name])
        except (KeyError, TypeError, ValueError):
            raise invalid(f"location.{name} is required and must be a number") from None
        if abs(value) > most:
            raise invalid(f"location.{name} must lie between -{most:g} and {most:g}")


def _check_reaction(reaction: Json) -> None:
    if not str(reaction.get("message_id") or "").startswith("wamid."):
        raise GraphError(131009, "reaction.message_id is not a valid message id")
    emoji = reaction.get("emoji")
    if not isinstance(emoji, str) or len(emoji) > 20 or emoji.isalnum():
        raise GraphError(131009, "reaction.emoji must be one emoji or an empty string")


def _check_contacts(cards: object) -> None:
    found = as_list(cards)
    if not 1 <= len(found) <= CONTACTS_MAX:
        raise invalid(f"contacts must hold 1 to {CONTACTS_MAX} cards")
    for card in found:
        name = as_object(as_object(card).get("name"))
        if not name.get("formatted_name"):
            raise GraphError(131008, "contacts.name.formatted_name is required")
        if not any(name.get(part) for part in ("first_name", "last_name", "middle_name", "suffix", "prefix")):
            raise GraphError(131008, "contacts.name needs one of first_name, last_name, middle_name, suffix, prefix")
