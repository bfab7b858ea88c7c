"""Recording consent: the ledger, its fold, its chain, and what it tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from sojourn.consents import actions, store
from sojourn.consents.chain import find_break
from sojourn.consents.errors import ConsentInFuture, EvidenceMissing
from sojourn.consents.model import ConsentChange, ConsentFacts, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.consents.request_store import find_open_requests
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, fetch_all, fetch_value
from sojourn.profiles.actions import erase_profiles as erase_people
from sojourn.profiles.actions import merge_profile, move_identity, resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme

EVIDENCE = Evidence(wording="Yes, send me offers on WhatsApp", language="en", form_id="co-7", ip="198.51.100.7")
WORKSPACE = uuid4()


async def person(conn: Conn, now: datetime, phone: str = "+447700900303") -> UUID:
    [profile] = await resolve_profiles(
        conn, WORKSPACE, [ProfileRef(identities=(Identity(Scheme.PHONE, phone),))], now=now, source="test"
    )
    return profile


def change(profile: UUID, state: str, at: datetime | None = None, **more) -> ConsentChange:  # type: ignore[no-untyped-def]
    return ConsentChange(
        profile_id=profile,
        channel=more.pop("channel", "whatsapp"),
        purpose=more.pop("purpose", Purpose.MARKETING),
        state=ConsentState(state),
        effective_at=at,
        evidence=more.pop("evidence", EVIDENCE if state != "withdrawn" else None),
        **more,
    )


async def facts(conn: Conn, profile: UUID, now: datetime, channel: str = "whatsapp", **more) -> ConsentFacts:  # type: ignore[no-untyped-def]
    return (await store.read_consent_facts(conn, WORKSPACE, [profile], channel, now, **more))[profile]


async def marketing(conn: Conn, profile: UUID, now: datetime, channel: str = "whatsapp") -> ConsentState:
    return (await facts(conn, profile, now, channel)).state(Purpose.MARKETING)


async def test_no_record_means_no_consent(conn: Conn, now: datetime) -> None:
    profile = await person(conn, now)
    found = await facts(conn, profile, now)
    assert found.state(Purpose.MARKETING) is ConsentState.NONE
    assert not found.suppressions
    assert not found.on_allow_list


async def test_a_grant_counts_for_its_channel_and_a_stop_for_all_topics(
    conn: Conn, keys: KeyRing, now: datetime
) -> None:
    profile = await person(conn, now)
    await actions.record_consents(
        conn,
        WORKSPACE,
        [change(profile, "granted", now), change(profile, "granted", now, topic="offers")],
        keys=keys,
        now=now,
    )
    assert await marketing(conn, profile, now) is ConsentState.GRANTED
    assert await marketing(conn, profile, now, "email") is ConsentState.NONE
    later = now + timedelta(seconds=1)
    [consent] = await actions.record_consents(
        conn, WORKSPACE, [change(profile, "withdrawn", later)], keys=keys, now=later
    )
    assert consent.is_new
    found = await facts(conn, profile, later)
    assert found.state(Purpose.MARKETING, "offers") is ConsentState.WITHDRAWN
    assert found.scope(Purpose.MARKETING).withdrawn_at == later


async def test_an_older_grant_never_lifts_a_withdrawal(conn: Conn, keys: KeyRing, now: datetime) -> None:
    profile = await person(conn, now)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "withdrawn", now)], keys=keys, now=now)
    old = [change(profile, "granted", now - timedelta(days=1)), change(profile, "granted", now)]
    await actions.record_consents(conn, WORKSPACE, old, keys=keys, now=now)
    assert await marketing(conn, profile, now) is ConsentState.WITHDRAWN


async def test_what_is_dated_in_the_future_or_without_evidence_is_refused(
    conn: Conn, keys: KeyRing, now: datetime
) -> None:
    profile = await person(conn, now)
    with pytest.raises(ConsentInFuture):
        await actions.record_consents(
            conn, WORKSPACE, [change(profile, "granted", now + timedelta(seconds=1))], keys=keys, now=now
        )
    with pytest.raises(EvidenceMissing):
        await actions.record_consents(
            conn, WORKSPACE, [change(profile, "granted", now, evidence=Evidence())], keys=keys, now=now
        )
    future = change(profile, "withdrawn", now + timedelta(days=1))
    [consent] = await actions.record_consents(conn, WORKSPACE, [future], keys=keys, now=now)
    assert consent.effective_at == now, "nothing may delay a withdrawal"


async def test_the_same_change_again_changes_nothing(conn: Conn, keys: KeyRing, now: datetime) -> None:
    profile = await person(conn, now)
    grant = change(profile, "granted", now)
    [first] = await actions.record_consents(conn, WORKSPACE, [grant], keys=keys, now=now)
    [second] = await actions.record_consents(conn, WORKSPACE, [grant], keys=keys, now=now + timedelta(hours=1))
    assert (second.id, second.is_new, second.recorded_at) == (first.id, False, now)
    keyed = [replace(grant, effective_at=None, key="import-1:line-2")] * 2
    one, two = await actions.record_consents(conn, WORKSPACE, keyed, keys=keys, now=now)
    assert (one.is_new, two.is_new, one.id) == (True, False, two.id)


async def test_evidence_is_sealed_and_the_chain_verifies_after_the_key_is_gone(
    conn: Conn, keys: KeyRing, now: datetime
) -> None:
    profile = await person(conn, now)
    for state in ("granted", "withdrawn", "granted"):
        await actions.record_consents(conn, WORKSPACE, [change(profile, state)], keys=keys, now=now)
    entries = await store.list_entries(conn, WORKSPACE, [profile])
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert find_break(entries) is None
    for entry in entries:
        assert b"198.51" not in bytes(entry["sealed"] or b"")
        assert b"7700" not in bytes(entry["sealed"] or b"")
    tampered = [dict(entry) for entry in entries]
    tampered[1]["state"] = "granted"
    assert find_break(tampered) == 2
    assert find_break(entries[1:]) == 1
    counts = await actions.erase_profiles(conn, WORKSPACE, [profile], keys=keys, now=now)
    await erase_people(conn, WORKSPACE, [profile], now)
    assert counts["consents"] == 1
    assert find_break(await store.list_entries(conn, WORKSPACE, [profile])) is None


async def test_an_erased_number_that_comes_back_stays_opted_out(conn: Conn, keys: KeyRing, now: datetime) -> None:
    first = await person(conn, now)
    await actions.record_consents(
        conn,
        WORKSPACE,
        [change(first, "granted", now - timedelta(days=9)), change(first, "withdrawn", now)],
        keys=keys,
        now=now,
    )
    await actions.erase_profiles(conn, WORKSPACE, [first], keys=keys, now=now)
    await erase_people(conn, WORKSPACE, [first], now)
    second = await person(conn, now)
    assert second != first
    old = change(second, "granted", now - timedelta(days=3), source=ConsentSource.IMPORT)
    await actions.record_consents(conn, WORKSPACE, [old], keys=keys, now=now + timedelta(days=1))
    assert await marketing(conn, second, now + timedelta(days=1)) is ConsentState.WITHDRAWN
    fresh = change(second, "granted", now + timedelta(hours=30), source=ConsentSource.FORM)
    await actions.record_consents(conn, WORKSPACE, [fresh], keys=keys, now=now + timedelta(days=2))
    assert await marketing(conn, second, now + timedelta(days=2)) is ConsentState.GRANTED


async def test_a_pending_consent_opens_one_request_and_asks_once_a_day(
    conn: Conn, keys: KeyRing, now: datetime
) -> None:
    profile = await person(conn, now)
    asked = [change(profile, "pending"), change(profile, "pending", topic="offers")]
    await actions.record_consents(conn, WORKSPACE, asked, keys=keys, now=now)
    await actions.record_consents(conn, WORKSPACE, asked, keys=keys, now=now + timedelta(hours=1))
    [request] = (await find_open_requests(conn, [profile])).values()
    assert (request.questions, request.topics, len(request.entry_ids)) == (1, ["offers"], 4)
    found = await facts(conn, profile, now)
    assert found.state(Purpose.MARKETING) is ConsentState.PENDING
    assert await marketing(conn, profile, now + timedelta(days=7, hours=1)) is ConsentState.EXPIRED
    await actions.record_consents(conn, WORKSPACE, asked, keys=keys, now=now + timedelta(hours=25))
    [request] = (await find_open_requests(conn, [profile])).values()
    assert request.questions == 2
    later = now + timedelta(hours=26)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "withdrawn")], keys=keys, now=later)
    assert await find_open_requests(conn, [profile]) == {}


async def test_a_changed_number_waits_for_a_fresh_confirmation(conn: Conn, keys: KeyRing, now: datetime) -> None:
    profile = await person(conn, now)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "granted", now)], keys=keys, now=now)
    moved = await move_identity(
        conn,
        WORKSPACE,
        old=[Identity(Scheme.WA_ID, "447700900303")],
        new=[Identity(Scheme.WA_ID, "447700900777")],
        now=now,
    )
    assert moved == profile
    assert await marketing(conn, profile, now) is ConsentState.NONE


async def test_merged_people_the_withdrawal_wins(conn: Conn, keys: KeyRing, now: datetime) -> None:
    winner, loser = await person(conn, now), await person(conn, now, "+447700900304")
    await actions.record_consents(
        conn, WORKSPACE, [change(winner, "granted", now), change(loser, "withdrawn", now)], keys=keys, now=now
    )
    assert await marketing(conn, winner, now) is ConsentState.GRANTED
    await merge_profile(conn, WORKSPACE, loser_id=loser, winner_id=winner, actor="system", now=now)
    assert await marketing(conn, winner, now) is ConsentState.WITHDRAWN


async def test_the_platforms_stop_and_the_persons_own_are_two_facts(conn: Conn, keys: KeyRing, now: datetime) -> None:
    profile = await person(conn, now)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "granted", now)], keys=keys, now=now)
    stop = [(profile, "whatsapp", "stop", now)]
    await actions.record_platform_preferences(conn, WORKSPACE, stop, keys=keys, now=now)
    await actions.record_platform_preferences(conn, WORKSPACE, stop, keys=keys, now=now)
    found = await facts(conn, profile, now)
    assert found.platform_stop_at == now
    assert found.state(Purpose.MARKETING) is ConsentState.GRANTED
    later = now + timedelta(minutes=1)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "granted", later)], keys=keys, now=later)
    assert (await facts(conn, profile, later)).platform_stop_at == now, "an opt-in of the person does not lift it"
    await actions.record_platform_preferences(
        conn, WORKSPACE, [(profile, "whatsapp", "resume", later)], keys=keys, now=later
    )
    assert (await facts(conn, profile, later)).platform_stop_at is None
    assert await fetch_value(conn, "SELECT count(*) FROM consent_entries WHERE kind = 'platform'") == 2


async def test_a_hold_ends_with_the_persons_own_answer_only(conn: Conn, keys: KeyRing, now: datetime) -> None:
    profile = await person(conn, now)
    await actions.hold_marketing(conn, WORKSPACE, [(profile, "whatsapp", now)], keys=keys, now=now)
    later = now + timedelta(minutes=1)
    await actions.record_consents(conn, WORKSPACE, [change(profile, "granted", later)], keys=keys, now=later)
    assert (await facts(conn, profile, later)).hold_since == now, "what others report is no answer"
    tap = change(profile, "granted", later, source=ConsentSource.TAP)
    await actions.record_consents(conn, WORKSPACE, [tap], keys=keys, now=later)
    assert (await facts(conn, profile, later)).hold_since is None


async def test_many_people_take_a_fixed_number_of_statements(conn: Conn, keys: KeyRing, now: datetime) -> None:
    refs = [ProfileRef(identities=(Identity(Scheme.PHONE, f"+4470000{n:05}"),)) for n in range(300)]
    people = await resolve_profiles(conn, WORKSPACE, refs, now=now, source="test")
    grants = [change(profile, "granted", now, source=ConsentSource.IMPORT) for profile in people]
    recorded = await actions.record_consents(conn, WORKSPACE, grants, keys=keys, now=now)
    assert len(recorded) == 300
    found = await store.read_consent_facts(conn, WORKSPACE, people, "whatsapp", now)
    assert all(fact.state(Purpose.MARKETING) is ConsentState.GRANTED for fact in found.values())
    assert len(await fetch_all(conn, "SELECT 1 FROM consent_heads")) == 300
