"""A chat as the person sees it: messages both ways with their texts, buttons, media and statuses."""

from cloudsim.clock import to_iso
from cloudsim.graph.template_send import render
from cloudsim.jsontypes import Json, as_list, as_object, decode
from cloudsim.simulator import Simulator
from cloudsim.world import Message

MEDIA = ("image", "video", "audio", "document", "sticker")


def content_of(message: Message) -> Json:
    """The request body, or the inbound message object."""
    return message.body if isinstance(message.body, dict) else as_object(decode(message.body))


def seen(sim: Simulator, message: Message) -> Json:
    """What it looks like: `text`, `header`, `footer`, `buttons`, `rows`, `cards`, `media`, as far as it has them."""
    body = content_of(message)
    if message.inbound:
        return _inbound(body)
    if message.type == "template":
        template = sim.world.templates.get(message.template_id)
        if template is None:
            return {"text": f"[template {as_object(body.get('template')).get('name')}]", "buttons": []}
        shown = render(template, as_object(body.get("template")).get("components"))
        shown["text"] = shown.pop("body")
        shown["template"] = template.name
        return shown
    content = body.get(message.type)
    if message.type == "interactive":
        return _interactive(as_object(content))
    if message.type == "text":
        return {"text": as_object(content).get("body", "")}
    if message.type in MEDIA:
        medium = as_object(content)
        return {"text": medium.get("caption", ""), "media": {"type": message.type, **medium}}
    if message.type == "reaction":
        return {"text": as_object(content).get("emoji", ""), "reaction": content}
    return {"text": f"[{message.type}]", message.type: content}


def _interactive(interactive: Json) -> Json:
    action = as_object(interactive.get("action"))
    kind = str(interactive.get("type"))
    shown: Json = {"text": as_object(interactive.get("body")).get("text", ""), "interactive": kind, "buttons": []}
    if interactive.get("header"):
        shown["header"] = interactive["header"]
    if interactive.get("footer"):
        shown["footer"] = as_object(interactive["footer"]).get("text", "")
    parameters = as_object(action.get("parameters"))
    for index, button in enumerate(as_list(action.get("buttons"))):
        reply = as_object(button.get("reply") or button.get("quick_reply"))
        shown["buttons"].append(
            {"index": index, "type": "reply", "text": reply.get("title", ""), "id": reply.get("id", "")}
        )
    if kind == "cta_url":
        shown["buttons"] = [
            {"index": 0, "type": "url", "text": parameters.get("display_text", ""), "url": parameters.get("url", "")}
        ]
    elif kind == "flow":
        shown["buttons"] = [
            {
                "index": 0,
                "type": "flow",
                "text": parameters.get("flow_cta", ""),
                "flow_token": parameters.get("flow_token", "unused"),
            }
        ]
    elif kind == "list":
        shown["list_button"] = action.get("button", "")
        shown["rows"] = [
            {"section": section.get("title", ""), **row}
            for section in as_list(action.get("sections"))
            for row in as_list(as_object(section).get("rows"))
        ]
    elif kind == "carousel":
        shown["cards"] = [
            _interactive({**as_object(card), "type": as_object(card).get("type")})
            for card in as_list(action.get("cards"))
        ]
    elif kind in {"location_request_message", "request_contact_info", "address_message"}:
        shown["buttons"] = [{"index": 0, "type": kind, "text": kind.replace("_", " ")}]
    return shown


def _inbound(body: Json) -> Json:
    kind = str(body.get("type"))
    content = as_object(body.get(kind))
    if kind == "text":
        return {"text": content.get("body", "")}
    if kind == "button":
        return {"text": content.get("text", ""), "payload": content.get("payload")}
    if kind == "interactive":
        reply = as_object(content.get(str(content.get("type"))))
        return {"text": reply.get("title") or reply.get("body") or "", "reply": reply}
    if kind in MEDIA:
        return {"text": content.get("caption", ""), "media": {"type": kind, **content}}
    if kind == "reaction":
        return {"text": content.get("emoji", ""), "reaction": content}
    return {"text": f"[{kind}]", kind: body.get(kind)}


def view(sim: Simulator, message: Message) -> Json:
    """One message as the scripting API shows it."""
    template = sim.world.templates.get(message.template_id)
    found: Json = {
        "id": message.id,
        "direction": "in" if message.inbound else "out",
        "type": message.type,
        "phone_number_id": message.phone_id,
        "wa_id": message.wa_id,
        "at": to_iso(message.at),
        "status": message.state,
        "statuses": {status: to_iso(at) for status, at in message.times.items()},
        "biz_opaque_callback_data": message.opaque,
        "template": template.name if template else None,
        "language": template.language if template else None,
        "category": message.category,
        "pricing": message.pricing,
        "context_id": message.context_id or None,
        "to_bsuid": message.to_bsuid,
        **seen(sim, message),
    }
    if message.error:
        found["error"] = message.error
        found["error_details"] = message.error_details
    return found
