"""What happened: counts, messages, templates, numbers."""

from collections import Counter

from cloudsim.clock import from_iso, to_iso
from cloudsim.graph import template_life
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json, Unfit
from cloudsim.people import chat
from cloudsim.simapi.persons import NotThere, get_phone
from cloudsim.simulator import Simulator
from cloudsim.world import Message, Template

TOP = 20


def counts(sim: Simulator, request: Request) -> Response:
    """Totals since the reset; with `template`, `phone_number_id` or `since` the recipients are counted anew."""
    kept = sim.world.counts
    recipients = kept.by_recipient
    if any(name in request.query for name in ("template", "phone_number_id", "since", "type")):
        recipients = Counter(message.wa_id for message in _filtered(sim, request) if not message.inbound)
    top = recipients.most_common(TOP)
    return Response.of(
        {
            "accepted": kept.accepted,
            "inbound": kept.inbound,
            "unanswered": kept.unanswered,
            "expired": kept.expired,
            "per_recipient": {
                "messages": sum(recipients.values()),
                "distinct": len(recipients),
                "max": top[0][1] if top else 0,
                "more_than_one": [{"wa_id": wa_id, "count": count} for wa_id, count in top if count > 1],
            },
            "by_template": kept.by_template,
            "by_type": kept.by_type,
            "statuses": kept.statuses,
            "failed": kept.failed,
            "refused": kept.refused,
            "posts": kept.posts,
            "posts_waiting": sim.poster.waiting,
            "posts_queued": sim.poster.queued(),
            "withheld": len(sim.poster.withheld),
            "marked_read": kept.marked_read,
            "clicks": kept.clicks,
            "states": _states(sim) if request.query.get("states") else None,
        }
    )


def _states(sim: Simulator) -> Counter[str]:
    return Counter(message.state for message in sim.world.messages.values() if not message.inbound)


def _filtered(sim: Simulator, request: Request) -> list[Message]:
    query = request.query
    world = sim.world
    ids = {item.id for item in world.templates.values() if item.name == query.get("template")}
    since = from_iso(query["since"]) if "since" in query else 0.0
    if query.get("wa_id"):
        wa_id = query["wa_id"].lstrip("+")
        threads = [thread for (_, person), thread in world.threads.items() if person == wa_id]
        wamids = [wamid for thread in threads for wamid in thread.messages]
    else:
        wamids = world.order
    wanted = {"in": True, "out": False}.get(query.get("direction", ""))
    found = []
    for wamid in wamids:
        message = world.messages[wamid]
        if (
            ("template" not in query or message.template_id in ids)
            and query.get("phone_number_id", message.phone_id) == message.phone_id
            and query.get("status", message.state) == message.state
            and query.get("type", message.type) == message.type
            and query.get("opaque", message.opaque) == message.opaque
            and (wanted is None or message.inbound is wanted)
            and message.at >= since
        ):
            found.append(message)
    return found


def list_messages(sim: Simulator, request: Request) -> Response:
    """Oldest first; `after` is the cursor of the page before, `limit` up to 1000."""
    start, limit = int(request.query.get("after", 0)), min(1000, int(request.query.get("limit", 100)))
    found = _filtered(sim, request)
    shown = [chat.view(sim, message) for message in found[start : start + limit]]
    more = start + limit if start + limit < len(found) else None
    return Response.of({"messages": shown, "total": len(found), "after": more})


def show_message(sim: Simulator, request: Request, wamid: str) -> Response:
    message = sim.world.messages.get(wamid)
    if message is None:
        raise NotThere("there is no such message")
    return Response.of({**chat.view(sim, message), "body": chat.content_of(message)})


def list_templates(sim: Simulator, request: Request) -> Response:
    return Response.of({"templates": [_template_view(item) for item in sim.world.templates.values()]})


def _template_view(template: Template) -> Json:
    return {
        "id": template.id,
        "waba_id": template.waba_id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "quality": template.quality,
        "components": template.components,
        "pauses": template.pauses,
        "sends": template.sends,
        "held": len(template.held),
        "unpause_at": to_iso(template.unpause_at) if template.unpause_at else None,
    }


def change_template(sim: Simulator, request: Request, template_id: str, deed: str) -> Response:
    """`review`, `pause`, `unpause`, `disable`, `quality`, `category`, `pacing`, by id or by name."""
    found = [item for item in sim.world.templates.values() if template_id in {item.id, item.name}]
    if not found:
        raise NotThere(f"there is no template {template_id}")
    for template in found:
        _change(sim, template, deed, request.json())
    return Response.of({"templates": [_template_view(item) for item in found]})


def _change(sim: Simulator, template: Template, deed: str, body: Json) -> None:
    match deed:
        case "review":
            decision = str(body.get("decision", "APPROVED")).upper()
            reason = str(body.get("reason", "INVALID_FORMAT")) if decision == "REJECTED" else ""
            template.status = "PENDING"
            template_life.review(sim, template, reason, body.get("rejection_info"))
        case "pause":
            template_life.pause(sim, template, by_pacing=bool(body.get("pacing")))
        case "unpause":
            template_life.resume(sim, template)
        case "disable":
            template_life.disable(sim, template)
        case "quality":
            template_life.set_quality(sim, template, str(body.get("score", "YELLOW")).upper())
        case "category":
            category = str(body.get("category", "MARKETING")).upper()
            template_life.announce_category(
                sim, template, category, notice_seconds=float(body.get("notice_seconds", 0))
            )
        case "pacing":
            template.pacing, template.sends = body or None, 0
            if body.get("after_seconds") is not None:
                sim.timers.after(float(body["after_seconds"]), template_life.judge_pacing, sim, template)
        case "judge":
            template.pacing = {**(template.pacing or {}), "verdict": str(body.get("verdict", "good"))}
            template_life.judge_pacing(sim, template)
        case _:
            raise Unfit("review, pause, unpause, disable, quality, category, pacing or judge")


def list_phones(sim: Simulator, request: Request) -> Response:
    return Response.of(
        {
            "phone_numbers": [
                {
                    "id": phone.id,
                    "number": phone.number,
                    "display_phone_number": phone.display,
                    "waba_id": phone.waba_id,
                    "verified_name": phone.verified_name,
                    "registered": phone.registered,
                    "quality": phone.quality,
                    "throughput_mps": phone.throughput_mps,
                    "verification_code": phone.verification_code or None,
                }
                for phone in sim.world.phones.values()
            ]
        }
    )


def change_phone(sim: Simulator, request: Request, phone_id: str) -> Response:
    """Throughput, quality, registration, maintenance; a throughput of 1000 or more is announced."""
    phone = get_phone(sim, phone_id)
    body = request.json()
    if "throughput_mps" in body:
        phone.throughput_mps, phone.tokens = int(body["throughput_mps"]), -1.0
        if phone.throughput_mps >= 1000:
            sim.emit(
                phone.waba_id,
                "phone_number_quality_update",
                {
                    "display_phone_number": phone.number,
                    "event": "THROUGHPUT_UPGRADE",
                    "current_limit": "TIER_UNLIMITED",
                    "max_daily_conversations_per_business": "TIER_UNLIMITED",
                },
            )
    phone.quality = str(body.get("quality", phone.quality))
    phone.registered = bool(body.get("registered", phone.registered))
    phone.maintenance = bool(body.get("maintenance", phone.maintenance))
    return list_phones(sim, request)


def change_account(sim: Simulator, request: Request, waba_id: str) -> Response:
    """`state` (ACTIVE, RESTRICTED, LOCKED), `payment_method`, `limit` of the portfolio, or any `event` to post."""
    waba = sim.world.wabas.get(waba_id)
    if waba is None:
        raise NotThere(f"there is no account {waba_id}")
    body = request.json()
    waba.state = str(body.get("state", waba.state))
    waba.payment_method = bool(body.get("payment_method", waba.payment_method))
    if "limit" in body:
        portfolio = sim.world.portfolios[waba.portfolio_id]
        portfolio.limit = str(body["limit"])
        sim.emit(
            waba.id,
            "business_capability_update",
            {
                "max_daily_conversations_per_business": portfolio.limit,
                "max_phone_numbers_per_business": 20,
                "max_phone_numbers_per_waba": 25,
            },
        )
    if "field" in body:
        sim.emit(waba.id, str(body["field"]), body["value"])
    return Response.of({"id": waba.id, "state": waba.state, "payment_method": waba.payment_method})
