"""Free-form messages that may come when the service window is shut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sojourn.journeys.interpreter.checks.graph import edges_of
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.node import DEFAULT_EXIT, Node
from sojourn.journeys.interpreter.nodes.branch_reply import NO_ANSWER_EXIT, BranchReply
from sojourn.journeys.interpreter.nodes.send_message import SendMessage
from sojourn.journeys.interpreter.nodes.wait_for import DEFAULT_TIMEOUT, TIMEOUT_EXIT, AnswerCase, WaitFor
from sojourn.journeys.interpreter.nodes.wait_time import WaitTime
from sojourn.journeys.interpreter.problems import Problem, join

WINDOW = timedelta(hours=24)  # source: Cloud API, customer service window
NEVER = timedelta(days=10_000)  # nobody wrote to us on this way
ROUNDS = 50  # how often a node may be looked at before a loop is taken to last longer than the window


def check(definition: Definition) -> Iterator[Problem]:
    """Warn of each message that can be reached later than 24 hours after the last answer, without its own way out."""
    ages = _oldest_answers(definition)
    for node_id, node in definition.nodes.items():
        if not isinstance(node, SendMessage) or ages.get(node_id, timedelta(0)) <= WINDOW:
            continue
        if any(exit_.split(".", 1)[0] == "excluded" for exit_ in node.exits):
            continue
        when = "without an answer before it" if ages[node_id] >= NEVER else "more than 24 hours after the last answer"
        message = f"this message can be reached {when}; then it is not sent: give it an exit `excluded`"
        yield Problem(path=join("nodes", node_id), code="window_maybe_shut", message=message, severity="warning")


def _oldest_answers(definition: Definition) -> dict[str, timedelta]:
    """For each node, how long ago the last answer can be at most when a run comes there."""
    edges = edges_of(definition)
    ages: dict[str, timedelta] = {}
    visits: dict[str, int] = {}
    waiting: list[tuple[str, timedelta]] = [
        (node_id, NEVER) for node_id in definition.nodes if definition.kind(node_id).type == "event_trigger"
    ]
    while waiting:
        node_id, age = waiting.pop()
        if node_id not in definition.nodes or age <= ages.get(node_id, timedelta(-1)):
            continue
        visits[node_id] = visits.get(node_id, 0) + 1
        ages[node_id] = NEVER if visits[node_id] > ROUNDS else age
        node = definition.nodes[node_id]
        named = set(node.exits)
        for exit_, target, _ in edges[node_id]:
            behind = _exits_behind(definition, node_id, exit_, named)
            waiting += [(target, min(NEVER, _age_after(node, name, ages[node_id]))) for name in behind]
    return ages


def _exits_behind(definition: Definition, node_id: str, exit_: str, named: set[str]) -> list[str]:
    if exit_ != DEFAULT_EXIT:
        return [exit_]
    return [name for name in definition.kind(node_id).exits(definition.nodes[node_id]) if name not in named] or [exit_]


def _age_after(node: Node, exit_: str, age: timedelta) -> timedelta:
    if isinstance(node, WaitTime):
        return age + node.for_ if node.for_ is not None else NEVER
    if isinstance(node, BranchReply):
        return age + (node.no_answer_after or WINDOW) if exit_ == NO_ANSWER_EXIT else timedelta(0)
    if isinstance(node, WaitFor):
        answers = {case.exit for case in node.for_ if isinstance(case, AnswerCase)}
        others = {case.exit for case in node.for_ if not isinstance(case, AnswerCase)} | {TIMEOUT_EXIT}
        if exit_ in answers and exit_ not in others:
            return timedelta(0)
        return age + (node.timeout or DEFAULT_TIMEOUT)
    return age
