"""HTTP: what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Page, decode_cursor, encode_cursor
from sojourn.profiles.store import get_profile, list_people
from sojourn.reports import timeline
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["reports"])


class TimelineEntryOut(BaseModel):
    """One thing that happened to or with a person."""

    id: UUID
    kind: str
    at: datetime
    title: str
    data: dict[str, Any]


@router.get("/profiles/{profile_id}/timeline")
async def get_timeline(
    profile_id: UUID,
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("profiles.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TimelineEntryOut]:
    """A person's events, deliveries, consent and changes of address, newest first; those of merged profiles too."""
    profile = await get_profile(conn, caller.workspace_id, profile_id)
    person = (await list_people(conn, [profile.id]))[profile.id]
    found = await timeline.read_timeline(conn, person, before=_position(cursor), limit=limit + 1)
    more = encode_cursor(found[limit - 1].at.isoformat(), found[limit - 1].id) if len(found) > limit else None
    items = [
        TimelineEntryOut(id=one.id, kind=one.kind, at=one.at, title=one.title, data=one.data) for one in found[:limit]
    ]
    return Page(items=items, next_cursor=more)


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    parts = decode_cursor(cursor)
    if parts is None:
        return None
    try:
        at, id_ = parts
        return datetime.fromisoformat(at), UUID(id_)
    except ValueError as error:
        raise InvalidInput([{"field": "cursor", "code": "invalid_cursor", "message": "not a cursor"}]) from error
