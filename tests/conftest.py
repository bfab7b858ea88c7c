"""What all tests share: one real PostgreSQL, a fixed moment, test keys."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from psycopg.rows import dict_row

from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import SETUP_SQL, Conn, Database
from sojourn.kit.jobs import Registry
from tests.support import postgres

# Properties: few examples each time, many in the long run. `--hypothesis-profile` chooses by hand.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("soak", max_examples=2000, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples properties are tried with, before any of them is read."""
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("soak" if _is_long(config) else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Properties that need no database belong to the long run as well."""
    if _is_long(config):
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) and "unit" in item.path.parts:
                item.add_marker(pytest.mark.soak)


def _is_long(config: pytest.Config) -> bool:
    return str(config.getoption("markexpr", "")) == "soak"


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of the machine's shared test server."""
    with postgres.shared_server() as url:
        postgres.drop_leftovers(url)
        yield url


@pytest.fixture(scope="session")
def database_template(database_server: str) -> str:
    """The name of a database with all migrations applied."""
    return postgres.ensure_template(database_server)


@pytest.fixture(scope="session")
def rolled_back_url(database_server: str, database_template: str) -> Iterator[str]:
    """One migrated database for all tests of this process that roll back what they do."""
    url = postgres.clone(database_server, database_template)
    yield url
    postgres.drop(database_server, url)


@pytest.fixture
def database_url(database_server: str, database_template: str) -> Iterator[str]:
    """A migrated database of its own, dropped after the test."""
    url = postgres.clone(database_server, database_template)
    yield url
    postgres.drop(database_server, url)


@pytest.fixture
def registry() -> Registry:
    """The handlers that jobs and signals reach: the product's own. A test module overrides this to bring its own."""
    try:
        subscriptions = importlib.import_module("sojourn.subscriptions")
    except ImportError:
        return Registry()
    return next((value for value in vars(subscriptions).values() if isinstance(value, Registry)), Registry())


@pytest.fixture
async def database(database_url: str, registry: Registry) -> AsyncIterator[Database]:
    """A pool on a migrated database of its own, for tests that need several transactions."""
    database = Database(database_url, registry=registry)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def conn(rolled_back_url: str, registry: Registry) -> AsyncIterator[Conn]:
    """A connection inside a transaction that is rolled back after the test."""
    connection = await Conn.connect(rolled_back_url, row_factory=dict_row, autocommit=True)
    async with connection:
        connection.registry = registry
        await connection.execute(SETUP_SQL)
        await connection.set_autocommit(False)
        async with connection.transaction(force_rollback=True):
            yield connection


@pytest.fixture
def now() -> datetime:
    """Tuesday 3 March 2026, 09:00 in Amsterdam: the moment at which the stories begin."""
    return datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


@pytest.fixture
def keys() -> KeyRing:
    """An installation key that is the same in every test."""
    return KeyRing([hashlib.sha256(b"sojourn tests").digest()])
