"""From request to report, through the memory channel and a real database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from sojourn.channels import store as channel_store
from sojourn.channels.base import Accepted, Failed, FailureReaction, OutboundMessage, StatusUpdate, Unknown
from sojourn.channels.memory import memory
from sojourn.channels.signals import StatusesReported
from sojourn.consents.actions import record_consents
from sojourn.consents.model import Purpose
from sojourn.deliveries import tasks
from sojourn.deliveries.actions import cancel_deliveries, resolve_tap
from sojourn.deliveries.actions.reports import apply_statuses
from sojourn.deliveries.attempt_ids import attempt_id_of
from sojourn.deliveries.model import Delivery, Status
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.templates import actions as templates
from sojourn.workspaces.model import WorkspaceSettings
from tests.integration.deliveries.world import (
    Shop,
    answer,
    consent,
    make_sender,
    make_shop,
    order_message,
    promotion,
    request,
    withdraw,
)

HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(database: Database, keys: KeyRing, now: datetime) -> Shop:
    return await make_shop(database, keys, now + 3 * HOUR)


async def test_an_order_message_leaves_and_is_followed_to_read(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0]))
    assert (delivery.status, delivery.is_new) == (Status.QUEUED, True)
    assert await shop.send() == 1
    [sent] = memory.sent
    assert sent.address == "+447000000000"
    assert sent.content.components[0]["parameters"][0]["text"] == "B-1001"  # type: ignore[union-attr]
    assert (await shop.row(delivery))["status"] == "accepted"
    read, delivered = shop.update(sent.attempt_id, "read"), shop.update(sent.attempt_id, "delivered")
    await shop.report(read)
    await shop.report(delivered, shop.update(sent.attempt_id, "sent"), read)
    row = await shop.row(delivery)
    assert row["status"] == "read"
    assert None not in (row["sent_at"], row["delivered_at"], row["read_at"], row["accepted_at"])
    [cost] = await shop.rows("SELECT * FROM costs")
    assert (cost["category"], cost["type"], cost["amount_micro"]) == ("utility", "regular", 22_000)
    [said] = await shop.rows("SELECT * FROM messages")
    assert said["text"].startswith("Your order B-1001 left with PakketX")


async def test_a_clock_that_ran_ahead_does_not_hold_a_sender_up(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    async with shop.db.transaction() as conn:
        await conn.execute("UPDATE sender_rates SET free_from = %(far)s", {"far": shop.now + 200 * HOUR})
    assert await shop.send() == 0
    await tasks.refresh_senders(shop.work)
    shop.clock.push(timedelta(seconds=1))
    assert await shop.send() == 1


async def test_the_same_key_is_the_same_delivery(shop: Shop) -> None:
    one, two = await shop.request(request(shop.people[0]), request(shop.people[0]))
    assert (one.id, one.is_new, two.is_new) == (two.id, True, False)
    [again] = await shop.request(request(shop.people[0]))
    assert (again.id, again.is_new) == (one.id, False)
    assert await shop.send() == 1
    assert len(memory.sent) == 1


async def test_what_the_policy_refuses_is_stored_with_its_reason(shop: Shop) -> None:
    await withdraw(shop, shop.people[0])
    [delivery] = await shop.request(promotion(shop.people[0]))
    assert (delivery.status, delivery.reason) == (Status.EXCLUDED, "opted_out")
    assert await shop.send() == 0


async def test_a_stop_after_the_request_prevents_the_send(shop: Shop) -> None:
    [delivery] = await shop.request(promotion(shop.people[0]))
    shop.clock.push(timedelta(seconds=1))
    await withdraw(shop, shop.people[0])
    await shop.send()
    row = await shop.row(delivery)
    assert (row["status"], row["reason"]) == ("excluded", "opted_out_after_queue")
    assert memory.sent == []


async def test_marketing_at_night_waits_for_the_morning(shop: Shop) -> None:
    shop.clock.push(11 * HOUR)
    [delivery] = await shop.request(promotion(shop.people[0]))
    assert (delivery.status, delivery.reason) == (Status.DEFERRED, "quiet_hours")
    assert await shop.send() == 0
    async with shop.db.transaction() as conn:
        due = await tasks.next_due(conn, shop.now)
    assert due is not None and due.hour == 8
    shop.clock.moment = due
    assert await shop.send() == 1
    assert (await shop.row(delivery))["status"] == "accepted"
    assert len(memory.sent) == 1


async def test_a_rate_is_kept(database: Database, keys: KeyRing, now: datetime) -> None:
    shop = await make_shop(database, keys, now, people=60, throughput=20)
    await shop.request(*(request(profile, f"k{index}") for index, profile in enumerate(shop.people)))
    counts = []
    for _ in range(4):
        counts.append(await shop.send())
        shop.clock.push(timedelta(seconds=1))
    assert sum(counts) == 60
    assert counts[0] <= 20 and max(counts) <= 20


async def test_two_workers_send_each_message_once(database: Database, keys: KeyRing, now: datetime) -> None:
    import asyncio

    shop = await make_shop(database, keys, now, people=50, throughput=1000)
    await shop.request(*(request(profile, f"k{index}") for index, profile in enumerate(shop.people)))
    await asyncio.gather(*(shop.send() for _ in range(4)))
    assert len({message.attempt_id for message in memory.sent}) == len(memory.sent) == 50


async def test_an_answer_waits_for_its_window(shop: Shop) -> None:
    [delivery] = await shop.request(answer(shop.people[0]))
    assert (delivery.status, delivery.reason) == (Status.EXCLUDED, "no_consent")


async def test_an_unknown_outcome_is_settled_by_a_report_and_never_sent_again(shop: Shop) -> None:
    memory.answers.append(lambda message: Unknown(attempt_id=message.attempt_id, reason="timeout"))
    [delivery] = await shop.request(request(shop.people[0]))
    await shop.send()
    assert (await shop.row(delivery))["status"] == "unknown"
    shop.clock.push(timedelta(minutes=1))
    await shop.report(shop.update(memory.sent[0].attempt_id, "delivered"))
    assert (await shop.row(delivery))["status"] == "delivered"
    [attempt] = await shop.rows("SELECT * FROM attempts")
    assert attempt["state"] == "settled"
    assert [row["text"][:10] for row in await shop.rows("SELECT text FROM messages")] == ["Your order"]
    shop.clock.push(HOUR)
    assert await tasks.look_after_unknown(shop.work) == 0
    assert await shop.send() == 0
    assert len(memory.sent) == 1


async def test_an_unknown_outcome_is_sent_again_only_after_a_later_one_was_settled(shop: Shop) -> None:
    memory.answers.append(lambda message: Unknown(attempt_id=message.attempt_id, reason="timeout"))
    [delivery] = await shop.request(request(shop.people[0]))
    await shop.send()
    shop.clock.push(timedelta(minutes=20))
    await tasks.look_after_unknown(shop.work)
    assert await shop.send() == 0
    assert (await shop.row(delivery))["status"] == "unknown"
    await shop.request(request(shop.people[1], "k2"))
    await shop.send()
    await shop.report(shop.update(memory.sent[1].attempt_id, "sent"))
    async with shop.db.transaction() as conn:
        due = await tasks.next_unknown(conn, shop.now)
    assert due is not None and due <= shop.now
    assert await tasks.look_after_unknown(shop.work) == 1
    assert await shop.send() == 1
    assert memory.sent[2].attempt_id == attempt_id_of(delivery.id, 2)
    assert (await shop.row(delivery))["status"] == "accepted"


async def test_a_report_before_the_answer_is_merged_with_it(shop: Shop) -> None:
    async def early(message: OutboundMessage) -> None:
        await shop.report(shop.update(message.attempt_id, "sent"), shop.update(message.attempt_id, "delivered"))

    [delivery] = await shop.request(request(shop.people[0]))
    import sojourn.deliveries.tasks as module

    original = module.record_results

    async def late(conn, results, **more):  # type: ignore[no-untyped-def]
        await early(memory.sent[0])
        await original(conn, results, **more)

    module.record_results = late
    try:
        await shop.send()
    finally:
        module.record_results = original
    row = await shop.row(delivery)
    assert row["status"] == "delivered"
    assert row["accepted_at"] is not None


def nameless(shop: Shop, delivery: Delivery, status: str) -> StatusUpdate:
    """A report that does not echo the attempt: only the provider's id says what it is about."""
    attempt = attempt_id_of(delivery.id, 1)
    return replace(shop.update(attempt, status), attempt_id=None)


async def test_reports_before_anybody_knows_the_providers_id_count_once_it_is_known(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0]))
    stranger = replace(nameless(shop, delivery, "read"), provider_message_id="wamid.other")
    assert await shop.report(nameless(shop, delivery, "sent"), nameless(shop, delivery, "delivered"), stranger) == 0
    assert len(await shop.rows("SELECT * FROM stray_statuses")) == 3
    await shop.send()
    row = await shop.row(delivery)
    assert row["status"] == "delivered"
    assert None not in (row["accepted_at"], row["sent_at"], row["delivered_at"])
    assert len(await shop.rows("SELECT * FROM costs")) == 1
    [kept] = await shop.rows("SELECT status FROM stray_statuses")
    assert kept["status"] == "read"


async def test_a_report_that_settles_an_unknown_outcome_brings_the_nameless_ones_along(shop: Shop) -> None:
    memory.answers.append(lambda message: Unknown(attempt_id=message.attempt_id, reason="timeout"))
    [delivery] = await shop.request(request(shop.people[0]))
    await shop.send()
    await shop.report(nameless(shop, delivery, "read"))
    assert (await shop.row(delivery))["status"] == "unknown"
    await shop.report(shop.update(memory.sent[0].attempt_id, "sent"))
    assert (await shop.row(delivery))["status"] == "read"


async def test_a_nameless_report_that_crosses_the_answer_is_found_later(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0]))
    signal = StatusesReported(
        workspace_id=shop.workspace_id, sender_id=shop.sender_id, updates=[nameless(shop, delivery, "delivered")]
    )
    async with shop.db.transaction() as conn:
        assert await apply_statuses(conn, [signal], keys=shop.keys, now=shop.now) == 0
        await shop.send()  # neither transaction sees what the other writes
    assert (await shop.row(delivery))["status"] == "accepted"
    shop.clock.push(HOUR)
    await tasks.merge_strays(shop.work)
    assert (await shop.row(delivery))["status"] == "delivered"
    assert await shop.rows("SELECT * FROM stray_statuses") == []


async def test_a_provider_in_trouble_is_tried_again_with_a_wait(shop: Shop) -> None:
    def fail(message: OutboundMessage) -> Failed:
        return Failed(
            attempt_id=message.attempt_id,
            code=131000,
            title="Something went wrong",
            details="",
            reaction=FailureReaction.RETRY_LATER,
        )

    memory.answers.append(fail)
    [delivery] = await shop.request(request(shop.people[0]))
    await shop.send()
    row = await shop.row(delivery)
    assert (row["status"], row["reason"]) == ("queued", "retry_after_131000")
    assert await shop.send() == 0
    shop.clock.push(timedelta(seconds=6))
    assert await shop.send() == 1
    row = await shop.row(delivery)
    assert (row["status"], row["reason"], row["attempt_number"]) == ("accepted", None, 2)


async def test_a_platform_opt_out_ends_marketing_but_not_orders(shop: Shop) -> None:
    [delivery] = await shop.request(promotion(shop.people[0]))
    await shop.send()
    await shop.report(
        shop.update(
            memory.sent[0].attempt_id, "failed", code=131050, title="stopped", reaction=FailureReaction.PLATFORM_OPT_OUT
        )
    )
    row = await shop.row(delivery)
    assert (row["status"], row["reason"], row["error_code"]) == ("failed", "131050", 131050)


async def test_a_saturated_person_rests_a_day(shop: Shop) -> None:
    await shop.request(promotion(shop.people[0]))
    await shop.send()
    await shop.report(shop.update(memory.sent[0].attempt_id, "failed", code=131049, reaction=FailureReaction.SATURATED))
    [second] = await shop.request(promotion(shop.people[0], "p2"))
    assert second.reason == "saturated"
    shop.clock.push(25 * HOUR)
    [third] = await shop.request(promotion(shop.people[0], "p3"))
    assert third.status is Status.QUEUED


async def test_a_template_that_the_platform_refuses_is_switched_off(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    await shop.send()
    await shop.report(
        shop.update(memory.sent[0].attempt_id, "failed", code=132015, reaction=FailureReaction.TEMPLATE_OFF)
    )
    [second] = await shop.request(request(shop.people[1], "k2"))
    assert (second.status, second.reason) == (Status.EXCLUDED, "template_state")


async def test_a_template_that_is_paused_while_messages_wait_is_not_used(shop: Shop) -> None:
    paused, free = await shop.request(request(shop.people[0]), promotion(shop.people[1]))
    [variant] = await shop.rows(
        "SELECT v.id FROM template_variants v JOIN templates t ON t.id = v.template_id WHERE t.name = 'order_shipped'"
    )
    async with shop.db.transaction() as conn:
        await templates.set_variant_state(
            conn, shop.workspace_id, variant["id"], "paused", reason="quality", now=shop.now
        )
    await shop.send()
    row = await shop.row(paused)
    assert (row["status"], row["reason"]) == ("excluded", "template_state")
    assert (await shop.row(free))["status"] == "accepted"
    assert len(memory.sent) == 1


async def test_a_locked_account_stops_the_sender_and_the_rest_waits(shop: Shop) -> None:
    await shop.request(request(shop.people[0]))
    await shop.send()
    await shop.report(
        shop.update(memory.sent[0].attempt_id, "failed", code=131031, reaction=FailureReaction.SENDER_STOP)
    )
    [second] = await shop.request(request(shop.people[1], "k2"))
    assert second.status is Status.QUEUED
    assert await shop.send() == 0
    async with shop.db.transaction() as conn:
        assert await tasks.next_due(conn, shop.now) is None


async def test_cancelling_takes_what_waits(shop: Shop) -> None:
    first, second = await shop.request(request(shop.people[0]), request(shop.people[1], "k2"))
    async with shop.db.transaction() as conn:
        taken = await cancel_deliveries(conn, shop.workspace_id, delivery_ids=[first.id], reason="bought", now=shop.now)
    assert taken == 1
    assert await shop.send() == 1
    assert (await shop.row(first))["status"] == "cancelled"
    assert (await shop.row(second))["status"] == "accepted"


async def test_what_is_too_late_expires(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0], planned_at=shop.now + 2 * HOUR, expires_at=shop.now + HOUR))
    shop.clock.push(HOUR)
    await shop.send()
    assert (await shop.row(delivery))["status"] == "expired"
    assert memory.sent == []


async def test_a_tap_finds_its_delivery(shop: Shop) -> None:
    [delivery] = await shop.request(request(shop.people[0], message=order_message(reply_ids={"0": "neighbour"})))
    await shop.send()
    [button] = [part for part in memory.sent[0].content.components if part["type"] == "button"]  # type: ignore[union-attr]
    wire = button["parameters"][0]["payload"]
    async with shop.db.transaction() as conn:
        found = await resolve_tap(conn, shop.workspace_id, wire)
        assert await resolve_tap(conn, shop.workspace_id, "STOP") is None
    assert found is not None
    assert (found[0].id, found[1]) == (delivery.id, "neighbour")


async def test_a_missing_variable_excludes(shop: Shop) -> None:
    from sojourn.deliveries.model import TemplateMessage

    [delivery] = await shop.request(request(shop.people[0], message=TemplateMessage(template="order_shipped")))
    assert (delivery.status, delivery.reason) == (Status.EXCLUDED, "template_variable")


async def test_the_cap_counts_reservations_and_gives_them_back(
    database: Database, keys: KeyRing, now: datetime
) -> None:
    shop = await make_shop(database, keys, now + 3 * HOUR, settings=WorkspaceSettings(marketing_cap=1))
    first, second = await shop.request(promotion(shop.people[0]), promotion(shop.people[0], "p2"))
    assert (first.status, second.reason) == (Status.QUEUED, "cap")
    async with shop.db.transaction() as conn:
        await cancel_deliveries(conn, shop.workspace_id, delivery_ids=[first.id], reason="changed", now=shop.now)
    [third] = await shop.request(promotion(shop.people[0], "p3"))
    assert third.status is Status.QUEUED
    assert await shop.send() == 1


async def test_a_held_message_is_shown_as_held(shop: Shop) -> None:
    memory.answers.append(
        lambda message: Accepted(
            attempt_id=message.attempt_id, provider_message_id=f"memory.{message.attempt_id}", held=True
        )
    )
    [delivery] = await shop.request(promotion(shop.people[0]))
    await shop.send()
    assert (await shop.row(delivery))["status"] == "held"


async def test_an_attempt_of_a_dead_worker_becomes_unknown(shop: Shop) -> None:
    class Died(Exception):
        pass

    def die(message: OutboundMessage) -> Accepted:
        raise Died

    memory.answers.append(die)
    [delivery] = await shop.request(request(shop.people[0]))
    with pytest.raises(Died):
        await shop.send()
    async with shop.db.transaction() as conn:
        assert await tasks.in_flight(conn, shop.now)
        await conn.execute("UPDATE attempts SET lease_until = now() - interval '1 hour'")
    await tasks.look_after_unknown(shop.work)
    assert (await shop.row(delivery))["status"] == "unknown"
    async with shop.db.transaction() as conn:
        assert not await tasks.in_flight(conn, shop.now)


async def test_an_unreadable_sender_does_not_hold_the_others_up(
    database: Database, keys: KeyRing, now: datetime
) -> None:
    shop = await make_shop(database, keys, now)
    async with database.transaction() as conn:
        bad = await make_sender(conn, shop.workspace_id, now, 80, "whatsapp")
        await channel_store.upsert_credentials(conn, bad, token=b"sealed elsewhere", hint="", now=now)
        agreed = consent(shop.people[1], Purpose.TRANSACTIONAL, "granted", now - HOUR, "whatsapp")
        await record_consents(conn, shop.workspace_id, [agreed], keys=keys, now=now)
    [stuck] = await shop.request(request(shop.people[1], "stuck", channel="whatsapp", sender_id=bad))
    [fine] = await shop.request(request(shop.people[0], "fine"))
    await shop.send()
    assert (await shop.row(fine))["status"] == "accepted"
    assert (await shop.row(stuck))["status"] == "queued"
    [sender] = [row for row in await shop.rows("SELECT * FROM senders") if row["id"] == bad]
    assert (sender["state"], sender["stopped_reason"]) == ("stopped", "credentials_unreadable")
    shop.clock.push(HOUR)
    assert await shop.send() == 0, "it waits for the sender"
