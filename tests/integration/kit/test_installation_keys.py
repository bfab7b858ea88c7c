"""The database remembers which keys it was written under; nothing starts on it with other ones."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.types import ASGIApp

from sojourn import main
from sojourn.kit import json
from sojourn.kit.database import Database, execute
from sojourn.kit.installation_keys import WrongInstallationKey, open_key_ring, verify_keys
from sojourn.settings import Settings
from sojourn.worker import open_work

OLD, NEW = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))


async def opened(database: Database, now: datetime, data_dir: Path, secret: str | None = None):
    async with database.transaction() as conn:
        return await open_key_ring(conn, Settings(data_dir=data_dir, secret_key=secret), now=now)


async def refusal(database: Database, now: datetime, data_dir: Path, secret: str | None = None) -> str:
    with pytest.raises(WrongInstallationKey) as caught:
        await opened(database, now, data_dir, secret)
    async with database.transaction() as conn:
        with pytest.raises(WrongInstallationKey):
            await verify_keys(conn, Settings(data_dir=data_dir, secret_key=secret))
    return str(caught.value.data["detail"])


async def test_a_fresh_database_gets_a_key_and_knows_it_again(database: Database, now, tmp_path: Path) -> None:
    async with database.transaction() as conn:
        await verify_keys(conn, Settings(data_dir=tmp_path))  # nothing to check yet, and nothing is made
    assert not (tmp_path / "secret.key").exists()
    first = await opened(database, now, tmp_path)
    second = await opened(database, now, tmp_path)
    assert second.decrypt(first.encrypt(b"x", context="c"), context="c") == b"x"
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


async def test_a_lost_key_is_missed_and_never_replaced(database: Database, now, tmp_path: Path) -> None:
    await opened(database, now, tmp_path)
    file = tmp_path / "secret.key"
    kept = file.read_text()
    file.unlink()
    text = await refusal(database, now, tmp_path)
    assert str(file) in text
    assert "backup" in text
    assert not file.exists()
    file.write_text(kept)
    await opened(database, now, tmp_path)


async def test_another_key_is_refused(database: Database, now, tmp_path: Path) -> None:
    await opened(database, now, tmp_path, OLD)
    assert "SOJOURN_SECRET_KEY" in await refusal(database, now, tmp_path, NEW)
    other = tmp_path / "other"
    await refusal(database, now, other)
    assert not (other / "secret.key").exists()


async def test_rotation_adds_a_key_and_keeps_the_others(database: Database, now, tmp_path: Path) -> None:
    await opened(database, now, tmp_path, OLD)
    await opened(database, now, tmp_path, f"{NEW},{OLD}")
    await opened(database, now, tmp_path, f"{NEW},{OLD}")
    await refusal(database, now, tmp_path, OLD)
    await refusal(database, now, tmp_path, NEW)
    assert "order" in await refusal(database, now, tmp_path, f"{OLD},{NEW}")


async def test_a_key_that_only_envelopes_knew_is_asked_for_too(database: Database, now, tmp_path: Path) -> None:
    ring = await opened(database, now, tmp_path, OLD)
    async with database.transaction() as conn:
        await execute(conn, "DELETE FROM installation_keys")
        envelope = ring.encrypt(b"x", context="c")
        await execute(conn, "INSERT INTO installation_keys (key_id) VALUES (%(id)s)", {"id": envelope[1:5]})
    await refusal(database, now, tmp_path)
    assert not (tmp_path / "secret.key").exists()
    await refusal(database, now, tmp_path, NEW)
    await opened(database, now, tmp_path, OLD)


async def test_two_first_starts_at_once_agree_on_one_key(database: Database, now, tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(4)]
    found = await asyncio.gather(*(opened(database, now, place) for place in places), return_exceptions=True)
    assert sum(isinstance(one, WrongInstallationKey) for one in found) == 3
    assert sum((place / "secret.key").exists() for place in places) == 1
    together = tmp_path / "together"
    await opened_fresh(database)
    await asyncio.gather(*(opened(database, now, together) for _ in range(4)))


async def opened_fresh(database: Database) -> None:
    async with database.transaction() as conn:
        await execute(conn, "DELETE FROM installation_keys")


def test_the_table_tells_nothing_of_the_key(database_url: str, now, tmp_path: Path) -> None:
    async def start() -> None:
        database = Database(database_url)
        await database.open()
        await opened(database, now, tmp_path, OLD)
        await database.close()

    asyncio.run(start())
    with psycopg.connect(database_url) as conn:
        [row] = conn.execute("SELECT key_id, check_value, makes_hashes FROM installation_keys").fetchall()
    assert b"o" * 8 not in bytes(row[0]) + bytes(row[1])
    assert row[2] is True


async def test_a_web_process_with_a_wrong_key_is_alive_and_not_ready(database_url: str, tmp_path: Path) -> None:
    """As when the database comes up after it: then nothing but `/v1/alive` is answered."""
    settings = Settings(database_url=database_url, data_dir=tmp_path, secret_key=OLD)
    assert await answers(settings, "/v1/alive", "/v1/ready") == [(200, None), (200, None)]
    wrong = replace(settings, secret_key=NEW)
    assert await answers(wrong, "/v1/alive", "/v1/ready", "/v1/consents", "/v1/events", "/webhooks/whatsapp/x") == [
        (200, None), *[(503, "wrong_installation_key")] * 4,
    ]  # fmt: skip
    with pytest.raises(WrongInstallationKey):
        await main.refuse_wrong_key(wrong)
    with pytest.raises(WrongInstallationKey):
        async with open_work(wrong):
            pass


async def answers(settings: Settings, *paths: str) -> list[tuple[int, str | None]]:
    front = main.create_app(settings)
    assert isinstance(front, main.Front)
    async with front.app.router.lifespan_context(front.app):
        return [await get(front, path) for path in paths]


async def get(app: ASGIApp, path: str) -> tuple[int, str | None]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    return sent[0]["status"], json.decode(sent[1]["body"]).get("code")
