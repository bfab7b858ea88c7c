"""`POST /{phone_number_id}/messages`: the one path on which a business does anything in a chat.

The order of the checks is that of reference 13, "Send pipeline": schema, recipient, limits, template, accept.
"""

from cloudsim import delivery
from cloudsim.graph import limits, media, template_send, validation
from cloudsim.graph.errors import GraphError, invalid, webhook_error
from cloudsim.http import Request, Response
from cloudsim.identifiers import outbound_wamid
from cloudsim.jsontypes import Json, as_list, as_object, encode
from cloudsim.numbers import country_of, normalise
from cloudsim.simulator import Simulator
from cloudsim.world import Message, Person, Phone, Template, Thread, Waba

REACTION_MAX_AGE = 30 * 86400.0


def check_account(sim: Simulator, phone: Phone) -> Waba:
    """Raises what the state of number and account forbids."""
    if not phone.registered:
        raise GraphError(133010, "Account not registered")
    waba = sim.world.wabas[phone.waba_id]
    if waba.state == "RESTRICTED":
        raise GraphError(368, "The account is restricted for policy violations.")
    if waba.state == "LOCKED":
        raise GraphError(131031, "The business account has been locked.")
    if phone.maintenance:
        raise GraphError(131057, "The number is in maintenance mode.")
    return waba


def facts_of(body: Json, phone_id: str) -> dict[str, str]:
    """What faults and quotas match on."""
    to = str(body.get("to") or body.get("recipient") or "")
    return {
        "endpoint": "messages",
        "method": "POST",
        "phone_number_id": phone_id,
        "recipient": to.lstrip("+"),
        "template": str(as_object(body.get("template")).get("name", "")),
        "type": str(body.get("type", "text")),
    }


def post_message(
    sim: Simulator, phone: Phone, request: Request, body: Json, *, marketing_only: bool = False
) -> Response:
    """Accept one message, mark one as read, or refuse. Raises GraphError."""
    waba = check_account(sim, phone)
    if body.get("status") == "read":
        return _mark_read(sim, phone, body)
    kind = validation.check_envelope(body)
    checked = validation.check_content(body, kind, country=_country(sim, phone, body))
    person, thread, to_bsuid, given = find_recipient(sim, phone, waba, body)
    now = sim.now()
    throttled = not limits.take_throughput(phone, now)
    if throttled and not sim.settings.throughput_async:
        raise GraphError(
            130429,
            "Cloud API message throughput has been reached.",
            subcode=2494055,
            status=sim.settings.throughput_http_status,
        )
    if not limits.take_pair(thread, now, sim.settings.pair_limit):
        raise GraphError(
            131056,
            "Message failed to send because there were too many messages sent from this phone "
            "number to the same phone number in a short period of time.",
        )
    template: Template | None = None
    if kind == "template":
        template = _check_template(sim, waba, body, checked, to_bsuid=to_bsuid, marketing_only=marketing_only)
    elif marketing_only:
        raise GraphError(131055, "Only template messages are supported on this endpoint.")
    if checked.media:
        media.check_references(sim, phone, checked.media)
    if kind == "interactive":
        _check_flow(sim, waba, body)
    if sim.settings.window_sync and template is None and thread.window_until <= now:
        raise GraphError(131047, webhook_error(131047)["error_data"]["details"])
    if body.get("recipient_identity_key_hash") not in {None, person.identity} and delivery.identity_is_checked(phone):
        raise GraphError(137000, "The recipient's identity has changed.")
    message = _accept(
        sim,
        phone,
        body,
        raw=request.body,
        person=person,
        thread=thread,
        template=template,
        checked=checked,
        to_bsuid=to_bsuid,
    )
    if throttled:
        sim.timers.after(0.5, delivery.fail, sim, message, 130429)
    return Response(200, _answer(sim, waba, message, person, given))


def _country(sim: Simulator, phone: Phone, body: Json) -> str:
    return country_of(str(body.get("to") or "").lstrip("+")) if body.get("type") == "interactive" else ""


def find_recipient(sim: Simulator, phone: Phone, waba: Waba, body: Json) -> tuple[Person, Thread, bool, str]:
    """Who is meant: the number in `to`, else the business-scoped id in `recipient`."""
    world = sim.world
    to = body.get("to")
    if to and not _looks_scoped(str(to)):
        wa_id = normalise(str(to), own_number=phone.number)
        if not wa_id:
            raise invalid("The parameter to is not a valid WhatsApp phone number.")
        wa_id = world.aliases.get(wa_id, wa_id)
        if wa_id == phone.number:
            raise GraphError(131021, "Sender and recipient phone number is the same.")
        if phone.allow_list is not None and wa_id not in phone.allow_list:
            raise GraphError(
                131030,
                "Recipient phone number not in allowed list: Add recipient phone number to recipient "
                "list and try again.",
            )
        person = world.people.get(wa_id) or world.person(wa_id, on_whatsapp=sim.settings.unknown_people_on_whatsapp)
        thread = world.thread(phone.id, wa_id)
        thread.last_contact_at = sim.now()
        return person, thread, False, str(to)
    scoped = str(body.get("recipient") or to)
    found = world.bsuids.get(scoped)
    if found is None or found[0] not in {waba.portfolio_id, "*"}:
        raise GraphError(131009, "The recipient is not a valid business-scoped user id of this portfolio.")
    person = world.people[found[1]]
    return person, world.thread(phone.id, person.wa_id), True, scoped


def _looks_scoped(text: str) -> bool:
    return len(text) > 3 and text[2] == "." and text[:2].isalpha()


def _check_template(
    sim: Simulator, waba: Waba, body: Json, checked: validation.Checked, *, to_bsuid: bool, marketing_only: bool
) -> Template:
    wanted = as_object(body.get("template"))
    name = wanted.get("name")
    language = as_object(wanted.get("language")).get("code")
    if not isinstance(name, str) or not isinstance(language, str):
        raise GraphError(131008, "template.name and template.language.code are required")
    template = sim.world.template_names.get((waba.id, name, language))
    if template is None or template.status not in {"APPROVED", "PAUSED", "DISABLED"}:
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    if template.status == "PAUSED":
        raise GraphError(132015, f"template {name} is paused due to low quality")
    if template.status == "DISABLED":
        raise GraphError(132016, f"template {name} is disabled")
    if marketing_only and template.category != "MARKETING":
        raise GraphError(134100, "Only marketing templates can be sent on this endpoint.")
    if template.max_price and not marketing_only:
        raise GraphError(131061, "Templates with a maximum price need the marketing endpoint.")
    if waba.marketing_disabled and template.category == "MARKETING" and not marketing_only:
        raise GraphError(131063, "Marketing templates are disabled on Cloud API.")
    if to_bsuid and (template.category == "AUTHENTICATION" or template.max_price):
        raise GraphError(131062, "This template needs a phone number as recipient.")
    checked.media.extend(template_send.fill(template, wanted.get("components")).media)
    flow = sim.world.flows.get(template_send.shape_of(template).flow_id)
    if flow is not None and flow.status in {"BLOCKED", "THROTTLED"}:
        raise GraphError(132068 if flow.status == "BLOCKED" else 132069, f"Flow is {flow.status.lower()}")
    return template


def _check_flow(sim: Simulator, waba: Waba, body: Json) -> None:
    if as_object(body.get("interactive")).get("type") != "flow":
        return
    parameters = as_object(as_object(body["interactive"].get("action")).get("parameters"))
    flow_id, flow_name = str(parameters.get("flow_id", "")), parameters.get("flow_name")
    flow = next(
        (
            flow
            for flow in sim.world.flows.values()
            if flow.waba_id == waba.id and (flow.id == flow_id or (flow_name and flow.name == flow_name))
        ),
        None,
    )
    if flow is None:
        raise GraphError(131009, "Flow does not exist")
    if flow.status in {"BLOCKED", "THROTTLED"}:
        raise GraphError(132068 if flow.status == "BLOCKED" else 132069, f"Flow is {flow.status.lower()}")
    if flow.status != ("DRAFT" if parameters.get("mode") == "draft" else "PUBLISHED"):
        raise GraphError(131009, f"Flow is {flow.status.lower()}")


def _accept(
    sim: Simulator,
    phone: Phone,
    body: Json,
    *,
    raw: bytes,
    person: Person,
    thread: Thread,
    template: Template | None,
    checked: validation.Checked,
    to_bsuid: bool,
) -> Message:
    """From here on the answer is 200 and the rest is told by webhook."""
    world = sim.world
    now = sim.now()
    kind = checked.type
    thread.count += 1
    message = Message(
        id=outbound_wamid("" if to_bsuid else person.wa_id),
        phone_id=phone.id,
        wa_id=person.wa_id,
        inbound=False,
        type=kind,
        at=now,
        body=raw or encode(body),
        opaque=body.get("biz_opaque_callback_data"),
        to_bsuid=to_bsuid,
        context_id=checked.context_id,
    )
    if template is not None:
        message.template_id = template.id
        message.category = template.category.lower()
        template.sends += 1
        world.counts.by_template[template.name] += 1
    world.keep(message, thread)
    if thread.fep_offer_until > now:  # the answer to an ad opens the free entry point
        thread.fep_offer_until = 0.0
        thread.fep_until = now + sim.settings.fep_hours * 3600
        thread.fep_limit = now + sim.settings.fep_max_hours * 3600
    counts = world.counts
    counts.accepted += 1
    counts.by_recipient[person.wa_id] += 1
    counts.by_type[kind] += 1
    plan = None
    if sim.quotas.decks:
        plan = sim.quotas.deal({**facts_of(body, phone.id), "recipient": person.wa_id})
    if template is not None and _is_held(template):
        message.state = "held"
        message.plan = plan
        template.held.append(message.id)
    elif kind == "reaction" and _is_bad_reaction(sim, body, thread):
        sim.timers.after(0.5, delivery.fail, sim, message, 131009)
    elif any("link" in medium for _, medium in checked.media) or checked.media:
        media.then_dispatch(sim, message, checked.media, plan)
    else:
        delivery.dispatch(sim, message, plan)
    return message


def _is_held(template: Template) -> bool:
    """Pacing: after the first batch the rest is held until the verdict (reference 3.5)."""
    return template.pacing is not None and template.sends > int(template.pacing.get("first_batch", 0))


def _is_bad_reaction(sim: Simulator, body: Json, thread: Thread) -> bool:
    target = sim.world.messages.get(str(as_object(body.get("reaction")).get("message_id")))
    return (
        target is None
        or not target.inbound
        or target.wa_id != thread.wa_id
        or target.type == "reaction"
        or target.at < sim.now() - REACTION_MAX_AGE
    )


def _answer(sim: Simulator, waba: Waba, message: Message, person: Person, given: str) -> bytes:
    contact: Json = {"input": given}
    if message.to_bsuid:
        contact["user_id"] = sim.world.bsuid(person, waba.portfolio_id)
        if sim.settings.blank_wa_id_for_bsuid:
            contact["wa_id"] = ""
    else:
        contact["wa_id"] = person.wa_id
    accepted: Json = {"id": message.id}
    if message.template_id:
        accepted["message_status"] = "held_for_quality_assessment" if message.state == "held" else "accepted"
    return encode({"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]})


def _mark_read(sim: Simulator, phone: Phone, body: Json) -> Response:
    """Read receipt, with or without typing indicator; earlier messages of the chat count as read too."""
    if body.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required and must be whatsapp.")
    message = sim.world.messages.get(str(body.get("message_id", "")))
    if message is None or not message.inbound or message.phone_id != phone.id:
        raise GraphError(131009, "message_id is not a message that this number received")
    indicator = body.get("typing_indicator")
    if indicator is not None and as_object(indicator).get("type") != "text":
        raise invalid("typing_indicator.type must be text")
    for wamid in as_list(sim.world.thread(phone.id, message.wa_id).messages):
        other = sim.world.messages[wamid]
        if other.inbound and other.at <= message.at and "read" not in other.times:
            other.times["read"] = sim.now()
    if indicator is not None:
        message.times["typing"] = sim.now()
    sim.world.counts.marked_read += 1
    return Response.of({"success": True})
