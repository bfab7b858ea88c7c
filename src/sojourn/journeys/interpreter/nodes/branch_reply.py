"""Branch on an answer: buttons, list rows, words, numbers, anything else, no answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from sojourn.journeys.interpreter import asking, replies
from sojourn.journeys.interpreter.durations import Duration
from sojourn.journeys.interpreter.node import Node, NodeKind
from sojourn.journeys.interpreter.outcomes import Leave, Outcome, Stay
from sojourn.journeys.interpreter.run import ReplyCame, Resume, RunView, TimerDue

DEFAULT_NO_ANSWER_AFTER = timedelta(days=1)  # the service window: later an answer needs a template anyway
ELSE_EXIT = "else"
NO_ANSWER_EXIT = "no_answer"


class BranchReply(Node):
    """The first case that fits takes its exit, any other answer `else`, silence for `no_answer_after` `no_answer`.

    An answer that brought the run here (through a wait right before) is used; else the run waits for one.
    """

    type: Literal["branch_reply"]
    cases: Annotated[list[replies.ReplyCase], Field(min_length=1, max_length=30)]
    no_answer_after: Duration | None = None


def exits(node: BranchReply) -> tuple[str, ...]:
    """One a case, anything else, no answer."""
    return (*dict.fromkeys(case.exit for case in node.cases), ELSE_EXIT, NO_ANSWER_EXIT)


def visit(node: BranchReply, run: RunView, now: datetime) -> Outcome:
    """Use the answer in hand or on the way; else ask."""
    fresh = run.memory.reply
    if fresh is not None and run.memory.is_reply_fresh:
        return Leave(exit=_exit_of(node, fresh))
    kept = _on_the_way(run)
    if kept is not None:
        return Leave(exit=_exit_of(node, kept), took=kept)
    due_at = now + (node.no_answer_after or DEFAULT_NO_ANSWER_AFTER)
    return Stay(due_at=due_at, effects=asking.open_question(run, due_at))


def resume(node: BranchReply, run: RunView, came: Resume, now: datetime) -> Outcome | None:
    """Leave by the answer's exit, or by the time's."""
    if isinstance(came, TimerDue):
        kept = _on_the_way(run)
        if kept is None:
            is_due = run.run.due_at is not None and run.run.due_at <= now
            return Leave(exit=NO_ANSWER_EXIT, effects=asking.close_question(run)) if is_due else None
        came = kept
    if not isinstance(came, ReplyCame):
        return None
    return Leave(exit=_exit_of(node, came), took=came, effects=asking.close_question(run))


def _exit_of(node: BranchReply, reply: ReplyCame) -> str:
    return replies.first_match(node.cases, reply) or ELSE_EXIT


def _on_the_way(run: RunView) -> ReplyCame | None:
    for kept in run.memory.inbox:
        if isinstance(kept.came, ReplyCame) and kept.on_the_way:
            return kept.came
    return None


KIND = NodeKind(type="branch_reply", model=BranchReply, visit=visit, resume=resume, exits=exits, waits=True)
