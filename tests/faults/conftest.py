"""What fault tests share: a started product with two workers, and the shop's own server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.harness.ports import Ports
from tests.acceptance.harness.receiver import Receiver
from tests.acceptance.harness.story import Story


@pytest.fixture
async def story(request: pytest.FixtureRequest) -> AsyncIterator[Story]:
    """A started product with two workers."""
    story = Story(workers=2)
    try:
        await story.open()
        yield story
        if hasattr(request.node, "failed_call"):
            print(story.logs())
    finally:
        await story.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The shop's own HTTP server, which the journey calls."""
    ports = Ports()
    receiver = Receiver(ports.take())
    await receiver.start()
    yield receiver
    await receiver.close()
    ports.release()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Remember a failure, so that the logs are printed beside it."""
    report = yield
    if call.when == "call" and report.failed:
        item.failed_call = True
    return report
