"""How the rate of a sender is leased, and who gets it. Pure.

A lease takes at most one second's worth. Lanes go in strict order, except that a tenth is kept for the last one, so
that a code never waits behind a promotion and promotions never starve. After a pause the sender starts with a quarter
of a second's worth: otherwise two seconds' worth would leave within one, more than the platform accepts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

MARKETING_LANE = 4
KEPT_FOR_MARKETING = 0.1
BLOCK = timedelta(seconds=1)
COLD_START = timedelta(seconds=0.25)
PAUSE = timedelta(seconds=1.5)  # longer without a send is a pause


@dataclass(frozen=True, slots=True)
class Lease:
    """Permissions to send, and the moment up to which permissions are given out now."""

    granted: int
    free_from: datetime


def lease(*, free_from: datetime, rate_per_s: float, now: datetime, wanted: int) -> Lease:
    """As many permissions as are wanted and free at this moment."""
    start = free_from
    if now - start > PAUSE:
        start = now - max(COLD_START, timedelta(seconds=1 / rate_per_s))
    elif now - start > BLOCK:
        start = now - BLOCK
    free = math.floor((now - start).total_seconds() * rate_per_s + 1e-6)
    granted = max(0, min(wanted, free))
    return Lease(granted, start + timedelta(seconds=granted / rate_per_s))


def share(demand: Mapping[int, int], granted: int) -> dict[int, int]:
    """How many permissions each lane gets; lanes that get none are left out."""
    kept = min(demand.get(MARKETING_LANE, 0), math.ceil(granted * KEPT_FOR_MARKETING))
    left = granted - kept
    shares: dict[int, int] = {}
    for lane in sorted(demand):
        if lane == MARKETING_LANE:
            continue
        part = min(demand[lane], left)
        left -= part
        shares[lane] = part
    last = min(demand.get(MARKETING_LANE, 0), kept + left)
    if last:
        shares[MARKETING_LANE] = last
    return {lane: part for lane, part in shares.items() if part}


def slower(rate_per_s: float) -> float:
    """The rate after the platform found it too fast: a fifth less, at least one message a second."""
    return max(1.0, rate_per_s * 0.8)


def faster(rate_per_s: float, ceiling_per_s: float) -> float:
    """The rate after a quiet while: a tenth more, up to the ceiling."""
    return min(ceiling_per_s, rate_per_s * 1.1 + 0.5)
