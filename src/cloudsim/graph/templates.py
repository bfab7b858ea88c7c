"""Templates over HTTP: create, read, edit, delete (reference 3). What happens to them: `template_life.py`."""

from cloudsim.graph import template_rules as rules
from cloudsim.graph.errors import invalid, management_error, unknown_object
from cloudsim.graph.health import health_of_template
from cloudsim.graph.nodes import Maker, lazy, page
from cloudsim.graph.template_life import resume, schedule_review, tell, tell_status
from cloudsim.graph.template_making import build, keep, normalised, texts
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json, as_list
from cloudsim.simulator import Simulator
from cloudsim.world import Template, Waba

DAY = 86400.0
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
    keep(sim, template)
    schedule_review(sim, template)
    return Response.of({"id": template.id, "status": template.status, "category": template.category})


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
            and (not content or content in " ".join(texts(template.components)).lower())
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
    body, footer = texts(template.components)
    tell(
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
        tell_status(sim, template, "DELETED", "NONE")
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
            keep(sim, known)
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
