"""The funnel from its counts. Pure. It always sums:

requested = excluded + cancelled + expired before sending + queued + deferred + unknown + left
left      = failed + delivered (read and played among them) + dropped by the platform (expired) + not reported yet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sojourn.deliveries.model import Status

ARRIVED = frozenset({Status.DELIVERED, Status.READ, Status.PLAYED})
UNREPORTED = frozenset({Status.ACCEPTED, Status.HELD, Status.SENT})


@dataclass(slots=True)
class Funnel:
    """Counts of deliveries; `excluded_by`, `cancelled_by` and `failed_by` split their sums by reason."""

    requested: int = 0
    excluded: int = 0
    cancelled: int = 0
    expired: int = 0
    queued: int = 0
    deferred: int = 0
    unknown: int = 0
    left: int = 0
    failed: int = 0
    delivered: int = 0
    not_reported: int = 0
    read: int = 0
    replied: int = 0
    excluded_by: dict[str, int] = field(default_factory=dict)
    cancelled_by: dict[str, int] = field(default_factory=dict)
    deferred_by: dict[str, int] = field(default_factory=dict)
    failed_by: dict[str, int] = field(default_factory=dict)


def fold_funnel(counts: Sequence[Mapping[str, Any]]) -> Funnel:
    """One funnel from the counts by status and reason."""
    funnel = Funnel()
    for row in counts:
        status, reason, number = Status(row["status"]), row["reason"] or "unknown", int(row["deliveries"])
        funnel.requested += number
        funnel.replied += int(row["replied"])
        match status:
            case Status.EXCLUDED:
                funnel.excluded += number
                funnel.excluded_by[reason] = funnel.excluded_by.get(reason, 0) + number
            case Status.CANCELLED:
                funnel.cancelled += number
                funnel.cancelled_by[reason] = funnel.cancelled_by.get(reason, 0) + number
            case Status.DEFERRED:
                funnel.deferred += number
                funnel.deferred_by[reason] = funnel.deferred_by.get(reason, 0) + number
            case Status.QUEUED:
                funnel.queued += number
            case Status.UNKNOWN:
                funnel.unknown += number
            case Status.EXPIRED:
                funnel.expired += number
            case Status.FAILED:
                funnel.left += number
                funnel.failed += number
                funnel.failed_by[reason] = funnel.failed_by.get(reason, 0) + number
            case Status.DELIVERED | Status.READ | Status.PLAYED:
                funnel.left += number
                funnel.delivered += number
                funnel.read += int(row["read"])
            case Status.ACCEPTED | Status.HELD | Status.SENT:
                funnel.left += number
                funnel.not_reported += number
    return funnel
