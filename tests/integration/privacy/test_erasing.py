"""Erasures hold: over a restore, against what is on its way, and with the key of a caller that names the person."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sojourn.channels.base import Accepted, Failed, FailureReaction, Result
from sojourn.channels.memory import memory
from sojourn.consents.actions import record_consents
from sojourn.consents.model import ConsentChange, ConsentSource, Purpose
from sojourn.deliveries import tasks
from sojourn.deliveries.model import Status
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, Database, Row, execute, fetch_all, fetch_one, fetch_value
from sojourn.privacy import erasure_list
from sojourn.privacy.actions import erase_people
from sojourn.privacy.erasing import apply_again, request_erasure
from sojourn.privacy.erasure_model import Ground
from sojourn.profiles.actions import resolve_profiles
from sojourn.profiles.model import Identity, ProfileId, ProfileRef, Scheme, UnknownProfile
from sojourn.workspaces.actions import create_workspace
from sojourn.workspaces.caller import Caller
from tests.integration.deliveries.world import make_shop, request

PHONE = "+447700900101"


async def make_caller(database: Database, now: datetime) -> Caller:
    async with database.transaction() as conn:
        workspace = await create_workspace(conn, "Shop", now=now)
    return Caller(workspace.id, "key:1", frozenset({"*"}))


async def make_person(conn: Conn, workspace: UUID, now: datetime) -> ProfileId:
    ref = ProfileRef(identities=(Identity(Scheme.PHONE, PHONE),), attributes={"name": "Ann"})
    [profile] = await resolve_profiles(conn, workspace, [ref], now=now, source="test")
    return profile


def stop(profile: ProfileId, at: datetime) -> ConsentChange:
    return ConsentChange(
        profile_id=profile, channel="whatsapp", purpose=Purpose.MARKETING, state="withdrawn", effective_at=at,
        identity=Identity(Scheme.PHONE, PHONE), source=ConsentSource.API,
    )  # fmt: skip


async def test_a_restored_person_is_erased_again_and_a_stop_after_the_backup_holds(
    database: Database, keys: KeyRing, now: datetime, tmp_path: Path
) -> None:
    caller = await make_caller(database, now)
    async with database.transaction() as conn:
        person = await make_person(conn, caller.workspace_id, now)
        backup = await fetch_all(conn, "SELECT * FROM profiles"), await fetch_all(conn, "SELECT * FROM identities")
        await record_consents(conn, caller.workspace_id, [stop(person, now)], keys=keys, now=now)
    report = await request_erasure(
        database.transaction, caller, keys=keys, data_dir=tmp_path, reason=Ground.PERSON_REQUEST, now=now,
        identities=[Identity(Scheme.PHONE, "00447700900101")],
    )  # fmt: skip
    assert report.profile_ids == (person,)
    assert report.tombstones == 1
    async with database.transaction() as conn:
        await restore(conn, *backup)
        assert await fetch_value(conn, "SELECT count(*) FROM profiles WHERE erased_at IS NULL") == 1
    later = now + timedelta(hours=1)
    assert await apply_again(database.transaction, keys=keys, data_dir=tmp_path, now=later) == 1
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM profiles WHERE erased_at IS NULL") == 0
        assert await fetch_value(conn, "SELECT count(*) FROM identities") == 0
        grave = await fetch_one(conn, "SELECT purpose, withdrawn_at FROM consent_tombstones")
        assert grave == {"purpose": "marketing", "withdrawn_at": now}
        kept = await fetch_one(conn, "SELECT id, profile_ids, erased_at, tombstones FROM erasures")
        assert kept == {"id": report.id, "profile_ids": [person], "erased_at": now, "tombstones": 1}
    assert await apply_again(database.transaction, keys=keys, data_dir=tmp_path, now=later) == 0


async def restore(conn: Conn, profiles: list[Row], identities: list[Row]) -> None:
    """Bring the tables to where a backup had them."""
    for table in ("erasures", "consent_tombstones", "consent_entries", "consent_heads", "consents", "identities"):
        await execute(conn, f"DELETE FROM {table}")  # type: ignore[arg-type]
    await execute(conn, "UPDATE profiles SET erased_at = NULL, attributes = %(a)s::jsonb", {"a": '{"name": "Ann"}'})
    for row in identities:
        row = {**row, "failed_days": []}
        names = ", ".join(row)
        values = ", ".join(f"%({name})s" for name in row)
        await execute(conn, f"INSERT INTO identities ({names}) VALUES ({values})", row)  # type: ignore[arg-type]
    assert profiles


async def test_an_erasure_that_the_list_missed_is_added_to_it(
    database: Database, keys: KeyRing, now: datetime, tmp_path: Path
) -> None:
    caller = await make_caller(database, now)
    async with database.transaction() as conn:
        person = await make_person(conn, caller.workspace_id, now)
    report = await request_erasure(
        database.transaction, caller, keys=keys, data_dir=tmp_path, reason=Ground.CHILD, now=now, profile_id=person
    )
    file = tmp_path / erasure_list.FILE
    whole = file.read_bytes()
    assert PHONE.encode() not in whole
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(whole[:40])  # the process died while it wrote
    assert await erasure_list.read(tmp_path) == []
    await apply_again(database.transaction, keys=keys, data_dir=tmp_path, now=now)
    [listed] = await erasure_list.read(tmp_path)
    assert (listed.id, listed.profile_ids, listed.reason) == (report.id, [person], Ground.CHILD)


async def test_a_dry_run_counts_what_the_real_one_takes_and_takes_nothing(
    database: Database, keys: KeyRing, now: datetime, tmp_path: Path
) -> None:
    caller = await make_caller(database, now)
    async with database.transaction() as conn:
        person = await make_person(conn, caller.workspace_id, now)
    runs = [
        await request_erasure(
            database.transaction, caller, keys=keys, data_dir=tmp_path, reason=Ground.OBJECTION, now=now,
            profile_id=person, is_dry_run=is_dry_run,
        )
        for is_dry_run in (True, False)
    ]  # fmt: skip
    assert runs[0].erased == runs[1].erased
    assert runs[0].kept == runs[1].kept
    assert runs[0].erased["identities"] == 1
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT count(*) FROM erasures") == 1


async def test_nobody_of_another_workspace_can_be_erased(
    database: Database, keys: KeyRing, now: datetime, tmp_path: Path
) -> None:
    caller, other = await make_caller(database, now), await make_caller(database, now)
    async with database.transaction() as conn:
        person = await make_person(conn, caller.workspace_id, now)
    with pytest.raises(UnknownProfile):
        await request_erasure(
            database.transaction, other, keys=keys, data_dir=tmp_path, reason=Ground.CHILD, now=now, profile_id=person
        )
    report = await request_erasure(
        database.transaction, other, keys=keys, data_dir=tmp_path, reason=Ground.CHILD, now=now,
        identities=[Identity(Scheme.PHONE, PHONE)],
    )  # fmt: skip
    assert report.profile_ids == ()
    async with database.transaction() as conn:
        assert await fetch_value(conn, "SELECT erased_at FROM profiles WHERE id = %(id)s", {"id": person}) is None


def taken(attempt: UUID) -> Result:
    return Accepted(
        attempt_id=attempt, provider_message_id="wamid.names-them", held=False, wa_id="447000000000", user_id="GB.1"
    )


def refused(attempt: UUID) -> Result:
    return Failed(
        attempt_id=attempt, code=131050, title="stopped", details="to 447000000000",
        reaction=FailureReaction.PLATFORM_OPT_OUT, retry_after_seconds=None,
    )  # fmt: skip


@pytest.mark.parametrize(("answer", "status"), [(taken, "delivered"), (refused, "failed")])
async def test_what_was_on_its_way_is_counted_and_writes_nobody_back(
    database: Database, keys: KeyRing, now: datetime, monkeypatch: pytest.MonkeyPatch, answer: Any, status: str
) -> None:
    shop = await make_shop(database, keys, now + timedelta(hours=3))
    person = shop.people[0]
    [sent] = await shop.request(request(person, "spring:447000000000"))
    assert sent.status is Status.QUEUED
    original = tasks.record_results

    async def after_the_erasure(conn: Conn, results: list[Result], **more: Any) -> None:
        async with database.transaction() as other:
            await erase_people(other, shop.workspace_id, [person], keys=keys, now=shop.now)
        await original(conn, [answer(result.attempt_id) for result in results], **more)

    monkeypatch.setattr(tasks, "record_results", after_the_erasure)
    await shop.send()
    attempt = memory.sent[0].attempt_id
    if status == "delivered":
        await shop.report(shop.update(attempt, "sent"), shop.update(attempt, "delivered"))
    assert (await shop.row(sent))["status"] == status
    [tried] = await shop.rows("SELECT * FROM attempts")
    assert (tried["provider_message_id"], tried["error_details"] or "") == (None, "")
    assert await shop.rows("SELECT * FROM messages") == []
    assert [row for row in await shop.rows("SELECT * FROM identities") if row["profile_id"] == person] == []
    assert [row["rendered"] for row in await shop.rows("SELECT * FROM delivery_contents")] == [None]
    [key] = await shop.rows("SELECT key FROM delivery_keys")
    assert key["key"] == f"spring:erased:{sent.id}"
