"""HTTP: files that messages carry."""

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from sojourn.channels import media_store
from sojourn.channels.model import MediaAsset, MediaRefused
from sojourn.channels.whatsapp import limits, media, media_checks
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn
from sojourn.kit.errors import BodyTooLarge, FieldError, InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page, decode_cursor, encode_cursor
from sojourn.workspaces import audit
from sojourn.workspaces.access import Caller, require_right

router = APIRouter(prefix="/v1", tags=["media"])

Read = Annotated[Caller, Depends(require_right("media.read"))]
Write = Annotated[Caller, Depends(require_right("media.write"))]
Kind = Literal["image", "video", "audio", "document", "sticker"]


class MediaOut(BaseModel):
    """A file. `state` is pending while an inbound one is fetched, then stored or failed with a reason."""

    id: UUID
    direction: str
    kind: str
    mime: str | None
    filename: str | None
    size_bytes: int | None
    sha256: str | None
    state: str
    reason: str | None
    created_at: datetime
    stored_at: datetime | None

    @classmethod
    def of(cls, asset: MediaAsset) -> "MediaOut":
        """From the stored asset."""
        names = cls.model_fields.keys() - {"sha256"}
        sha256 = None if asset.sha256 is None else bytes(asset.sha256).hex()
        return cls(**{name: getattr(asset, name) for name in names}, sha256=sha256)


FILE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/media", status_code=201, openapi_extra=FILE_BODY)
async def upload_media(
    request: Request,
    conn: ConnDep,
    caller: Write,
    keys: Keys,
    now: Now,
    kind: Annotated[Kind | None, Query(description="By default the one that goes with the content type")] = None,
    filename: Annotated[str | None, Query(max_length=limits.FILENAME_MAX)] = None,
    voice: Annotated[bool, Query(description="Check that it can be a voice message")] = False,
) -> MediaOut:
    """Store a file to be sent. The body is the file itself, its type the header `Content-Type`.

    Type, size and content are checked against the channel's limits. The same bytes again are the same file.
    """
    mime = media_checks.base_mime(request.headers.get("content-type", ""))
    wanted = kind or media_checks.kind_of_mime(mime)
    if wanted is None:
        allowed = sorted({item for mimes in limits.MEDIA_MIMES.values() for item in mimes})
        raise MediaRefused(errors=[FieldError(field="mime", code="not_allowed", limit=allowed, message="unknown type")])
    content = await _read_body(request, media_checks.max_bytes(wanted))
    errors = media_checks.check_media(wanted, mime, content, voice=voice)
    if errors:
        raise MediaRefused(errors=errors)
    asset = await _store(conn, caller.workspace_id, wanted, mime, filename, content, keys=keys, now=now)
    return MediaOut.of(asset)


async def _read_body(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise BodyTooLarge(limit=most)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise BodyTooLarge(limit=most)
    return bytes(content)


async def _store(
    conn: Conn,
    workspace_id: UUID,
    kind: str,
    mime: str,
    filename: str | None,
    content: bytes,
    *,
    keys: KeyRing,
    now: datetime,
) -> MediaAsset:
    sha256 = hashlib.sha256(content).digest()
    created = await media_store.insert_upload(
        conn, workspace_id, kind=kind, mime=mime, filename=filename, size_bytes=len(content), sha256=sha256, now=now
    )
    if created is not None:
        await media.write_content(conn, created, content, keys)
        return await media_store.get_media(conn, workspace_id, created)
    known = await media_store.find_upload(conn, workspace_id, sha256=sha256, kind=kind, mime=mime)
    assert known is not None, "the index that refused the file holds it"
    return await media_store.get_media(conn, workspace_id, known)


@router.get("/media")
async def list_media(
    conn: ConnDep, caller: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[MediaOut]:
    """Files to be sent, newest first."""
    parts = decode_cursor(cursor)
    try:
        before = None if parts is None else UUID(parts[0])
    except (ValueError, IndexError) as error:
        raise InvalidInput([FieldError(field="cursor", code="invalid_cursor", message="not a cursor")]) from error
    assets = await media_store.list_media(conn, caller.workspace_id, before=before, limit=limit + 1)
    more = len(assets) > limit
    items = [MediaOut.of(asset) for asset in assets[:limit]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if more else None)


@router.get("/media/{media_id}")
async def get_media(media_id: UUID, conn: ConnDep, caller: Read) -> MediaOut:
    """One file, without its bytes."""
    return MediaOut.of(await media_store.get_media(conn, caller.workspace_id, media_id))


@router.get("/media/{media_id}/content", response_class=Response)
async def read_content(media_id: UUID, conn: ConnDep, caller: Read, keys: Keys, now: Now) -> Response:
    """The bytes of a file. Reading what a person sent is audited."""
    asset = await media_store.get_media(conn, caller.workspace_id, media_id)
    content = await media.read_content(conn, asset.id, keys)
    if asset.direction == "in":
        await audit.record(conn, caller, caller.workspace_id, "media.read", "media", asset.id, {}, now)
    headers = {
        "Content-Disposition": f'attachment; filename="{asset.id}.{media_checks.extension_of(asset.mime or "")}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=asset.mime or "application/octet-stream", headers=headers)
