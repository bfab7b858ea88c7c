"""Consent of people who are merged and parted again: the withdrawal wins, and each gets its own ledger back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
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
from sojourn.profiles.model import Identity, ProfileId, ProfileRef, Scheme
from sojourn.profiles.store import list_identities

WORKSPACE = uuid4()
EVIDENCE = Evidence(wording="Yes, send me offers on WhatsApp", language="en")
NUMBERS = ("+447700900303", "+447700900304")
GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN


class Two:
    """Two people with an address each, and what they say, one hour after the other."""

    def __init__(self, conn: Conn, keys: KeyRing, now: datetime, winner: UUID, loser: UUID) -> None:
        self.conn, self.keys, self.now, self.winner, self.loser = conn, keys, now, winner, loser

    def tick(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now

    async def say(
        self,
        profile: UUID,
        state: ConsentState,
        channel: str = "whatsapp",
        topic: str | None = None,
        at: datetime | None = None,
        number: str | None = None,
    ) -> None:
        said = ConsentChange(
            profile_id=profile,
            channel=channel,
            purpose=Purpose.MARKETING,
            topic=topic,
            state=state,
            identity=None if number is None else Identity(Scheme.PHONE, number),
            effective_at=self.tick() if at is None else at,
            evidence=EVIDENCE if state is GRANTED else None,
        )
        await actions.record_consents(self.conn, WORKSPACE, [said], keys=self.keys, now=self.now)

    async def platform(self, profile: UUID, value: str, at: datetime | None = None) -> None:
        told = [(profile, "whatsapp", value, self.tick() if at is None else at)]
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

    async def topics(self, number: str, topics: Iterable[str | None]) -> dict[str | None, ConsentState]:
        """What holds for the one who stands, were this the number in use."""
        known = await list_identities(self.conn, WORKSPACE, [self.winner])
        rows = [replace(row, is_primary=row.value == number) for row in known[ProfileId(self.winner)]]
        assert any(row.is_primary for row in rows)
        found = await store.read_consent_facts(
            self.conn, WORKSPACE, [self.winner], "whatsapp", self.now, identities={self.winner: rows}
        )
        return {topic: found[self.winner].state(Purpose.MARKETING, topic) for topic in topics}

    async def states(self) -> tuple[ConsentState, ConsentState]:
        return await self.state(self.winner), await self.state(self.loser)


@pytest.fixture
async def two(conn: Conn, keys: KeyRing, now: datetime) -> Two:
    refs = [ProfileRef(identities=(Identity(Scheme.PHONE, number),)) for number in NUMBERS]
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


EARLY, LATE = timedelta(days=-60), timedelta(days=-30)
DATES = [(EARLY, LATE), (LATE, EARLY), (LATE, LATE)]
DATE_NAMES = ["stopped first", "agreed first", "equal times"]


@pytest.mark.parametrize("stopper", ["winner", "loser"])
@pytest.mark.parametrize(("stopped", "agreed"), DATES, ids=DATE_NAMES)
@pytest.mark.parametrize(
    ("channel", "stopped_topic", "agreed_topic", "outcome"),
    [
        ("whatsapp", None, None, {None: WITHDRAWN, "offers": WITHDRAWN}),
        ("*", None, None, {None: WITHDRAWN, "offers": WITHDRAWN}),
        ("whatsapp", None, "offers", {None: WITHDRAWN, "offers": WITHDRAWN}),
        ("whatsapp", "offers", "offers", {None: ConsentState.NONE, "offers": WITHDRAWN}),
        ("whatsapp", "offers", None, {None: GRANTED, "offers": WITHDRAWN, "news": GRANTED}),
        ("*", "offers", "news", {None: ConsentState.NONE, "offers": WITHDRAWN, "news": GRANTED}),
    ],
)
async def test_whoever_wins_and_whatever_the_dates_the_withdrawal_of_either_stops_both(
    two: Two,
    stopper: str,
    stopped: timedelta,
    agreed: timedelta,
    channel: str,
    stopped_topic: str | None,
    agreed_topic: str | None,
    outcome: dict[str | None, ConsentState],
) -> None:
    one, other = (two.winner, two.loser) if stopper == "winner" else (two.loser, two.winner)
    number = NUMBERS[0] if other == two.winner else NUMBERS[1]
    begun = two.now
    await two.say(one, WITHDRAWN, channel, stopped_topic, at=begun + stopped)
    await two.say(other, GRANTED, "whatsapp", agreed_topic, at=begun + agreed)
    await two.merge()
    assert await two.topics(number, outcome) == outcome
    await two.say(two.winner, GRANTED, "whatsapp", agreed_topic, at=begun, number=number)
    assert await two.topics(number, outcome) == outcome, "dated before the merge, told after it"
    [elsewhere] = set(NUMBERS) - {number}
    assert GRANTED not in (await two.topics(elsewhere, outcome)).values(), "nobody agreed for that number"
    if channel == "whatsapp":
        await two.say(two.winner, GRANTED, "whatsapp", stopped_topic, number=number)
        assert await two.topics(number, [stopped_topic]) == {stopped_topic: GRANTED}, "agreed after the merge"


@pytest.mark.parametrize("stopper", ["winner", "loser"])
@pytest.mark.parametrize("told", ["before the merge", "after the merge"])
@pytest.mark.parametrize(("stopped", "agreed"), DATES, ids=DATE_NAMES)
async def test_whoever_wins_a_withdrawal_dated_before_the_merge_counts_whenever_it_is_told(
    two: Two, stopper: str, told: str, stopped: timedelta, agreed: timedelta
) -> None:
    one, other = (two.winner, two.loser) if stopper == "winner" else (two.loser, two.winner)
    numbers = {two.winner: NUMBERS[0], two.loser: NUMBERS[1]}
    begun = two.now
    await two.say(other, GRANTED, at=begun + agreed)
    if told == "before the merge":
        await two.say(one, WITHDRAWN, at=begun + stopped)
    await two.merge()
    if told == "after the merge":
        await two.say(two.winner, WITHDRAWN, at=begun + stopped, number=numbers[one])
    assert await two.topics(numbers[other], [None]) == {None: WITHDRAWN}
    await two.say(two.winner, GRANTED, at=begun + LATE + timedelta(days=1), number=numbers[one])
    assert await two.topics(numbers[one], [None]) == {None: GRANTED}, "who had stopped agreed again before the merge"


@pytest.mark.parametrize("stopper", ["winner", "loser"])
@pytest.mark.parametrize(("stopped", "resumed"), DATES, ids=DATE_NAMES)
async def test_whoever_wins_and_whatever_the_dates_a_platform_stop_of_either_holds_for_both(
    two: Two, stopper: str, stopped: timedelta, resumed: timedelta
) -> None:
    one, other = (two.winner, two.loser) if stopper == "winner" else (two.loser, two.winner)
    begun = two.now
    await two.platform(one, "stop", at=begun + stopped)
    await two.platform(other, "stop", at=begun + 2 * EARLY)
    await two.platform(other, "resume", at=begun + resumed)
    await two.say(other, GRANTED, at=begun + LATE)
    await two.merge()
    assert (await two.facts(two.winner)).platform_stop_at == begun + stopped
    await two.platform(two.winner, "resume")
    assert (await two.facts(two.winner)).platform_stop_at is None


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
