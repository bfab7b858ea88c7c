"""HTTP of the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from sojourn.kit.web import ConnDep, Cursor, Limit, Page
from sojourn.messages import store
from sojourn.messages.model import StoredMessage
from sojourn.profiles.store import list_people
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(tags=["messages"])

Reader = Annotated[Caller, Depends(require_right("messages.read"))]


class MessageOut(BaseModel):
    """One thing that was said. An outbound message has the id of its delivery."""

    id: UUID
    profile_id: UUID
    sender_id: UUID
    channel: str
    direction: str
    kind: str
    text: str | None
    data: dict[str, Any]
    provider_message_id: str
    context_id: str | None
    said_at: datetime
    recorded_at: datetime


@router.get("/v1/messages")
async def list_messages(
    caller: Reader,
    conn: ConnDep,
    profile_id: UUID,
    sender_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """What was said with a person, in and out, newest first, under every profile that was merged with theirs."""
    person = (await list_people(conn, [profile_id]))[profile_id]
    found = await store.list_messages(
        conn,
        caller.workspace_id,
        profile_ids=person,
        sender_id=sender_id,
        before=decode_position(cursor),
        limit=limit + 1,
    )
    return page_of(found, limit, _out)


def _out(message: StoredMessage) -> MessageOut:
    return MessageOut(**{name: getattr(message, name) for name in MessageOut.model_fields})
