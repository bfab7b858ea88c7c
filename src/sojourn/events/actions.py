"""Record events, once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.events import rules, store
from sojourn.events.model import Event, EventReceipt, EventRule, EventRuleExists, NewEvent
from sojourn.events.signals import EventRecorded
from sojourn.kit import crash
from sojourn.kit.database import Conn
from sojourn.kit.errors import InvalidInput
from sojourn.kit.ids import bucket_of, new_id
from sojourn.kit.jobs import announce
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import ProfileId, ProfileRef, UnknownProfile
from sojourn.profiles.store import get_profiles
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller


async def record_events(
    conn: Conn,
    workspace_id: UUID,
    events: Sequence[NewEvent],
    *,
    now: datetime,
    source: str = "api",
    default_region: str | None = None,
) -> list[EventReceipt]:
    """Record events in their order; who is unknown becomes a profile. One receipt an event.

    A repeat (same idempotency key, in this batch or before) changes nothing, not even the profile that it names.
    Announces EventRecorded for each new event, and for each event that a rule derives from it. Raises InvalidIdentity
    and UnknownProfile; nothing is recorded then.
    """
    known = await _known_receipts(conn, workspace_id, [event.idempotency_key for event in events])
    places = _first_places(events, known)
    firsts = [events[place] for place in places]
    profiles = await _profiles_of(conn, workspace_id, firsts, now=now, source=source, default_region=default_region)
    rows = [
        Event(
            id=new_id(now, bucket_of(profile)),
            profile_id=profile,
            name=event.name,
            properties=event.properties,
            source=event.source,
            occurred_at=event.occurred_at,
            recorded_at=now,
        )
        for event, profile in zip(firsts, profiles, strict=True)
    ]
    receipts, written = await _claim_keys(conn, workspace_id, firsts, rows, known)
    await _write(conn, workspace_id, written)
    by_place = dict(zip(places, receipts, strict=True))
    return [by_place.get(place) or _repeat(event, known) for place, event in enumerate(events)]


def _first_places(events: Sequence[NewEvent], known: Mapping[str, object]) -> list[int]:
    """Where the events stand that are no repeats: neither of earlier batches nor within this one."""
    seen: set[str | None] = set()
    places = []
    for place, event in enumerate(events):
        key = event.idempotency_key
        if key is None or (key not in known and key not in seen):
            places.append(place)
        seen.add(key)
    return places


def _repeat(event: NewEvent, known: Mapping[str, tuple[UUID, ProfileId]]) -> EventReceipt:
    assert event.idempotency_key is not None
    event_id, profile_id = known[event.idempotency_key]
    return EventReceipt(event_id=event_id, profile_id=profile_id, is_new=False)


async def _known_receipts(
    conn: Conn, workspace_id: UUID, keys: Sequence[str | None]
) -> dict[str, tuple[UUID, ProfileId]]:
    given = [key for key in keys if key is not None]
    return await store.find_keys(conn, workspace_id, given) if given else {}


async def _profiles_of(
    conn: Conn,
    workspace_id: UUID,
    events: Sequence[NewEvent],
    *,
    now: datetime,
    source: str,
    default_region: str | None,
) -> list[ProfileId]:
    refs = [event.ref for event in events if isinstance(event.ref, ProfileRef)]
    resolved = iter(
        await resolve_profiles(conn, workspace_id, refs, now=now, source=source, default_region=default_region)
        if refs
        else ()
    )
    named = await _canonical(conn, workspace_id, {event.ref for event in events if isinstance(event.ref, UUID)})
    return [named[event.ref] if isinstance(event.ref, UUID) else next(resolved) for event in events]


async def _canonical(conn: Conn, workspace_id: UUID, ids: set[UUID]) -> dict[UUID, ProfileId]:
    """The living profile behind each id, through merges. Raises UnknownProfile."""
    if not ids:
        return {}
    found = await get_profiles(conn, workspace_id, ids)
    living: dict[UUID, ProfileId] = {}
    for profile_id in ids:
        profile = found.get(ProfileId(profile_id))
        if profile is None or profile.erased_at is not None:
            raise UnknownProfile(profile_id=str(profile_id))
        living[profile_id] = profile.merged_into or profile.id
    return living


async def list_living(conn: Conn, workspace_id: UUID, ids: set[UUID]) -> set[UUID]:
    """Those of the ids that name a person who is still here, under that id or as an alias."""
    found = await get_profiles(conn, workspace_id, ids)
    return {profile.id for profile in found.values() if profile.erased_at is None}


async def _claim_keys(
    conn: Conn,
    workspace_id: UUID,
    events: Sequence[NewEvent],
    rows: Sequence[Event],
    known: dict[str, tuple[UUID, ProfileId]],
) -> tuple[list[EventReceipt], list[Event]]:
    """Claim the idempotency keys. Receipts of all events, and the rows to write: whoever lost a race writes none."""
    wanted = {
        event.idempotency_key: (row.id, row.profile_id)
        for event, row in zip(events, rows, strict=True)
        if event.idempotency_key is not None
    }
    lost: set[str] = set()
    if wanted:
        won = await store.insert_keys(conn, workspace_id, wanted, rows[0].recorded_at)
        lost = wanted.keys() - won
    elsewhere = await store.find_keys(conn, workspace_id, lost) if lost else {}
    known |= {key: elsewhere.get(key) or wanted[key] for key in wanted}
    receipts, written = [], []
    for event, row in zip(events, rows, strict=True):
        if event.idempotency_key in lost:
            event_id, profile_id = elsewhere[event.idempotency_key]
            receipts.append(EventReceipt(event_id=event_id, profile_id=profile_id, is_new=False))
        else:
            receipts.append(EventReceipt(event_id=row.id, profile_id=row.profile_id, is_new=True))
            written.append(row)
    return receipts, written


async def _write(conn: Conn, workspace_id: UUID, rows: Sequence[Event]) -> None:
    if not rows:
        return
    rows = await _with_derived(conn, workspace_id, rows)
    await store.insert_events(conn, workspace_id, rows)
    await announce(
        conn,
        [
            EventRecorded(
                workspace_id=workspace_id,
                profile_id=row.profile_id,
                event_id=row.id,
                name=row.name,
                properties=row.properties,
                occurred_at=row.occurred_at,
                recorded_at=row.recorded_at,
            )
            for row in rows
        ],
    )
    crash.point("events.recorded")


async def _with_derived(conn: Conn, workspace_id: UUID, rows: Sequence[Event]) -> list[Event]:
    """Events, each followed by those that rules derive from it; nothing is derived from a derived one."""
    by_base: dict[str, list[EventRule]] = {}
    for rule in await store.list_rules_of(conn, workspace_id, {row.name for row in rows}):
        by_base.setdefault(rule.base_name, []).append(rule)
    if not by_base:
        return list(rows)
    everything: list[Event] = []
    for row in rows:
        everything.append(row)
        everything.extend(
            replace(row, id=new_id(row.recorded_at, bucket_of(row.profile_id)), name=rule.name, source="rule")
            for rule in by_base.get(row.name, ())
            if rules.matches(rule.conditions, row.properties)
        )
    return everything


async def create_rule(
    conn: Conn,
    actor: Caller | str,
    workspace_id: UUID,
    *,
    name: str,
    base_name: str,
    conditions: list[dict[str, Any]],
    now: datetime,
) -> EventRule:
    """Create a rule-based event. Raises InvalidInput with every mistake, and EventRuleExists."""
    errors = rules.check_rule(name, base_name, conditions)
    if errors:
        raise InvalidInput(errors)
    rule = EventRule(id=new_id(now), name=name, base_name=base_name, conditions=conditions, created_at=now)
    if not await store.insert_rule(conn, workspace_id, rule):
        raise EventRuleExists(name=name)
    await audit.record(conn, actor, workspace_id, "event_rule.created", "event_rule", rule.id, {"name": name}, now)
    return rule


async def delete_rule(conn: Conn, actor: Caller | str, workspace_id: UUID, rule_id: UUID, now: datetime) -> None:
    """Delete a rule-based event; what it derived stays. Raises UnknownEventRule."""
    await store.delete_rule(conn, workspace_id, rule_id)
    await audit.record(conn, actor, workspace_id, "event_rule.deleted", "event_rule", rule_id, {}, now)


async def erase_profiles(conn: Conn, workspace_id: UUID, ids: Sequence[UUID]) -> dict[str, int]:
    """Erase every event of these people. Counts a table."""
    return await store.delete_events(conn, workspace_id, ids)
