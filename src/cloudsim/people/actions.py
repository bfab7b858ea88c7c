"""All that a person can do, by name."""

from collections.abc import Callable

from cloudsim.jsontypes import Json, Unfit
from cloudsim.people import answers, deeds, inbound
from cloudsim.simulator import Simulator
from cloudsim.world import Person, Phone

Deed = Callable[[Simulator, Person, Phone, Json], str]

DEEDS: dict[str, Deed] = {
    "text": inbound.write,
    **{kind: inbound.send_media(kind) for kind in inbound.SAMPLES},
    "order": inbound.place_order,
    "unsupported": inbound.send_unsupported,
    "tap": answers.tap,
    "list": answers.pick_row,
    "reaction": answers.give_reaction,
    "location": answers.share_place,
    "contacts": answers.share_contacts,
    "flow_reply": answers.answer_flow,
    "address_reply": answers.answer_address,
    "play": answers.play_voice,
    "open_url": answers.open_url,
    "stop_marketing": deeds.set_preference("stop"),
    "resume_marketing": deeds.set_preference("resume"),
    "block": deeds.block,
    "unblock": deeds.unblock,
    "report": deeds.report_spam,
    "online": deeds.come_online,
    "offline": deeds.go_offline,
    "change_number": deeds.change_number,
    "change_user_id": deeds.change_user_id,
    "change_identity": deeds.change_identity,
    "read": deeds.open_chat,
}


def act(sim: Simulator, person: Person, phone: Phone, action: Json) -> str:
    """Do one thing now; return the wamid of the message that it sent, or an empty string. Raises Unfit."""
    name = str(action.get("action", ""))
    deed = DEEDS.get(name)
    if deed is None:
        raise Unfit(f"unknown action {name!r}; known: {', '.join(sorted(DEEDS))}")
    return deed(sim, person, phone, action)
