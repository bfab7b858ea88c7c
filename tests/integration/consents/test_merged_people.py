"""Consent of people who are merged and parted again: the withdrawal wins, and each gets its own ledger back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from sojourn.consents import actions, store
from sojourn.consents.history import read_history
from sojourn.consents.model import ConsentChange, ConsentFacts, ConsentState, Evidence, Purpose
from sojourn.consents.unmerging import unmerge_profile
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles.actions import merge_profile, resolve_profiles
from sojourn.profiles.model import Identity, ProfileRef, Scheme

WORKSPACE = uuid4()
EVIDENCE = Evidence(wording="Yes, send me offers on WhatsApp", language="en")
GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN


class Two:
    """Two people with an address each, and what they say, one hour after the other."""

    def __init__(self, conn: Conn, keys: KeyRing, now: datetime, winner: UUID, loser: UUID) -> None:
        self.conn, self.keys, self.now, self.winner, self.loser = conn, keys, now, winner, loser

    def tick(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now

    async def say(
        self, profile: UUID, state: ConsentState, channel: str = "whatsapp", topic: str | None = None
    ) -> None:
        said = ConsentChange(
            profile_id=profile,
            channel=channel,
            purpose=Purpose.MARKETING,
            topic=topic,
            state=state,
            effective_at=self.tick(),
            evidence=EVIDENCE if state is GRANTED else None,
        )
        await actions.record_consents(self.conn, WORKSPACE, [said], keys=self.keys, now=self.now)

    async def platform(self, profile: UUID, value: str) -> None:
        told = [(profile, "whatsapp", value, self.tick())]
        await actions.record_platform_preferences(self.conn, WORKSPACE, told, keys=self.keys, now=self.now)

    async def merge(self) -> None:
        await merge_profile(
            self.conn, WORKSPACE, loser_id=self.loser, winner_id=self.winner, actor="system", now=self.tick()
        )

    async def unmerge(self) -> int:
        parted = await unmerge_profile(
            self.conn, WORKSPACE, loser_id=self.loser, winner_id=self.winner, keys=self.keys, actor="system",
            now=self.tick(),
        )  # fmt: skip
        return parted.withdrawals

    async def facts(self, profile: UUID) -> ConsentFacts:
        found = await store.read_consent_facts(self.conn, WORKSPACE, [self.winner, self.loser], "whatsapp", self.now)
        return found[profile]

    async def state(self, profile: UUID, topic: str | None = None) -> ConsentState:
        return (await self.facts(profile)).state(Purpose.MARKETING, topic)

    async def states(self) -> tuple[ConsentState, ConsentState]:
        return await self.state(self.winner), await self.state(self.loser)


@pytest.fixture
async def two(conn: Conn, keys: KeyRing, now: datetime) -> Two:
    refs = [ProfileRef(identities=(Identity(Scheme.PHONE, number),)) for number in ("+447700900303", "+447700900304")]
    winner, loser = await resolve_profiles(conn, WORKSPACE, refs, now=now, source="test")
    return Two(conn, keys, now, winner, loser)


@pytest.mark.parametrize("stopper", ["winner", "loser"])
@pytest.mark.parametrize("stops_first", [True, False])
async def test_a_withdrawal_before_the_merge_stops_both_even_where_the_other_agreed_later(
    two: Two, stopper: str, stops_first: bool
) -> None:
    stopped, other = (two.winner, two.loser) if stopper == "winner" else (two.loser, two.winner)
    await two.say(stopped, GRANTED)
    said = [(stopped, WITHDRAWN), (other, GRANTED)]
    for profile, state in said if stops_first else reversed(said):
        await two.say(profile, state)
    before = await two.states()
    await two.merge()
    assert await two.state(two.winner) is WITHDRAWN
    assert await two.unmerge() == 0
    assert await two.states() == before, "each has its own consent again"


@pytest.mark.parametrize("channel", ["whatsapp", "*"])
async def test_a_withdrawal_after_the_merge_stops_both_and_still_does_when_they_are_parted(
    two: Two, channel: str
) -> None:
    await two.say(two.winner, GRANTED)
    await two.say(two.loser, GRANTED)
    await two.merge()
    assert await two.state(two.winner) is GRANTED
    await two.say(two.winner, WITHDRAWN, channel)
    assert await two.state(two.winner) is WITHDRAWN
    assert await two.unmerge() == 1
    assert await two.states() == (WITHDRAWN, WITHDRAWN)
    history = await read_history(two.conn, WORKSPACE, two.loser, keys=two.keys, with_evidence=True, now=two.now)
    assert [line.row["source"] for line in history.lines] == ["merge", "api"]
    assert history.is_intact


async def test_what_is_agreed_to_after_the_merge_counts_and_stays_with_the_winner(two: Two) -> None:
    await two.say(two.loser, WITHDRAWN)
    await two.merge()
    assert await two.state(two.winner) is WITHDRAWN
    await two.say(two.winner, GRANTED)
    assert await two.state(two.winner) is GRANTED
    await two.unmerge()
    assert await two.states() == (GRANTED, WITHDRAWN)


async def test_a_merge_with_nobody_changes_nothing(two: Two) -> None:
    await two.say(two.winner, WITHDRAWN)
    await two.say(two.winner, GRANTED, topic="offers")
    await two.merge()
    assert await two.state(two.winner) is WITHDRAWN
    assert await two.state(two.winner, "offers") is GRANTED


async def test_a_lifted_withdrawal_of_one_does_not_stop_the_other(two: Two) -> None:
    await two.say(two.loser, WITHDRAWN)
    await two.say(two.loser, GRANTED)
    await two.say(two.winner, GRANTED)
    await two.merge()
    assert await two.state(two.winner) is GRANTED


async def test_a_platform_stop_of_either_holds_until_it_is_resumed_after_the_merge(two: Two) -> None:
    await two.platform(two.loser, "stop")
    stopped_at = two.now
    await two.platform(two.winner, "stop")
    await two.platform(two.winner, "resume")
    await two.merge()
    assert (await two.facts(two.winner)).platform_stop_at == stopped_at
    await two.platform(two.winner, "resume")
    assert (await two.facts(two.winner)).platform_stop_at is None
    await two.unmerge()
    assert (await two.facts(two.loser)).platform_stop_at == stopped_at, "its own ledger"
    assert (await two.facts(two.winner)).platform_stop_at is None


async def test_stops_and_holds_of_the_time_between_hold_for_both(two: Two) -> None:
    await two.merge()
    await two.platform(two.winner, "stop")
    stopped_at = two.now
    await actions.hold_marketing(
        two.conn, WORKSPACE, [(two.winner, "whatsapp", two.tick())], keys=two.keys, now=two.now
    )
    await two.unmerge()
    for profile in (two.winner, two.loser):
        found = await two.facts(profile)
        assert (found.platform_stop_at, found.hold_since) == (stopped_at, stopped_at + timedelta(hours=1))
