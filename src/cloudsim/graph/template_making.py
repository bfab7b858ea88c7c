"""A template out of a creation request: what must hold, and how it is kept (reference 3)."""

from cloudsim.graph import template_rules as rules
from cloudsim.graph.errors import GraphError, invalid, management_error
from cloudsim.graph.template_extras import components_of, find_in_library
from cloudsim.identifiers import stable_id
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.simulator import Simulator
from cloudsim.world import Template, Waba

HOUR = 3600.0
CREATIONS_PER_HOUR = 100
TEMPLATES_MAX, TEMPLATES_MAX_UNVERIFIED = 6000, 250
OTP_URL = "https://www.whatsapp.com/otp/code/?otp_type={kind}&code=otp{{{{1}}}}"


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


def texts(components: list[Json]) -> tuple[str, str]:
    found = {str(component.get("type", "")).upper(): str(component.get("text", "")) for component in components}
    return found.get("BODY", ""), found.get("FOOTER", "")


def _check_duplicate_text(sim: Simulator, waba: Waba, components: list[Json], category: str) -> None:
    if category == "AUTHENTICATION" or any(str(part.get("type", "")).upper() == "CAROUSEL" for part in components):
        return
    for other in sim.world.templates.values():
        if (
            other.waba_id == waba.id
            and other.category != "AUTHENTICATION"
            and texts(other.components) == texts(components)
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


def keep(sim: Simulator, template: Template) -> None:
    sim.world.templates[template.id] = template
    sim.world.template_names[template.waba_id, template.name, template.language] = template
