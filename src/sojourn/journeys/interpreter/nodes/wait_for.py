"""Wait for the first of several things: events, answers, how far a message got; and for no longer than a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sojourn.journeys.interpreter import asking, keys, replies, sending
from sojourn.journeys.interpreter.conditions import Condition, Predicate, compile_condition
from sojourn.journeys.interpreter.durations import Duration
from sojourn.journeys.interpreter.node import EventName, Node, NodeId, NodeKind
from sojourn.journeys.interpreter.outcomes import Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import (
    DeliveryReported,
    EventCame,
    ReplyCame,
    Resume,
    RunView,
    TimerDue,
)
from sojourn.journeys.interpreter.values import Part

DEFAULT_TIMEOUT = timedelta(days=91)
TIMEOUT_EXIT = "timeout"
Exit = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
DeliveryStatus = Literal[
    "sent", "delivered", "read", "played", "failed", "excluded", "expired", "cancelled", "unknown"
]  # fmt: skip


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Statuses = Annotated[
    list[DeliveryStatus],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=DeliveryStatus | list[DeliveryStatus]),
]


class EventCase(Part):
    """An event of this person. `match` names the property that must equal the run's key; `if` may look at the event.

    With `earlier: true` an event counts that came at any time before in this run; otherwise only what comes during the
    wait, or on the way to it (while a message was being sent).
    """

    exit: Exit
    event: EventName
    match: Annotated[str, Field(pattern=r"^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$")] | None = None
    if_: Annotated[Condition | None, Field(alias="if")] = None
    earlier: bool = False

    @cached_property
    def predicate(self) -> Predicate | None:
        """`if`, ready to be asked."""
        return None if self.if_ is None else compile_condition(self.if_)


class AnswerCase(Part):
    """An answer of this person to this run."""

    exit: Exit
    reply: replies.ReplyMatch


class DeliveryCase(Part):
    """How far the latest message of node `of` got: `delivered` is also reached by `read`."""

    exit: Exit
    delivery: Statuses
    of: NodeId


def _kind(value: Any) -> str | None:
    for name in ("event", "reply", "delivery"):
        if (name in value) if isinstance(value, Mapping) else hasattr(value, name):
            return f"<{name}>"
    return None


Case = Annotated[
    Annotated[EventCase, Tag("<event>")]
    | Annotated[AnswerCase, Tag("<reply>")]
    | Annotated[DeliveryCase, Tag("<delivery>")],
    Discriminator(_kind, custom_error_type="wait_case", custom_error_message="say what: event, reply or delivery"),
]


class WaitFor(Node):
    """The first that comes takes its exit; after `timeout` (91 days when not said) the exit is `timeout`."""

    type: Literal["wait_for"]
    for_: Annotated[list[Case], Field(alias="for", min_length=1, max_length=20)]
    timeout: Duration | None = None


def exits(node: WaitFor) -> tuple[str, ...]:
    """One a case, and the timeout."""
    return (*dict.fromkeys(case.exit for case in node.for_), TIMEOUT_EXIT)


def asks(node: WaitFor) -> bool:
    """Whether an answer is waited for."""
    return any(isinstance(case, AnswerCase) for case in node.for_)


def visit(node: WaitFor, run: RunView, now: datetime) -> Outcome:
    """Leave at once with what came on the way; else stay."""
    outcome = _from_memory(node, run)
    if outcome is not None:
        return outcome
    due_at = now + (node.timeout or DEFAULT_TIMEOUT)
    return Stay(due_at=due_at, effects=asking.open_question(run, due_at) if asks(node) else ())


def resume(node: WaitFor, run: RunView, came: Resume, now: datetime) -> Outcome | None:
    """Leave by the case that fits."""
    if isinstance(came, EventCame | ReplyCame):
        return _leave(node, run, _fitting(node, run, came), came)
    if isinstance(came, DeliveryReported):
        return _leave(node, run, _delivered(node, run), None)
    if not isinstance(came, TimerDue):
        return None
    outcome = _from_memory(node, run)
    if outcome is None and run.run.due_at is not None and run.run.due_at <= now:
        outcome = _leave(node, run, TIMEOUT_EXIT, None)
    return outcome


def _from_memory(node: WaitFor, run: RunView) -> Leave | None:
    for kept in run.memory.inbox:
        exit_ = _fitting(node, run, kept.came, is_early=not kept.on_the_way)
        if exit_ is not None:
            return _leave(node, run, exit_, kept.came)
    return _leave(node, run, _delivered(node, run), None)


def _leave(node: WaitFor, run: RunView, exit_: str | None, took: EventCame | ReplyCame | None) -> Leave | None:
    if exit_ is None:
        return None
    return Leave(exit=exit_, took=took, effects=asking.close_question(run) if asks(node) else ())


def _fitting(node: WaitFor, run: RunView, came: EventCame | ReplyCame, *, is_early: bool = False) -> str | None:
    for case in node.for_:
        if _fits(case, run, came, is_early=is_early):
            return case.exit
    return None


def _fits(
    case: EventCase | AnswerCase | DeliveryCase, run: RunView, came: EventCame | ReplyCame, *, is_early: bool
) -> bool:
    if isinstance(case, EventCase) and isinstance(came, EventCame):
        return case.event == came.name and (case.earlier or not is_early) and _is_meant(case, run, came)
    if isinstance(case, AnswerCase) and isinstance(came, ReplyCame):
        return not is_early and replies.matches(case.reply, came)
    return False


def _is_meant(case: EventCase, run: RunView, came: EventCame) -> bool:
    if case.match is not None and keys.key_text(keys.find(came.properties, case.match)) != run.run.key:
        return False
    return case.predicate is None or case.predicate(run.with_event(came.properties))


def _delivered(node: WaitFor, run: RunView) -> str | None:
    for case in node.for_:
        if isinstance(case, DeliveryCase):
            sent = run.memory.deliveries.get(case.of)
            if sent is not None and any(sending.has_reached(sent.status, wanted) for wanted in case.delivery):
                return case.exit
    return None


KIND = NodeKind(type="wait_for", model=WaitFor, visit=visit, resume=resume, exits=exits, waits=True)
