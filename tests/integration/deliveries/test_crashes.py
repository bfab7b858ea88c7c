"""Workers that die at each hop: nobody is left out and nobody is written to twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from sojourn.channels import transports
from sojourn.channels.base import OutboundMessage, Result
from sojourn.deliveries import tasks
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.jobs import Work
from tests.integration.deliveries.crashing_worker import wire_to
from tests.integration.deliveries.world import Shop, make_shop, request

ROOT = Path(__file__).parents[3]
POINTS = (
    "deliveries.claimed",
    "deliveries.dispatched",
    "deliveries.sent",
    "deliveries.answering",
    "deliveries.answered",
)


def run_worker(shop: Shop, inbox: Path, crash: str | None) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    if crash is not None:
        environment["SOJOURN_CRASH"] = crash
    command = [
        sys.executable,
        "-m",
        "tests.integration.deliveries.crashing_worker",
        shop.db.url,
        str(inbox),
        shop.now.isoformat(),
    ]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False, timeout=60).returncode


def received(inbox: Path) -> list[tuple[UUID, str]]:
    lines = inbox.read_text().splitlines() if inbox.exists() else []
    return [(UUID(line.split()[0]), line.split()[1]) for line in lines]


async def test_one_message_a_person_whatever_dies(
    database: Database, keys: KeyRing, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await make_shop(database, keys, now + timedelta(hours=3), people=61, throughput=10)
    inbox = tmp_path / "inbox"
    monkeypatch.setattr(transports, "send_all", wire_to(inbox))
    await shop.request(*(request(profile, f"k{index}") for index, profile in enumerate(shop.people[:60])))
    for point in POINTS:
        assert run_worker(shop, inbox, f"{point}:1") == -signal.SIGKILL, point
        shop.clock.push(timedelta(seconds=1))
    await send_all_waiting(shop)
    async with database.transaction() as conn:
        await conn.execute("UPDATE attempts SET lease_until = now() - interval '1 hour' WHERE state = 'dispatched'")
    await tasks.look_after_unknown(shop.work)
    # Killed after the commit: some left and some did not, and nobody here knows which.
    assert await shop.rows("SELECT 1 FROM deliveries WHERE status = 'unknown'")

    await settle(shop, inbox)
    shop.clock.push(timedelta(minutes=20))
    await shop.request(request(shop.people[60], "later"))
    await send_all_waiting(shop)
    await settle(shop, inbox)
    while await tasks.look_after_unknown(shop.work):
        pass
    await send_all_waiting(shop)
    await settle(shop, inbox)
    counts = Counter(address for _, address in received(inbox))
    assert len(counts) == 61
    assert set(counts.values()) == {1}
    assert await shop.rows("SELECT status, count(*) FROM deliveries GROUP BY 1") == [
        {"status": "delivered", "count": 61}
    ]
    assert await shop.rows("SELECT count(*) FROM messages") == [{"count": 61}]


async def send_all_waiting(shop: Shop) -> None:
    while await shop.rows("SELECT 1 FROM outbox"):
        await shop.send()
        shop.clock.push(timedelta(seconds=1))


async def settle(shop: Shop, inbox: Path) -> None:
    """The provider reports on all that it has, doubled."""
    updates = [shop.update(attempt, status) for attempt, _ in received(inbox) for status in ("delivered", "sent")]
    await shop.report(*updates)
    await shop.report(*reversed(updates))


async def test_a_report_before_the_answer_fills_the_ledger_of_a_dead_worker(
    database: Database, keys: KeyRing, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await make_shop(database, keys, now + timedelta(hours=3))

    class Died(Exception):
        pass

    async def report_and_die(work: Work, messages: Sequence[OutboundMessage]) -> list[Result]:
        await shop.report(*(shop.update(message.attempt_id, "sent") for message in messages))
        raise Died

    monkeypatch.setattr(transports, "send_all", report_and_die)
    await shop.request(request(shop.people[0]))
    with pytest.raises(Died):
        await shop.send()
    async with database.transaction() as conn:
        await conn.execute("UPDATE attempts SET lease_until = now() - interval '1 hour'")
    await tasks.look_after_unknown(shop.work)
    assert await shop.rows("SELECT status FROM deliveries") == [{"status": "sent"}]
    [attempt] = await shop.rows("SELECT state, provider_message_id FROM attempts")
    assert attempt["state"] == "settled"
    assert len(await shop.rows("SELECT 1 FROM messages")) == 1
