"""Each story runs once plain and once with all disturbances together; `-m soak` runs the whole matrix."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .harness.buckets import misplaced
from .harness.disturbances import Disturbance, matrix, usual
from .harness.ports import Ports
from .harness.receiver import Receiver
from .harness.story import Story


def pytest_configure(config: pytest.Config) -> None:
    """Name our marker."""
    config.addinivalue_line("markers", "story(**options): how the `story` fixture starts its story")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a `disturbance`, by itself or through `story`, gets all of them."""
    if "disturbance" not in metafunc.fixturenames:
        return
    chosen = [pytest.param(disturbance, id=disturbance.name) for disturbance in usual()]
    if "soak" in (metafunc.config.option.markexpr or ""):
        chosen += [pytest.param(item, id=item.name, marks=pytest.mark.soak) for item in matrix()]
    metafunc.parametrize("disturbance", chosen)


@pytest.fixture
async def story(disturbance: Disturbance, request: pytest.FixtureRequest) -> AsyncIterator[Story]:
    """A started product with an empty workspace "Brisk Coffee", on Tuesday 3 March 2026, 09:00 in Amsterdam.

    `@pytest.mark.story(middle="…", workers=2)` names the step at which everything is killed when that is the
    disturbance, and how many workers run.
    """
    marker = request.node.get_closest_marker("story")
    story = Story(disturbance=disturbance, **(marker.kwargs if marker else {}))
    try:
        await story.open()
        yield story
        if hasattr(request.node, "failed_call"):
            print(story.logs())
        else:
            assert misplaced(story.database.url) == []
    finally:
        await story.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product() -> AsyncIterator[Story]:
    """One started product for tests that share it and leave its clock alone: they bring workspaces of their own.

    They run on the loop of the session: `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
    """
    story = Story()
    try:
        await story.open()
        yield story
    finally:
        await story.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The shop's own HTTP server, which journeys call."""
    ports = Ports()
    receiver = Receiver(ports.take())
    await receiver.start()
    yield receiver
    await receiver.close()
    ports.release()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Remember a failure, so that the story's logs are printed beside it."""
    report = yield
    if call.when == "call" and report.failed:
        item.failed_call = True
    return report
