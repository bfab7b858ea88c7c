"""What follows from failures, and the ids of attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from sojourn.channels.base import FailureReaction
from sojourn.deliveries.attempt_ids import attempt_id_of, delivery_of, new_delivery_id
from sojourn.deliveries.reactions import Consequences, Failure, react
from sojourn.kit import ids

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
R = FailureReaction


def failure(reaction: FailureReaction, **more: object) -> Failure:
    return Failure(**{"reaction": reaction, "code": 1, "at": NOW, "attempt": 1, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (failure(R.RETRY_LATER), Consequences(retry_at=NOW + timedelta(seconds=5))),
        (failure(R.RETRY_LATER, attempt=3), Consequences(retry_at=NOW + timedelta(seconds=80))),
        (failure(R.RETRY_LATER, attempt=5), Consequences()),
        (failure(R.RETRY_LATER, code=None, attempt=50), Consequences(retry_at=NOW + timedelta(seconds=60))),
        (failure(R.RETRY_AT_ONCE), Consequences(retry_at=NOW)),
        (failure(R.RETRY_AT_ONCE, attempt=2), Consequences()),
        (failure(R.RATE_LIMIT, attempt=3), Consequences(slow_sender=True, retry_at=NOW + timedelta(seconds=4))),
        (
            failure(R.RATE_LIMIT, retry_after_seconds=9),
            Consequences(slow_sender=True, retry_at=NOW + timedelta(seconds=9)),
        ),
        (
            failure(R.PAIR_LIMIT),
            Consequences(retry_at=NOW + timedelta(seconds=4), pair_until=NOW + timedelta(seconds=4)),
        ),
        (
            failure(R.PAIR_LIMIT, pair_strikes=2),
            Consequences(retry_at=NOW + timedelta(seconds=64), pair_until=NOW + timedelta(seconds=64)),
        ),
        (failure(R.PORTFOLIO_LIMIT), Consequences(retry_at=NOW + timedelta(hours=1))),
        (failure(R.AUTH), Consequences(stop_sender=True, retry_at=NOW + timedelta(seconds=30))),
        (failure(R.BILLING), Consequences(stop_sender=True)),
        (failure(R.SENDER_STOP), Consequences(stop_sender=True)),
        (failure(R.TEMPLATE_OFF), Consequences(template_off=True)),
        (failure(R.PERSON_UNREACHABLE), Consequences(unreachable=True)),
        (failure(R.PLATFORM_OPT_OUT), Consequences(platform_opt_out=True)),
        (failure(R.WINDOW_CLOSED), Consequences(close_window=True)),
        (failure(R.SATURATED), Consequences(rest_until=NOW + timedelta(hours=24))),
        (failure(R.SATURATED, saturations=1), Consequences(rest_until=NOW + timedelta(hours=48))),
        (failure(R.SATURATED, saturations=7), Consequences(rest_until=NOW + timedelta(days=7))),
        (failure(R.NEVER), Consequences()),
        (failure(R.COUNTRY), Consequences()),
    ],
)
def test_a_failure_has_its_consequences(given: Failure, expected: Consequences) -> None:
    assert react(given) == expected


def test_every_reaction_is_handled() -> None:
    for reaction in FailureReaction:
        react(failure(reaction))


def test_an_attempt_id_leads_back_to_its_delivery() -> None:
    profile = uuid4()
    delivery = new_delivery_id(NOW, profile)
    for number in (1, 2, 255):
        attempt = attempt_id_of(delivery, number)
        assert delivery_of(attempt) == (delivery, number)
        assert ids.bucket_of(attempt) == ids.bucket_of(profile)
        assert attempt.version == 7
    with pytest.raises(ValueError):
        attempt_id_of(delivery, 256)
