"""The country of a workspace is two Latin letters, however they were typed."""

from __future__ import annotations

from datetime import datetime

import pytest

from sojourn.kit.database import Conn
from sojourn.kit.errors import InvalidInput
from sojourn.workspaces.actions import create_workspace, update_workspace


async def test_small_letters_become_large_ones_and_others_are_refused(conn: Conn, now: datetime) -> None:
    workspace = await create_workspace(conn, "Shop", now=now)
    changed = await update_workspace(conn, "system", workspace.id, {"default_country": "nl"}, now)
    assert changed.default_country == "NL"
    with pytest.raises(InvalidInput):
        await update_workspace(conn, "system", workspace.id, {"default_country": "éß"}, now)
