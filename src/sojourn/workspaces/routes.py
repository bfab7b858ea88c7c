"""HTTP: the workspace, its API keys, its audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Keys, Limit, Now, Page
from sojourn.workspaces import actions, audit_chain, store
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.model import ApiKey, AuditEntry, KeyKind, Workspace
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(prefix="/v1", tags=["workspace"])


class WorkspaceOut(BaseModel):
    """A workspace with all its settings, chosen and default."""

    id: UUID
    name: str
    timezone: str
    default_language: str
    default_country: str
    settings: dict[str, Any]
    updated_at: datetime

    @classmethod
    def of(cls, workspace: Workspace) -> WorkspaceOut:
        """From the stored workspace."""
        settings = {name: getattr(workspace.settings, name) for name in workspace.settings.__struct_fields__}
        return cls(
            id=workspace.id,
            name=workspace.name,
            timezone=workspace.timezone,
            default_language=workspace.default_language,
            default_country=workspace.default_country,
            settings=msgspec.to_builtins(settings),
            updated_at=workspace.updated_at,
        )


class WorkspaceChange(BaseModel):
    """What to change; what is left out stays. A setting of null goes back to its default."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    timezone: str | None = None
    default_language: str | None = None
    default_country: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class ApiKeyOut(BaseModel):
    """An API key without its secret."""

    id: UUID
    name: str
    kind: KeyKind
    prefix: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> ApiKeyOut:
        """From the stored key."""
        return cls(
            **{name: getattr(key, name) for name in cls.model_fields if name != "scopes"}, scopes=list(key.scopes)
        )


class NewApiKeyOut(BaseModel):
    """A new API key with its secret, which is shown this once."""

    key: ApiKeyOut
    secret: str


class ApiKeyIn(BaseModel):
    """A key to create."""

    model_config = ConfigDict(extra="forbid")
    name: str
    kind: KeyKind = KeyKind.SECRET
    scopes: list[str] = Field(default_factory=lambda: ["full"], max_length=100)
    expires_at: datetime | None = None


class AuditEntryOut(BaseModel):
    """One change made by hand."""

    id: UUID
    actor: str
    action: str
    object_kind: str
    object_id: str
    changes: dict[str, Any]
    recorded_at: datetime

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditEntryOut:
        """From the stored entry."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


@router.get("/workspace")
async def get_workspace(
    conn: ConnDep, caller: Annotated[Caller, Depends(require_right("workspace.read"))]
) -> WorkspaceOut:
    """The workspace of this key, with all settings."""
    return WorkspaceOut.of(await store.get_workspace(conn, caller.workspace_id))


@router.patch("/workspace")
async def change_workspace(
    body: WorkspaceChange, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("workspace.write"))]
) -> WorkspaceOut:
    """Change the workspace or some of its settings; every change is audited."""
    changes = body.model_dump(exclude_unset=True)
    return WorkspaceOut.of(await actions.update_workspace(conn, caller, caller.workspace_id, changes, now))


@router.get("/api-keys")
async def list_api_keys(
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("keys.read"))],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ApiKeyOut]:
    """API keys, revoked ones too, oldest first."""
    found = await store.list_keys(conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1)
    return page_of(found, limit, ApiKeyOut.of)


@router.post("/api-keys", status_code=201)
async def create_api_key(
    body: ApiKeyIn, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("keys.write"))]
) -> NewApiKeyOut:
    """Create an API key. Its secret is in this answer and nowhere else."""
    key, secret = await actions.create_key(
        conn,
        caller.workspace_id,
        body.name,
        kind=body.kind,
        scopes=body.scopes,
        expires_at=body.expires_at,
        actor=caller,
        now=now,
    )
    return NewApiKeyOut(key=ApiKeyOut.of(key), secret=secret)


@router.delete("/api-keys/{key_id}")
async def revoke_api_key(
    key_id: UUID, conn: ConnDep, now: Now, caller: Annotated[Caller, Depends(require_right("keys.write"))]
) -> ApiKeyOut:
    """Revoke an API key; it stops working within a second."""
    return ApiKeyOut.of(await actions.revoke_key(conn, caller, caller.workspace_id, key_id, now))


@router.get("/audit")
async def list_audit(
    *,
    conn: ConnDep,
    caller: Annotated[Caller, Depends(require_right("audit.read"))],
    actor: Annotated[str | None, Query(max_length=200, description="`member:<id>`, `key:<id>` or `system`")] = None,
    action: Annotated[str | None, Query(max_length=200, description="`member.invited`; `member.*` for all")] = None,
    object_: Annotated[str | None, Query(alias="object", max_length=300, description="A kind, or `kind:id`")] = None,
    object_kind: Annotated[str | None, Query(max_length=100)] = None,
    object_id: Annotated[str | None, Query(max_length=200)] = None,
    from_: Annotated[datetime | None, Query(alias="from", description="From this moment on")] = None,
    until: Annotated[datetime | None, Query(description="Before this moment")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AuditEntryOut]:
    """Changes made by hand, newest first. Filters go together."""
    kind, colon, id_ = (object_ or "").partition(":")
    found = await store.list_audit_entries(
        conn,
        caller.workspace_id,
        actor=actor,
        action=action,
        object_kind=object_kind or kind or None,
        object_id=object_id or (id_ if colon else None),
        begins_at=_moment(from_, "from"),
        ends_at=_moment(until, "until"),
        before=decode_position(cursor),
        limit=limit + 1,
    )
    return page_of(found, limit, AuditEntryOut.of)


def _moment(value: datetime | None, field: str) -> datetime | None:
    """A moment of a query in UTC, which it is when it names no zone."""
    if value is None or value.tzinfo is None:
        return value and value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput([{"field": field, "code": "unstorable_text", "message": "outside of 1 to 9999"}]) from error


class ChainOut(BaseModel):
    """Whether the trail is as it was written. `broken_at`: where something is missing or was changed.

    Positions count from 1; entries before `first_position` were deleted when their time was over. `head` is the digest
    of the last entry: note it elsewhere, and nobody can replace the whole trail unseen.
    """

    is_intact: bool
    broken_at: int | None
    first_position: int | None
    last_position: int
    head: str | None
    since: datetime | None


@router.get("/audit/verify")
async def verify_audit(
    conn: ConnDep, keys: Keys, caller: Annotated[Caller, Depends(require_right("audit.read"))]
) -> ChainOut:
    """Check the chain over the audit trail from its first kept entry to the newest."""
    while await audit_chain.seal(conn, caller.workspace_id, keys=keys):
        continue
    verdict = await audit_chain.verify(conn, caller.workspace_id, keys=keys)
    return ChainOut(**{name: getattr(verdict, name) for name in ChainOut.model_fields})
