"""Quiet hours in one zone, in several, and over the change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.policy.quiet_hours import next_allowed

NIGHT = [(21 * 60, 9 * 60)]


def at(text: str, zone: str = "Europe/Amsterdam") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2026-03-03T20:59", "2026-03-03T20:59"),
        ("2026-03-03T21:00", "2026-03-04T09:00"),
        ("2026-03-04T03:00", "2026-03-04T09:00"),
        ("2026-03-04T08:59", "2026-03-04T09:00"),
        ("2026-03-04T09:00", "2026-03-04T09:00"),
        ("2026-03-28T23:00", "2026-03-29T09:00"),
        ("2026-10-24T23:00", "2026-10-25T09:00"),
    ],
)
def test_what_is_late_waits_for_the_morning(moment: str, allowed: str) -> None:
    assert next_allowed(at(moment), zones=["Europe/Amsterdam"], quiet=NIGHT) == at(allowed)


def test_a_local_end_that_does_not_exist_is_the_next_instant() -> None:
    moment = at("2026-03-29T01:00")
    assert next_allowed(moment, zones=["Europe/Amsterdam"], quiet=[(0, 150)]) == at("2026-03-29T03:00")


def test_several_zones_must_all_allow_it() -> None:
    zones = ["America/New_York", "America/Los_Angeles"]
    moment = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)  # 9:30 in New York, 6:30 in Los Angeles
    assert next_allowed(moment, zones=zones, quiet=NIGHT) == at("2026-03-03T09:00", "America/Los_Angeles")


def test_no_common_hour_means_asking_again_a_day_later() -> None:
    moment = datetime(2026, 3, 3, 12, tzinfo=UTC)
    zones = ["Pacific/Auckland", "Europe/London"]
    allowed = next_allowed(moment, zones=zones, quiet=[(11 * 60, 9 * 60)])
    assert allowed > moment


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.sampled_from(["Europe/Amsterdam", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_the_answer_is_never_earlier_and_never_quiet(moment: datetime, zone: str) -> None:
    allowed = next_allowed(moment, zones=[zone], quiet=NIGHT)
    assert allowed >= moment
    assert next_allowed(allowed, zones=[zone], quiet=NIGHT) == allowed
    assert 9 <= allowed.astimezone(ZoneInfo(zone)).hour < 21
