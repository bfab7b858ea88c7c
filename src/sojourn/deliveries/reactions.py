"""What follows from a failure: for the message, the person, the template, the sender. Pure.

Source: the platform's error reference (reference, section 6) by way of `channels` `FailureReaction`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from sojourn.channels.base import FailureReaction

ATTEMPTS_MAX = 5  # tries at a provider in trouble; with the waits below about seven minutes
ATTEMPTS_UNREACHED_MAX = 200  # tries when no provider answered at all: nothing left, and a pause may be long
ATTEMPTS_PAIR_MAX = 6
ATTEMPTS_RATE_MAX = 60
ATTEMPTS_PORTFOLIO_MAX = 48
RESTS = (timedelta(hours=24), timedelta(hours=48), timedelta(days=7))  # after the first, second, further saturation


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed attempt. `code` None: no provider answered. `saturations`: how often the person was spared before."""

    reaction: FailureReaction
    code: int | None
    at: datetime
    attempt: int
    retry_after_seconds: float | None = None
    saturations: int = 0
    pair_strikes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What to do. `retry_at` None: this message has failed."""

    retry_at: datetime | None = None
    template_off: bool = False
    stop_sender: bool = False
    slow_sender: bool = False
    unreachable: bool = False
    platform_opt_out: bool = False
    close_window: bool = False
    rest_until: datetime | None = None
    pair_until: datetime | None = None


def react(failure: Failure) -> Consequences:
    """The consequences of one failure."""
    reaction, at, attempt = failure.reaction, failure.at, failure.attempt
    match reaction:
        case FailureReaction.RETRY_LATER:
            return Consequences(retry_at=_retry_later(failure))
        case FailureReaction.RETRY_AT_ONCE:
            return Consequences(retry_at=at if attempt < 2 else None)
        case FailureReaction.RATE_LIMIT:
            wait = timedelta(seconds=failure.retry_after_seconds or min(2.0 ** (attempt - 1), 60.0))
            return Consequences(slow_sender=True, retry_at=at + wait if attempt < ATTEMPTS_RATE_MAX else None)
        case FailureReaction.PAIR_LIMIT:
            until = at + timedelta(seconds=4.0 ** min(failure.pair_strikes + 1, ATTEMPTS_PAIR_MAX))
            return Consequences(pair_until=until, retry_at=until if attempt < ATTEMPTS_PAIR_MAX else None)
        case FailureReaction.PORTFOLIO_LIMIT:
            retry = at + timedelta(hours=1) if attempt < ATTEMPTS_PORTFOLIO_MAX else None
            return Consequences(retry_at=retry)
        case FailureReaction.AUTH:
            # Nothing left, and the sender is stopped: the message waits for the sender, not for the person.
            return Consequences(stop_sender=True, retry_at=at + timedelta(seconds=30) if attempt < 10 else None)
        case FailureReaction.SENDER_STOP | FailureReaction.BILLING:
            return Consequences(stop_sender=True)
        case FailureReaction.TEMPLATE_OFF:
            return Consequences(template_off=True)
        case FailureReaction.PERSON_UNREACHABLE:
            return Consequences(unreachable=True)
        case FailureReaction.PLATFORM_OPT_OUT:
            return Consequences(platform_opt_out=True)
        case FailureReaction.WINDOW_CLOSED:
            return Consequences(close_window=True)
        case FailureReaction.SATURATED:
            return Consequences(rest_until=at + RESTS[min(failure.saturations, len(RESTS) - 1)])
        case FailureReaction.INVALID | FailureReaction.NEVER | FailureReaction.COUNTRY | FailureReaction.NEEDS_HUMAN:
            return Consequences()
        case _:
            assert_never(reaction)


def _retry_later(failure: Failure) -> datetime | None:
    """Growing waits. A provider that answers gets few tries; a connection that was refused costs nobody anything."""
    wait: float
    if failure.code is None:
        limit, wait = ATTEMPTS_UNREACHED_MAX, min(2.0 ** (failure.attempt - 1), 60.0)
    else:
        limit, wait = ATTEMPTS_MAX, 5.0 * 4.0 ** (failure.attempt - 1)
    if failure.attempt >= limit:
        return None
    return failure.at + timedelta(seconds=max(wait, failure.retry_after_seconds or 0.0))
