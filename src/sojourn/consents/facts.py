"""From the rows of one person to the facts that the policy sees. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sojourn.consents.ledger import ScopeRow, fold_rows
from sojourn.consents.model import BlockKind, ConsentFacts, Suppression
from sojourn.profiles.model import IdentityRow, IdentityState, Scheme

SCHEMES_OF_CHANNEL: Mapping[str, frozenset[Scheme]] = {
    "whatsapp": frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID}),
    "sms": frozenset({Scheme.PHONE}),
    "email": frozenset({Scheme.EMAIL}),
    "memory": frozenset({Scheme.PHONE, Scheme.WA_ID, Scheme.BSUID}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRows:
    """What is stored about one person; `rows` are (channel, row)."""

    rows: Sequence[tuple[str, ScopeRow]] = ()
    blocks: Sequence[Mapping[str, Any]] = ()
    identities: Sequence[IdentityRow] = ()
    suppressions: Sequence[Suppression] = ()
    on_allow_list: bool = False


def fold_person(person: PersonRows, *, channel: str, now: datetime, accept_general: bool = False) -> ConsentFacts:
    """What holds for one person on a channel at a moment.

    Grants count for the addresses in use on the channel. What was withdrawn on all channels (`*`) is withdrawn here;
    what was granted without naming a channel counts only with `accept_general`.
    """
    rows = [
        row if of == channel or accept_general else _stops_only(row)
        for of, row in person.rows
    ]  # fmt: skip
    blocks = {row["kind"]: _holding_since(row) for row in person.blocks}
    return ConsentFacts(
        scopes=fold_rows(rows, now=now, identity_keys=addresses_in_use(person.identities, channel)),
        platform_stop_at=blocks.get(BlockKind.PLATFORM),
        hold_since=blocks.get(BlockKind.HOLD),
        suppressions=person.suppressions,
        on_allow_list=person.on_allow_list,
    )


def addresses_in_use(identities: Sequence[IdentityRow], channel: str) -> frozenset[str] | None:
    """The keys of addresses that a grant must have been given for; None where a channel has no such addresses.

    The primary address of each scheme that still is the person's: a changed number inherits no grant.
    """
    schemes = SCHEMES_OF_CHANNEL.get(channel)
    if schemes is None:
        return None
    return frozenset(
        row.key
        for row in identities
        if row.scheme in schemes and row.is_primary and row.state is not IdentityState.IDENTITY_CHANGED
    )


def primary_address(identities: Sequence[IdentityRow], channel: str) -> IdentityRow | None:
    """The address that a change is about when nobody named one: the phone line first, then the business-scoped id."""
    in_use = addresses_in_use(identities, channel)
    order = (Scheme.PHONE, Scheme.WA_ID, Scheme.EMAIL, Scheme.BSUID, Scheme.EXTERNAL_ID)
    candidates = [row for row in identities if (in_use is None or row.key in in_use) and row.scheme in order]
    return min(candidates, key=lambda row: (order.index(row.scheme), not row.is_primary), default=None)


def _stops_only(row: ScopeRow) -> ScopeRow:
    return ScopeRow(purpose=row.purpose, topic=row.topic, identity_key=row.identity_key, withdrawn_at=row.withdrawn_at)


def _holding_since(row: Mapping[str, Any]) -> datetime | None:
    """Equal moments: the block holds."""
    blocked_at: datetime | None = row["blocked_at"]
    lifted_at: datetime | None = row["lifted_at"]
    if blocked_at is None or (lifted_at is not None and lifted_at > blocked_at):
        return None
    return blocked_at
