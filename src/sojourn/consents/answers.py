"""How double opt-ins end: the person says yes or no, or time is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sojourn.consents import request_store, store
from sojourn.consents.actions import record_consents
from sojourn.consents.model import Consent, ConsentChange, ConsentSource, ConsentState, Evidence, Purpose
from sojourn.consents.request_store import ConsentRequest
from sojourn.consents.writing import Address, open_sealed
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.profiles import store as profiles
from sojourn.profiles.model import Identity, ProfileId, Scheme

EXPIRE_BATCH = 200


async def answer_request(
    conn: Conn,
    workspace_id: UUID,
    request_id: UUID,
    answer: Literal["yes", "no"],
    *,
    message_id: str,
    at: datetime,
    source: ConsentSource,
    keys: KeyRing,
    now: datetime,
) -> list[Consent] | None:
    """Record what the person answered; None when no such request is open any more.

    A yes grants what was asked for, with the evidence of the request and the id of the answering message. A no
    withdraws it. `at` is the moment of the answer.
    """
    request = await request_store.find_request(conn, workspace_id, request_id)
    if request is None or not request.is_open(at) or request.state != "open":
        return None
    if answer == "no":
        changes = [_no(request, at, source, message_id)]
        consents = await record_consents(conn, workspace_id, changes, keys=keys, now=now)
        await request_store.close_requests(conn, [request.id], "declined", now)
        return consents
    changes = await _yes(conn, request, message_id=message_id, at=at, source=source, keys=keys)
    consents = await record_consents(conn, workspace_id, changes, keys=keys, now=now)
    await request_store.close_requests(conn, [request.id], "confirmed", now)
    return consents


def _no(request: ConsentRequest, at: datetime, source: ConsentSource, message_id: str) -> ConsentChange:
    return ConsentChange(
        profile_id=request.profile_id,
        channel=request.channel,
        purpose=Purpose(request.purpose),
        state=ConsentState.WITHDRAWN,
        effective_at=at,
        evidence=Evidence(message_id=message_id),
        source=source,
        key=f"request:{request.id}:no",
    )


async def _yes(
    conn: Conn, request: ConsentRequest, *, message_id: str, at: datetime, source: ConsentSource, keys: KeyRing
) -> list[ConsentChange]:
    """One grant for the purpose and one a topic, each with the evidence that its pending entry had."""
    data_keys = await profiles.get_profile_keys(conn, keys, [request.profile_id])
    data_key = data_keys.get(ProfileId(request.profile_id))
    found: dict[str, tuple[Address | None, Evidence | None]] = {}
    for entry in await store.get_entries(conn, request.entry_ids):
        opened = open_sealed(entry["sealed"], data_key)
        if opened is not None:
            found[entry["topic"]] = opened
    changes = []
    for topic in ["", *request.topics]:
        address, evidence = found.get(topic) or found.get("") or next(iter(found.values()), (None, None))
        changes.append(
            ConsentChange(
                profile_id=request.profile_id,
                channel=request.channel,
                purpose=Purpose(request.purpose),
                topic=topic or None,
                state=ConsentState.GRANTED,
                identity=Identity(Scheme(address.scheme), address.value) if address else None,
                effective_at=at,
                evidence=replace(evidence or Evidence(), message_id=message_id),
                source=source,
                key=f"request:{request.id}:yes:{topic}",
            )
        )
    return changes


async def expire_requests(conn: Conn, *, keys: KeyRing, now: datetime) -> int:
    """End requests that nobody answered in time, and note it in the ledger. How many; run again while there are any."""
    over = await request_store.lock_expired(conn, now, EXPIRE_BATCH)
    by_workspace: dict[UUID, list[ConsentRequest]] = {}
    for request in over:
        by_workspace.setdefault(request.workspace_id, []).append(request)
    for workspace_id, requests in by_workspace.items():
        living = await _living(conn, workspace_id, requests)
        changes = [_expired(request, topic) for request in living for topic in ["", *request.topics]]
        await record_consents(conn, workspace_id, changes, keys=keys, now=now)
    await request_store.close_requests(conn, [request.id for request in over], "expired", now)
    return len(over)


async def _living(conn: Conn, workspace_id: UUID, requests: Sequence[ConsentRequest]) -> list[ConsentRequest]:
    found = await profiles.get_profiles(conn, workspace_id, {request.profile_id for request in requests})
    return [
        request
        for request in requests
        if (profile := found.get(ProfileId(request.profile_id))) is not None and profile.erased_at is None
    ]


def _expired(request: ConsentRequest, topic: str) -> ConsentChange:
    return ConsentChange(
        profile_id=request.profile_id,
        channel=request.channel,
        purpose=Purpose(request.purpose),
        topic=topic or None,
        state=ConsentState.EXPIRED,
        effective_at=request.expires_at,
        source=ConsentSource.SYSTEM,
        key=f"request:{request.id}:expired:{topic}",
    )
