"""How the demo gets in: a workspace, an API key, a member who signs in, and a note of them in the data directory."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID

from psycopg.rows import dict_row

from sojourn.kit.clock import system_now
from sojourn.kit.database import SETUP_SQL, Conn
from sojourn.workspaces import actions, keys, member_actions, member_store, passwords, store
from sojourn.workspaces.caller import SYSTEM
from sojourn.workspaces.roles import ADMIN

SHOP = "Brisk Coffee"
EMAIL = "demo@example.com"
MEMBER = "Demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the demo remembers from start to start. Key and password are as secret as the data directory."""

    api_key: str = ""
    password: str = ""
    orders: int = 0


def read_notes(data_dir: Path) -> Notes:
    """The notes of an earlier start, or empty ones."""
    try:
        return Notes(**json.loads((data_dir / "demo.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return Notes()


def write_notes(data_dir: Path, notes: Notes) -> None:
    """Keep the notes, readable by the owner alone."""
    file = data_dir / "demo.json"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(asdict(notes), out)


async def open_door(database_url: str, data_dir: Path) -> Notes:
    """A workspace, a key that opens it and an admin who signs in: those of an earlier start, else new ones."""
    notes = read_notes(data_dir)
    conn = await Conn.connect(database_url, row_factory=dict_row, autocommit=True)
    async with conn:
        await conn.execute(SETUP_SQL)
        await conn.set_autocommit(False)
        key = await store.find_key(conn, keys.digest_of(notes.api_key)) if notes.api_key else None
        if key is not None and key.is_valid(system_now()):
            place_id = key.workspace_id
        else:
            found = [place for place in await store.list_workspaces(conn) if place.name == SHOP]
            place = found[0] if found else await actions.create_workspace(conn, SHOP, now=system_now())
            place_id = place.id
            _, secret = await actions.create_key(conn, place.id, "demo", now=system_now())
            notes = replace(notes, api_key=secret)
        notes = replace(notes, password=notes.password or secrets.token_urlsafe(12))
        await _let_in(conn, place_id, notes.password)
    write_notes(data_dir, notes)
    return notes


async def _let_in(conn: Conn, workspace_id: UUID, password: str) -> None:
    """The demo's admin with this password. Who was deactivated by hand stays so."""
    now = system_now()
    account = await member_store.find_account(conn, EMAIL)
    places = await member_store.list_memberships(conn, account.id) if account else []
    if account is None:
        invited = await member_actions.invite_member(conn, SYSTEM, workspace_id, EMAIL, MEMBER, [ADMIN], now=now)
        digest = await passwords.digest_of(password)
        await member_actions.use_link(conn, invited.token, name=None, password_digest=digest, now=now)
        return
    is_member = any(place.workspace_id == workspace_id for place in places)
    if is_member and not await passwords.matches(account.password_digest, password):
        await member_store.update_password(conn, account.id, await passwords.digest_of(password), now)
