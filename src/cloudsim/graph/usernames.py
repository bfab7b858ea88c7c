"""Usernames of businesses, and the contact book (reference 5.4)."""

import re

from cloudsim.graph.errors import GraphError, invalid, unknown_object
from cloudsim.http import Request, Response
from cloudsim.simulator import Simulator
from cloudsim.world import Phone

NAME = re.compile(r"(?!www)(?=.*[a-z])(?!.*\.\.)[a-z0-9_](?:[a-z0-9._]{1,33}[a-z0-9_])$")
DOMAINS = (".com", ".net", ".org", ".io", ".co", ".shop", ".example")


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    return Response.of({"username": phone.username, "status": "approved" if phone.username else "none"})


def change(sim: Simulator, phone: Phone, request: Request) -> Response:
    fields = request.fields()
    name = str(fields.get("username", ""))
    if not NAME.match(name) or name.endswith(DOMAINS):
        raise GraphError(147001, "The username does not follow the rules.")
    owner = next((other for other in sim.world.phones.values() if other.username == name), None)
    if owner is not None and owner is not phone:
        if sim.world.portfolio_of(owner) is not sim.world.portfolio_of(phone):
            raise GraphError(147001, "The username is taken.")
        if fields.get("transfer_action") != "force_transfer":
            raise GraphError(147005, "The username is in use on another number of your portfolio.")
        owner.username = ""
    phone.username = name
    sim.emit(
        phone.waba_id,
        "phone_number_username_update",
        {"display_phone_number": phone.number, "username": name, "status": "approved"},
    )
    return Response.of({"success": True, "status": "approved"})


def delete(sim: Simulator, phone: Phone, request: Request) -> Response:
    phone.username = ""
    return Response.of({"success": True})


def suggest(sim: Simulator, phone: Phone, request: Request) -> Response:
    stem = re.sub(r"[^a-z0-9]+", ".", phone.verified_name.lower()).strip(".") or "business"
    return Response.of({"data": [{"username_suggestions": [stem[:35], f"{stem[:29]}.chat"]}]})


def forget_contact(sim: Simulator, phone: Phone, request: Request) -> Response:
    bsuid = request.query.get("bsuid")
    if not bsuid:
        raise invalid("bsuid is required")
    found = sim.world.bsuids.get(bsuid)
    if found is None:
        raise unknown_object(bsuid, request.method)
    sim.world.people[found[1]].contact_books -= {sim.world.portfolio_of(phone).id}
    return Response.of({"messaging_product": "whatsapp", "success": True, "deleted": True})
