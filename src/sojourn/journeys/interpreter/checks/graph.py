"""Exits that lead nowhere, nodes that nobody reaches, loops that never wait, names that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.node import DEFAULT_EXIT, ERROR_EXIT
from sojourn.journeys.interpreter.nodes.event_trigger import EventTrigger
from sojourn.journeys.interpreter.nodes.wait_time import WaitTime
from sojourn.journeys.interpreter.problems import Problem, join

Edges = Mapping[str, list[tuple[str, str, str]]]  # node -> (exit, target, path in the file)


def edges_of(definition: Definition) -> Edges:
    """Every connection that the file draws, also to nodes that do not exist. `next` stands for each exit left out."""
    edges: dict[str, list[tuple[str, str, str]]] = {}
    for node_id, node in definition.nodes.items():
        place = join("nodes", node_id)
        found = [(exit_, target, join(place, "exits", exit_)) for exit_, target in node.exits.items()]
        if node.next is not None:
            found.append((DEFAULT_EXIT, node.next, join(place, "next")))
        edges[node_id] = found
    for node_id, raw in definition.broken.items():
        edges[node_id] = list(_raw_edges(node_id, raw))
    return edges


def _raw_edges(node_id: str, raw: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(raw, Mapping):
        return
    exits = raw.get("exits")
    named = dict(exits) if isinstance(exits, Mapping) else {}
    for exit_, target in {**named, DEFAULT_EXIT: raw.get("next")}.items():
        if isinstance(target, str):
            place = ("next",) if exit_ == DEFAULT_EXIT else ("exits", str(exit_))
            yield str(exit_), target, join("nodes", node_id, *place)


def check(definition: Definition) -> Iterator[Problem]:
    """All mistakes of the graph."""
    edges = edges_of(definition)
    yield from _check_triggers(definition)
    yield from _check_targets(definition, edges)
    yield from _check_exits(definition)
    yield from _check_reachable(definition, edges)
    yield from _check_loops(definition, edges)


def _check_triggers(definition: Definition) -> Iterator[Problem]:
    triggers = {id_: node for id_, node in definition.nodes.items() if isinstance(node, EventTrigger)}
    if definition.nodes and not triggers and not definition.broken:
        yield Problem(path="nodes", code="no_trigger", message="nothing starts this journey: add an event_trigger")
    events: dict[str, str] = {}
    for node_id, node in triggers.items():
        if node.event in events and node.if_ is None:
            message = f"{events[node.event]!r} starts on {node.event} too; give one of them an `if`"
            yield Problem(
                path=join("nodes", node_id, "event"), code="trigger_twice", message=message, severity="warning"
            )
        events.setdefault(node.event, node_id)


def _check_targets(definition: Definition, edges: Edges) -> Iterator[Problem]:
    for found in edges.values():
        for _, target, path in found:
            if not definition.has(target):
                yield Problem(path=path, code="unknown_node", message=f"there is no node {target!r}")
            elif isinstance(definition.nodes.get(target), EventTrigger):
                message = f"{target!r} is a trigger: only events lead into it"
                yield Problem(path=path, code="into_trigger", message=message)


def _check_exits(definition: Definition) -> Iterator[Problem]:
    for node_id, node in definition.nodes.items():
        place = join("nodes", node_id)
        known = definition.kind(node_id).exits(node)
        open_exits = [exit_ for exit_ in known if exit_ not in node.exits and exit_ != DEFAULT_EXIT]
        if node.next is None and (open_exits or (DEFAULT_EXIT in known and DEFAULT_EXIT not in node.exits)):
            names = ", ".join(open_exits) or DEFAULT_EXIT
            message = f"these exits lead nowhere: {names}; name them under `exits`, or say where `next` is"
            yield Problem(path=place, code="exit_open", message=message)
        if not known and (node.next is not None or node.exits):
            yield Problem(path=place, code="exit_unknown", message="nothing leads out of an end")
            continue
        for exit_ in node.exits:
            if exit_.split(".", 1)[0] not in {*known, ERROR_EXIT, DEFAULT_EXIT}:
                message = f"this node has no exit {exit_!r}; it has: {', '.join(dict.fromkeys((*known, ERROR_EXIT)))}"
                yield Problem(path=join(place, "exits", exit_), code="exit_unknown", message=message)


def _check_reachable(definition: Definition, edges: Edges) -> Iterator[Problem]:
    reached: set[str] = set()
    waiting = [id_ for id_, node in definition.nodes.items() if isinstance(node, EventTrigger)] + list(
        definition.broken
    )
    while waiting:
        node_id = waiting.pop()
        if node_id in reached or not definition.has(node_id):
            continue
        reached.add(node_id)
        waiting += [target for _, target, _ in edges[node_id]]
    for node_id in definition.nodes:
        if node_id not in reached:
            yield Problem(path=join("nodes", node_id), code="unreachable", message="no way leads here")


def _check_loops(definition: Definition, edges: Edges) -> Iterator[Problem]:
    """Circles without a wait. A wait `until` a moment may be over already, so it does not count."""
    busy = dict.fromkeys(id_ for id_ in definition.nodes if not _surely_waits(definition, id_))
    successors = {id_: {target for _, target, _ in edges[id_] if target in busy} for id_ in busy}
    for circle in _circles(successors):
        names = " → ".join([*circle, circle[0]])
        message = f"this circle has no wait in it: {names}"
        yield Problem(path=join("nodes", circle[0]), code="loop_without_wait", message=message)


def _surely_waits(definition: Definition, node_id: str) -> bool:
    node = definition.nodes[node_id]
    if isinstance(node, WaitTime):
        return node.for_ is not None
    return definition.kind(node_id).waits


def _circles(successors: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """One circle for each knot of the graph (depth first, without recursion)."""
    done: set[str] = set()
    for start in successors:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            node, is_leaving = stack.pop()
            if is_leaving:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif node in on_path:
                yield path[path.index(node) :]
                done |= on_path
            elif node not in done:
                path.append(node)
                on_path.add(node)
                stack.append((node, True))
                stack += [(target, False) for target in sorted(successors[node])]
