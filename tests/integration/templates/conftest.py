"""A worker's tools around a real database and a real simulator, with one sender."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from sojourn.channels import actions, store
from sojourn.channels.model import NewSender, SenderState
from sojourn.channels.tasks import HANDLERS as CHANNELS
from sojourn.kit.clock import Clock
from sojourn.kit.database import Database
from sojourn.kit.jobs import Registry, Work
from sojourn.settings import Settings
from sojourn.templates.tasks import HANDLERS
from sojourn.workspaces import actions as workspaces

PHONE, WABA, APP, TOKEN, SECRET = "401234567890123", "301234567890123", "501234567890123", "EAAsimulated", "app_secret"


@pytest.fixture
def registry():
    return Registry([*HANDLERS, *CHANNELS])


@pytest.fixture(scope="session")
def simulator(tmp_path_factory):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    clock = tmp_path_factory.mktemp("templates") / "clock.json"
    command = [sys.executable, "-m", "cloudsim.main", "--port", str(port), "--clock-file", str(clock)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3] / "src")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def work(database: Database, keys):
    async with aiohttp.ClientSession() as http:
        yield Work(db=database, settings=Settings(allow_private_urls=True), http=http, keys=keys, clock=Clock())


@pytest.fixture
async def sim(simulator, work):
    async def post(path, body):
        async with work.http.post(simulator + path, json=body) as answer:
            data = await answer.json()
            assert answer.status == 200, data
            return data

    for _ in range(400):
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await post("/sim/reset", {"offset_seconds": 0})
            break
        await asyncio.sleep(0.05)
    await post("/sim/behaviour", {"instant": True})
    numbers = [{"id": PHONE, "display_phone_number": "+1 555-770-0100", "verified_name": "Bean There"}]
    await post("/sim/setup", {"waba": {"id": WABA}, "app": {"id": APP, "secret": SECRET}, "phone_numbers": numbers})
    return post


@pytest.fixture
async def workspace(work):
    async with work.transaction() as conn:
        return await workspaces.create_workspace(conn, "Bean There", now=work.now())


@pytest.fixture
async def sender(work, workspace, simulator, sim):
    new = NewSender(
        channel="whatsapp", name="Bean There", phone_number="+15557700100", phone_number_id=PHONE, waba_id=WABA,
        app_id=APP, app_secret=SECRET, access_token=TOKEN, base_url=simulator,
    )  # fmt: skip
    place = actions.Place(allow_private_urls=True, has_clock_file=False)
    async with work.transaction() as conn:
        saved = await actions.save_sender(conn, workspace.id, new, place=place, keys=work.keys, now=work.now())
        await store.update_sender(conn, replace(saved, state=SenderState.ACTIVE, simulated=True), now=work.now())
    return saved
