"""Templates: create, read, edit, delete, review, pause, quality, category (reference 3 and 5.8)."""

from typing import Any

from cloudsim import delivery
from cloudsim.graph import template_rules as rules
from cloudsim.graph.errors import GraphError, invalid, management_error, unknown_object
from cloudsim.graph.health import health_of_template
from cloudsim.graph.nodes import Maker, lazy, page
from cloudsim.graph.template_extras import components_of, find_in_library
from cloudsim.http import Request, Response
from cloudsim.identifiers import stable_id
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.simulator import Simulator
from cloudsim.world import Template, Waba

HOUR, DAY = 3600.0, 86400.0
CREATIONS_PER_HOUR = 100
TEMPLATES_MAX, TEMPLATES_MAX_UNVERIFIED = 6000, 250
PAUSES = {1: 3 * HOUR, 2: 6 * HOUR}  # the third time a template is disabled
DEFAULT_FIELDS = (
    "id",
    "name",
    "language",
    "status",
    "category",
    "parameter_format",
    "components",
    "sub_category",
    "previous_category",
)
OTP_URL = "https://www.whatsapp.com/otp/code/?otp_type={kind}&code=otp{{{{1}}}}"


def view(sim: Simulator, template: Template) -> dict[str, Maker]:
    return {
        "id": lambda: template.id,
        "name": lambda: template.name,
        "language": lambda: template.language,
        "status": lambda: template.status,
        "category": lambda: template.category,
        "correct_category": lambda: template.correct_category or None,
        "previous_category": lambda: template.previous_category or None,
        "sub_category": lambda: template.sub_category or None,
        "components": lambda: template.components,
        "parameter_format": lambda: template.parameter_format,
        "quality_score": lambda: {"score": template.quality, "date": int(template.quality_at or template.created_at)},
        "rejected_reason": lambda: template.rejected_reason,
        "message_send_ttl_seconds": lambda: template.ttl_seconds,
        "cta_url_link_tracking_opted_out": lambda: template.click_tracking_off,
        "library_template_name": lambda: template.library_name or None,
        "created_time": lambda: int(template.created_at),
        "last_updated_time": lambda: int(template.updated_at),
        "health_status": lambda: health_of_template(sim, template),
    }


def create(sim: Simulator, waba: Waba, request: Request) -> Response:
    template = build(sim, waba, request.fields())
    _keep(sim, template)
    schedule_review(sim, template)
    return Response.of({"id": template.id, "status": template.status, "category": template.category})


def build(sim: Simulator, waba: Waba, fields: Json) -> Template:
    """A template from a creation request, checked. Raises GraphError."""
    name, language = str(fields.get("name", "")), str(fields.get("language", ""))
    category = str(fields.get("category", "")).upper()
    if not rules.NAME.match(name):
        raise invalid("name: lower-case letters, digits and underscores, at most 512 characters")
    if language not in rules.LANGUAGES:
        raise invalid(f"language {language!r} is not supported")
    if category not in rules.CATEGORIES:
        raise invalid(f"category must be one of {', '.join(sorted(rules.CATEGORIES))}")
    _check_budgets(sim, waba, name, language)
    components = [dict(component) for component in as_list(fields.get("components"))]
    library = str(fields.get("library_template_name") or "")
    if library and not components:
        entry = find_in_library(library)
        if entry is None:
            raise invalid(f"There is no template {library!r} in the library.")
        components = components_of(entry)
    named = str(fields.get("parameter_format", "POSITIONAL")).upper() == "NAMED"
    words = sim.settings.words_per_variable
    rules.check(components, category=category, named=named, words_per_variable=words)
    rules.check_ttl(category, fields.get("message_send_ttl_seconds"))
    _check_duplicate_text(sim, waba, components, category)
    now = sim.now()
    waba.created.append(now)
    return Template(
        stable_id("7", waba.id, name, language),
        waba.id,
        name,
        language,
        category,
        normalised(components),
        "NAMED" if named else "POSITIONAL",
        ttl_seconds=fields.get("message_send_ttl_seconds"),
        created_at=now,
        updated_at=now,
        sub_category=str(fields.get("sub_category") or ""),
        library_name=library,
        max_price="optimization_spec" in fields or "bid_spec" in fields,
    )


def _check_budgets(sim: Simulator, waba: Waba, name: str, language: str) -> None:
    now = sim.now()
    waba.created = [at for at in waba.created if at > now - HOUR]
    if len(waba.created) >= CREATIONS_PER_HOUR:
        raise GraphError(100, status=400, subcode=2388019, message="Too many templates were created in the last hour")
    if (waba.id, name, language) in sim.world.template_names:
        raise management_error(
            2388024,
            "Content in this language already exists",
            "There is already content for this name in this language.",
        )
    if waba.blocked_names.get(name, 0.0) > now:
        raise management_error(2388023, "The template is being deleted", "Wait 30 days or take another name.")
    verified = sim.world.portfolios[waba.portfolio_id].verified
    held = sum(template.waba_id == waba.id for template in sim.world.templates.values())
    if held >= (TEMPLATES_MAX if verified else TEMPLATES_MAX_UNVERIFIED):
        raise management_error(2388019, "Message template limit exceeded", "Delete templates before creating more.")


def _texts(components: list[Json]) -> tuple[str, str]:
    found = {str(component.get("type", "")).upper(): str(component.get("text", "")) for component in components}
    return found.get("BODY", ""), found.get("FOOTER", "")


def _check_duplicate_text(sim: Simulator, waba: Waba, components: list[Json], category: str) -> None:
    if category == "AUTHENTICATION" or any(str(part.get("type", "")).upper() == "CAROUSEL" for part in components):
        return
    for other in sim.world.templates.values():
        if (
            other.waba_id == waba.id
            and other.category != "AUTHENTICATION"
            and _texts(other.components) == _texts(components)
        ):
            raise management_error(2388024, "Content already exists", f"Template {other.name} has the same text.")


def normalised(components: list[Json]) -> list[Json]:
    """Types in capitals; the fixed texts of authentication templates; an OTP button is stored as URL."""
    found = []
    for component in components:
        part = {**component, "type": str(component.get("type", "")).upper()}
        if "format" in part:
            part["format"] = str(part["format"]).upper()
        if part["type"] == "BODY" and not part.get("text"):
            advice = " For your security, do not share this code." if part.get("add_security_recommendation") else ""
            part["text"] = f"*{{{{1}}}}* is your verification code.{advice}"
        if part["type"] == "FOOTER" and part.get("code_expiration_minutes"):
            part["text"] = f"This code expires in {part['code_expiration_minutes']} minutes."
        if part["type"] == "BUTTONS":
            part["buttons"] = [_normalised_button(button) for button in as_list(part.get("buttons"))]
        if part["type"] == "CAROUSEL":
            part["cards"] = [
                {**card, "components": normalised(as_list(as_object(card).get("components")))}
                for card in as_list(part.get("cards"))
            ]
        found.append(part)
    return found


def _normalised_button(button: Json) -> Json:
    kind = str(button.get("type", "")).upper()
    if kind == "OTP":
        otp = str(button.get("otp_type", "COPY_CODE")).upper()
        return {
            **button,
            "type": "URL",
            "otp_type": otp,
            "text": button.get("text") or "Copy code",
            "url": OTP_URL.format(kind=otp),
        }
    if kind == "COPY_CODE":
        return {"text": "Copy offer code", **button, "type": kind}
    return {**button, "type": kind}


def _keep(sim: Simulator, template: Template) -> None:
    sim.world.templates[template.id] = template
    sim.world.template_names[template.waba_id, template.name, template.language] = template


def schedule_review(sim: Simulator, template: Template) -> None:
    """The verdict comes after seconds; at once for authentication and library templates."""
    if template.category == "AUTHENTICATION" or template.library_name:
        sim.timers.after(0, review, sim, template, "")
    elif sim.settings.review_auto:
        dice = sim.dice(template.id, template.updated_at)
        sim.timers.after(dice.between(0, *sim.settings.review_delay), review, sim, template, "")


def review(sim: Simulator, template: Template, reject_reason: str, info: Json | None = None) -> None:
    """Approve, or reject with a reason. A mis-declared utility template is approved as marketing (reference 3.6)."""
    if template.status != "PENDING" or template.id not in sim.world.templates:
        return
    template.updated_at = sim.now()
    if reject_reason:
        template.status, template.rejected_reason = "REJECTED", reject_reason
        extra = {"rejection_info": info} if info else {}
        _tell_status(sim, template, "REJECTED", reject_reason, **extra)
        return
    if template.category == "UTILITY" and sim.settings.recategorise and rules.is_promotional(template.components):
        template.previous_category, template.category = "UTILITY", "MARKETING"
    template.status, template.rejected_reason = "APPROVED", "NONE"
    _tell_status(sim, template, "APPROVED", "NONE")
    if template.previous_category == "UTILITY" and template.category == "MARKETING":
        _tell(sim, template, "template_category_update", {"previous_category": "UTILITY", "new_category": "MARKETING"})


def _tell(sim: Simulator, template: Template, field: str, extra: Json) -> None:
    value: Json = {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
        **extra,
    }
    sim.emit(template.waba_id, field, value)


def _tell_status(sim: Simulator, template: Template, event: str, reason: str | None, **extra: Any) -> None:
    _tell(
        sim,
        template,
        "message_template_status_update",
        {"event": event, "reason": reason, "message_template_category": template.category, **extra},
    )


def pause(sim: Simulator, template: Template, *, by_pacing: bool = False) -> None:
    """3 h the first time, 6 h the second, then disabled; a pacing pause lasts until somebody unpauses it."""
    if template.status != "APPROVED":
        return
    template.pauses += 1
    if template.pauses > len(PAUSES) and not by_pacing:
        disable(sim, template)
        return
    template.status = "PAUSED"
    title = {1: "FIRST_PAUSE", 2: "SECOND_PAUSE"}.get(template.pauses, "RATE_LIMITING_PAUSE")
    text = (
        "Paused for pacing."
        if by_pacing
        else f"Paused for {PAUSES[template.pauses] / HOUR:g} hours because of recipient feedback."
    )
    if by_pacing:
        title = "RATE_LIMITING_PAUSE"
    else:
        template.unpause_at = sim.now() + PAUSES[template.pauses]
        sim.timers.at(template.unpause_at, _unpause_by_itself, sim, template, template.unpause_at)
    _tell_status(sim, template, "PAUSED", "NONE", other_info={"title": title, "description": text})
    fail_held(sim, template)


def pause_by_name(sim: Simulator, name: str) -> None:
    for template in sim.world.templates.values():
        if template.name == name:
            pause(sim, template)


def _unpause_by_itself(sim: Simulator, template: Template, expected: float) -> None:
    if template.status == "PAUSED" and template.unpause_at == expected:
        resume(sim, template)


def resume(sim: Simulator, template: Template) -> None:
    template.status, template.unpause_at, template.reports = "APPROVED", 0.0, 0
    _tell_status(
        sim, template, "APPROVED", "NONE", other_info={"title": "UNPAUSE", "description": "The template is active."}
    )


def disable(sim: Simulator, template: Template) -> None:
    template.status = "DISABLED"
    _tell_status(sim, template, "DISABLED", None, disable_info={"disable_date": int(sim.now())})
    fail_held(sim, template)


def fail_held(sim: Simulator, template: Template) -> None:
    held, template.held = template.held, []
    for wamid in held:
        sim.timers.after(0.5, delivery.fail, sim, sim.world.messages[wamid], 132015)


def release_held(sim: Simulator, template: Template) -> None:
    """The first batch was liked: what was held goes out."""
    held, template.held, template.pacing = template.held, [], None
    for wamid in held:
        message = sim.world.messages[wamid]
        message.state = "accepted"
        delivery.dispatch(sim, message, message.plan)


def judge_pacing(sim: Simulator, template: Template) -> None:
    if template.pacing is None:
        return
    if template.pacing.get("verdict", "good") == "good":
        release_held(sim, template)
    else:
        template.pacing = None
        pause(sim, template, by_pacing=True)


def set_quality(sim: Simulator, template: Template, score: str) -> None:
    """RED pauses the template."""
    previous, template.quality, template.quality_at = template.quality, score, sim.now()
    if previous != score:
        _tell(
            sim,
            template,
            "message_template_quality_update",
            {"previous_quality_score": previous, "new_quality_score": score},
        )
    if score == "RED":
        pause(sim, template)


def report_spam(sim: Simulator, template: Template) -> None:
    """A person reported a message: quality falls step by step."""
    template.reports += 1
    set_quality(sim, template, {1: "GREEN", 2: "YELLOW"}.get(template.reports, "RED"))


def announce_category(sim: Simulator, template: Template, category: str, *, notice_seconds: float) -> None:
    """A category change with notice, or at once when the notice is 0."""
    if notice_seconds <= 0:
        change_category(sim, template, category)
        return
    template.correct_category = category
    at = sim.now() + notice_seconds
    _tell(
        sim,
        template,
        "template_category_update",
        {"new_category": template.category, "correct_category": category, "category_update_timestamp": int(at)},
    )
    sim.timers.at(at, change_category, sim, template, category)


def change_category(sim: Simulator, template: Template, category: str) -> None:
    template.previous_category, template.category, template.correct_category = template.category, category, ""
    template.shape = None
    _tell(
        sim,
        template,
        "template_category_update",
        {"previous_category": template.previous_category, "new_category": category},
    )


def list_templates(sim: Simulator, waba: Waba, request: Request) -> Response:
    query = request.query
    found = []
    for template in sim.world.templates.values():
        facts = {
            "status": template.status,
            "language": template.language,
            "category": template.category,
            "quality_score": template.quality,
        }
        wanted = all(query[key].upper() == fact.upper() for key, fact in facts.items() if key in query)
        content = query.get("content", "").lower()
        if (
            template.waba_id == waba.id
            and wanted
            and query.get("name", "") in template.name
            and (not content or content in " ".join(_texts(template.components)).lower())
        ):
            found.append(lazy(view(sim, template), request, DEFAULT_FIELDS))
    return page(request, found)


def show(sim: Simulator, template: Template, request: Request) -> Response:
    return Response.of(lazy(view(sim, template), request, DEFAULT_FIELDS))


def edit(sim: Simulator, template: Template, request: Request) -> Response:
    """The whole `components` list is replaced and reviewed again; until then the template cannot be sent."""
    fields = request.fields()
    if "cta_url_link_tracking_opted_out" in fields:
        template.click_tracking_off = str(fields["cta_url_link_tracking_opted_out"]).lower() == "true"
        return Response.of({"success": True})
    if template.status not in {"APPROVED", "REJECTED", "PAUSED"}:
        raise management_error(2388039, "Template status cannot be changed", "The template is in review.")
    category = str(fields.get("category", template.category)).upper()
    if category != template.category and template.status == "APPROVED":
        raise management_error(2388039, "Category cannot be changed", "The category of an approved template is fixed.")
    now = sim.now()
    recent = [at for at in template.edits if at > now - 30 * DAY]
    if template.status == "APPROVED" and (len(recent) >= 10 or any(at > now - DAY for at in recent)):
        raise management_error(2388039, "Too many edits", "One edit in 24 hours and ten in 30 days.")
    components = [dict(component) for component in as_list(fields.get("components"))] or template.components
    if "components" in fields:
        rules.check(
            components,
            category=category,
            named=template.parameter_format == "NAMED",
            words_per_variable=sim.settings.words_per_variable,
        )
    rules.check_ttl(category, fields.get("message_send_ttl_seconds"))
    if template.status == "APPROVED":
        template.edits = [*recent, now]
    template.category, template.components, template.shape = category, normalised(components), None
    template.ttl_seconds = fields.get("message_send_ttl_seconds", template.ttl_seconds)
    template.status, template.updated_at = "PENDING", now
    body, footer = _texts(template.components)
    _tell(
        sim,
        template,
        "message_template_components_update",
        {"message_template_element": body, **({"message_template_footer": footer} if footer else {})},
    )
    schedule_review(sim, template)
    return Response.of({"success": True, "id": template.id, "name": template.name, "category": template.category})


def delete(sim: Simulator, waba: Waba, request: Request) -> Response:
    """By `name` (all languages), by `hsm_id` and `name` (one), or by `hsm_ids` (up to 100)."""
    fields = request.fields()
    name, one, many = fields.get("name"), fields.get("hsm_id"), fields.get("hsm_ids")
    if isinstance(many, str):
        many = [part.strip(' "') for part in many.strip("[]").split(",")]
    if not name and not many:
        raise invalid("name or hsm_ids is required")
    if many and (name or len(many) > 100):
        raise invalid("hsm_ids: at most 100, and not together with name")
    wanted = {str(node) for node in many or ()} or ({str(one)} if one else None)
    found = [
        template
        for template in sim.world.templates.values()
        if template.waba_id == waba.id
        and (wanted is None or template.id in wanted)
        and (not name or template.name == name)
    ]
    if not found:
        raise unknown_object(str(name or many), request.method)
    for template in found:
        if template.status == "DISABLED":
            raise management_error(2388039, "Template cannot be deleted", "A disabled template cannot be deleted.")
    for template in found:
        if template.status in {"APPROVED", "PAUSED"}:
            waba.blocked_names[template.name] = sim.now() + 30 * DAY
        sim.world.templates.pop(template.id)
        sim.world.template_names.pop((waba.id, template.name, template.language))
        _tell_status(sim, template, "DELETED", "NONE")
    return Response.of({"success": True})


def unpause(sim: Simulator, template: Template, request: Request) -> Response:
    if template.status != "PAUSED":
        return Response.of({"success": False, "reason": "The template is not paused."})
    resume(sim, template)
    return Response.of({"success": True})


def upsert(sim: Simulator, waba: Waba, request: Request) -> Response:
    """Authentication templates in many languages at once."""
    fields = request.fields()
    if str(fields.get("category", "")).upper() != "AUTHENTICATION":
        raise invalid("upsert_message_templates takes authentication templates only")
    found = []
    for language in as_list(fields.get("languages")):
        known = sim.world.template_names.get((waba.id, str(fields.get("name", "")), str(language)))
        if known is None:
            known = build(sim, waba, {**fields, "language": language})
            _keep(sim, known)
            schedule_review(sim, known)
        found.append({"id": known.id, "status": known.status, "language": known.language})
    return Response.of({"data": found})


def preview(sim: Simulator, waba: Waba, request: Request) -> Response:
    if request.query.get("category", "").upper() != "AUTHENTICATION":
        raise invalid("category must be AUTHENTICATION")
    parts: list[Json] = [
        {"type": "BODY", "add_security_recommendation": request.query.get("add_security_recommendation") == "true"}
    ]
    if request.query.get("code_expiration_minutes"):
        parts.append({"type": "FOOTER", "code_expiration_minutes": request.query["code_expiration_minutes"]})
    made = {part["type"]: part["text"] for part in normalised(parts)}
    data = [
        {
            "body": made["BODY"],
            **({"footer": made["FOOTER"]} if "FOOTER" in made else {}),
            "buttons": [{"text": "Copy code"}],
            "language": language,
        }
        for language in request.query.get("language", "en_US").split(",")
    ]
    return Response.of({"data": data})
