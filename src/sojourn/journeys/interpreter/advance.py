"""Walks one run: leaves the node that it stands in, visits nodes until the next wait, and says what to do.

Deterministic: the same run, resume, moment and facts give the same answer. It always ends: a walk visits at most
`VISITS_MAX` nodes, then the run fails with `too_many_steps`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from sojourn.journeys.interpreter import keys
from sojourn.journeys.interpreter.compile import CompiledJourney, CompiledNode, Trigger
from sojourn.journeys.interpreter.effects import Effect
from sojourn.journeys.interpreter.node import ERROR_EXIT
from sojourn.journeys.interpreter.outcomes import End, Fail, Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import (
    NO_FACTS,
    DeliveryReported,
    EventCame,
    FactMissing,
    Facts,
    Kept,
    Memory,
    ReplyCame,
    Resume,
    Run,
    RunState,
    RunView,
    Sent,
    Step,
    TimerDue,
)
from sojourn.journeys.interpreter.sending import ENDED, RANK
from sojourn.journeys.interpreter.texts import TextFailed

VISITS_MAX = 200  # node visits in one walk
STEPS_MAX = 500  # steps of a run in one moment, over all walks that answers given at once lead to
INBOX_MAX = 20
TOO_MANY_STEPS = "too_many_steps"


class Progress(Struct, frozen=True):
    """Where the run stands now, what it did, what it asks for. `overlay`: attributes that this walk set."""

    run: Run
    steps: tuple[Step, ...]
    effects: tuple[Effect, ...]
    overlay: dict[str, Any]
    is_changed: bool


class Needs(Struct, frozen=True):
    """Facts that the walk lacks: gather them and call again."""

    keys: frozenset[str]


def start_key(trigger: Trigger, event: EventCame) -> str | None:
    """The key of the run that this event would start, or None when it starts none here."""
    if trigger.key_path is None:
        return keys.PROFILE_KEY
    return keys.key_text(keys.find(event.properties, trigger.key_path))


def run_id_of(journey_id: UUID, event_id: UUID) -> UUID:
    """The id of the run that an event starts in a journey: always the same, so that it cannot start twice.

    It keeps the event's time in front and the profile's bucket at the end.
    """
    digest = hashlib.blake2b(journey_id.bytes + event_id.bytes, digest_size=10).digest()
    body = bytearray(event_id.bytes[:6] + digest)
    body[6] = 0x70 | (body[6] & 0x0F)
    body[8] = 0x80 | (body[8] & 0x3F)
    body[15] = event_id.bytes[15]
    return UUID(bytes=bytes(body))


def begin(
    journey: CompiledJourney,
    trigger: Trigger,
    event: EventCame,
    *,
    key: str,
    workspace_id: UUID,
    profile_id: UUID,
    now: datetime,
) -> Run | None:
    """A run that stands in its trigger, or None when the trigger's condition does not hold. Then `advance` it."""
    run_id = run_id_of(journey.journey_id, event.id)
    memory = Memory()
    if "event" in journey.roots:
        memory.event = event.properties
    if "trigger" in journey.roots:
        memory.trigger = event.properties
    run = Run(
        id=run_id, bucket=profile_id.int & 0xFF, workspace_id=workspace_id, journey_id=journey.journey_id,
        version_id=journey.version_id, profile_id=profile_id, key=key, state=RunState.WAITING, node=trigger.node, seq=0,
        entered_at=now, due_at=None, started_at=now, memory=memory,
    )  # fmt: skip
    if trigger.predicate is not None and not trigger.predicate(
        RunView(run, NO_FACTS, now).with_event(event.properties)
    ):
        return None
    return run


def advance(
    journey: CompiledJourney,
    run: Run,
    came: Resume | None,
    *,
    now: datetime,
    facts: Facts = NO_FACTS,
    overlay: dict[str, Any] | None = None,
) -> Progress | Needs:
    """Let `came` happen to a run (None: it begins). The given run stays as it is; `Progress.run` is the new one."""
    walk = _Walk(journey, run, now, facts, overlay)
    try:
        walk.go(came)
    except FactMissing as missing:
        return Needs(frozenset({missing.key}))
    return Progress(walk.run, tuple(walk.steps), tuple(walk.effects), walk.view.overlay, walk.is_changed)


def lost(run: Run, now: datetime) -> Run:
    """The run ends in the error lane: it went on and on in one moment without ever waiting."""
    return structs.replace(run, state=RunState.ERROR, exit_reason=TOO_MANY_STEPS, ended_at=now, due_at=None)


def hold(run: Run, came: Resume) -> Run:
    """The run of a paused journey stands still; what came happens when the journey goes on."""
    if isinstance(came, EventCame | ReplyCame) and any(came == held for held in run.memory.held):
        return run
    memory = structs.replace(run.memory, held=[*run.memory.held, came])
    if run.state != RunState.HELD:
        memory.held_due = run.due_at
    return structs.replace(run, state=RunState.HELD, due_at=None, memory=memory, is_memory_changed=True)


class _Walk:
    __slots__ = ("cause", "effects", "is_changed", "journey", "now", "owns_memory", "run", "steps", "view")

    def __init__(
        self, journey: CompiledJourney, run: Run, now: datetime, facts: Facts, overlay: dict[str, Any] | None
    ) -> None:
        self.journey = journey
        self.run = structs.replace(run)
        self.now = now
        self.view = RunView(self.run, facts, now, overlay)
        self.steps: list[Step] = []
        self.effects: list[Effect] = []
        self.cause: UUID | None = None
        self.is_changed = False
        self.owns_memory = False

    def go(self, came: Resume | None) -> None:
        run = self.run
        if run.state != RunState.WAITING:
            return
        if run.memory.held:
            self._release(came)
        else:
            self._happen(came)

    def _release(self, came: Resume | None) -> None:
        """The run was held: what came meanwhile happens now, in order, then the present thing."""
        memory = self._memory()
        held, memory.held = memory.held, []
        self.run.due_at, memory.held_due = memory.held_due, None
        self.is_changed = True
        for earlier in held:
            self._happen(earlier)
        if not isinstance(came, TimerDue) or (self.run.due_at is not None and self.run.due_at <= self.now):
            self._happen(came)

    def _happen(self, came: Resume | None) -> None:
        if self.run.state != RunState.WAITING:
            return
        run = self.run
        node = self.journey.nodes.get(run.node)
        if node is None:
            self._fail("node_gone", None)
            return
        if isinstance(came, DeliveryReported):
            self._note_delivery(came)
        if isinstance(came, EventCame | ReplyCame):
            self.cause = came.id
        outcome = self._ask(node, came)
        if outcome is None:
            self._keep(node, came)
        elif isinstance(outcome, Stay):
            self._stay(node, outcome)
        else:
            self._walk_on(node, outcome)

    def _ask(self, node: CompiledNode, came: Resume | None) -> Outcome | None:
        try:
            if came is None:
                return node.kind.visit(node.spec, self.view, self.now)
            if node.kind.resume is None:
                return None
            return node.kind.resume(node.spec, self.view, came, self.now)
        except TextFailed as error:
            return Fail("text_failed", {"text": str(error)[:200]})

    def _walk_on(self, node: CompiledNode, outcome: Outcome) -> None:
        """Follow exits until a node lets the run stay or ends it."""
        while not isinstance(outcome, Stay):
            target = self._leave(node, outcome)
            if target is None:
                return
            node = target
            visited = self._ask(node, None)
            assert visited is not None
            outcome = visited
        self._stay(node, outcome)

    def _leave(self, node: CompiledNode, outcome: Leave | End | Fail) -> CompiledNode | None:
        """Finish this visit; the node that comes next, or None when the run is over."""
        self.is_changed = True
        if isinstance(outcome, End):
            self._step(node, "end", None)
            self._end(RunState.FINISHED, outcome.reason)
            return None
        if isinstance(outcome, Fail):
            exit_ = ERROR_EXIT
            detail: dict[str, Any] | None = {"reason": outcome.reason, **(outcome.detail or {})}
            target = node.spec.exits.get(ERROR_EXIT)
        else:
            self._apply(outcome)
            exit_, detail = outcome.exit, outcome.detail
            target = node.target(exit_)
        self._step(node, exit_, detail)
        next_node = None if target is None else self.journey.nodes.get(target)
        if next_node is None or len(self.steps) >= VISITS_MAX:
            if len(self.steps) >= VISITS_MAX:
                reason = TOO_MANY_STEPS
            else:
                reason = outcome.reason if isinstance(outcome, Fail) else "exit_open"
            self._end(RunState.ERROR, reason)
            return None
        run = self.run
        run.node, run.seq, run.entered_at, run.due_at = next_node.id, run.seq + 1, self.now, None
        return next_node

    def _apply(self, leave: Leave) -> None:
        self.effects.extend(leave.effects)
        if leave.variables is not None:
            self._memory().variables = dict(leave.variables)
        if leave.attributes is not None:
            self.view.set_attributes(leave.attributes)
        if leave.took is not None:
            self._take(leave.took)

    def _take(self, took: EventCame | ReplyCame) -> None:
        self.cause = took.id
        memory = self.run.memory
        if any(kept.came.id == took.id for kept in memory.inbox):
            memory = self._memory()
            memory.inbox = [kept for kept in memory.inbox if kept.came.id != took.id]
        if isinstance(took, ReplyCame):
            memory = self._memory()
            memory.reply, memory.is_reply_fresh = took, True
        elif "event" in self.journey.roots:
            self._memory().event = took.properties

    def _stay(self, node: CompiledNode, stay: Stay) -> None:
        self.is_changed = True
        self.run.due_at = stay.due_at
        self.effects.extend(stay.effects)
        memory = self.run.memory
        if memory.is_reply_fresh:
            self._memory().is_reply_fresh = False
        if node.kind.waits and memory.inbox:
            keeps = self.journey.keeps
            self._memory().inbox = [
                Kept(kept.came) for kept in memory.inbox if isinstance(kept.came, EventCame) and kept.came.name in keeps
            ]

    def _keep(self, node: CompiledNode, came: Resume | None) -> None:
        """Keep what the run cannot take now but may want later."""
        if isinstance(came, EventCame):
            if came.name not in self.journey.listens or not (node.kind.passing or came.name in self.journey.keeps):
                return
        elif not isinstance(came, ReplyCame) or not node.kind.passing:
            return
        if any(kept.came.id == came.id for kept in self.run.memory.inbox):
            return
        memory = self._memory()
        memory.inbox = [*memory.inbox, Kept(came, node.kind.passing)][-INBOX_MAX:]
        self.is_changed = True

    def _note_delivery(self, came: DeliveryReported) -> None:
        node = came.step_key.rpartition(":")[0]
        if not self.journey.keeps_deliveries or node not in self.journey.nodes:
            return
        before = self.run.memory.deliveries.get(node)
        if before is not None and before.id == came.delivery_id and came.status not in ENDED:
            if RANK.get(came.status, 0) <= RANK.get(before.status, 0):
                return
        elif before is not None and before.id > came.delivery_id:
            return
        memory = self._memory()
        memory.deliveries = {**memory.deliveries, node: Sent(came.delivery_id, came.status, came.reason)}
        self.is_changed = True

    def _memory(self) -> Memory:
        """The run's memory, its own copy from the first change on."""
        if not self.owns_memory:
            self.run.memory = self.view.memory = structs.replace(self.run.memory)
            self.owns_memory = self.run.is_memory_changed = True
        return self.run.memory

    def _step(self, node: CompiledNode, exit_: str, detail: dict[str, Any] | None) -> None:
        run = self.run
        self.steps.append(
            Step(run.seq, node.id, node.kind.type, run.entered_at, self.now, exit_, self.cause, detail or None)
        )
        self.cause = None

    def _fail(self, reason: str, detail: dict[str, Any] | None) -> None:
        self.is_changed = True
        run = self.run
        self.steps.append(Step(run.seq, run.node, "unknown", run.entered_at, self.now, ERROR_EXIT, None, detail))
        self._end(RunState.ERROR, reason)

    def _end(self, state: RunState, reason: str) -> None:
        run = self.run
        run.state, run.exit_reason, run.ended_at, run.due_at = state, reason, self.now, None
        if run.memory.inbox:
            self._memory().inbox = []
