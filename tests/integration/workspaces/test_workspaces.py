"""Workspaces, keys and the audit trail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sojourn.kit.errors import InvalidInput
from sojourn.workspaces import actions, key_cache, store
from sojourn.workspaces.caller import Caller
from sojourn.workspaces.model import KeyKind, MissingRight, Unauthenticated
from sojourn.workspaces.rights import rights_of


async def test_a_setting_that_is_not_chosen_keeps_following_the_default(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    changed = await actions.update_settings(conn, "system", workspace.id, {"brake": True, "quiet_from": "20:30"}, now)
    assert changed.settings.brake
    row = await (await conn.execute("SELECT settings FROM workspaces WHERE id = %s", [workspace.id])).fetchone()
    assert row["settings"] == {"brake": True, "quiet_from": "20:30"}
    back = await actions.update_settings(conn, "system", workspace.id, {"quiet_from": None}, now)
    assert back.settings.quiet_from == "21:00"


async def test_mistakes_in_settings_are_named_and_change_nothing(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    with pytest.raises(InvalidInput) as unknown:
        await actions.update_settings(conn, "system", workspace.id, {"brakes": True}, now)
    assert unknown.value.errors[0]["field"] == "settings.brakes"
    with pytest.raises(InvalidInput) as wrong:
        await actions.update_settings(conn, "system", workspace.id, {"survey_days": 4000}, now)
    assert wrong.value.errors[0]["field"] == "settings.survey_days"
    with pytest.raises(InvalidInput) as zone:
        await actions.update_workspace(conn, "system", workspace.id, {"timezone": "Mars/Olympus"}, now)
    assert zone.value.errors[0]["code"] == "unknown_timezone"
    assert (await store.get_workspace(conn, workspace.id)).settings.survey_days == 30


async def test_a_change_of_settings_is_audited_with_both_values(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    await actions.update_settings(conn, "key:7", workspace.id, {"brake": True}, now + timedelta(seconds=1))
    [entry, created] = await store.list_audit_entries(conn, workspace.id, limit=10)
    assert (entry.actor, entry.action) == ("key:7", "workspace.changed")
    assert entry.changes == {"settings.brake": {"from": False, "to": True}}
    assert created.action == "workspace.created"


async def test_a_key_opens_its_workspace_until_it_is_revoked(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    key, secret = await actions.create_key(conn, workspace.id, "shop", scopes=["send", "consents.read"], now=now)
    caller = await key_cache.authenticate_key(conn, secret)
    assert caller.workspace_id == workspace.id
    assert caller.may("deliveries.write")
    assert caller.may("consents.read")
    assert not caller.may("consents.write")
    assert key_cache.find_cached(secret) == caller
    await actions.revoke_key(conn, "system", workspace.id, key.id, now)
    assert key_cache.find_cached(secret) is None
    with pytest.raises(Unauthenticated):
        await key_cache.authenticate_key(conn, secret)


async def test_the_secret_is_stored_nowhere(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    _, secret = await actions.create_key(conn, workspace.id, "shop", now=now)
    rows = await (await conn.execute("SELECT row_to_json(k)::text AS row FROM api_keys k")).fetchall()
    assert all(secret not in row["row"] for row in rows)


async def test_a_write_key_opens_only_the_ingest(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    _, secret = await actions.create_key(conn, workspace.id, "web", kind=KeyKind.WRITE, scopes=["full"], now=now)
    assert secret.startswith("wk_")
    caller = await key_cache.authenticate_key(conn, secret, kind=KeyKind.WRITE)
    assert caller.rights == {"events.write", "profiles.write"}
    with pytest.raises(Unauthenticated):
        await key_cache.authenticate_key(conn, secret, kind=KeyKind.SECRET)


async def test_an_expired_key_opens_nothing(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    _, secret = await actions.create_key(conn, workspace.id, "old", expires_at=now - timedelta(days=3650), now=now)
    with pytest.raises(Unauthenticated):
        await key_cache.authenticate_key(conn, secret)


async def test_nobody_hands_out_rights_they_do_not_have(conn, now):
    workspace = await actions.create_workspace(conn, "Bean There", now=now)
    caller = Caller(workspace.id, "key:1", rights_of(["keys.write", "profiles.read"]))
    with pytest.raises(MissingRight):
        await actions.create_key(conn, workspace.id, "mine", scopes=["full"], actor=caller, now=now)
    with pytest.raises(InvalidInput) as error:
        await actions.create_key(conn, workspace.id, "mine", scopes=["profile.read"], actor=caller, now=now)
    assert error.value.errors[0]["field"] == "scopes[0]"
