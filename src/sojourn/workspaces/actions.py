"""Create workspaces and keys, change settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from sojourn.kit.database import Conn
from sojourn.kit.errors import FieldError, InvalidInput
from sojourn.kit.ids import new_id
from sojourn.kit.live import LiveEvent, publish
from sojourn.workspaces import audit, keys, store
from sojourn.workspaces.access_news import tell_rights_changed
from sojourn.workspaces.caller import SYSTEM, Caller
from sojourn.workspaces.key_cache import forget_key
from sojourn.workspaces.model import ApiKey, KeyKind, UnknownApiKey, Workspace, WorkspaceSettings
from sojourn.workspaces.rights import is_scope, rights_of

FIELDS = ("name", "timezone", "default_language", "default_country")


async def create_workspace(
    conn: Conn,
    name: str,
    *,
    timezone: str = "Europe/London",
    default_language: str = "en",
    default_country: str = "GB",
    settings: WorkspaceSettings | None = None,
    now: datetime,
) -> Workspace:
    """Create a workspace. Raises InvalidInput for an unknown zone, an empty name, or a country that is no code."""
    workspace = Workspace(
        id=new_id(now),
        name=name.strip(),
        timezone=timezone,
        default_language=default_language,
        default_country=default_country.upper(),
        settings=settings or WorkspaceSettings(),
        created_at=now,
        updated_at=now,
    )
    _check(workspace)
    await store.insert_workspace(conn, workspace)
    await audit.record(conn, SYSTEM, workspace.id, "workspace.created", "workspace", workspace.id, {}, now)
    return workspace


async def update_workspace(
    conn: Conn, actor: Caller | str, workspace_id: UUID, changes: Mapping[str, Any], now: datetime
) -> Workspace:
    """Change name, zone, language, country or `settings` (a partial mapping; null restores the default).

    Raises InvalidInput with every mistake; nothing is changed then.
    """
    workspace = await store.lock_workspace(conn, workspace_id)
    fields = {name: changes[name] for name in FIELDS if changes.get(name) is not None}
    if "default_country" in fields:
        fields["default_country"] = fields["default_country"].upper()
    changed = replace(workspace, **fields, settings=_merge(workspace.settings, changes.get("settings") or {}))
    _check(changed)
    if changed == workspace:
        return workspace
    changed = replace(changed, updated_at=now)
    await store.update_workspace(conn, changed)
    await audit.record(
        conn, actor, workspace_id, "workspace.changed", "workspace", workspace_id, _difference(workspace, changed), now
    )
    news = {"kind": "workspace", "brake": changed.settings.brake, "allow_list_on": changed.settings.allow_list_on}
    await publish(conn, [LiveEvent(workspace_id=workspace_id, topic="alerts", payload=news)], now)
    return changed


async def update_settings(
    conn: Conn, actor: Caller | str, workspace_id: UUID, settings: Mapping[str, Any], now: datetime
) -> Workspace:
    """Change some settings; see `update_workspace`."""
    return await update_workspace(conn, actor, workspace_id, {"settings": settings}, now)


def _merge(settings: WorkspaceSettings, changes: Mapping[str, Any]) -> WorkspaceSettings:
    known = WorkspaceSettings.__struct_fields__
    unknown: list[FieldError] = [
        {"field": f"settings.{name}", "code": "unknown_setting"} for name in changes if name not in known
    ]
    merged = {**msgspec.to_builtins(settings), **changes}
    try:
        if unknown:
            raise InvalidInput(unknown)
        return msgspec.convert({name: value for name, value in merged.items() if value is not None}, WorkspaceSettings)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = f"settings{path.rstrip('`')}" if path else "settings"
        raise InvalidInput([{"field": field, "code": "invalid_setting", "message": text}]) from error


def _check(workspace: Workspace) -> None:
    errors: list[FieldError] = []
    if not 1 <= len(workspace.name) <= 200:
        errors.append({"field": "name", "code": "length", "limit": 200, "message": "1 to 200 characters"})
    if workspace.timezone not in available_timezones():
        errors.append({"field": "timezone", "code": "unknown_timezone", "message": "a name such as Europe/London"})
    country = workspace.default_country
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        errors.append({"field": "default_country", "code": "unknown_country", "message": "two letters such as GB"})
    if not 2 <= len(workspace.default_language) <= 35:
        errors.append({"field": "default_language", "code": "unknown_language", "message": "a code such as en_GB"})
    if errors:
        raise InvalidInput(errors)


def _difference(old: Workspace, new: Workspace) -> dict[str, object]:
    changes: dict[str, object] = {
        name: {"from": getattr(old, name), "to": getattr(new, name)}
        for name in FIELDS
        if getattr(old, name) != getattr(new, name)
    }
    for name in WorkspaceSettings.__struct_fields__:
        before, after = getattr(old.settings, name), getattr(new.settings, name)
        if before != after:
            changes[f"settings.{name}"] = {"from": before, "to": after}
    return changes


async def create_key(
    conn: Conn,
    workspace_id: UUID,
    name: str,
    *,
    kind: KeyKind = KeyKind.SECRET,
    scopes: Sequence[str] = ("full",),
    expires_at: datetime | None = None,
    actor: Caller | str = SYSTEM,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Create an API key; returns it with its secret, which exists nowhere else.

    A write key has the scope `ingest` and no other. Raises InvalidInput for unknown scopes, and MissingRight when a
    caller would hand out a right that it does not have.
    """
    granted = ("ingest",) if kind is KeyKind.WRITE else tuple(dict.fromkeys(scopes))
    errors: list[FieldError] = [
        {"field": f"scopes[{index}]", "code": "unknown_scope", "message": scope}
        for index, scope in enumerate(granted)
        if not is_scope(scope)
    ]
    if not 1 <= len(name.strip()) <= 200:
        errors.append({"field": "name", "code": "length", "limit": 200, "message": "1 to 200 characters"})
    if not granted:
        errors.append({"field": "scopes", "code": "required", "message": "at least one scope"})
    if errors:
        raise InvalidInput(errors)
    if isinstance(actor, Caller):
        _check_grant(actor, granted)
    secret = keys.new_secret(kind)
    key = ApiKey(
        id=new_id(now),
        workspace_id=workspace_id,
        name=name.strip(),
        kind=kind,
        prefix=keys.prefix_of(secret),
        scopes=granted,
        created_by=actor.actor if isinstance(actor, Caller) else actor,
        created_at=now,
        last_used_at=None,
        expires_at=expires_at,
        revoked_at=None,
    )
    await store.insert_key(conn, key, keys.digest_of(secret))
    changes = {"name": key.name, "kind": kind.value, "scopes": list(granted)}
    await audit.record(conn, actor, workspace_id, "api_key.created", "api_key", key.id, changes, now)
    return key, secret


def _check_grant(caller: Caller, scopes: Sequence[str]) -> None:
    for right in sorted(rights_of(scopes)):
        caller.require(right)


async def revoke_key(conn: Conn, actor: Caller | str, workspace_id: UUID, key_id: UUID, now: datetime) -> ApiKey:
    """Revoke a key; other processes stop accepting it within a second. Repeating changes nothing."""
    key = await store.find_key_by_id(conn, workspace_id, key_id)
    if key is None:
        raise UnknownApiKey(api_key_id=str(key_id))
    digest = await store.update_key_revoked(conn, workspace_id, key_id, now)
    if digest is None:
        return key
    forget_key(digest)
    await tell_rights_changed(conn, workspace_id, f"key:{key_id}", now)
    await audit.record(conn, actor, workspace_id, "api_key.revoked", "api_key", key_id, {}, now)
    return replace(key, revoked_at=now)
