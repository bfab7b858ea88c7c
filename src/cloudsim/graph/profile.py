"""Business profile, ice breakers and commands, commerce settings (reference 11.7 to 11.9)."""

from cloudsim.graph.errors import invalid
from cloudsim.graph.nodes import select
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.simulator import Simulator
from cloudsim.world import Phone

TEXTS = {"about": 139, "address": 256, "description": 512, "email": 128}
VERTICALS = frozenset(
    [
        "UNDEFINED",
        "OTHER",
        "AUTO",
        "BEAUTY",
        "APPAREL",
        "EDU",
        "ENTERTAIN",
        "EVENT_PLAN",
        "FINANCE",
        "GROCERY",
        "GOVT",
        "HOTEL",
        "HEALTH",
        "NONPROFIT",
        "PROF_SERVICES",
        "RETAIL",
        "TRAVEL",
        "RESTAURANT",
        "ALCOHOL",
        "ONLINE_GAMBLING",
        "PHYSICAL_GAMBLING",
        "OTC_DRUGS",
        "NOT_A_BIZ",
    ]
)
PROMPTS_MAX, PROMPT_MAX, COMMANDS_MAX, COMMAND_MAX, COMMAND_TEXT_MAX = 4, 80, 30, 32, 256
FIELDS = (
    "about",
    "address",
    "description",
    "email",
    "profile_picture_url",
    "websites",
    "vertical",
    "messaging_product",
)


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    view: Json = {**dict.fromkeys(FIELDS), **phone.profile, "messaging_product": "whatsapp"}
    chosen = select(view, request, FIELDS)
    return Response.of({"data": [{**chosen, "messaging_product": "whatsapp"}]})


def change(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    if fields.get("messaging_product") != "whatsapp":
        raise invalid("The parameter messaging_product is required and must be whatsapp.")
    for name, most in TEXTS.items():
        if name in fields and (not isinstance(fields[name], str) or len(fields[name]) > most):
            raise invalid(f"{name} must be at most {most} characters long")
    if fields.get("about") == "":
        raise invalid("about must not be empty")
    websites = as_list(fields.get("websites"))
    if len(websites) > 2 or any(len(str(site)) > 256 or "://" not in str(site) for site in websites):
        raise invalid("websites: at most 2, each at most 256 characters long and with its scheme")
    if "vertical" in fields and fields["vertical"] not in VERTICALS:
        raise invalid("vertical is unknown")
    handle = fields.get("profile_picture_handle")
    if handle is not None:
        if str(handle) not in sim.world.handles:
            raise invalid("profile_picture_handle is unknown")
        phone.profile["profile_picture_url"] = f"{request.base_url}/pictures/{phone.id}"
    phone.profile.update({name: fields[name] for name in (*TEXTS, "websites", "vertical") if name in fields})
    return Response.of({"success": True})


def change_automation(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    prompts, commands = as_list(fields.get("prompts")), as_list(fields.get("commands"))
    if "enable_welcome_message" in fields:
        raise invalid("enable_welcome_message is no longer supported")
    if len(prompts) > PROMPTS_MAX or any(not 1 <= len(str(prompt)) <= PROMPT_MAX for prompt in prompts):
        raise invalid(f"prompts: at most {PROMPTS_MAX} of {PROMPT_MAX} characters")
    names = [str(as_object(command).get("command_name", "")) for command in commands]
    texts = [str(as_object(command).get("command_description", "")) for command in commands]
    if len(commands) > COMMANDS_MAX or any(not 1 <= len(name) <= COMMAND_MAX for name in names):
        raise invalid(f"commands: at most {COMMANDS_MAX}, names of at most {COMMAND_MAX} characters")
    if any(not 1 <= len(text) <= COMMAND_TEXT_MAX for text in texts):
        raise invalid(f"command_description must be at most {COMMAND_TEXT_MAX} characters long")
    phone.automation = {name: fields[name] for name in ("prompts", "commands") if name in fields}
    return Response.of({"success": True})


def show_automation(sim: Simulator, phone: Phone, request: Request) -> Response:
    return Response.of({"conversational_automation": {**phone.automation, "id": phone.id}, "id": phone.id})


def show_commerce(sim: Simulator, phone: Phone, request: Request) -> Response:
    return Response.of({"data": [{**phone.commerce, "id": phone.id}]})


def change_commerce(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    for name in ("is_cart_enabled", "is_catalog_visible"):
        if name in fields:
            phone.commerce[name] = str(fields[name]).lower() == "true"
    return Response.of({"success": True})
