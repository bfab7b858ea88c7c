"""Template library, comparison and migration (reference 3.4)."""

from cloudsim.graph.errors import invalid, unknown_object
from cloudsim.graph.nodes import page
from cloudsim.http import Request, Response
from cloudsim.identifiers import stable_id
from cloudsim.jsontypes import Json, as_list
from cloudsim.simulator import Simulator
from cloudsim.world import Template, Waba

SENDS_TO_COMPARE = 1000
MIGRATED_AT_ONCE = 500
LIBRARY: tuple[Json, ...] = (
    {
        "name": "delivery_update_1",
        "language": "en_US",
        "category": "UTILITY",
        "topic": "ORDER_MANAGEMENT",
        "usecase": "DELIVERY_UPDATE",
        "industry": ["E_COMMERCE"],
        "body": "Hi {{1}}, your order {{2}} is on its way and arrives on {{3}}. Thank you for your order.",
        "body_params": ["Jim", "HT-81", "3 May"],
        "buttons": [{"type": "URL", "text": "Track", "url": "https://www.example.com/{{1}}"}],
        "id": "7009001",
    },
    {
        "name": "appointment_reminder_1",
        "language": "en_US",
        "category": "UTILITY",
        "topic": "EVENT_REMINDER",
        "usecase": "APPOINTMENT_REMINDER",
        "industry": ["HEALTH"],
        "body": "Hello {{1}}, this is a reminder of your appointment on {{2}}. Please let us know if you cannot come.",
        "body_params": ["Jim", "3 May"],
        "buttons": [{"type": "QUICK_REPLY", "text": "Confirm"}],
        "id": "7009002",
    },
)


def find_in_library(name: str) -> Json | None:
    return next((entry for entry in LIBRARY if entry["name"] == name), None)


def components_of(entry: Json) -> list[Json]:
    """The components of a template made from the library."""
    buttons = [
        {**button, "example": ["https://www.example.com/x"]} if "{{" in str(button.get("url", "")) else dict(button)
        for button in entry["buttons"]
    ]
    body = {"type": "BODY", "text": entry["body"], "example": {"body_text": [entry["body_params"]]}}
    return [body, {"type": "BUTTONS", "buttons": buttons}]


def list_library(request: Request) -> Response:
    """`?search=&topic=&usecase=&industry=&language=`."""
    query = request.query
    found = [
        entry
        for entry in LIBRARY
        if query.get("search", "").lower() in f"{entry['name']} {entry['body']}".lower()
        and all(query.get(key, entry[key]) == entry[key] for key in ("topic", "usecase", "language"))
        and query.get("industry", entry["industry"][0]) in entry["industry"]
    ]
    return page(request, found)


def compare(sim: Simulator, template: Template, request: Request) -> Response:
    """Block rate and sends of two templates with at least 1,000 sends each."""
    wanted = [part.strip(' "') for part in request.query.get("template_ids", "").strip("[]").split(",") if part.strip()]
    if not wanted:
        raise invalid("template_ids is required")
    others = [sim.world.templates.get(node_id) for node_id in wanted]
    both = [template, *(other for other in others if other is not None)]
    if len(both) != len(wanted) + 1:
        raise unknown_object(wanted[0], request.method)
    if any(one.sends < SENDS_TO_COMPARE for one in both):
        raise invalid(f"Every template needs at least {SENDS_TO_COMPARE} sends.")
    ranked = sorted(both, key=lambda one: one.reports / one.sends)
    return Response.of(
        {
            "data": [
                {"metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": [one.id for one in ranked]},
                {
                    "metric": "MESSAGE_SENDS",
                    "type": "NUMBER_VALUES",
                    "number_values": [{"key": one.id, "value": one.sends} for one in both],
                },
                {
                    "metric": "TOP_BLOCK_REASON",
                    "type": "STRING_VALUES",
                    "string_values": [{"key": one.id, "value": "UNKNOWN_BLOCK_REASON"} for one in both],
                },
            ]
        }
    )


def migrate(sim: Simulator, waba: Waba, request: Request) -> Response:
    """Copy approved templates of good quality from another account of the same portfolio."""
    fields = request.fields()
    source = sim.world.wabas.get(str(fields.get("source_waba_id", "")))
    if source is None or source.portfolio_id != waba.portfolio_id or source is waba:
        raise invalid("source_waba_id must be another account of the same portfolio")
    size, number = int(fields.get("count", MIGRATED_AT_ONCE)), int(fields.get("page_number", 0))
    wanted = {str(node_id) for node_id in as_list(fields.get("template_ids"))}
    listed = [
        one for one in sim.world.templates.values() if one.waba_id == source.id and one.id in (wanted or {one.id})
    ]
    moved: list[str] = []
    failed: Json = {}
    for one in listed[number * size : (number + 1) * min(size, MIGRATED_AT_ONCE)]:
        if one.status != "APPROVED" or one.quality not in {"GREEN", "UNKNOWN"}:
            failed[one.id] = "Only approved templates of good quality can be migrated."
        elif (waba.id, one.name, one.language) in sim.world.template_names:
            failed[one.id] = "The destination has a template of this name and language."
        else:
            copy = Template(
                stable_id("7", waba.id, one.name, one.language),
                waba.id,
                one.name,
                one.language,
                one.category,
                one.components,
                one.parameter_format,
                status="APPROVED",
                created_at=sim.now(),
                updated_at=sim.now(),
                ttl_seconds=one.ttl_seconds,
            )
            sim.world.templates[copy.id] = copy
            sim.world.template_names[waba.id, copy.name, copy.language] = copy
            moved.append(one.id)
    return Response.of({"migrated_templates": moved, "failed_templates": failed})
