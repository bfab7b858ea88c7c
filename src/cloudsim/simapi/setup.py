"""`POST /sim/setup`: portfolio, account, numbers, app, tokens, templates, people. Again changes nothing."""

from cloudsim.graph import template_making, template_rules
from cloudsim.graph.tokens import ALL_SCOPES
from cloudsim.identifiers import stable_id
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.simapi.persons import upsert_person
from cloudsim.simulator import Simulator
from cloudsim.world import App, Override, Phone, Portfolio, Template, Token, Waba

DEFAULT_TOKEN = "EAAsimulated"  # noqa: S105 - the simulator's own, for demos


def apply_setup(sim: Simulator, spec: Json) -> Json:
    """Create or change what the spec names; what it does not name stays. Raises Unfit."""
    portfolio = _portfolio(sim, as_object(spec.get("portfolio")))
    app = _app(sim, as_object(spec.get("app")))
    wabas = [as_object(item) for item in as_list(spec.get("wabas"))] or [as_object(spec.get("waba"))]
    made = [_waba(sim, portfolio, app, item) for item in wabas]
    numbers = [phone for item in wabas for phone in as_list(item.get("phone_numbers"))] or as_list(
        spec.get("phone_numbers")
    )
    phones = [_phone(sim, made, as_object(item)) for item in numbers]
    tokens = [_token(sim, app, as_object(item)) for item in as_list(spec.get("tokens")) or [{}]]
    listed = [_template(sim, made, as_object(item)) for item in as_list(spec.get("templates"))]
    people = [upsert_person(sim, as_object(item)) for item in as_list(spec.get("people"))]
    sim.routes_changed()
    return {
        "portfolio_id": portfolio.id,
        "waba_id": made[0].id,
        "waba_ids": [waba.id for waba in made],
        "app_id": app.id,
        "app_secret": app.secret,
        "tokens": [token.value for token in tokens],
        "phone_numbers": [{"id": phone.id, "number": phone.number} for phone in phones],
        "templates": [
            {"id": item.id, "name": item.name, "language": item.language, "status": item.status} for item in listed
        ],
        "people": len(people),
    }


def _portfolio(sim: Simulator, spec: Json) -> Portfolio:
    node_id = str(spec.get("id", "601234567890123"))
    found = sim.world.portfolios.setdefault(node_id, Portfolio(node_id))
    found.name = str(spec.get("name", found.name or "Simulated business"))
    found.limit = str(spec.get("limit", found.limit))
    found.verified = bool(spec.get("verified", found.verified))
    return found


def _app(sim: Simulator, spec: Json) -> App:
    node_id = str(spec.get("id", "501234567890123"))
    found = sim.world.apps.setdefault(node_id, App(node_id, "Simulated app", "test_app_secret"))
    for name in ("name", "secret", "verify_token", "callback_url"):
        setattr(found, name, str(spec.get(name, getattr(found, name))))
    found.dev_mode = bool(spec.get("dev_mode", found.dev_mode))
    found.require_proof = bool(spec.get("require_appsecret_proof", found.require_proof))
    if "fields" in spec:
        found.fields = {str(field) for field in as_list(spec["fields"])}
    return found


def _waba(sim: Simulator, portfolio: Portfolio, app: App, spec: Json) -> Waba:
    node_id = str(spec.get("id", "301234567890123"))
    found = sim.world.wabas.setdefault(node_id, Waba(node_id, portfolio.id))
    found.portfolio_id = portfolio.id
    found.name = str(spec.get("name", found.name or portfolio.name))
    for name in ("currency", "timezone", "state"):
        setattr(found, name, str(spec.get(name, getattr(found, name))))
    for name in ("payment_method", "paid_exempt", "marketing_disabled"):
        setattr(found, name, bool(spec.get(name, getattr(found, name))))
    if spec.get("subscribed", True) and app.id not in found.subscriptions:
        url = str(spec.get("override_callback_uri", ""))
        found.subscriptions[app.id] = Override(url) if url else None
    return found


def _phone(sim: Simulator, wabas: list[Waba], spec: Json) -> Phone:
    display = str(spec.get("display_phone_number") or spec.get("number") or "")
    number = "".join(mark for mark in display if mark.isdigit())
    node_id = str(spec.get("id") or stable_id("4", number))
    known = sim.world.phones.get(node_id)
    if not number and known is None:
        raise Unfit("a phone number needs display_phone_number")
    waba_id = str(spec.get("waba_id", wabas[0].id))
    if waba_id not in sim.world.wabas:
        raise Unfit(f"there is no account {waba_id}")
    found = known or Phone(node_id, waba_id, number, display)
    sim.world.phones[node_id] = found
    found.waba_id = waba_id
    for name in ("verified_name", "pin", "status", "quality", "name_status", "code_status", "username"):
        setattr(found, name, str(spec.get(name, getattr(found, name))))
    for name in ("registered", "official", "maintenance"):
        setattr(found, name, bool(spec.get(name, getattr(found, name))))
    found.throughput_mps = int(spec.get("throughput_mps", found.throughput_mps))
    found.settings.update(as_object(spec.get("settings")))
    if "allow_list" in spec:
        allowed = spec["allow_list"]
        found.allow_list = None if allowed is None else [str(item).lstrip("+") for item in allowed]
    if "override_callback_uri" in spec:
        found.override = Override(str(spec["override_callback_uri"])) if spec["override_callback_uri"] else None
    return found


def _token(sim: Simulator, app: App, spec: Json) -> Token:
    value = str(spec.get("token", DEFAULT_TOKEN))
    found = Token(
        value,
        str(spec.get("app_id", app.id)),
        frozenset(spec.get("scopes") or ALL_SCOPES),
        spec.get("expires_at"),
        frozenset(map(str, spec.get("waba_ids") or ())),
    )
    sim.world.tokens[value] = found
    return found


def _template(sim: Simulator, wabas: list[Waba], spec: Json) -> Template:
    """Templates of the setup are approved at once unless they say otherwise; the rules hold for them too."""
    waba_id = str(spec.get("waba_id", wabas[0].id))
    name, language = str(spec.get("name", "")), str(spec.get("language", "en"))
    category = str(spec.get("category", "UTILITY")).upper()
    named = str(spec.get("parameter_format", "POSITIONAL")).upper() == "NAMED"
    components = [dict(item) for item in as_list(spec.get("components"))]
    if spec.get("check", True):
        template_rules.check(components, category=category, named=named, words_per_variable=0)
    found = sim.world.template_names.get((waba_id, name, language))
    if found is None:
        node_id = str(spec.get("id") or stable_id("7", waba_id, name, language))
        found = Template(
            node_id,
            waba_id,
            name,
            language,
            category,
            [],
            created_at=sim.now(),
            updated_at=sim.now(),
            status=str(spec.get("status", "APPROVED")),
            quality=str(spec.get("quality", "GREEN")),
        )
        sim.world.templates[found.id] = found
        sim.world.template_names[waba_id, name, language] = found
    found.category = category
    found.parameter_format = "NAMED" if named else "POSITIONAL"
    found.components, found.shape = template_making.normalised(components), None
    found.ttl_seconds = spec.get("message_send_ttl_seconds", found.ttl_seconds)
    found.pacing = spec.get("pacing", found.pacing)
    if "status" in spec:
        found.status = str(spec["status"])
    return found
