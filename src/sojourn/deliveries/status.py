"""How far a delivery got, folded from reports in any order. Pure.

`merge` is associative, commutative and idempotent, so that twice, late and shuffled webhooks all end in the same state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sojourn.deliveries.model import Status


@dataclass(frozen=True, slots=True)
class Progress:
    """The moments that were reported for the newest attempt, each the earliest one known.

    Proof of arrival (delivered, read, played) counts whichever attempt it came from. `price_category` and `price_type`
    are the provider's words.
    """

    attempt: int = 0
    accepted_at: datetime | None = None
    held_at: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error_code: int | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    played_at: datetime | None = None
    price_category: str | None = None
    price_type: str | None = None


NOTHING = Progress()

# Proof of arrival ranks above failure: a late failure report cannot undo it, and a late proof supersedes a failure.
RANKS: tuple[Status, ...] = (
    Status.QUEUED,
    Status.DEFERRED,
    Status.UNKNOWN,
    Status.ACCEPTED,
    Status.HELD,
    Status.SENT,
    Status.FAILED,
    Status.EXPIRED,
    Status.DELIVERED,
    Status.READ,
    Status.PLAYED,
)
RANK: dict[Status, int] = {status: rank for rank, status in enumerate(RANKS)}
ARRIVED = frozenset({Status.DELIVERED, Status.READ, Status.PLAYED})
LEFT = frozenset({Status.ACCEPTED, Status.HELD, Status.SENT, Status.FAILED, *ARRIVED})


def merge(one: Progress, other: Progress) -> Progress:
    """Both reports together."""
    if one is NOTHING or one == other:
        return other
    if other is NOTHING:
        return one
    if one.attempt == other.attempt:
        failed_at, error_code = _failure(one, other)
        return Progress(
            one.attempt,
            _earliest(one.accepted_at, other.accepted_at),
            _earliest(one.held_at, other.held_at),
            _earliest(one.sent_at, other.sent_at),
            failed_at,
            error_code,
            _earliest(one.delivered_at, other.delivered_at),
            _earliest(one.read_at, other.read_at),
            _earliest(one.played_at, other.played_at),
            *_price(one, other),
        )
    newer, older = (one, other) if one.attempt > other.attempt else (other, one)
    return Progress(
        newer.attempt,
        newer.accepted_at,
        newer.held_at,
        newer.sent_at,
        newer.failed_at,
        newer.error_code,
        _earliest(newer.delivered_at, older.delivered_at),
        _earliest(newer.read_at, older.read_at),
        _earliest(newer.played_at, older.played_at),
        *_price(newer, older),
    )


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None:
        return other
    if other is None or one <= other:
        return one
    return other


def _failure(one: Progress, other: Progress) -> tuple[datetime | None, int | None]:
    if one.failed_at is None:
        return other.failed_at, other.error_code
    if other.failed_at is None:
        return one.failed_at, one.error_code
    key = (one.failed_at, -1 if one.error_code is None else one.error_code)
    other_key = (other.failed_at, -1 if other.error_code is None else other.error_code)
    return (one.failed_at, one.error_code) if key <= other_key else (other.failed_at, other.error_code)


def _price(one: Progress, other: Progress) -> tuple[str | None, str | None]:
    """One of two prices: the larger pair of words, so that of `regular` and `free_…` the charge stays."""
    mine = (one.price_type or "", one.price_category or "")
    its = (other.price_type or "", other.price_category or "")
    type_, category = max(mine, its)
    return category or None, type_ or None


def status_of(progress: Progress) -> Status | None:
    """The status that follows from the moments, or None when nothing was reported."""
    if progress.played_at is not None:
        return Status.PLAYED
    if progress.read_at is not None:
        return Status.READ
    if progress.delivered_at is not None:
        return Status.DELIVERED
    if progress.failed_at is not None:
        return Status.FAILED
    if progress.sent_at is not None:
        return Status.SENT
    if progress.held_at is not None:
        return Status.HELD
    if progress.accepted_at is not None:
        return Status.ACCEPTED
    return None


def moment_of(progress: Progress, status: Status) -> datetime | None:
    """When a reported status was reached."""
    match status:
        case Status.PLAYED:
            return progress.played_at
        case Status.READ:
            return progress.read_at
        case Status.DELIVERED:
            return progress.delivered_at
        case Status.FAILED:
            return progress.failed_at
        case Status.SENT:
            return progress.sent_at
        case Status.HELD:
            return progress.held_at
        case Status.ACCEPTED:
            return progress.accepted_at
        case _:
            return None


def merge_status(before: Status, progress: Progress) -> Status:
    """The status of a delivery once this progress is known: never backwards, and never out of an end of our own
    (excluded, cancelled) unless the message evidently arrived."""
    reported = status_of(progress)
    if reported is None:
        return before
    if before in {Status.EXCLUDED, Status.CANCELLED}:
        return reported
    if before is Status.EXPIRED and reported not in ARRIVED:
        return before
    return reported
