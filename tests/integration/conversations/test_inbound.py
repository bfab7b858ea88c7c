"""What people write: whose it is, what it means for consent, who answers, and that a repeat does nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from sojourn.consents import store as consent_store
from sojourn.consents.model import ConsentState, Purpose
from sojourn.consents.request_store import find_open_requests
from sojourn.conversations import actions
from sojourn.conversations.model import Question
from sojourn.deliveries.model import DeliveryRequest, FreeMessage
from sojourn.deliveries.rendering import tap_id
from sojourn.kit.jobs import Registry
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.merges import merge_profile
from sojourn.profiles.model import Identity, ProfileRef, Scheme
from sojourn.workspaces.actions import update_settings
from tests.support.chat import REGISTRY, Chat


@pytest.fixture
def registry() -> Registry:
    return REGISTRY


async def test_a_first_time_writer_becomes_a_profile_with_conversational_consent_only(chat: Chat) -> None:
    await chat.say("Hi, my grinder leaks", profile_name="Nadia")
    facts = await chat.facts()
    assert facts.state(Purpose.SERVICE) is ConsentState.GRANTED
    assert facts.state(Purpose.MARKETING) is ConsentState.NONE
    [routed] = await chat.routed()
    assert (routed.owner_kind, routed.message.text) == ("none", "Hi, my grinder leaks")
    assert await chat.answers() == []


async def test_a_repeated_message_has_no_second_effect(chat: Chat) -> None:
    await chat.say("STOP")
    await chat.receive(chat.sent)
    await chat.receive([*chat.sent, *chat.sent])
    assert len(await chat.answers()) == 1
    assert await chat.routed() == []


async def test_stop_withdraws_marketing_with_one_confirmation_a_day(chat: Chat) -> None:
    await chat.grant()
    await chat.say("Stopp!!")
    assert await chat.marketing() is ConsentState.WITHDRAWN
    [answer] = await chat.answers()
    assert (answer["status"], answer["purpose"]) == ("queued", "consent_request")
    assert "WhatsApp" in answer["content"]["body"]
    assert "Brisk Coffee" in answer["content"]["body"]
    assert [button["title"] for button in answer["content"]["buttons"]] == ["Stop everything"]
    await chat.say("stop")
    assert len(await chat.answers()) == 1
    await chat.say("stop", after=86_400)
    assert len(await chat.answers()) == 2


async def test_stop_everything_withdraws_on_all_channels(chat: Chat) -> None:
    await chat.say("STOP")
    [answer] = await chat.answers()
    await chat.tap(answer["id"], "stop_all")
    found = await consent_store.read_consent_facts(
        chat.conn, chat.workspace, [await chat.profile()], "email", chat.now, keys=chat.keys
    )
    assert found[await chat.profile()].state(Purpose.MARKETING) is ConsentState.WITHDRAWN


async def test_a_stop_in_the_same_second_wins_over_a_grant(chat: Chat) -> None:
    await chat.grant()
    chat.now += timedelta(milliseconds=900)
    await chat.grant()
    await chat.say("STOP", after=0.05)
    assert await chat.marketing() is ConsentState.WITHDRAWN


async def test_a_late_stop_counts_from_when_it_was_said(chat: Chat) -> None:
    said_at = chat.now
    await chat.grant()
    await chat.say("STOP", after=3600, at=said_at)
    assert await chat.marketing() is ConsentState.GRANTED, "they agreed again after they had stopped"


async def test_own_words_do_not_disable_stop(chat: Chat) -> None:
    words = {"extra_stop_words": ["genoeg zo"], "extra_start_words": ["stop"]}
    await update_settings(chat.conn, "system", chat.workspace, words, chat.now)
    await chat.grant()
    await chat.say("Genoeg zo!")
    assert await chat.marketing() is ConsentState.WITHDRAWN
    await chat.grant()
    await chat.say("STOP")
    assert await chat.marketing() is ConsentState.WITHDRAWN


async def test_a_clear_near_miss_withdraws_and_offers_a_way_back(chat: Chat) -> None:
    await chat.grant()
    await chat.grant(topic="offers")
    await chat.say("please stop sending me these")
    assert await chat.marketing() is ConsentState.WITHDRAWN
    [answer] = await chat.answers()
    assert [button["title"] for button in answer["content"]["buttons"]] == ["Keep sending"]
    await chat.tap(answer["id"], "consent_back")
    facts = await chat.facts()
    assert facts.state(Purpose.MARKETING) is ConsentState.GRANTED
    assert facts.state(Purpose.MARKETING, "offers") is ConsentState.GRANTED


async def test_the_way_back_counts_within_the_same_second(chat: Chat) -> None:
    await chat.grant()
    await chat.say("stop it pls", after=60)
    [answer] = await chat.answers()
    at = chat.now.replace(microsecond=0)
    await chat.say("x", after=0.3, kind="button_reply", tap_id=tap_id(answer["id"], "consent_back"), at=at)
    assert await chat.marketing() is ConsentState.GRANTED


async def test_an_unclear_near_miss_holds_and_asks_with_two_buttons(chat: Chat) -> None:
    await chat.grant()
    await chat.say("can you stop")
    facts = await chat.facts()
    assert facts.state(Purpose.MARKETING) is ConsentState.GRANTED
    assert facts.hold_since is not None
    [question] = await chat.answers()
    assert question["status"] == "queued"
    assert len(question["content"]["buttons"]) == 2
    await chat.tap(question["id"], "hold_keep")
    assert (await chat.facts()).hold_since is None
    await chat.say("can you stop", after=86_400)
    [_, _, again] = await chat.answers()
    await chat.tap(again["id"], "hold_stop")
    assert await chat.marketing() is ConsentState.WITHDRAWN


async def test_start_asks_where_double_opt_in_is_on_and_grants_where_it_is_off(chat: Chat) -> None:
    await chat.say("START")
    assert await chat.marketing() is ConsentState.GRANTED
    await chat.say("STOP")
    await update_settings(chat.conn, "system", chat.workspace, {"double_opt_in": True}, chat.now)
    await chat.say("start")
    assert await chat.marketing() is ConsentState.PENDING
    question = (await chat.answers())[-1]
    assert len(question["content"]["buttons"]) == 2
    await chat.tap(question["id"], "yes")
    assert await chat.marketing() is ConsentState.GRANTED
    assert "Welcome" in (await chat.answers())[-1]["content"]["body"]


async def test_the_confirming_word_answers_an_open_request_and_no_declines(chat: Chat) -> None:
    await update_settings(chat.conn, "system", chat.workspace, {"double_opt_in": True}, chat.now)
    await chat.say("START")
    await chat.say("yes please")
    assert await chat.marketing() is ConsentState.GRANTED
    await chat.say("STOP")
    await chat.say("START")
    await chat.say("no thanks")
    assert await chat.marketing() is ConsentState.WITHDRAWN
    assert await find_open_requests(chat.conn, [await chat.profile()]) == {}


@pytest.mark.parametrize("answer", ["yes please", "tap"])
async def test_a_question_is_open_for_who_the_person_became(chat: Chat, answer: str) -> None:
    await update_settings(chat.conn, "system", chat.workspace, {"double_opt_in": True}, chat.now)
    await chat.say("START")
    [question] = await chat.answers()
    ref = ProfileRef(identities=(Identity(Scheme.EMAIL, "anna@example.com"),))
    [other] = await resolve_profiles(chat.conn, chat.workspace, [ref], now=chat.now, source="test")
    one = await chat.profile()
    await merge_profile(chat.conn, chat.workspace, loser_id=one, winner_id=other, actor="test", now=chat.now)
    if answer == "tap":
        await chat.tap(question["id"], "yes")
    else:
        await chat.say(answer)
    assert await chat.profile() == other
    assert await chat.marketing() is ConsentState.GRANTED
    assert await find_open_requests(chat.conn, [other]) == {}


async def test_an_opt_in_settles_what_was_asked_under_another_profile(chat: Chat) -> None:
    await update_settings(chat.conn, "system", chat.workspace, {"double_opt_in": True}, chat.now)
    await chat.say("START")
    ref = ProfileRef(identities=(Identity(Scheme.EMAIL, "anna@example.com"),))
    [other] = await resolve_profiles(chat.conn, chat.workspace, [ref], now=chat.now, source="test")
    one = await chat.profile()
    await merge_profile(chat.conn, chat.workspace, loser_id=one, winner_id=other, actor="test", now=chat.now)
    assert len(await find_open_requests(chat.conn, [other])) == 1
    await chat.grant()
    assert await find_open_requests(chat.conn, [other]) == {}


async def test_yes_out_of_the_blue_agrees_to_nothing(chat: Chat) -> None:
    await chat.say("yes")
    assert await chat.marketing() is ConsentState.NONE
    [routed] = await chat.routed()
    assert routed.owner_kind == "none"


async def test_an_open_question_takes_ordinary_words_and_clear_ones_still_stop(chat: Chat) -> None:
    await chat.grant()
    run = uuid4()
    question = Question(
        profile_id=await chat.profile(), sender_id=chat.sender, run_id=run, step_key="ask", expires_at=None
    )
    await actions.expect_reply(chat.conn, chat.workspace, [question], chat.now)
    await chat.say("cancel")
    await chat.say("help")
    assert await chat.marketing() is ConsentState.GRANTED
    assert [(routed.owner_kind, routed.run_id) for routed in await chat.routed()] == [("journey", run)] * 2
    await chat.say("stop")
    assert await chat.marketing() is ConsentState.WITHDRAWN
    assert len(await chat.routed()) == 2
    await actions.close_questions(chat.conn, [run])
    await chat.say("fine by me")
    assert (await chat.routed())[-1].owner_kind == "none"


async def test_a_tap_goes_to_the_run_of_the_message_that_carried_it(chat: Chat) -> None:
    await chat.say("hello")
    run = uuid4()
    content = {"type": "buttons", "body": "Where?", "buttons": [{"id": "neighbour", "title": "Neighbour"}]}
    from sojourn.deliveries.actions import request_deliveries

    [delivery] = await request_deliveries(
        chat.conn,
        chat.workspace,
        [
            DeliveryRequest(
                key="run:step",
                profile_id=await chat.profile(),  # type: ignore[arg-type]
                purpose=Purpose.SERVICE,
                message=FreeMessage(content=content),
                owner_kind="journey",
                run_id=run,
                step_key="ask",
            )
        ],
        keys=chat.keys,
        now=chat.now,
    )
    await chat.tap(delivery.id, "neighbour")
    routed = (await chat.routed())[-1]
    assert (routed.owner_kind, routed.run_id, routed.step_key) == ("journey", run, "ask")
    assert (routed.message.tap_id, routed.delivery_id) == ("neighbour", delivery.id)


async def test_a_tap_whose_label_says_stop_is_no_keyword(chat: Chat) -> None:
    await chat.grant()
    await chat.say("STOP", kind="button", tap_id="whatever", tap_title="STOP")
    assert await chat.marketing() is ConsentState.GRANTED
    actions_of = {"quick_reply_actions": {"whatever": "stop"}}
    await update_settings(chat.conn, "system", chat.workspace, actions_of, chat.now)
    await chat.say("No more promos", kind="button", tap_id="whatever", tap_title="No more promos")
    assert await chat.marketing() is ConsentState.WITHDRAWN


async def test_the_same_number_with_another_user_id_is_another_person(chat: Chat) -> None:
    await chat.grant()
    await chat.say("hello")
    first = await chat.profile()
    chat.user_id = "GB.999"
    await chat.say("hi there")
    second = await chat.profile()
    assert second != first
    assert await chat.marketing() is ConsentState.NONE


async def test_help_is_answered_unless_a_question_is_open(chat: Chat) -> None:
    await chat.say("Help!")
    [answer] = await chat.answers()
    assert (answer["purpose"], answer["status"]) == ("service", "queued")
    assert await chat.routed() == []


async def test_who_writes_in_a_language_is_answered_in_it(chat: Chat) -> None:
    await chat.say("baja")
    [answer] = await chat.answers()
    assert answer["content"]["body"].startswith("Ya no recibirá")
