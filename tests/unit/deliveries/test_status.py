"""The status merge: order-free, never backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from sojourn.deliveries.model import Status
from sojourn.deliveries.status import NOTHING, RANK, Progress, merge, merge_status, status_of

START = datetime(2026, 3, 3, 8, tzinfo=UTC)
moments = st.none() | st.integers(0, 4).map(lambda second: START + timedelta(seconds=second))
words = st.none() | st.sampled_from(["regular", "free_customer_service", "utility"])
progresses = st.builds(
    Progress, st.integers(0, 3), moments, moments, moments, moments, st.none() | st.integers(0, 2),
    moments, moments, moments, words, words,
)  # fmt: skip


def normal(progress: Progress) -> Progress:
    """As reports make it: an error code only comes with a failure."""
    if progress.failed_at is not None:
        return progress
    return reduce(merge, [Progress(progress.attempt)], _without_code(progress))


def _without_code(progress: Progress) -> Progress:
    p = progress
    return Progress(p.attempt, p.accepted_at, p.held_at, p.sent_at, None, None, p.delivered_at, p.read_at, p.played_at,
                    p.price_category, p.price_type)  # fmt: skip


reports = progresses.map(normal)


@given(reports, reports)
def test_the_merge_is_commutative(one: Progress, other: Progress) -> None:
    assert merge(one, other) == merge(other, one)


@given(reports, reports, reports)
def test_the_merge_is_associative(one: Progress, two: Progress, three: Progress) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(reports, reports)
def test_the_merge_is_idempotent(one: Progress, other: Progress) -> None:
    merged = merge(one, other)
    assert merge(merged, one) == merged
    assert merge(merged, other) == merged
    assert merge(one, one) == one


SENT = Progress(1, sent_at=START)
DELIVERED = Progress(1, delivered_at=START + timedelta(seconds=1))
READ = Progress(1, read_at=START + timedelta(seconds=2))
FAILED = Progress(1, failed_at=START + timedelta(seconds=3), error_code=131026)


@given(st.permutations([SENT, DELIVERED, READ, FAILED]), st.lists(st.sampled_from([SENT, DELIVERED, READ, FAILED])))
def test_status_does_not_depend_on_the_order_of_webhooks(order: list[Progress], again: list[Progress]) -> None:
    merged = reduce(merge, [*order, *again], NOTHING)
    assert status_of(merged) is Status.READ
    assert merged.delivered_at == DELIVERED.delivered_at
    assert merged.failed_at == FAILED.failed_at


@given(st.lists(reports, max_size=6))
def test_status_of_one_attempt_never_moves_backwards(updates: list[Progress]) -> None:
    known, status = Progress(1), Status.QUEUED
    for update in updates:
        known = merge(known, Progress(1, *_moments(update)))
        after = merge_status(status, known)
        assert RANK[after] >= RANK[status]
        status = after


def _moments(p: Progress) -> tuple[object, ...]:
    return (p.accepted_at, p.held_at, p.sent_at, p.failed_at, p.error_code, p.delivered_at, p.read_at, p.played_at)


def test_a_late_delivered_supersedes_failed() -> None:
    assert status_of(merge(FAILED, DELIVERED)) is Status.DELIVERED


def test_a_failure_of_an_older_attempt_does_not_touch_the_newer_one() -> None:
    newer = Progress(2, accepted_at=START + timedelta(seconds=9))
    assert status_of(merge(FAILED, newer)) is Status.ACCEPTED
    assert status_of(merge(merge(FAILED, newer), DELIVERED)) is Status.DELIVERED


def test_an_expired_message_that_arrives_after_all_is_delivered() -> None:
    assert merge_status(Status.EXPIRED, SENT) is Status.EXPIRED
    assert merge_status(Status.EXPIRED, DELIVERED) is Status.DELIVERED
    assert merge_status(Status.UNKNOWN, SENT) is Status.SENT
    assert merge_status(Status.QUEUED, NOTHING) is Status.QUEUED
