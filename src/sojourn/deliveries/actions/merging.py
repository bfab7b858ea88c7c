"""From a reported moment to what a delivery becomes."""

from __future__ import annotations

from sojourn.deliveries.model import Status
from sojourn.deliveries.status import Progress, merge, merge_status
from sojourn.deliveries.store.statuses import Change, Tracked

BY_NAME = {status.value: status for status in Status}


def merged(row: Tracked, moment: Progress) -> Change:
    """The delivery with one more piece of progress."""
    progress = merge(row.progress, moment)
    status = merge_status(BY_NAME[row.status], progress)
    return Change(row.id, status, reason_of(status, progress), progress)


def reason_of(status: Status, progress: Progress) -> str | None:
    """What stands as reason beside a status that was reported."""
    match status:
        case Status.FAILED:
            return str(progress.error_code) if progress.error_code is not None else "failed"
        case Status.UNKNOWN:
            return "no_answer"
        case Status.EXPIRED:
            return "expired"
        case _:
            return None


def advance(row: Tracked, change: Change) -> None:
    """Let a locked row stand for what this transaction makes of it, so that a second report adds to the first."""
    progress = change.progress
    row.status = change.status.value
    row.attempt_number = progress.attempt
    row.accepted_at, row.held_at, row.sent_at = progress.accepted_at, progress.held_at, progress.sent_at
    row.failed_at, row.error_code = progress.failed_at, progress.error_code
    row.delivered_at, row.read_at, row.played_at = progress.delivered_at, progress.read_at, progress.played_at
    row.price_category, row.price_type = progress.price_category, progress.price_type
