"""HTTP: the workspace, its API keys, its audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.workspaces import actions, store
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
    object_kind: str | None = None,
    object_id: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AuditEntryOut]:
    """Changes made by hand, newest first."""
    found = await store.list_audit_entries(
        conn,
        caller.workspace_id,
        object_kind=object_kind,
        object_id=object_id,
        before=decode_position(cursor),
        limit=limit + 1,
    )
    return page_of(found, limit, AuditEntryOut.of)
