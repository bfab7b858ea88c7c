"""HTTP: a copy of everything that is held about a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from sojourn.kit.web import ConnDep, Keys, Now
from sojourn.privacy import archiving
from sojourn.privacy.archive_store import Archive
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["privacy"])

Read = Annotated[Caller, Depends(require_right("archives.read"))]
Write = Annotated[Caller, Depends(require_right("archives.write"))]

ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


class ArchiveOut(BaseModel):
    """An archive; `archive` is the copy itself once it is ready."""

    id: UUID
    profile_id: UUID
    state: Literal["waiting", "ready", "failed"]
    counts: dict[str, int]
    size_bytes: int | None
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime
    archive: dict[str, Any] | None = None

    @classmethod
    def of(cls, found: Archive) -> ArchiveOut:
        """From the stored row."""
        return cls(**{name: getattr(found, name) for name in cls.model_fields if name != "archive"})


@router.post("/profiles/{profile_id}/archive", status_code=202)
async def request_archive(profile_id: UUID, conn: ConnDep, caller: Write, now: Now) -> ArchiveOut:
    """Have a copy made of everything that is held about a person. It is kept for seven days."""
    return ArchiveOut.of(await archiving.request_archive(conn, caller, profile_id, now=now))


@router.get("/archives/{archive_id}", responses=ZIP, response_model=ArchiveOut)
async def get_archive(
    archive_id: UUID,
    request: Request,
    conn: ConnDep,
    caller: Read,
    keys: Keys,
    now: Now,
    format_: Annotated[
        Literal["json", "zip"], Query(alias="format", description="zip: with the person's files")
    ] = "json",
) -> ArchiveOut | Response:
    """The copy as JSON, or as a zip with the person's files once it is ready. Every reading is in the audit trail."""
    found = await archiving.read_archive(conn, caller, archive_id, now=now)
    if found.state != "ready":
        return ArchiveOut.of(found)
    if format_ == "zip":
        name = f'attachment; filename="archive-{archive_id}.zip"'
        body = _parts(request, archive_id)
        return StreamingResponse(body, media_type="application/zip", headers={"Content-Disposition": name})
    out = ArchiveOut.of(found)
    out.archive = await archiving.read_document(conn, archive_id, keys=keys)
    return out


async def _parts(request: Request, archive_id: UUID) -> AsyncIterator[bytes]:
    part = 0
    while True:
        async with request.app.state.db.transaction() as conn:
            content = await archiving.read_part(conn, archive_id, "zip", part, keys=request.app.state.keys)
        if content is None:
            return
        yield content
        part += 1
