"""The fold of the ledger: from what people said, in any order, to what holds at a moment. Pure.

Decided by effective time, never by time of entry: a grant that is not later than a withdrawal lifts nothing, whatever
way it comes in. Equal times: the withdrawal wins. Of each kind of change only the latest counts, so a row is a maximum
that can be merged in any order and any number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sojourn.consents.model import ConsentState, Scope, ScopeFact


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    """The latest change of each kind for one purpose or topic and one address (`identity_key`, empty when unnamed)."""

    purpose: str
    topic: str = ""
    identity_key: str = ""
    granted_at: datetime | None = None
    grant_expires_at: datetime | None = None
    pending_at: datetime | None = None
    pending_expires_at: datetime | None = None
    withdrawn_at: datetime | None = None


def add_change(row: ScopeRow, state: str, effective_at: datetime, expires_at: datetime | None = None) -> ScopeRow:
    """The row with one more change of the ledger in it. `expired` entries only note what time had done by itself."""
    change = ScopeRow(purpose=row.purpose, topic=row.topic, identity_key=row.identity_key)
    match ConsentState(state):
        case ConsentState.GRANTED:
            change = replace(change, granted_at=effective_at, grant_expires_at=expires_at)
        case ConsentState.PENDING:
            change = replace(change, pending_at=effective_at, pending_expires_at=expires_at)
        case ConsentState.WITHDRAWN:
            change = replace(change, withdrawn_at=effective_at)
        case ConsentState.EXPIRED | ConsentState.NONE:
            return row
    return merge_rows(row, change)


def merge_rows(one: ScopeRow, other: ScopeRow) -> ScopeRow:
    """Both rows as one: associative, commutative, idempotent. The purpose, topic and address must be the same."""
    granted_at, grant_expires_at = _later(
        (one.granted_at, one.grant_expires_at), (other.granted_at, other.grant_expires_at)
    )
    pending_at, pending_expires_at = _later(
        (one.pending_at, one.pending_expires_at), (other.pending_at, other.pending_expires_at)
    )
    return replace(
        one,
        granted_at=granted_at,
        grant_expires_at=grant_expires_at,
        pending_at=pending_at,
        pending_expires_at=pending_expires_at,
        withdrawn_at=_latest([one.withdrawn_at, other.withdrawn_at]),
    )


def fold_rows(
    rows: Iterable[ScopeRow], *, now: datetime, identity_keys: Collection[str] | None = None
) -> dict[Scope, ScopeFact]:
    """What holds now, a purpose and topic. One scope a key; scopes without rows are missing and mean "none".

    A grant counts only for an address in `identity_keys` (None: for any); a withdrawal counts whatever address it was
    said for, because a stop follows the person. The withdrawal of a purpose withdraws all its topics.
    """
    by_scope: dict[Scope, list[ScopeRow]] = defaultdict(list)
    for row in rows:
        by_scope[(row.purpose, row.topic)].append(row)
    whole_stops = {
        purpose: _latest(row.withdrawn_at for row in members)
        for (purpose, topic), members in by_scope.items()
        if not topic
    }
    return {
        scope: _fold_scope(members, whole_stops.get(scope[0]), now, identity_keys)
        for scope, members in by_scope.items()
    }


def _fold_scope(
    rows: list[ScopeRow], whole_stop: datetime | None, now: datetime, identity_keys: Collection[str] | None
) -> ScopeFact:
    stop = _latest([whole_stop, *(row.withdrawn_at for row in rows)])
    counted = [row for row in rows if identity_keys is None or row.identity_key in identity_keys]
    grant = _newest([(row.granted_at, row.grant_expires_at, row.identity_key) for row in counted], after=stop)
    pending = _newest([(row.pending_at, row.pending_expires_at, row.identity_key) for row in counted], after=stop)
    if grant is not None and not _is_over(grant[1], now):
        return ScopeFact(
            state=ConsentState.GRANTED,
            since=grant[0],
            expires_at=grant[1],
            withdrawn_at=stop,
            identity_key=grant[2],
        )
    if pending is not None and not _is_over(pending[1], now):
        return ScopeFact(
            state=ConsentState.PENDING,
            since=pending[0],
            expires_at=pending[1],
            withdrawn_at=stop,
            identity_key=pending[2],
        )
    ended = [entry[1] for entry in (grant, pending) if entry is not None and entry[1] is not None]
    if ended:
        return ScopeFact(state=ConsentState.EXPIRED, since=max(ended), expires_at=max(ended), withdrawn_at=stop)
    if stop is not None:
        return ScopeFact(state=ConsentState.WITHDRAWN, since=stop, withdrawn_at=stop)
    return ScopeFact()


Moment = tuple[datetime | None, datetime | None]
Entry = tuple[datetime, datetime | None, str]


def _newest(entries: Iterable[tuple[datetime | None, datetime | None, str]], *, after: datetime | None) -> Entry | None:
    """The latest entry that is later than the last stop; of equals the one that ends first."""
    newest: Entry | None = None
    for at, expires_at, key in entries:
        if at is None or (after is not None and at <= after):
            continue
        if newest is None or at > newest[0] or (at == newest[0] and _ends_sooner(expires_at, newest[1])):
            newest = (at, expires_at, key)
    return newest


def _later(one: Moment, other: Moment) -> Moment:
    """The later of two changes; of equals the one that ends first, so that the order of merging does not matter."""
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] != other[0]:
        return one if one[0] > other[0] else other
    return one if _ends_sooner(one[1], other[1]) else other


def _ends_sooner(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one < other)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    """`expires_at` denies from that instant on."""
    return expires_at is not None and expires_at <= now
