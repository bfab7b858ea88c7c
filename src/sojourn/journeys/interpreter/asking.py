"""Questions: while a run waits for an answer, free text of the person belongs to it."""

from __future__ import annotations

from datetime import datetime

from sojourn.journeys.interpreter.effects import CloseQuestions, Effect, OpenQuestion
from sojourn.journeys.interpreter.run import RunView


def open_question(run: RunView, expires_at: datetime | None) -> tuple[Effect, ...]:
    """Ask for the person's answers, in the name of the newest message of this run."""
    newest = max(run.memory.deliveries.values(), key=lambda sent: sent.id, default=None)
    delivery_id = None if newest is None else newest.id
    return (OpenQuestion(step_key=run.step_key, delivery_id=delivery_id, expires_at=expires_at),)


def close_question(_run: RunView) -> tuple[Effect, ...]:
    """Give the person's answers back."""
    return (CloseQuestions(),)
