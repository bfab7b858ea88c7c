"""One person's consent out of the ledgers of profiles that were merged. Pure.

The withdrawal wins: what stood withdrawn on one side when they became one is withdrawn for both, even where the other
side had agreed later; what the person agrees to after the merge counts again. Which of the two stands for them makes
no difference. Nothing is written by a merge, so that undoing it gives both their own ledgers back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sojourn.consents.ledger import ScopeRow

ChannelRow = tuple[str, ScopeRow]
Block = Mapping[str, Any]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """What one of the merged profiles said. `merged_at` None: the one that stands for all."""

    rows: Sequence[Row]
    merged_at: datetime | None


def as_one(
    rows: Mapping[UUID, Sequence[Row]],
    merged: Mapping[UUID, Mapping[UUID, datetime]],
    fold: Callable[[Sequence[Part[Row]]], Sequence[Row]],
) -> Mapping[UUID, Sequence[Row]]:
    """Rows by profile, with those of its aliases (and when each became one) folded in; most people have none."""
    if not merged:
        return rows
    found = dict(rows)
    for profile_id, aliases in merged.items():
        parts = [Part(rows[alias], at) for alias, at in aliases.items() if alias in rows]
        if parts:
            found[profile_id] = fold([Part(rows.get(profile_id, ()), None), *parts])
    return found


class Joining(Protocol):
    """What a merge tells about addresses: which came with whom, and when."""

    @property
    def loser_id(self) -> UUID: ...
    @property
    def keys(self) -> Sequence[str]: ...
    @property
    def merged_at(self) -> datetime: ...


def by_first_owner(
    rows: Mapping[UUID, Sequence[ChannelRow]],
    merged: Mapping[UUID, Iterable[UUID]],
    joinings: Mapping[Any, Joining],
) -> Mapping[UUID, Sequence[ChannelRow]]:
    """Rows by profile, with what was told late where it belongs.

    After a merge everything is said under the profile that stands. A change for an address that came with another one,
    dated before that one came (an old file is imported again), is counted with what that one had said: whose profile
    stands must not decide who overrules whom.
    """
    found = dict(rows)
    for standing, aliases in merged.items():
        members = [standing, *aliases]
        known = sorted([joinings[one] for one in members if one in joinings], key=lambda one: one.merged_at)
        owner_of: dict[str, Joining] = {}
        for joining in known:
            for key in joining.keys:
                owner_of.setdefault(key, joining)
        sorted_out: dict[UUID, list[ChannelRow]] = {one: [] for one in members}
        for one in members:
            for channel, row in rows.get(one, ()):
                owner = owner_of.get(row.identity_key)
                if owner is None or owner.loser_id == one:
                    sorted_out[one].append((channel, row))
                else:
                    sorted_out[owner.loser_id].append((channel, _until(row, owner.merged_at)))
                    sorted_out[one].append((channel, _from(row, owner.merged_at)))
        found |= sorted_out
    return found


def _until(row: ScopeRow, moment: datetime) -> ScopeRow:
    return _only(row, lambda at: at <= moment)


def _from(row: ScopeRow, moment: datetime) -> ScopeRow:
    return _only(row, lambda at: at > moment)


def _only(row: ScopeRow, is_kept: Callable[[datetime], bool]) -> ScopeRow:
    if row.granted_at is not None and not is_kept(row.granted_at):
        row = replace(row, granted_at=None, grant_expires_at=None)
    if row.pending_at is not None and not is_kept(row.pending_at):
        row = replace(row, pending_at=None, pending_expires_at=None)
    if row.withdrawn_at is not None and not is_kept(row.withdrawn_at):
        row = replace(row, withdrawn_at=None)
    return row


def rows_of_one(parts: Sequence[Part[ChannelRow]]) -> list[ChannelRow]:
    """The consent rows of all, without grants and questions that a withdrawal of another one overrules."""
    stops = [_standing_stops(part.rows) for part in parts]
    merged: list[ChannelRow] = []
    for part in parts:
        others = [
            (found, _joined_at(part, other)) for other, found in zip(parts, stops, strict=True) if other is not part
        ]
        for channel, row in part.rows:
            until = max((at for found, at in others if _is_stopped(row, found)), default=None)
            merged.append((channel, row if until is None else _after(row, until)))
    return merged


def _joined_at(one: Part[Any], other: Part[Any]) -> datetime:
    """Since when two of them are one; of two aliases the later one's merge."""
    return max(at for at in (one.merged_at, other.merged_at) if at is not None)


def _standing_stops(rows: Sequence[ChannelRow]) -> set[tuple[str, str]]:
    """Purposes and topics that are withdrawn here: no later grant for the same on that channel (`*`: on any)."""
    stopped: set[tuple[str, str]] = set()
    for channel, row in rows:
        stop = row.withdrawn_at
        if stop is None:
            continue
        is_lifted = any(
            other.granted_at is not None and other.granted_at > stop
            for of, other in rows
            if (other.purpose, other.topic) == (row.purpose, row.topic) and channel in {of, EVERY}
        )
        if not is_lifted:
            stopped.add((row.purpose, row.topic))
    return stopped


EVERY = "*"


def _is_stopped(row: ScopeRow, stops: set[tuple[str, str]]) -> bool:
    return (row.purpose, row.topic) in stops or (row.purpose, "") in stops


def _after(row: ScopeRow, moment: datetime) -> ScopeRow:
    """The row without what was agreed to or asked for up to this moment."""
    return replace(_from(row, moment), withdrawn_at=row.withdrawn_at)


def blocks_of_one(parts: Sequence[Part[Block]]) -> list[Block]:
    """Stops and holds of all, one a kind: what held on either side when they became one holds until lifted after it."""
    found: dict[str, list[tuple[Block, Part[Block]]]] = defaultdict(list)
    for part in parts:
        for block in part.rows:
            found[block["kind"]].append((block, part))
    return [_one_block(kind, members) for kind, members in found.items()]


def _one_block(kind: str, members: Sequence[tuple[Block, Part[Block]]]) -> Block:
    holding = [
        block["blocked_at"]
        for block, part in members
        if is_held(block)
        and not any(
            other["lifted_at"] is not None and other["lifted_at"] > max(block["blocked_at"], _joined_at(part, of))
            for other, of in members
            if of is not part
        )
    ]
    return {"kind": kind, "blocked_at": max(holding, default=None), "lifted_at": None}


def is_held(block: Block) -> bool:
    """Whether a block holds. Equal moments: it does."""
    blocked_at, lifted_at = block["blocked_at"], block["lifted_at"]
    return blocked_at is not None and (lifted_at is None or lifted_at <= blocked_at)
