"""The service window of a person with a sender. Pure.

24 hours from the last inbound message's own time; a refusal by the platform after it closes the window early.
Source: Cloud API reference, section 2.3.
"""

from __future__ import annotations

from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


def window_until(last_inbound_at: datetime | None, closed_at: datetime | None = None) -> datetime | None:
    """When the window ends or ended; None when the person never wrote to this sender."""
    if last_inbound_at is None:
        return None
    end = last_inbound_at + WINDOW
    if closed_at is not None and last_inbound_at <= closed_at < end:
        return closed_at
    return end


def is_open(at: datetime, last_inbound_at: datetime | None, closed_at: datetime | None = None) -> bool:
    """Whether free-form messages may leave at this moment."""
    end = window_until(last_inbound_at, closed_at)
    return end is not None and at < end
