"""How the demo gets in: a workspace, an API key, and a note of both in the data directory."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from psycopg.rows import dict_row

from sojourn.kit.clock import system_now
from sojourn.kit.database import SETUP_SQL, Conn
from sojourn.workspaces import actions, keys, store

SHOP = "Brisk Coffee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the demo remembers from start to start. The key is as secret as the data directory."""

    api_key: str = ""
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
    """A workspace and a key that opens it: those of an earlier start, else new ones."""
    notes = read_notes(data_dir)
    conn = await Conn.connect(database_url, row_factory=dict_row, autocommit=True)
    async with conn:
        await conn.execute(SETUP_SQL)
        await conn.set_autocommit(False)
        key = await store.find_key(conn, keys.digest_of(notes.api_key)) if notes.api_key else None
        if key is not None and key.is_valid(system_now()):
            return notes
        found = [place for place in await store.list_workspaces(conn) if place.name == SHOP]
        place = found[0] if found else await actions.create_workspace(conn, SHOP, now=system_now())
        _, secret = await actions.create_key(conn, place.id, "demo", now=system_now())
    notes = replace(notes, api_key=secret)
    write_notes(data_dir, notes)
    return notes
