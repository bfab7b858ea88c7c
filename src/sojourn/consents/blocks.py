"""What stops marketing beside a withdrawal: the platform's own stop, and our hold behind an open question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sojourn.consents import store
from sojourn.consents.model import BlockKind, ConsentSource, Purpose
from sojourn.consents.writing import NewEntry, append_entries
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.jobs import announce
from sojourn.profiles.signals import ProfilesTouched


async def record_platform_preferences(
    conn: Conn,
    workspace_id: UUID,
    preferences: Sequence[tuple[UUID, str, str, datetime]],
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Note stops and resumes on the platform's own side: (profile, channel, `stop` or `resume`, moment).

    They never touch what the person told us: only the platform's resume lifts the platform's stop. Repeating is free.
    """
    states = {"stop": "stopped", "resume": "resumed"}
    entries = [
        _block_entry(profile, channel, BlockKind.PLATFORM, states[value], min(at, now), source=ConsentSource.PLATFORM)
        for profile, channel, value, at in preferences
    ]
    await _record_blocks(conn, workspace_id, entries, keys=keys, now=now)


async def hold_marketing(
    conn: Conn, workspace_id: UUID, holds: Sequence[tuple[UUID, str, datetime]], *, keys: KeyRing, now: datetime
) -> None:
    """Hold marketing to people who may have meant stop (profile, channel, moment), until they answer."""
    entries = [
        _block_entry(profile, channel, BlockKind.HOLD, "held", min(at, now), source=ConsentSource.KEYWORD)
        for profile, channel, at in holds
    ]
    await _record_blocks(conn, workspace_id, entries, keys=keys, now=now)


async def release_hold(
    conn: Conn, workspace_id: UUID, profile_id: UUID, channel: str, at: datetime, *, keys: KeyRing, now: datetime
) -> None:
    """The person said that they did not mean stop."""
    entry = _block_entry(profile_id, channel, BlockKind.HOLD, "released", min(at, now), source=ConsentSource.TAP)
    await _record_blocks(conn, workspace_id, [entry], keys=keys, now=now)


def _block_entry(
    profile_id: UUID, channel: str, kind: BlockKind, state: str, at: datetime, *, source: ConsentSource
) -> NewEntry:
    return NewEntry(
        profile_id=profile_id,
        kind=kind.value,
        channel=channel,
        purpose=Purpose.MARKETING.value,
        topic="",
        state=state,
        source=source.value,
        address=None,
        effective_at=at,
        expires_at=None,
        evidence=None,
        key=f"{kind.value}:{channel}:{state}:{at.isoformat()}",
    )


async def _record_blocks(
    conn: Conn, workspace_id: UUID, entries: Sequence[NewEntry], *, keys: KeyRing, now: datetime
) -> None:
    if not entries:
        return
    recorded = await append_entries(conn, workspace_id, entries, keys=keys, now=now)
    fresh = [entry for entry, line in zip(entries, recorded, strict=True) if line.is_new]
    blocks = [_block(entry) for entry in fresh]
    await store.upsert_blocks(conn, workspace_id, blocks, now)
    if fresh:
        touched = sorted({entry.profile_id for entry in fresh})
        await announce(conn, [ProfilesTouched(workspace_id=workspace_id, profile_ids=touched, kind="consent")])


def _block(entry: NewEntry) -> tuple[UUID, str, str, datetime | None, datetime | None]:
    blocks = entry.state in {"stopped", "held"}
    moments = (entry.effective_at, None) if blocks else (None, entry.effective_at)
    return entry.profile_id, entry.channel, entry.kind, *moments
