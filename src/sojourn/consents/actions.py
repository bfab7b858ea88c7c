"""Record what people agreed to or withdrew, and announce what it changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.consents import list_store, store
from sojourn.consents.blocks import hold_marketing, record_platform_preferences, release_hold
from sojourn.consents.erasure import erase_profiles
from sojourn.consents.errors import ConsentInFuture, EvidenceMissing
from sojourn.consents.facts import primary_address
from sojourn.consents.ledger import ScopeRow, add_change, fold_rows
from sojourn.consents.list_store import hash_identity
from sojourn.consents.model import (
    BlockKind,
    Consent,
    ConsentChange,
    ConsentSource,
    ConsentState,
    Purpose,
    ScopeFact,
)
from sojourn.consents.opt_ins import Opened, open_requests, settle_requests
from sojourn.consents.signals import ConsentChanged, ConsentRequested
from sojourn.consents.store import ScopeKey
from sojourn.consents.writing import Address, NewEntry, Recorded, append_entries, content_key
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Signal, announce
from sojourn.profiles import store as profiles
from sojourn.profiles.model import IdentityRow, Scheme
from sojourn.profiles.phone_numbers import address_key, normalise
from sojourn.profiles.signals import ProfilesTouched

__all__ = [
    "erase_profiles",
    "hold_marketing",
    "record_consents",
    "record_platform_preferences",
    "release_hold",
]

PENDING_DAYS = 7
NEVER_EXPIRES: None = None
PERSONAL_SOURCES = frozenset(
    {ConsentSource.TAP, ConsentSource.FORM, ConsentSource.KEYWORD, ConsentSource.LINK}
)  # by which a person lifts a hold of their own


async def record_consents(
    conn: Conn,
    workspace_id: UUID,
    changes: Sequence[ConsentChange],
    *,
    keys: KeyRing,
    now: datetime,
    pending_days: int = PENDING_DAYS,
    reminder_after: timedelta | None = None,
) -> list[Consent]:
    """Append changes to the ledger and fold them; one Consent a change, in their order.

    Any order of any changes ends in the same state (see `ledger.py`). A change recorded before is returned as it is.
    A pending one opens a double opt-in of `pending_days`, reminded of once after `reminder_after` if given, and
    announces ConsentRequested; what changed a state announces ConsentChanged, but for imports, which are bulk.
    Raises ConsentInFuture, EvidenceMissing and ProfileErased; nothing is recorded then.
    """
    if not changes:
        return []
    _check(changes, now)
    identities = await profiles.list_identities(conn, workspace_id, {change.profile_id for change in changes})
    entries = [_entry(change, identities[change.profile_id], now, pending_days) for change in changes]  # type: ignore[index]
    graves = await _tombstone_entries(conn, workspace_id, entries, keys=keys)
    recorded = await append_entries(conn, workspace_id, [*graves, *entries], keys=keys, now=now)
    fresh = [
        (entry, line)
        for entry, line in zip([*graves, *entries], recorded, strict=True)
        if line.is_new
    ]  # fmt: skip
    before = await store.list_scope_rows(conn, {entry.profile_id for entry, _ in fresh})
    after = _add_all(before, (entry for entry, _ in fresh))
    await store.upsert_scope_rows(conn, workspace_id, _difference(before, after), now)
    await _lift_holds(conn, workspace_id, [entry for entry, _ in fresh], now)
    facts = _fold_people(before, now), _fold_people(after, now)
    await settle_requests(conn, facts[1], now=now)
    locales = {change.profile_id: change.locale for change in changes if change.locale}
    opened = await open_requests(
        conn, workspace_id, fresh, facts[1], locales=locales, reminder_after=reminder_after, now=now
    )
    await _tell(conn, workspace_id, fresh, facts=facts, opened=opened, locales=locales, now=now)
    return [_consent(line) for line in recorded[len(graves) :]]


def _check(changes: Sequence[ConsentChange], now: datetime) -> None:
    for place, change in enumerate(changes):
        stops = change.state == ConsentState.WITHDRAWN
        if not stops and change.effective_at is not None and change.effective_at > now:
            raise ConsentInFuture(errors=[{"field": f"consents[{place}].effective_at", "code": ConsentInFuture.code}])
        if change.state == ConsentState.GRANTED and (change.evidence is None or change.evidence.is_empty()):
            raise EvidenceMissing(errors=[{"field": f"consents[{place}].evidence", "code": EvidenceMissing.code}])


def _entry(change: ConsentChange, known: Sequence[IdentityRow], now: datetime, pending_days: int) -> NewEntry:
    """A change as a line: effective now at the latest, about an address, with an end where it is pending."""
    effective_at = min(change.effective_at or now, now)
    expires_at = change.expires_at
    if change.state == ConsentState.PENDING and expires_at is None:
        expires_at = effective_at + timedelta(days=pending_days)
    entry = NewEntry(
        profile_id=change.profile_id,
        kind="consent",
        channel=change.channel,
        purpose=str(Purpose(change.purpose)),
        topic=change.topic or "",
        state=str(ConsentState(change.state)),
        source=str(ConsentSource(change.source)),
        address=_address(change.identity) or _known_address(known, change.channel),
        effective_at=effective_at,
        expires_at=expires_at,
        evidence=change.evidence,
        key=change.key,
    )
    if change.key is None and change.effective_at is not None:
        return replace(entry, key=content_key(entry))
    return entry


def _address(identity: Any) -> Address | None:
    if identity is None:
        return None
    scheme, value = identity if isinstance(identity, tuple) else (identity.scheme, identity.value)
    normalised = normalise(Scheme(scheme), value)
    return Address(str(Scheme(scheme)), normalised, address_key(Scheme(scheme), normalised))


def _known_address(known: Sequence[IdentityRow], channel: str) -> Address | None:
    row = primary_address(known, channel)
    return None if row is None else Address(str(row.scheme), row.value, row.key)


async def _tombstone_entries(
    conn: Conn, workspace_id: UUID, entries: Sequence[NewEntry], *, keys: KeyRing
) -> list[NewEntry]:
    """What an erased person had withdrawn for an address that somebody now grants something for: it comes back first.

    So that an import does not undo the withdrawal of a person whom we had to forget; a later grant still counts.
    """
    wanted = {
        hash_identity(keys, entry.address.key): entry
        for entry in entries
        if entry.address is not None and entry.state in {ConsentState.GRANTED, ConsentState.PENDING}
    }
    if not wanted:
        return []
    return [
        NewEntry(
            profile_id=wanted[bytes(row["identity_hash"])].profile_id,
            kind="consent",
            channel=row["channel"],
            purpose=row["purpose"],
            topic=row["topic"],
            state=ConsentState.WITHDRAWN.value,
            source=ConsentSource.TOMBSTONE.value,
            address=wanted[bytes(row["identity_hash"])].address,
            effective_at=row["withdrawn_at"],
            expires_at=NEVER_EXPIRES,
            evidence=None,
            key=f"tombstone:{row['channel']}:{row['purpose']}:{row['topic']}:{row['withdrawn_at'].isoformat()}",
        )
        for row in await list_store.list_tombstones(conn, workspace_id, wanted)
    ]


def _add_all(before: Mapping[ScopeKey, ScopeRow], entries: Iterable[NewEntry]) -> dict[ScopeKey, ScopeRow]:
    after = dict(before)
    for entry in entries:
        address = entry.address.key if entry.address else ""
        key = (entry.profile_id, entry.channel, entry.purpose, entry.topic, address)
        row = after.get(key) or ScopeRow(purpose=entry.purpose, topic=entry.topic, identity_key=address)
        after[key] = add_change(row, entry.state, entry.effective_at, entry.expires_at)
    return after


def _difference(before: Mapping[ScopeKey, ScopeRow], after: Mapping[ScopeKey, ScopeRow]) -> dict[ScopeKey, ScopeRow]:
    return {key: row for key, row in after.items() if before.get(key) != row}


PersonFacts = dict[tuple[UUID, str], dict[tuple[str, str], ScopeFact]]  # (profile, channel) → scope → fact


def _fold_people(rows: Mapping[ScopeKey, ScopeRow], now: datetime) -> PersonFacts:
    """What holds, whatever the address: enough to see what changed."""
    by_person: dict[tuple[UUID, str], list[ScopeRow]] = defaultdict(list)
    for key, row in rows.items():
        by_person[(key[0], key[1])].append(row)
    return {person: fold_rows(found, now=now) for person, found in by_person.items()}


async def _lift_holds(conn: Conn, workspace_id: UUID, entries: Sequence[NewEntry], now: datetime) -> None:
    """Whoever agrees to marketing themselves, or stops it, has answered the question that held it."""
    lifted = [
        (entry.profile_id, entry.channel, BlockKind.HOLD.value, None, entry.effective_at)
        for entry in entries
        if entry.purpose == Purpose.MARKETING
        and entry.state in {ConsentState.GRANTED, ConsentState.WITHDRAWN}
        and entry.source in PERSONAL_SOURCES
    ]
    await store.upsert_blocks(conn, workspace_id, lifted, now)


async def _tell(
    conn: Conn,
    workspace_id: UUID,
    fresh: Sequence[tuple[NewEntry, Recorded]],
    *,
    facts: tuple[PersonFacts, PersonFacts],
    opened: Sequence[Opened],
    locales: Mapping[UUID, str | None],
    now: datetime,
) -> None:
    """Announce what changed: one ConsentChanged a person, channel and purpose, with the topics that changed with it."""
    before, after = facts
    signals: list[Signal] = []
    grouped: dict[tuple[UUID, str, str, str], list[tuple[NewEntry, Recorded]]] = defaultdict(list)
    for entry, line in fresh:
        scope, person = (entry.purpose, entry.topic), (entry.profile_id, entry.channel)
        state = after[person][scope].state
        if state in TOLD_STATES and before.get(person, {}).get(scope, ScopeFact()).state is not state:
            grouped[(entry.profile_id, entry.channel, entry.purpose, state)].append((entry, line))
    for (profile_id, channel, purpose, state_told), members in grouped.items():
        entry, line = min(members, key=lambda member: member[0].topic)
        if entry.source == ConsentSource.IMPORT:
            continue
        signals.append(
            ConsentChanged(
                workspace_id=workspace_id,
                profile_id=profile_id,
                entry_id=line.id,
                channel=channel,
                purpose=purpose,
                topic=entry.topic,
                topics=sorted({member.topic for member, _ in members if member.topic}),
                state=str(state_told),
                source=entry.source,
                locale=locales.get(profile_id),
                at=entry.effective_at,
            )
        )
    signals.extend(_requested(workspace_id, request, now) for request in opened if request.ask)
    if fresh:
        touched = sorted({entry.profile_id for entry, _ in fresh})
        signals.append(ProfilesTouched(workspace_id=workspace_id, profile_ids=touched, kind="consent"))
    await announce(conn, signals)


TOLD_STATES = frozenset({ConsentState.GRANTED, ConsentState.WITHDRAWN, ConsentState.EXPIRED})


def _requested(workspace_id: UUID, opened: Opened, now: datetime) -> ConsentRequested:
    request = opened.request
    return ConsentRequested(
        workspace_id=workspace_id,
        profile_id=request.profile_id,
        request_id=request.id,
        channel=request.channel,
        purpose=request.purpose,
        source=opened.source,
        locale=request.locale,
        at=now,
    )


def _consent(line: Recorded) -> Consent:
    row = line.row
    return Consent(
        id=line.id,
        profile_id=row["profile_id"],
        channel=row["channel"],
        purpose=Purpose(row["purpose"]),
        topic=row["topic"],
        state=ConsentState(row["state"]),
        source=ConsentSource(row["source"]),
        effective_at=row["effective_at"],
        expires_at=row["expires_at"],
        recorded_at=row["recorded_at"],
        is_new=line.is_new,
    )
