"""Who owns what a person says: exactly one. Pure.

In this order: words and taps about consent, a thread that a member works on, a step of a run that waits for an answer,
a keyword rule, a journey that such messages start, nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.conversations.model import OpenQuestion, Owner

NO_ANSWER_KINDS = frozenset({"system", "edit", "revoke", "unsupported"})
NOT_TO_QUESTIONS = frozenset({"reaction"})  # a thumb under some other message answers no question


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """The delivery that a tap carries or that a message quotes."""

    delivery_id: UUID
    owner_kind: str
    run_id: UUID | None
    step_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What decides the owner of one message."""

    kind: str
    at: datetime
    about_consent: bool = False
    tapped: Mentioned | None = None
    quoted: Mentioned | None = None
    question: OpenQuestion | None = None
    human_owned: bool = False
    asks_for_help: bool = False


def choose_owner(said: Said) -> Owner:
    """The one owner of a message."""
    if said.about_consent:
        return Owner(kind="consent", why="consent")
    if said.kind in NO_ANSWER_KINDS:
        return Owner(kind="none", why="no_answer")
    if said.human_owned:
        return Owner(kind="person", why="human_owned")
    for mentioned, why in ((said.tapped, "tap"), (said.quoted, "quote")):
        if mentioned is not None and mentioned.owner_kind == "journey" and mentioned.run_id is not None:
            return Owner(
                kind="journey",
                why=why,
                run_id=mentioned.run_id,
                step_key=mentioned.step_key,
                delivery_id=mentioned.delivery_id,
            )
    question = said.question
    if question is not None and question.is_open(said.at) and said.kind not in NOT_TO_QUESTIONS and not said.tapped:
        return Owner(
            kind="journey",
            why="open_question",
            run_id=question.run_id,
            step_key=question.step_key,
            delivery_id=question.delivery_id,
        )
    if said.asks_for_help:
        return Owner(kind="keyword", why="help")
    return Owner(kind="none", why="default")
