"""Double opt-ins: opened by a pending consent, ended by an answer, a grant, a withdrawal or time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sojourn.consents import request_store
from sojourn.consents.model import ConsentState, Scope, ScopeFact
from sojourn.consents.request_store import ConsentRequest
from sojourn.consents.writing import NewEntry, Recorded
from sojourn.kit.database import Conn
from sojourn.kit.ids import bucket_of, new_id

ASK_AGAIN_AFTER = timedelta(days=1)  # a form filled in twice leads to one question a number and day


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A request that a pending consent opened or joined, and whether a question is to be asked now."""

    request: ConsentRequest
    source: str
    ask: bool


People = Mapping[tuple[UUID, str], Mapping[Scope, ScopeFact]]


async def settle_requests(conn: Conn, facts: People, *, now: datetime) -> None:
    """Close requests that what was recorded has answered: granted or withdrawn, whoever said so."""
    people = {profile_id for profile_id, _ in facts}
    if not people:
        return
    closing: dict[str, list[UUID]] = {"confirmed": [], "declined": []}
    for profile_id, request in await request_store.list_open_requests(conn, people):
        fact = facts.get((profile_id, request.channel), {}).get((request.purpose, ""))
        if fact is not None and fact.state is ConsentState.GRANTED:
            closing["confirmed"].append(request.id)
        elif fact is not None and fact.state is ConsentState.WITHDRAWN:
            closing["declined"].append(request.id)
    for state, ids in closing.items():
        await request_store.close_requests(conn, ids, state, now)


async def open_requests(
    conn: Conn,
    workspace_id: UUID,
    fresh: Sequence[tuple[NewEntry, Recorded]],
    facts: People,
    *,
    locales: Mapping[UUID, str | None],
    reminder_after: timedelta | None,
    now: datetime,
) -> list[Opened]:
    """Open a request a person and channel for new pending consents, or join the one that is open."""
    pending: dict[tuple[UUID, str], list[tuple[NewEntry, Recorded]]] = {}
    for entry, line in fresh:
        scope = facts.get((entry.profile_id, entry.channel), {}).get((entry.purpose, entry.topic))
        if entry.state == ConsentState.PENDING and scope is not None and scope.state is ConsentState.PENDING:
            pending.setdefault((entry.profile_id, entry.channel), []).append((entry, line))
    if not pending:
        return []
    existing = await request_store.find_open_requests(conn, {profile_id for profile_id, _ in pending})
    opened: list[Opened] = []
    for person, members in pending.items():
        old = existing.get(person)
        request = _joined(old, members, now) if old else _new(workspace_id, members, now)
        request = replace(request, locale=locales.get(person[0]) or request.locale)
        ask = request.asked_at is None or request.asked_at + ASK_AGAIN_AFTER <= now
        if ask:
            due = now + reminder_after if reminder_after is not None and request.questions == 0 else None
            request = replace(request, asked_at=now, questions=request.questions + 1, reminder_due_at=due)
        if old:
            await request_store.update_request(conn, request)
        else:
            await request_store.insert_request(conn, request)
        opened.append(Opened(request=request, source=members[0][0].source, ask=ask))
    return opened


def _new(workspace_id: UUID, members: Sequence[tuple[NewEntry, Recorded]], now: datetime) -> ConsentRequest:
    entry = members[0][0]
    return ConsentRequest(
        id=new_id(now, bucket_of(entry.profile_id)),
        workspace_id=workspace_id,
        profile_id=entry.profile_id,
        channel=entry.channel,
        purpose=entry.purpose,
        topics=sorted({member.topic for member, _ in members if member.topic}),
        identity_key=entry.address.key if entry.address else "",
        locale=None,
        state="open",
        entry_ids=[line.id for _, line in members],
        requested_at=now,
        expires_at=_end(members, now),
        asked_at=None,
        questions=0,
        reminder_due_at=None,
        closed_at=None,
    )


def _joined(old: ConsentRequest, members: Sequence[tuple[NewEntry, Recorded]], now: datetime) -> ConsentRequest:
    entry = members[0][0]
    return replace(
        old,
        topics=sorted({*old.topics, *(member.topic for member, _ in members if member.topic)}),
        identity_key=entry.address.key if entry.address else old.identity_key,
        entry_ids=[*old.entry_ids, *(line.id for _, line in members)],
        expires_at=max(old.expires_at, _end(members, now)),
    )


def _end(members: Sequence[tuple[NewEntry, Recorded]], now: datetime) -> datetime:
    return max(entry.expires_at or now for entry, _ in members)
