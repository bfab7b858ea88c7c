"""`health_status` of accounts, numbers and templates (reference 1.6)."""

from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import Phone, Template, Waba

ORDER = {"AVAILABLE": 0, "LIMITED": 1, "BLOCKED": 2}


def health_of_phone(sim: Simulator, phone: Phone) -> Json:
    waba = sim.world.wabas[phone.waba_id]
    return _together([_phone(phone), *_above(sim, waba)])


def health_of_waba(sim: Simulator, waba: Waba) -> Json:
    return _together(_above(sim, waba))


def health_of_template(sim: Simulator, template: Template) -> Json:
    waba = sim.world.wabas[template.waba_id]
    state = "AVAILABLE" if template.status == "APPROVED" else "BLOCKED"
    own = _entity(
        "MESSAGE_TEMPLATE",
        template.id,
        state,
        132015 if state == "BLOCKED" else 0,
        f"The template is {template.status}.",
    )
    return _together([own, *_above(sim, waba)])


def _above(sim: Simulator, waba: Waba) -> list[Json]:
    portfolio = sim.world.portfolios[waba.portfolio_id]
    if waba.state != "ACTIVE":
        account = _entity("WABA", waba.id, "BLOCKED", 131031, "The account is restricted.")
    elif not waba.payment_method:
        account = _entity("WABA", waba.id, "LIMITED", 141006, "There is no valid payment method.")
    else:
        account = _entity("WABA", waba.id, "AVAILABLE")
    business = _entity(
        "BUSINESS",
        portfolio.id,
        "AVAILABLE" if portfolio.verified else "LIMITED",
        0 if portfolio.verified else 141010,
        "The business is not verified.",
    )
    return [account, business]


def _phone(phone: Phone) -> Json:
    if not phone.registered:
        return _entity("PHONE_NUMBER", phone.id, "BLOCKED", 141000, "The number is not registered.")
    if phone.name_status != "APPROVED":
        found = _entity("PHONE_NUMBER", phone.id, "LIMITED")
        found["additional_info"] = ["The display name is not approved yet."]
        return found
    return _entity("PHONE_NUMBER", phone.id, "AVAILABLE")


def _entity(kind: str, node_id: str, state: str, code: int = 0, text: str = "") -> Json:
    found: Json = {"entity_type": kind, "id": node_id, "can_send_message": state}
    if code:
        found["errors"] = [{"error_code": code, "error_description": text, "possible_solution": "See the manager."}]
    return found


def _together(entities: list[Json]) -> Json:
    worst = max(entities, key=lambda entity: ORDER[entity["can_send_message"]])
    return {"can_send_message": worst["can_send_message"], "entities": entities}
