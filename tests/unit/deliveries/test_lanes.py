"""Leases of a rate and how lanes share them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.deliveries.lanes import faster, lease, share, slower

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("demand", "granted", "expected"),
    [
        ({1: 5, 2: 5, 4: 100}, 10, {1: 5, 2: 4, 4: 1}),
        ({2: 50, 4: 50}, 20, {2: 18, 4: 2}),
        ({4: 50}, 20, {4: 20}),
        ({1: 3, 3: 4}, 20, {1: 3, 3: 4}),
        ({1: 1, 4: 1}, 1, {4: 1}),
        ({}, 10, {}),
    ],
)
def test_lanes_go_in_order_with_a_tenth_kept_for_marketing(
    demand: dict[int, int], granted: int, expected: dict[int, int]
) -> None:
    assert share(demand, granted) == expected


@given(st.dictionaries(st.integers(1, 4), st.integers(0, 300)), st.integers(0, 300))
def test_no_permission_is_invented_or_lost(demand: dict[int, int], granted: int) -> None:
    shares = share(demand, granted)
    assert sum(shares.values()) == min(granted, sum(demand.values()))
    assert all(part <= demand[lane] for lane, part in shares.items())


def test_a_lease_takes_at_most_a_second_and_starts_slowly_after_a_pause() -> None:
    assert lease(free_from=NOW - SECOND, rate_per_s=80, now=NOW, wanted=500).granted == 80
    assert lease(free_from=NOW - timedelta(hours=1), rate_per_s=80, now=NOW, wanted=500).granted == 20
    assert lease(free_from=NOW - timedelta(hours=1), rate_per_s=1, now=NOW, wanted=5).granted == 1
    assert lease(free_from=NOW, rate_per_s=80, now=NOW, wanted=500).granted == 0
    assert lease(free_from=NOW - SECOND, rate_per_s=80, now=NOW, wanted=3).granted == 3


@given(st.floats(1, 1000), st.lists(st.tuples(st.floats(0, 3), st.integers(0, 2000)), max_size=30))
def test_the_rate_holds_over_any_time(rate: float, steps: list[tuple[float, int]]) -> None:
    now, free_from, sent = NOW, NOW, 0
    for wait, wanted in steps:
        now += timedelta(seconds=wait)
        got = lease(free_from=free_from, rate_per_s=rate, now=now, wanted=wanted)
        assert got.free_from <= now + timedelta(milliseconds=1)
        free_from = got.free_from
        sent += got.granted
    assert sent <= rate * (now - NOW).total_seconds() + 1


def test_a_refused_sender_slows_down_and_recovers() -> None:
    assert slower(80) == 64
    assert slower(1) == 1
    assert faster(64, 80) == pytest.approx(70.9)
    assert faster(79, 80) == 80
