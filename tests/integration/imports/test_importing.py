"""Files of people on a real database."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from sojourn.consents import store as consents
from sojourn.consents.model import ConsentState
from sojourn.imports import actions
from sojourn.imports.model import Report
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database, fetch_value
from sojourn.profiles import store as profiles
from sojourn.workspaces import actions as workspaces

HEAD = "phone,first_name,consent_purpose,consent_state,consent_at,consent_source\n"


@pytest.fixture
async def workspace_id(database: Database, now: datetime) -> UUID:
    async with database.transaction() as conn:
        workspace = await workspaces.create_workspace(conn, name="Brisk Coffee", timezone="Europe/Amsterdam", now=now)
    return workspace.id


async def bring(database: Database, workspace_id: UUID, text: str, keys: KeyRing, now: datetime) -> Report:
    return await actions.import_people(
        database.transaction, workspace_id, text.encode(), keys=keys, actor="key:test", now=now
    )


async def marketing_of(database: Database, workspace_id: UUID, now: datetime) -> list[ConsentState]:
    async with database.transaction() as conn:
        people = [profile.id for profile in await profiles.list_profiles(conn, workspace_id, after=None, limit=100)]
        facts = await consents.read_consent_facts(conn, workspace_id, people, "whatsapp", now)
    return sorted(
        scope.state for fact in facts.values() for (purpose, _), scope in fact.scopes.items() if purpose == "marketing"
    )


async def test_good_rows_go_in_and_bad_ones_are_named(
    database: Database, workspace_id: UUID, keys: KeyRing, now: datetime
) -> None:
    text = HEAD + "".join(
        f"+44770000{n:04d},P{n},marketing,granted,{'2026-02-10' if n % 10 else ''},form co-7\n" for n in range(100)
    )
    report = await bring(database, workspace_id, text, keys, now)
    assert (report.rows, report.imported, report.rejected) == (100, 90, 10)
    assert (report.profiles_new, report.consents_new) == (90, 90)
    assert [(error.line, error.field) for error in report.errors][:2] == [(2, "consent_at"), (12, "consent_at")]


async def test_the_same_file_again_changes_nothing(
    database: Database, workspace_id: UUID, keys: KeyRing, now: datetime
) -> None:
    text = HEAD + ("+447700900101,A,marketing,granted,2026-02-10,form\n+447700900102,B,marketing,withdrawn,,\n")
    await bring(database, workspace_id, text, keys, now)
    again = await bring(database, workspace_id, text, keys, now + timedelta(days=3))
    assert (again.profiles_new, again.consents_new) == (0, 0)
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM consent_entries") == 2


async def test_opt_outs_of_a_file_win_over_its_grants(
    database: Database, workspace_id: UUID, keys: KeyRing, now: datetime
) -> None:
    text = HEAD + ("+447700900101,A,marketing,granted,2026-03-02,form\n+447700900101,A,marketing,opted_out,,\n")
    await bring(database, workspace_id, text, keys, now)
    assert await marketing_of(database, workspace_id, now) == [ConsentState.WITHDRAWN]


async def test_a_grant_of_tomorrow_is_rejected(
    database: Database, workspace_id: UUID, keys: KeyRing, now: datetime
) -> None:
    report = await bring(
        database, workspace_id, HEAD + "+447700900101,A,marketing,granted,2026-03-04,form\n", keys, now
    )
    assert [error.code for error in report.errors] == ["consent_in_future"]
    assert await marketing_of(database, workspace_id, now) == []


async def test_a_dry_run_only_reports(database: Database, workspace_id: UUID, keys: KeyRing, now: datetime) -> None:
    text = (HEAD + "+447700900101,A,marketing,granted,2026-02-10,form\n").encode()
    report = await actions.import_people(
        database.transaction, workspace_id, text, keys=keys, actor="key:test", now=now, is_dry_run=True
    )
    assert report.imported == 1
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM profiles") == 0


class Watched(bytes):
    """The bytes of a file that note which threads read them."""

    readers: set[int]

    def decode(self, *args: str, **options: str) -> str:
        self.readers.add(threading.get_ident())
        return super().decode(*args, **options)


async def test_a_file_is_read_away_from_the_event_loop(
    database: Database, workspace_id: UUID, keys: KeyRing, now: datetime
) -> None:
    data = Watched(b"phone\n+447700900101\n")
    data.readers = set()
    await actions.import_people(database.transaction, workspace_id, data, keys=keys, actor="key:test", now=now)
    assert len(data.readers) == 1
    assert data.readers.isdisjoint({threading.get_ident()})
