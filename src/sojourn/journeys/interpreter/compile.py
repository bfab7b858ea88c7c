"""A definition made ready for walking: look-ups instead of searches, done once a version and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from msgspec import Struct
from pydantic import BaseModel

from sojourn.journeys.interpreter import conditions, values
from sojourn.journeys.interpreter.conditions import All, AnyOf, Compare, Not, Predicate
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.nodes.branch_reply import BranchReply
from sojourn.journeys.interpreter.nodes.event_trigger import EventTrigger
from sojourn.journeys.interpreter.nodes.wait_for import AnswerCase, DeliveryCase, EventCase, WaitFor
from sojourn.journeys.interpreter.sending import SendNode


class CompiledNode(Struct):
    """A node with its kind and where its exits lead (filled as they are asked for)."""

    id: str
    kind: NodeKind
    spec: Node
    targets: dict[str, str | None]

    def target(self, exit_: str) -> str | None:
        """Where an exit leads: its own line, its group's (`failed` for `failed.x`), else `next`; None: nowhere."""
        try:
            return self.targets[exit_]
        except KeyError:
            found = self.spec.exits.get(exit_) or self.spec.exits.get(exit_.split(".", 1)[0]) or self.spec.next
            self.targets[exit_] = found
            return found


class Trigger(Struct):
    """A way into the journey."""

    node: str
    event: str
    key_path: str | None
    predicate: Predicate | None


class CompiledJourney(Struct):
    """A version made ready. `keeps` are events that a wait wants even when they came long before it."""

    journey_id: UUID
    version_id: UUID
    nodes: dict[str, CompiledNode]
    triggers: tuple[Trigger, ...]
    listens: frozenset[str]
    keeps: frozenset[str]
    roots: frozenset[str]
    keeps_deliveries: bool

    @property
    def needs_profile(self) -> bool:
        """Whether a walk may read the person's attributes."""
        return "profile" in self.roots


def compile_journey(definition: Definition, *, journey_id: UUID, version_id: UUID) -> CompiledJourney:
    """Make a valid definition ready for walking."""
    nodes = {
        node_id: CompiledNode(node_id, definition.kind(node_id), node, {}) for node_id, node in definition.nodes.items()
    }
    cases = [case for node in definition.nodes.values() if isinstance(node, WaitFor) for case in node.for_]
    events = [case for case in cases if isinstance(case, EventCase)]
    asks = any(isinstance(case, AnswerCase | DeliveryCase) for case in cases)
    branches = any(isinstance(node, BranchReply) for node in definition.nodes.values())
    roots = frozenset[str]().union(*(roots_of(node) for node in definition.nodes.values()))
    if any(isinstance(node, SendNode) for node in definition.nodes.values()):
        roots |= {"event"}  # a template's own variables may look into the latest event
    return CompiledJourney(
        journey_id=journey_id,
        version_id=version_id,
        nodes=nodes,
        triggers=tuple(_trigger(node_id, node) for node_id, node in definition.nodes.items() if _is_trigger(node)),
        listens=frozenset(case.event for case in events),
        keeps=frozenset(case.event for case in events if case.earlier),
        roots=roots,
        keeps_deliveries=asks or branches or "delivery" in roots,
    )


def _is_trigger(node: Node) -> bool:
    return isinstance(node, EventTrigger)


def _trigger(node_id: str, node: Node) -> Trigger:
    assert isinstance(node, EventTrigger)
    path = None if node.run_key is None else node.run_key.removeprefix("event.")
    predicate = None if node.if_ is None else conditions.compile_condition(node.if_)
    return Trigger(node_id, node.event, path, predicate)


def roots_of(part: Any) -> frozenset[str]:
    """The names (`profile`, `event`, …) that anything inside a part of a definition looks up."""
    return frozenset[str]().union(*_roots(part))


def _roots(part: Any) -> Iterator[frozenset[str]]:
    if isinstance(part, All | AnyOf | Not | Compare):
        yield conditions.roots_of(part)
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _roots(getattr(part, name))
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _roots(item)
    else:
        yield values.roots_in(part)
