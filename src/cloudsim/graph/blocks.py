"""The block list of a number (reference 11.5)."""

from cloudsim.graph.errors import GraphError, invalid
from cloudsim.graph.nodes import page
from cloudsim.http import Request, Response
from cloudsim.jsontypes import Json, as_list, as_object
from cloudsim.numbers import normalise
from cloudsim.simulator import Simulator
from cloudsim.world import WINDOW_SECONDS, Phone

BLOCKED_MAX = 64_000


def _people(sim: Simulator, phone: Phone, request: Request) -> list[tuple[str, str]]:
    """(as given, wa_id or empty) for everyone named."""
    fields = request.fields()
    users = as_list(fields.get("block_users"))
    if fields.get("messaging_product") != "whatsapp" or not users:
        raise invalid("messaging_product and block_users are required")
    found = []
    for user in users:
        given = str(as_object(user).get("user", ""))
        scoped = sim.world.bsuids.get(given)
        wa_id = scoped[1] if scoped else normalise(given, own_number=phone.number)
        found.append((given, sim.world.aliases.get(wa_id, wa_id)))
    return found


def block(sim: Simulator, phone: Phone, request: Request) -> Response:
    """Only people who wrote in the last 24 h can be blocked; the others are listed with their errors."""
    added: list[Json] = []
    failed: list[Json] = []
    for given, wa_id in _people(sim, phone, request):
        thread = sim.world.threads.get((phone.id, wa_id))
        if thread is None or not thread.last_inbound_at or thread.last_inbound_at < sim.now() - WINDOW_SECONDS:
            failed.append(
                {
                    "input": given,
                    "wa_id": "",
                    "errors": [
                        {
                            "message": "(#131047) Re-engagement message",
                            "code": 131047,
                            "error_data": {"details": "The user has not sent a message in the last 24 hours."},
                        }
                    ],
                }
            )
        elif len(phone.blocked) >= BLOCKED_MAX:
            raise GraphError(139101, "The block list is full.")
        else:
            phone.blocked[wa_id] = sim.now()
            added.append({"input": given, "wa_id": wa_id})
    lists: Json = {"added_users": added, **({"failed_users": failed} if failed else {})}
    answer: Json = {"messaging_product": "whatsapp", "block_users": lists}
    if failed:
        raise GraphError(139100, "Failed to block some users", extra=answer)
    return Response.of(answer)


def unblock(sim: Simulator, phone: Phone, request: Request) -> Response:
    removed = []
    for given, wa_id in _people(sim, phone, request):
        phone.blocked.pop(wa_id, None)
        removed.append({"input": given, "wa_id": wa_id})
    return Response.of({"messaging_product": "whatsapp", "block_users": {"removed_users": removed}})


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    return page(request, [{"messaging_product": "whatsapp", "wa_id": wa_id} for wa_id in phone.blocked])
