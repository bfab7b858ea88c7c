"""Exactly one owner a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sojourn.conversations.model import OpenQuestion
from sojourn.conversations.precedence import Mentioned, Said, choose_owner

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
RUN, OTHER, DELIVERY = UUID(int=1), UUID(int=2), UUID(int=3)
QUESTION = OpenQuestion(
    profile_id=UUID(int=9),
    sender_id=UUID(int=8),
    run_id=RUN,
    step_key="ask",
    delivery_id=DELIVERY,
    asked_at=AT - timedelta(minutes=5),
    expires_at=AT + timedelta(hours=1),
)
OF_OTHER = Mentioned(delivery_id=UUID(int=4), owner_kind="journey", run_id=OTHER, step_key="tell")
TEXT = Said(kind="text", at=AT)


def owner(said: Said) -> tuple[str, str, UUID | None]:
    found = choose_owner(said)
    return found.kind, found.why, found.run_id


def test_words_about_consent_come_first() -> None:
    said = replace(TEXT, about_consent=True, human_owned=True, question=QUESTION, tapped=OF_OTHER)
    assert owner(said) == ("consent", "consent", None)


def test_a_member_owns_the_thread_they_work_on() -> None:
    assert owner(replace(TEXT, human_owned=True, question=QUESTION)) == ("person", "human_owned", None)


def test_a_tap_finds_its_run_whatever_question_is_open() -> None:
    assert owner(replace(TEXT, kind="button_reply", tapped=OF_OTHER, question=QUESTION)) == ("journey", "tap", OTHER)


def test_text_goes_to_the_quoted_run_else_to_the_open_question() -> None:
    assert owner(replace(TEXT, quoted=OF_OTHER, question=QUESTION)) == ("journey", "quote", OTHER)
    assert owner(replace(TEXT, question=QUESTION)) == ("journey", "open_question", RUN)
    assert owner(replace(TEXT, question=QUESTION, asks_for_help=True)) == ("journey", "open_question", RUN)


def test_what_is_over_or_was_said_before_answers_nothing() -> None:
    late = replace(QUESTION, expires_at=AT)
    assert owner(replace(TEXT, question=late)) == ("none", "default", None)
    early = replace(QUESTION, asked_at=AT + timedelta(seconds=1))
    assert owner(replace(TEXT, question=early)) == ("none", "default", None)
    same_second = replace(QUESTION, asked_at=AT + timedelta(milliseconds=900))
    assert owner(replace(TEXT, question=same_second)) == ("journey", "open_question", RUN)


def test_reactions_and_edits_answer_no_question() -> None:
    assert owner(replace(TEXT, kind="reaction", question=QUESTION)) == ("none", "default", None)
    assert owner(replace(TEXT, kind="edit", question=QUESTION)) == ("none", "no_answer", None)


def test_a_tap_on_a_message_of_no_journey_answers_no_question() -> None:
    tapped = replace(OF_OTHER, owner_kind="api", run_id=None)
    assert owner(replace(TEXT, kind="button_reply", tapped=tapped, question=QUESTION)) == ("none", "default", None)


def test_help_is_a_keyword_and_the_rest_is_nobodys() -> None:
    assert owner(replace(TEXT, asks_for_help=True)) == ("keyword", "help", None)
    assert owner(TEXT) == ("none", "default", None)
