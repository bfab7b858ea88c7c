"""When a message may wake nobody. Pure; zones come from the time zone database that Python carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60
ROUNDS = 64  # zones of one country span at most eleven hours; each round leaves one quiet span


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def next_allowed(moment: datetime, *, zones: Sequence[str], quiet: Sequence[tuple[int, int]]) -> datetime:
    """The first instant from `moment` on that is outside the quiet spans in every one of the zones.

    A span is (from, until) in minutes of the local day and may cross midnight; equal ends mean no quiet hours. When
    no instant suits every zone, the answer is a day later: it is asked again then.
    """
    at = moment
    for _ in range(ROUNDS):
        ends = [
            end
            for zone in zones
            for span in quiet
            if (end := quiet_end(at, zone=_zone(zone), start=span[0], until=span[1])) is not None
        ]
        if not ends:
            return at
        at = max(ends)
    return moment + timedelta(days=1)


def quiet_end(moment: datetime, *, zone: ZoneInfo, start: int, until: int) -> datetime | None:
    """When the quiet span that covers `moment` ends, or None when it is not quiet.

    A local end that does not exist on a day of daylight saving is taken at the next instant; one that happens twice
    the first time.
    """
    if start == until:
        return None
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if start < until:
        quiet_now = start <= minute < until
        day = local.date()
    else:
        quiet_now = minute >= start or minute < until
        day = local.date() + timedelta(days=1) if minute >= start else local.date()
    if not quiet_now:
        return None
    end = datetime.combine(day, time(until // 60 % 24, until % 60), tzinfo=zone)
    if until == MINUTES_A_DAY:
        end += timedelta(days=1)
    in_utc = end.astimezone(UTC)
    if in_utc.astimezone(zone).replace(tzinfo=None) != end.replace(tzinfo=None):
        in_utc = _after_gap(end, zone)
    # Where the clock is set back over the end, it is quiet a second time; the first passage counts.
    return in_utc if in_utc > moment else moment + timedelta(minutes=1)


def _after_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a local time that is skipped would have come: the end of the gap."""
    before = local.replace(fold=0).utcoffset() or timedelta(0)
    after = local.replace(fold=1).utcoffset() or timedelta(0)
    naive = local.replace(tzinfo=None)
    early = (naive - max(before, after)).replace(tzinfo=UTC)
    late = (naive - min(before, after)).replace(tzinfo=UTC)
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
            early = middle
        else:
            late = middle
    return late.replace(second=0, microsecond=0)
