"""What the two send nodes share: they ask for a delivery and stand still until it was accepted or ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sojourn.countries.purposes import Purpose
from sojourn.countries.topics import Topic
from sojourn.journeys.interpreter.durations import Duration
from sojourn.journeys.interpreter.effects import RequestMessage, RequestTemplate
from sojourn.journeys.interpreter.node import Node
from sojourn.journeys.interpreter.outcomes import Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import DeliveryReported, Resume, RunView

SENT_EXIT = "sent"
EXITS = (SENT_EXIT, "excluded", "failed", "expired", "cancelled", "unknown")
ARRIVED = frozenset({"accepted", "held", "sent", "delivered", "read", "played"})
ENDED = frozenset({"excluded", "failed", "expired", "cancelled", "unknown"})
RANK = {
    "queued": 0,
    "deferred": 0,
    "accepted": 1,
    "held": 2,
    "sent": 3,
    "failed": 4,
    "delivered": 5,
    "read": 6,
    "played": 7,
}


class SendNode(Node):
    """A message. Exits: sent, excluded, failed, expired, cancelled, unknown; those left out lead to `next`.

    An exit may name a reason: `excluded.no_consent`, `failed.person_unreachable`. `proceed: at_once` does not wait for
    the channel's answer. `expires_after` ends a message that could not leave by then.
    """

    purpose: Purpose
    proceed: Literal["when_sent", "at_once"] = "when_sent"
    expires_after: Duration | None = None
    topic: Topic | None = None


def exits(_node: SendNode) -> tuple[str, ...]:
    """The exits that must lead somewhere."""
    return EXITS


def request(node: SendNode, effect: RequestTemplate | RequestMessage) -> Outcome:
    """Ask for the delivery; stay for its answer unless the node goes on at once."""
    if node.proceed == "at_once":
        return Leave(exit=SENT_EXIT, effects=(effect,))
    return Stay(effects=(effect,))


def expires_at(node: SendNode, now: datetime) -> datetime | None:
    """The moment from which the message must not leave any more."""
    return None if node.expires_after is None else now + node.expires_after


def context_of(run: RunView) -> dict[str, Any]:
    """What the texts of a message may look up, beside profile and workspace."""
    memory = run.memory
    context: dict[str, Any] = {"run": run.root("run")}
    if memory.event is not None:
        context["event"] = memory.event
    if memory.trigger is not None:
        context["trigger"] = memory.trigger
    if memory.reply is not None:
        context["reply"] = run.root("reply")
    return context


def resume(_node: SendNode, run: RunView, came: Resume, _now: datetime) -> Outcome | None:
    """Leave when the delivery of this visit was accepted or ended."""
    if not isinstance(came, DeliveryReported) or came.step_key != run.step_key:
        return None
    detail = {"delivery_id": str(came.delivery_id), "status": came.status}
    if came.reason is not None:
        detail["reason"] = came.reason
    if came.status in ARRIVED:
        return Leave(exit=SENT_EXIT, detail=detail)
    if came.status in ENDED:
        return Leave(exit=_exit_of(came), detail=detail)
    return None


def _exit_of(came: DeliveryReported) -> str:
    reason = came.reaction if came.status == "failed" else came.reason
    return f"{came.status}.{reason}" if reason else came.status


def has_reached(status: str, wanted: str) -> bool:
    """Whether a delivery got as far as wanted; an end (failed, excluded, …) is reached by itself alone."""
    if status == wanted:
        return True
    if wanted in ENDED or status in ENDED:
        return False
    return RANK.get(status, 0) >= RANK.get(wanted, 99)
