"""The service window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sojourn.messages.window import is_open, window_until

WROTE = datetime(2026, 3, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_window_runs_a_day_from_the_messages_own_time() -> None:
    assert window_until(WROTE) == WROTE + 24 * HOUR
    assert is_open(WROTE + 24 * HOUR - timedelta(seconds=1), WROTE)
    assert not is_open(WROTE + 24 * HOUR, WROTE)


def test_nobody_who_never_wrote_has_a_window() -> None:
    assert window_until(None) is None
    assert not is_open(WROTE, None)


def test_a_refusal_by_the_platform_closes_it_until_the_next_inbound() -> None:
    assert not is_open(WROTE + 2 * HOUR, WROTE, WROTE + HOUR)
    assert is_open(WROTE + 4 * HOUR, WROTE + 3 * HOUR, WROTE + HOUR)
