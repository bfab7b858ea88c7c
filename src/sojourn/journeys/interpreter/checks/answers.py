"""Waits that nobody can answer, taps that nothing offers, ids that tell no order from another."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.journeys.interpreter.checks.graph import edges_of
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.nodes.branch_reply import BranchReply
from sojourn.journeys.interpreter.nodes.event_trigger import EventTrigger
from sojourn.journeys.interpreter.nodes.send_message import SendMessage, tap_ids
from sojourn.journeys.interpreter.nodes.send_template import SendTemplate
from sojourn.journeys.interpreter.nodes.wait_for import AnswerCase, DeliveryCase, WaitFor
from sojourn.journeys.interpreter.problems import Problem, join
from sojourn.journeys.interpreter.replies import ReplyMatch
from sojourn.journeys.interpreter.sending import SendNode


def check(definition: Definition) -> Iterator[Problem]:
    """All mistakes about answers and about what is waited for."""
    before = _messages_before(definition)
    keyed = bool(definition.broken) or any(
        isinstance(node, EventTrigger) and node.run_key is not None for node in definition.nodes.values()
    )
    for node_id, node in definition.nodes.items():
        place = join("nodes", node_id)
        if isinstance(node, WaitFor):
            yield from _check_wait(definition, node, place, before[node_id], keyed=keyed)
        elif isinstance(node, BranchReply):
            for index, case in enumerate(node.cases):
                yield from _check_taps(definition, case, join(place, "cases", index), before[node_id])
            yield from _check_message_before(place, before[node_id])
            if node.no_answer_after is None:
                yield _no_timeout(join(place, "no_answer_after"), "24 hours")


def _check_wait(
    definition: Definition, node: WaitFor, place: str, before: frozenset[str], *, keyed: bool
) -> Iterator[Problem]:
    if node.timeout is None:
        yield _no_timeout(join(place, "timeout"), "91 days")
    for index, case in enumerate(node.for_):
        where = join(place, "for", index)
        if isinstance(case, AnswerCase):
            yield from _check_taps(definition, case.reply, join(where, "reply"), before)
            yield from _check_message_before(join(where, "reply"), before)
        elif isinstance(case, DeliveryCase):
            yield from _check_delivery(definition, case, where, before)
        elif keyed and case.match is None:
            message = "without `match` this event moves every open run of the person, whatever its id"
            yield Problem(path=where, code="no_match", message=message, severity="warning")
        elif not keyed and case.match is not None:
            message = "`match` compares with the run's key, but no trigger has a `run_key`"
            yield Problem(path=join(where, "match"), code="match_without_key", message=message)


def _check_delivery(
    definition: Definition, case: DeliveryCase, place: str, before: frozenset[str]
) -> Iterator[Problem]:
    path = join(place, "of")
    node = definition.nodes.get(case.of)
    if case.of in definition.broken:
        return
    if node is None:
        yield Problem(path=path, code="unknown_node", message=f"there is no node {case.of!r}")
    elif not isinstance(node, SendNode):
        yield Problem(path=path, code="not_a_message", message=f"{case.of!r} sends no message")
    elif case.of not in before:
        yield Problem(path=path, code="message_later", message=f"no way leads from {case.of!r} to here")


def _check_message_before(place: str, before: frozenset[str]) -> Iterator[Problem]:
    if not before:
        message = "an answer is waited for, but nothing was sent on the way here"
        yield Problem(path=place, code="no_message_before", message=message)


def _check_taps(definition: Definition, match: ReplyMatch, place: str, before: frozenset[str]) -> Iterator[Problem]:
    offered: set[str] = set()
    if not before.isdisjoint(definition.broken):
        return
    for node_id in before:
        node = definition.nodes[node_id]
        if isinstance(node, SendMessage):
            offered |= set(tap_ids(node))
        elif isinstance(node, SendTemplate):
            offered |= {id_ for id_ in node.reply_ids if id_ is not None}
    for index, tap in enumerate(match.tap):
        if tap not in offered:
            known = ", ".join(sorted(offered)) or "none"
            message = f"no message on the way here offers {tap!r}; offered are: {known}"
            yield Problem(path=join(place, "tap", index), code="tap_not_offered", message=message)


def _no_timeout(path: str, default: str) -> Problem:
    message = f"not said how long to wait: it will be {default}"
    return Problem(path=path, code="no_timeout", message=message, severity="warning")


def _messages_before(definition: Definition) -> dict[str, frozenset[str]]:
    """For each node the send nodes that can lie on a way to it."""
    edges = edges_of(definition)
    before: dict[str, frozenset[str]] = {id_: frozenset() for id_ in edges}
    waiting = list(edges)
    while waiting:
        node_id = waiting.pop()
        here = before[node_id]
        if node_id in definition.broken or isinstance(definition.nodes[node_id], SendNode):
            here |= {node_id}
        for _, target, _ in edges[node_id]:
            if target in before and not here <= before[target]:
                before[target] |= here
                waiting.append(target)
    return before
