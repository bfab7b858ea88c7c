"""What people do by themselves when a message reaches them: read it, and answer by rule or by quota."""

import logging

from cloudsim import delivery
from cloudsim.identifiers import Dice
from cloudsim.jsontypes import Json, Unfit, as_list, as_object
from cloudsim.people import chat
from cloudsim.people.actions import act
from cloudsim.simulator import Simulator
from cloudsim.world import Message

log = logging.getLogger("cloudsim")

WHEN_KEYS = frozenset({"template", "button_text", "contains", "type", "any"})
SHORT = {"stop": "stop_marketing"}


def react(sim: Simulator, message: Message) -> None:
    """Called at the moment of delivery; sets the timers of reading and answering."""
    person = sim.world.person(message.wa_id)
    behaviour = sim.behaviour(person)
    plan = message.plan
    dice = message.rolls
    assert isinstance(dice, Dice)
    delay = dice.between(2, *behaviour.read_delay)
    if plan is not None and "read_after_seconds" in plan:
        delay = float(plan["read_after_seconds"])
    reads = plan["read"] if plan is not None and "read" in plan else dice.roll(4) < behaviour.read
    if reads:
        sim.timers.after(delay, delivery.read, sim, message)
        if message.type == "audio":
            sim.timers.after(delay + 1, delivery.play, sim, message)
    if plan is not None:
        if plan.get("click"):
            sim.timers.after(delay + 0.5, perform, sim, message, {"action": "open_url"})
        for action in plan.get("do", ()):
            sim.timers.after(delay + float(action["after_seconds"]), perform, sim, message, action)
        if plan.get("do") or "click" in plan:
            return
    if behaviour.replies:
        answer_by_rule(sim, message, behaviour.replies, delay=delay if reads else 0.0, dice=dice)


def answer_by_rule(sim: Simulator, message: Message, rules: list[Json], *, delay: float, dice: Dice) -> None:
    """The first rule that fits answers, `after_seconds` after the person read the message."""
    shown = chat.seen(sim, message)
    for rule in rules:
        if fits(as_object(rule.get("when")), message, shown) and dice.roll(5) < float(rule.get("probability", 1.0)):
            for action in action_list(rule):
                sim.timers.after(delay + float(rule.get("after_seconds", 1)), perform, sim, message, action)
            return


def action_list(rule: Json) -> list[Json]:
    """`do` is an action, its bare name, or a list of either."""
    done = rule.get("do")
    items = done if isinstance(done, list) else [done]
    found: list[Json] = []
    for item in items:
        if isinstance(item, str):
            found.append({"action": SHORT.get(item, item)})
        elif isinstance(item, dict) and "action" not in item and len(item) == 1:
            # {"tap": "Yes"}: the name of the deed and what it is about
            [(name, value)] = item.items()
            found.append({"action": SHORT.get(name, name), **_about(name, value)})
        elif isinstance(item, dict):
            found.append(item)
    return found


def _about(name: str, value: object) -> Json:
    if isinstance(value, dict):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return {"index": value}
    key = {"list": "row", "reaction": "emoji", "tap": "text", "text": "text"}.get(name)
    return {} if key is None else {key: value}


def fits(when: Json, message: Message, shown: Json) -> bool:
    texts = " ".join(str(part) for part in (shown.get("text", ""), as_object(shown.get("header")).get("text", "")))
    for key, value in when.items():
        match key:
            case "template":
                fitting = shown.get("template") == value
            case "button_text":
                fitting = any(button.get("text") == value for button in as_list(shown.get("buttons")))
            case "contains":
                fitting = str(value).lower() in texts.lower()
            case "type":
                fitting = message.type == value or shown.get("interactive") == value
            case _:
                fitting = bool(value)
        if not fitting:
            return False
    return True


def perform(sim: Simulator, message: Message, action: Json) -> None:
    """Do it on the chat of that message; what cannot be done any more is left."""
    person = sim.world.person(message.wa_id)
    phone = sim.world.phones.get(message.phone_id)
    if phone is None:
        return
    needs_target = action.get("action") in {"tap", "list", "flow_reply", "reaction", "open_url", "report"}
    try:
        act(sim, person, phone, {**action, **({"message_id": message.id} if needs_target else {})})
    except Unfit as error:
        log.warning("deed_impossible action=%s why=%s", action.get("action"), error)
