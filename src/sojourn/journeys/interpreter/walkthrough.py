"""One person walked through a journey on a virtual clock, with nothing outside: what `sojourn journey run` shows.

Pure: messages are accepted at once, called addresses answer 200, and time passes when it is told to. What the person
and the shop do comes in as calls; `log` tells everything that happened, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from sojourn.journeys.interpreter import effects
from sojourn.journeys.interpreter.advance import STEPS_MAX, Needs, Progress, advance, begin, lost, start_key
from sojourn.journeys.interpreter.compile import CompiledJourney
from sojourn.journeys.interpreter.run import (
    DeliveryReported,
    EventCame,
    Facts,
    ProfileFacts,
    ReplyCame,
    Resume,
    Run,
    RunState,
    Step,
    TimerDue,
    UrlAnswered,
)

NAMESPACE = UUID("6f1a3c52-0000-7000-8000-000000000000")
PROFILE = UUID("6f1a3c52-0000-7000-8000-000000000001")
ROUNDS_MAX = 1_000


class Entry(Struct, frozen=True):
    """Something that happened: `began`, `step`, the name of an effect, `waits`, `ended`."""

    at: datetime
    run_key: str
    what: str
    node: str
    value: Any = None


class Walkthrough:
    """A world with one person and one journey."""

    def __init__(
        self,
        journey: CompiledJourney,
        *,
        now: datetime,
        attributes: Mapping[str, Any] | None = None,
        outcomes: Mapping[str, str] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        """`outcomes`: node to the status of its messages (`excluded:no_consent`); `answers`: node to a JSON answer."""
        self.journey = journey
        self.now = now
        self.runs: list[Run] = []
        self.log: list[Entry] = []
        self.attributes: dict[str, Any] = dict(attributes or {})
        self._outcomes = outcomes or {}
        self._answers = answers or {}
        self._count = 0

    @property
    def open_runs(self) -> list[Run]:
        """Runs that still wait."""
        return [run for run in self.runs if run.state == RunState.WAITING]

    @property
    def next_due(self) -> datetime | None:
        """When time alone makes something happen."""
        return min((run.due_at for run in self.open_runs if run.due_at is not None), default=None)

    def send_event(self, name: str, properties: Mapping[str, Any] | None = None) -> int:
        """The shop tells of an event. How many runs it started or moved."""
        event = EventCame(self._new_id(), name, dict(properties or {}), self.now)
        moved = sum(self._resume(run, event) for run in list(self.open_runs))
        return moved + self._start(event)

    def answer(self, *, text: str | None = None, tap_id: str | None = None, kind: str | None = None) -> int:
        """The person writes or taps. A tap is for the newest run that takes it, text for the newest open question."""
        reply = ReplyCame(
            id=self._new_id(), kind=kind or ("button" if tap_id else "text"), at=self.now, text=text, tap_id=tap_id,
            tap_title=tap_id,
        )  # fmt: skip
        for run in sorted(self.open_runs, key=lambda run: run.entered_at, reverse=True):
            if self._resume(run, reply):
                return 1
        return 0

    def report(self, node: str, status: str) -> int:
        """The channel reports on the latest message of a node. How many runs it moved."""
        moved = 0
        for run in list(self.open_runs):
            sent = run.memory.deliveries.get(node)
            if sent is not None:
                came = DeliveryReported(delivery_id=sent.id, step_key=f"{node}:0", status=status, at=self.now)
                moved += self._resume(run, came)
        return moved

    def pass_time(self, length: timedelta) -> None:
        """Let time pass; what falls due fires at its moment."""
        until = self.now + length
        for _ in range(ROUNDS_MAX):
            due = self.next_due
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            for run in [run for run in self.open_runs if run.due_at is not None and run.due_at <= self.now]:
                self._resume(run, TimerDue())
        self.now = max(self.now, until)

    def _new_id(self) -> UUID:
        self._count += 1
        return uuid5(NAMESPACE, str(self._count))

    def _start(self, event: EventCame) -> int:
        started = 0
        for trigger in self.journey.triggers:
            key = start_key(trigger, event) if trigger.event == event.name else None
            if key is None or any(run.key == key for run in self.open_runs):
                continue
            run = begin(self.journey, trigger, event, key=key, workspace_id=NAMESPACE, profile_id=PROFILE, now=self.now)
            if run is not None:
                self._tell(run, "began", event)
                self.runs.append(run)
                self._resume(run, None)
                started += 1
        return started

    def _resume(self, run: Run, came: Resume | None) -> bool:
        """Let something happen to a run, and then what follows from it at once."""
        queue: deque[tuple[UUID, Resume | None]] = deque([(run.id, came)])
        steps = 0
        moved = False
        while queue:
            run_id, next_came = queue.popleft()
            index = next(index for index, other in enumerate(self.runs) if other.id == run_id)
            facts = Facts(profile=ProfileFacts(attributes=self.attributes))
            progress = advance(self.journey, self.runs[index], next_came, now=self.now, facts=facts)
            assert not isinstance(progress, Needs)
            if not progress.is_changed:
                continue
            moved = True
            steps += len(progress.steps)
            if steps > STEPS_MAX:
                progress = Progress(lost(progress.run, self.now), progress.steps, (), {}, True)
            self.runs[index] = progress.run
            self._show(progress)
            queue += [(run_id, answer) for answer in self._carry_out(progress)]
        return moved

    def _show(self, progress: Progress) -> None:
        run = progress.run
        for step in progress.steps:
            self._tell(run, "step", step)
        for effect in progress.effects:
            self._tell(run, type(effect).__name__, effect)
        if run.state != RunState.WAITING:
            self._tell(run, "ended", run.exit_reason)
        elif progress.steps:
            self._tell(run, "waits", run.due_at)

    def _carry_out(self, progress: Progress) -> list[Resume]:
        answers: list[Resume] = []
        for effect in progress.effects:
            match effect:
                case effects.UpdateProfile():
                    self.attributes.update(effect.attributes)
                case effects.RequestTemplate() | effects.RequestMessage():
                    answers.append(self._deliver(effect))
                case effects.CallAddress():
                    answers.append(self._call(progress.run, effect))
                case _:
                    pass
        return answers

    def _deliver(self, effect: effects.RequestTemplate | effects.RequestMessage) -> Resume:
        node = effect.step_key.rpartition(":")[0]
        status, _, reason = self._outcomes.get(node, "accepted").partition(":")
        return DeliveryReported(
            delivery_id=self._new_id(), step_key=effect.step_key, status=status, at=self.now, reason=reason or None,
            reaction=reason or None,
        )  # fmt: skip

    def _call(self, run: Run, effect: effects.CallAddress) -> Resume:
        body = self._answers.get(run.node, {})
        if body is None:
            return UrlAnswered(seq=effect.seq, exit="failed")
        values = {name: find_in(body, path) for name, path in effect.save.items()}
        return UrlAnswered(seq=effect.seq, exit="ok", status=200, values=values)

    def _tell(self, run: Run, what: str, value: Any) -> None:
        node = value.node if isinstance(value, Step) else run.node
        self.log.append(Entry(self.now, run.key, what, node, value))


def find_in(body: Any, path: str) -> Any:
    """The value at a dotted path inside a JSON answer (`data.items.0.id`), or None."""
    value = body
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
