"""Flows: life cycle, JSON, publishing, and the key of a number (reference 10.1)."""

import json

from starlette.datastructures import UploadFile

from cloudsim.graph.errors import GraphError, invalid
from cloudsim.graph.nodes import Maker, lazy, page
from cloudsim.http import Request, Response
from cloudsim.identifiers import fresh_id
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.simulator import Simulator
from cloudsim.world import Flow, Phone, Waba

CATEGORIES = frozenset(
    [
        "SIGN_UP",
        "SIGN_IN",
        "APPOINTMENT_BOOKING",
        "LEAD_GENERATION",
        "CONTACT_US",
        "CUSTOMER_SUPPORT",
        "SURVEY",
        "OTHER",
    ]
)
PUBLISHABLE = frozenset({"5.1", "6.0", "6.1", "6.2", "6.3", "7.0", "7.1", "7.2", "7.3"})
SCREENS_MAX = 100
MIGRATED_AT_ONCE = 100
DEFAULT_FIELDS = ("id", "name", "status", "categories", "validation_errors")


def view(sim: Simulator, flow: Flow, base_url: str) -> dict[str, Maker]:
    return {
        "id": lambda: flow.id,
        "name": lambda: flow.name,
        "status": lambda: flow.status,
        "categories": lambda: flow.categories,
        "validation_errors": lambda: flow.validation_errors,
        "json_version": lambda: _definition(flow).get("version"),
        "data_api_version": lambda: _definition(flow).get("data_api_version"),
        "endpoint_uri": lambda: flow.endpoint_uri,
        "preview": lambda: {
            "preview_url": f"{base_url}/flows/{flow.id}/preview",
            "expires_at": "2027-01-01T00:00:00+0000",
        },
        "whatsapp_business_account": lambda: {"id": flow.waba_id},
        "application": lambda: {"id": flow.application_id} if flow.application_id else None,
        "health_status": lambda: {"can_send_message": "AVAILABLE" if flow.status == "PUBLISHED" else "LIMITED"},
    }


def _definition(flow: Flow) -> Json:
    try:
        return as_object(json.loads(flow.flow_json)) if flow.flow_json else {}
    except ValueError:
        return {}


def create(sim: Simulator, waba: Waba, request: Request) -> Response:
    fields = request.fields()
    name, categories = str(fields.get("name", "")), as_list(fields.get("categories"))
    if not name or not categories or not set(map(str, categories)) <= CATEGORIES:
        raise invalid("name and categories are required; known categories: " + ", ".join(sorted(CATEGORIES)))
    if any(flow.waba_id == waba.id and flow.name == name for flow in sim.world.flows.values()):
        raise GraphError(100, "A Flow with this name exists already.", subcode=4016019)
    flow = Flow(
        fresh_id("5"),
        waba.id,
        name,
        [str(category) for category in categories],
        endpoint_uri=str(fields.get("endpoint_uri", "")),
    )
    source = sim.world.flows.get(str(fields.get("clone_flow_id", "")))
    if source is not None:
        flow.flow_json = source.flow_json
    sim.world.flows[flow.id] = flow
    if fields.get("flow_json"):
        set_json(flow, str(fields["flow_json"]))
    _tell(sim, flow, None)
    if fields.get("publish") and not flow.validation_errors:
        _publish(sim, flow)
    return Response.of({"id": flow.id, "success": True, "validation_errors": flow.validation_errors})


def set_json(flow: Flow, text: str) -> None:
    """Keep the definition and list what is wrong with it; a published Flow becomes a draft again."""
    flow.flow_json = text
    flow.validation_errors = find_errors(text)


def find_errors(text: str) -> list[Json]:
    """The structural errors that publishing would refuse; components are not looked into."""
    try:
        definition = json.loads(text)
    except ValueError as error:
        return [_error("INVALID_FLOW_JSON", str(error))]
    if not isinstance(definition, dict):
        return [_error("INVALID_FLOW_JSON", "The definition must be an object.")]
    errors = []
    if str(definition.get("version")) not in PUBLISHABLE:
        errors.append(
            _error("INVALID_FLOW_JSON_VERSION", f"Version {definition.get('version')!r} cannot be published.")
        )
    screens = as_list(definition.get("screens"))
    ids = [str(as_object(screen).get("id")) for screen in screens]
    if not screens:
        errors.append(_error("MIN_ITEMS_REQUIRED", "At least one screen is required."))
    if len(screens) > SCREENS_MAX:
        errors.append(_error("MAX_SCREENS_NUMBER", f"At most {SCREENS_MAX} screens."))
    if len(set(ids)) != len(ids):
        errors.append(_error("DUPLICATE_SCREEN_IDS", "Screen ids must be unique."))
    if "SUCCESS" in ids:
        errors.append(_error("SCREEN_ID_IS_RESERVED_KEYWORD", "SUCCESS is reserved."))
    if screens and not any(as_object(screen).get("terminal") for screen in screens):
        errors.append(_error("MISSING_TERMINAL_SCREEN", "At least one screen must be terminal."))
    errors.extend(
        _error("MISSING_FOOTER_ON_TERMINAL_SCREEN", f"Screen {screen.get('id')} needs a Footer.")
        for screen in screens
        if as_object(screen).get("terminal") and '"Footer"' not in json.dumps(screen)
    )
    return errors


def _error(name: str, message: str) -> Json:
    return {
        "error": name,
        "error_type": "FLOW_JSON_ERROR",
        "message": message,
        "line_start": 1,
        "line_end": 1,
        "column_start": 1,
        "column_end": 1,
    }


def list_flows(sim: Simulator, waba: Waba, request: Request) -> Response:
    found = [flow for flow in sim.world.flows.values() if flow.waba_id == waba.id]
    return page(request, [lazy(view(sim, flow, request.base_url), request, DEFAULT_FIELDS) for flow in found])


def show(sim: Simulator, flow: Flow, request: Request) -> Response:
    return Response.of(lazy(view(sim, flow, request.base_url), request, DEFAULT_FIELDS))


def change(sim: Simulator, flow: Flow, request: Request) -> Response:
    fields = request.fields()
    flow.name = str(fields.get("name", flow.name))
    flow.endpoint_uri = str(fields.get("endpoint_uri", flow.endpoint_uri))
    flow.application_id = str(fields.get("application_id", flow.application_id))
    flow.categories = [str(item) for item in as_list(fields.get("categories"))] or flow.categories
    return Response.of({"success": True})


def delete(sim: Simulator, flow: Flow, request: Request) -> Response:
    if flow.status != "DRAFT":
        raise GraphError(139004, "Only drafts can be deleted.")
    del sim.world.flows[flow.id]
    return Response.of({"success": True})


async def upload_assets(sim: Simulator, flow: Flow, request: Request) -> Response:
    form = await request.form()
    file = form.get("file")
    if form.get("asset_type") != "FLOW_JSON" or form.get("name") != "flow.json" or not isinstance(file, UploadFile):
        raise invalid("file, name=flow.json and asset_type=FLOW_JSON are required")
    text = (await file.read()).decode("utf-8", "replace")
    if flow.status in {"PUBLISHED", "THROTTLED", "BLOCKED"}:
        _move(sim, flow, "DRAFT")
    elif flow.status == "DEPRECATED":
        raise GraphError(139001, "A deprecated Flow cannot be changed.")
    set_json(flow, text)
    return Response.of({"success": True, "validation_errors": flow.validation_errors})


def show_assets(sim: Simulator, flow: Flow, request: Request) -> Response:
    return page(
        request,
        [
            {
                "name": "flow.json",
                "asset_type": "FLOW_JSON",
                "download_url": f"{request.base_url}/flows/{flow.id}/flow.json",
            }
        ],
    )


def publish(sim: Simulator, flow: Flow, request: Request) -> Response:
    if flow.status != "DRAFT":
        raise GraphError(139002, "Only drafts can be published.")
    if flow.validation_errors or not flow.flow_json:
        raise GraphError(139002, "The Flow JSON has errors.")
    if "data_api_version" in _definition(flow):
        if not flow.endpoint_uri:
            raise GraphError(139002, "The endpoint URI is missing.")
        numbers = [phone for phone in sim.world.phones.values() if phone.waba_id == flow.waba_id]
        if not any(phone.public_key for phone in numbers):
            raise GraphError(139002, "No number has a public key.")
    _publish(sim, flow)
    return Response.of({"success": True})


def _publish(sim: Simulator, flow: Flow) -> None:
    _move(sim, flow, "PUBLISHED")


def deprecate(sim: Simulator, flow: Flow, request: Request) -> Response:
    if flow.status != "PUBLISHED":
        raise GraphError(139003, "Only published Flows can be deprecated.")
    _move(sim, flow, "DEPRECATED")
    return Response.of({"success": True})


def _move(sim: Simulator, flow: Flow, status: str) -> None:
    previous, flow.status = flow.status, status
    _tell(sim, flow, previous)


def _tell(sim: Simulator, flow: Flow, previous: str | None) -> None:
    moved = f"changed status from {previous} to {flow.status}" if previous else "was created"
    value: Json = {"event": "FLOW_STATUS_CHANGE", "message": f"Flow {flow.name} {moved}", "flow_id": flow.id}
    if previous:
        value["old_status"] = previous
    sim.emit(flow.waba_id, "flows", {**value, "new_status": flow.status})


def migrate(sim: Simulator, waba: Waba, request: Request) -> Response:
    """Copy Flows by name from another account of the same portfolio; a name that is taken is skipped."""
    fields = request.fields()
    source = sim.world.wabas.get(str(fields.get("source_waba_id", "")))
    names = [name.strip() for name in str(fields.get("source_flow_names", "")).split(",") if name.strip()]
    if source is None or source.portfolio_id != waba.portfolio_id or not 1 <= len(names) <= MIGRATED_AT_ONCE:
        raise invalid("source_waba_id of the same portfolio and 1 to 100 source_flow_names are required")
    found = {(flow.waba_id, flow.name): flow for flow in sim.world.flows.values()}
    moved: list[Json] = []
    failed: list[Json] = []
    for name in names:
        flow = found.get((source.id, name))
        if flow is None or (waba.id, name) in found:
            code = "4233041" if flow is not None else "4233042"
            failed.append({"source_name": name, "error_code": code, "error_message": "The Flow could not be migrated."})
            continue
        copy = Flow(fresh_id("5"), waba.id, name, list(flow.categories), flow_json=flow.flow_json)
        copy.validation_errors = list(flow.validation_errors)
        sim.world.flows[copy.id] = copy
        moved.append({"source_name": name, "source_id": flow.id, "migrated_id": copy.id})
    return Response.of({"migrated_flows": moved, "failed_flows": failed})


def save_key(sim: Simulator, phone: Phone, request: Request) -> Response:
    key = str(request.fields().get("business_public_key", ""))
    if "BEGIN PUBLIC KEY" not in key:
        raise invalid("business_public_key must be a PEM of an RSA key of 2048 bits")
    phone.public_key = key
    return Response.of({"success": True})


def show_key(sim: Simulator, phone: Phone, request: Request) -> Response:
    if not phone.public_key:
        return Response.of({"data": []})
    return Response.of(
        {"data": [{"business_public_key": phone.public_key, "business_public_key_signature_status": "VALID"}]}
    )
