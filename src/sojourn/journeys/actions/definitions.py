"""Saving, checking, publishing, pausing journeys."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.deliveries import actions as deliveries
from sojourn.journeys.actions import templates_check
from sojourn.journeys.interpreter.compile import compile_journey
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.problems import Problem
from sojourn.journeys.interpreter.validate import validate_data, validate_text
from sojourn.journeys.model import (
    Journey,
    JourneyId,
    JourneyInvalid,
    JourneyState,
    JourneyStateConflict,
    NothingToPublish,
    Version,
    VersionId,
)
from sojourn.journeys.signals import ReleaseRuns
from sojourn.journeys.store import definitions as store
from sojourn.kit import jobs, json
from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller


async def validate_journey(
    conn: Conn, workspace_id: UUID, source: str | Mapping[str, Any]
) -> tuple[Definition | None, list[Problem]]:
    """All mistakes and warnings of a file's text or parsed data, those that need the workspace included.

    The definition is None when there is an error.
    """
    definition, problems = await _validate(source)
    if definition is None:
        return None, problems
    problems += await templates_check.check(conn, workspace_id, definition)
    return (None if any(problem.is_error for problem in problems) else definition), problems


async def _validate(source: str | Mapping[str, Any]) -> tuple[Definition | None, list[Problem]]:
    """Check a file by itself, away from the event loop: a large one takes a second."""
    if isinstance(source, str):
        return await asyncio.to_thread(validate_text, source)
    return await asyncio.to_thread(validate_data, source)


async def save_journey(
    conn: Conn, caller: Caller, source: str | Mapping[str, Any], *, now: datetime
) -> tuple[Journey, list[Problem]]:
    """Save a definition as the draft of the journey that its `key` names; a new key is a new journey.

    What is live already leaves no draft. Runs go on in their versions until it is published. Returns warnings. Raises
    JourneyInvalid with every mistake of the file itself; what the workspace lacks (templates) is only refused when
    publishing.
    """
    definition, problems = await _validate(source)
    if definition is None:
        raise JourneyInvalid(problems)
    known = await store.find_journey_by_key(conn, caller.workspace_id, definition.key)
    latest = None if known is None else await store.find_latest_version(conn, known.id)
    is_live = latest is not None and latest.definition == definition.raw
    if known is not None and is_live and known.draft is None:
        return known, problems
    journey = await store.upsert_draft(
        conn,
        journey_id=JourneyId(new_id(now)),
        workspace_id=caller.workspace_id,
        key=definition.key,
        name=definition.name,
        draft=None if is_live else dict(definition.raw),
        now=now,
    )
    await audit.record(
        conn, caller, caller.workspace_id, "journey.saved", "journey", journey.id, {"key": journey.key}, now
    )
    return journey, problems


async def publish_journey(
    conn: Conn, caller: Caller, journey_id: UUID, *, now: datetime
) -> tuple[Journey, Version, list[Problem]]:
    """Make the draft the version in which new runs begin; running people stay in theirs. Returns warnings too.

    Publishing what is live already changes nothing. Raises UnknownJourney, NothingToPublish, JourneyInvalid.
    """
    journey = await store.lock_journey(conn, caller.workspace_id, journey_id)
    latest = await store.find_latest_version(conn, journey.id)
    if journey.draft is None:
        raise NothingToPublish(journey_id=journey_id)
    definition, problems = await validate_journey(conn, caller.workspace_id, journey.draft)
    if definition is None:
        raise JourneyInvalid(problems)
    version = _version(journey, definition, latest, caller, now)
    await store.insert_version(conn, version)
    await templates_check.register(conn, caller.workspace_id, journey.id, definition, now)
    changes = {"key": journey.key, "version": version.number, "digest": version.digest.hex()}
    await audit.record(conn, caller, caller.workspace_id, "journey.published", "journey", journey.id, changes, now)
    return await store.get_journey(conn, caller.workspace_id, journey_id), version, problems


def _version(
    journey: Journey, definition: Definition, latest: Version | None, caller: Caller, now: datetime
) -> Version:
    version_id = VersionId(new_id(now))
    compiled = compile_journey(definition, journey_id=journey.id, version_id=version_id)
    raw = dict(definition.raw)
    return Version(
        id=version_id,
        workspace_id=journey.workspace_id,
        journey_id=journey.id,
        number=1 if latest is None else latest.number + 1,
        definition=raw,
        digest=hashlib.sha256(json.encode(raw)).digest(),
        triggers=sorted({trigger.event for trigger in compiled.triggers}),
        listens=sorted(compiled.listens),
        published_by=caller.actor,
        published_at=now,
    )


async def pause_journey(conn: Conn, caller: Caller, journey_id: UUID, *, now: datetime) -> Journey:
    """Let the journey stand still: nobody enters, what comes for its runs is kept, its queued messages are held."""
    journey = await store.lock_journey(conn, caller.workspace_id, journey_id)
    if journey.state is not JourneyState.LIVE:
        raise JourneyStateConflict(state=journey.state.value, needed=[JourneyState.LIVE.value])
    await store.update_state(conn, journey_id, JourneyState.PAUSED, now)
    await deliveries.stop_owner(conn, caller.workspace_id, journey_id, reason="journey_paused", now=now, pause=True)
    await audit.record(conn, caller, caller.workspace_id, "journey.paused", "journey", journey_id, {}, now)
    return await store.get_journey(conn, caller.workspace_id, journey_id)


async def resume_journey(conn: Conn, caller: Caller, journey_id: UUID, *, now: datetime) -> Journey:
    """Let a paused journey go on; its held runs continue with what came meanwhile."""
    journey = await store.lock_journey(conn, caller.workspace_id, journey_id)
    if journey.state is not JourneyState.PAUSED:
        raise JourneyStateConflict(state=journey.state.value, needed=[JourneyState.PAUSED.value])
    await store.update_state(conn, journey_id, JourneyState.LIVE, now)
    await deliveries.resume_owner(conn, journey_id)
    await jobs.defer(conn, [ReleaseRuns(workspace_id=caller.workspace_id, journey_id=journey_id)])
    await audit.record(conn, caller, caller.workspace_id, "journey.resumed", "journey", journey_id, {}, now)
    return await store.get_journey(conn, caller.workspace_id, journey_id)
