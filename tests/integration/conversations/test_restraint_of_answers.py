"""Two robots that talk to each other come to an end, and people are answered again later."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from typing import Any

import pytest

from sojourn.channels.base import InboundMessage
from sojourn.consents.model import ConsentState
from sojourn.kit.jobs import Registry
from sojourn.workspaces.actions import update_settings
from tests.support.chat import REGISTRY, Chat


@pytest.fixture
def registry() -> Registry:
    return REGISTRY


TURNS_MAX = 40
STUBBORN = [["No", "START"]]  # a question, declined, asked for again: each time there is something to answer
VARIED = [["No", "START"], ["no!", "subscribe"], ["NO", "join"], ["no no", "opt in"], ["No.", "restart"]]


async def talk(chat: Chat, robot: list[list[str]], *, seconds: float = 5) -> int:
    """Let a robot speak, and speak again as long as we answer. How many answers it got."""
    turns = cycle(robot)
    before = len(await chat.answers())
    answered = before
    for _ in range(TURNS_MAX):
        for words in next(turns):
            await chat.say(words, after=seconds)
        now_answered = len(await chat.answers())
        if now_answered == answered:
            return answered - before
        answered = now_answered
    raise AssertionError("the robots talked on and on")


async def confirm_by_tap(chat: Chat, **settings: Any) -> None:
    await update_settings(chat.conn, "system", chat.workspace, {"double_opt_in": True, **settings}, chat.now)


async def test_a_robot_that_always_says_the_same_gets_no_third_answer_to_it(chat: Chat) -> None:
    await confirm_by_tap(chat)
    assert await talk(chat, STUBBORN) == 3  # the question twice, the confirmation of "No" once a day


async def test_a_robot_that_says_the_same_in_other_words_gets_five_answers(chat: Chat) -> None:
    await confirm_by_tap(chat)
    assert await talk(chat, VARIED) == 5 + 1  # and the reply to its first "No", which answers our question
    assert await chat.marketing() is ConsentState.PENDING, "what was said counts, answered or not"


@pytest.mark.parametrize(("limit", "answers"), [(0, 0), (1, 1 + 1), (3, 3 + 1)])
async def test_the_limit_is_a_setting(chat: Chat, limit: int, answers: int) -> None:
    await confirm_by_tap(chat, automatic_answers_an_hour=limit)
    assert await talk(chat, VARIED) == answers


async def test_an_hour_later_people_are_answered_again(chat: Chat) -> None:
    await confirm_by_tap(chat)
    await talk(chat, VARIED)
    await chat.say("STOP", after=3600)
    before = len(await chat.answers())
    await chat.say("start", after=60)
    assert len(await chat.answers()) == before + 1


async def test_a_withdrawal_counts_where_it_is_no_longer_answered(chat: Chat) -> None:
    await confirm_by_tap(chat, automatic_answers_an_hour=0)
    await chat.grant()
    await chat.say("STOP")
    assert await chat.answers() == []
    assert await chat.marketing() is ConsentState.WITHDRAWN


async def test_the_reply_to_a_valid_answer_does_not_count(chat: Chat) -> None:
    await confirm_by_tap(chat, automatic_answers_an_hour=1)
    await chat.say("START")
    [question] = await chat.answers()
    await chat.tap(question["id"], "yes")
    assert await chat.marketing() is ConsentState.GRANTED
    assert len(await chat.answers()) == 2


async def test_what_is_said_in_one_batch_counts_one_after_the_other(chat: Chat) -> None:
    await confirm_by_tap(chat)
    words = ["START", "No", "start", "no", " Start ", "NO"]
    batch = [
        InboundMessage(
            workspace_id=chat.workspace, sender_id=chat.sender, provider_message_id=f"wamid.b{place}",
            at=chat.now.replace(microsecond=0), kind="text", wa_id=chat.wa_id, user_id=chat.user_id, text=text,
        )
        for place, text in enumerate(words)
    ]  # fmt: skip
    await chat.receive(batch)
    keys = Counter(answer["key"].rpartition(":")[2] for answer in await chat.answers())
    assert keys["question"] == 2, "the third time is not answered"


async def test_another_number_of_ours_has_an_hour_of_its_own(chat: Chat) -> None:
    await confirm_by_tap(chat, automatic_answers_an_hour=1)
    await chat.say("help")
    await chat.say("START")
    assert len(await chat.answers()) == 1
    await chat.add_number("402")
    await chat.say("help")
    assert len(await chat.answers()) == 2
