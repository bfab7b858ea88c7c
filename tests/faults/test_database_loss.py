"""Losing the database in the middle of requests: 503 and Retry-After, nothing acknowledged is lost, it recovers by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from tests.acceptance.harness.api import GONE, Api
from tests.acceptance.harness.story import Story

CLIENTS = 8
KILLS = 3


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    story = Story()
    try:
        await story.open()
        yield story
    finally:
        await story.close()


class Shop:
    """A few clients that post events without a pause and write down what was acknowledged."""

    def __init__(self, story: Story) -> None:
        self._url, self._key = story.web_url, story.api.token
        self._numbers = count(1)
        self._stopped = asyncio.Event()
        self.acknowledged: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.retry_after: set[str | None] = set()
        self.odd: list[Any] = []

    async def run(self) -> None:
        """Post until `stop`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._post())

    def stop(self) -> None:
        """Let every client finish its request."""
        self._stopped.set()

    async def _post(self) -> None:
        api = Api(self._url, token=self._key, patience_seconds=0)
        while not self._stopped.is_set():
            key = f"order-{next(self._numbers)}"
            event = {"name": "order.shipped", "profile": {"external_id": key}, "idempotency_key": key}
            try:
                status, body, headers = await api.exchange("POST", "/v1/events", body=event)
            except GONE as error:  # the web process is never killed here, so every request gets an answer
                self.odd.append(repr(error))
                continue
            self.statuses[status] += 1
            if status == 202:
                self.acknowledged.add(key)
            elif status == 503:
                self.retry_after.add(headers.get("Retry-After"))
                if body["code"] != "database_unavailable" or headers["Content-Type"] != "application/problem+json":
                    self.odd.append(body)
                await asyncio.sleep(0.02)
            else:
                self.odd.append(body)
        await api.close()


async def test_losing_the_database_mid_request_loses_nothing_acknowledged(story: Story) -> None:
    shop = Shop(story)
    posting = asyncio.create_task(shop.run())
    web = story.web.pid
    for _ in range(KILLS):
        acknowledged = len(shop.acknowledged)
        await story.until(lambda wanted=acknowledged: _now(len(shop.acknowledged) > wanted + 50))
        story.kill(web=False, workers=False, database=True)
        refused = shop.statuses[503]
        await story.until(lambda wanted=refused: _now(shop.statuses[503] > wanted + CLIENTS))
        await asyncio.to_thread(story.database.start)
    acknowledged = len(shop.acknowledged)
    await story.until(lambda: _now(len(shop.acknowledged) > acknowledged + 100))
    shop.stop()
    await posting

    assert shop.odd == []
    assert set(shop.statuses) == {202, 503}
    assert all(value is not None and int(value) >= 1 for value in shop.retry_after)
    assert story.web.pid == web and story.web.is_running()
    assert all(worker.is_running() and worker.restarts == 0 for worker in story.workers)
    repeated = await _post_again(story, sorted(shop.acknowledged))
    assert repeated == len(shop.acknowledged)
    await story.settle()


async def test_a_ready_check_follows_the_database(story: Story) -> None:
    probe = Api(story.web_url, patience_seconds=0)
    assert (await probe.exchange("GET", "/v1/ready"))[0] == 200
    story.kill(web=False, workers=False, database=True)
    status, body, headers = await probe.exchange("GET", "/v1/ready")
    assert (status, body["code"]) == (503, "database_unavailable")
    assert int(headers["Retry-After"]) >= 1
    assert (await probe.exchange("GET", "/v1/alive"))[0] == 200
    await asyncio.to_thread(story.database.start)

    async def ready() -> bool:
        return (await probe.exchange("GET", "/v1/ready"))[0] == 200

    await story.until(ready, seconds=10)
    await probe.close()


async def _post_again(story: Story, keys: list[str]) -> int:
    """The same events once more: how many of them the product says that it has already."""
    repeated = 0
    for start in range(0, len(keys), 500):
        events = [
            {"name": "order.shipped", "profile": {"external_id": key}, "idempotency_key": key}
            for key in keys[start : start + 500]
        ]
        repeated += (await story.api.post("/v1/events", {"events": events}))["repeated"]
    return repeated


async def _now(value: bool) -> bool:
    return value
