"""Delivery events of one message (reference 11.13): no content, optional, useful to find lost callbacks."""

from cloudsim.graph.errors import GraphError
from cloudsim.graph.nodes import page
from cloudsim.http import Request, Response
from cloudsim.identifiers import stable_id
from cloudsim.jsontypes import Json
from cloudsim.simulator import Simulator
from cloudsim.world import Phone


def show(sim: Simulator, phone: Phone, request: Request) -> Response:
    message = sim.world.messages.get(request.query.get("message_id", ""))
    if message is None or message.phone_id != phone.id:
        raise GraphError(131009, "message_id is unknown")
    events: list[Json] = [
        {
            "id": stable_id("7", message.id, status),
            "delivery_status": status.upper(),
            "timestamp": int(at),
            "webhook_update_state": "DELIVERED",
            **({"error_description": str(message.error)} if status == "failed" else {}),
        }
        for status, at in message.times.items()
    ]
    entry: Json = {"id": stable_id("6", message.id), "message_id": message.id, "events": {"data": events}}
    return page(request, [entry])
