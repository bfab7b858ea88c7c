"""The audit trail: who changed which setting, template, journey or consent by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sojourn.kit.database import Conn
from sojourn.kit.ids import new_id
from sojourn.workspaces import store
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.model import AuditEntry


async def record(
    conn: Conn,
    actor: Caller | str,
    workspace_id: UUID,
    action: str,
    object_kind: str,
    object_id: UUID | str,
    changes: Mapping[str, object],
    now: datetime,
) -> None:
    """Append one entry in the caller's transaction. `changes` holds ids and settings, never data of a person.

    `action` is `<noun>.<past tense>`, for example `template.submitted`.
    """
    entry = AuditEntry(
        id=new_id(now),
        actor=actor.actor if isinstance(actor, Caller) else actor,
        action=action,
        object_kind=object_kind,
        object_id=str(object_id),
        changes=dict(changes),
        recorded_at=now,
    )
    await store.insert_audit_entries(conn, workspace_id, [entry])
