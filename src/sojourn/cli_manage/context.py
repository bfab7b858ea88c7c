"""What the commands share: settings, a connection, and errors as sentences instead of tracebacks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console

from sojourn.cli_run.place import CannotRunError
from sojourn.cli_run.supervisor import ChildFailedError
from sojourn.demo import DemoFailedError
from sojourn.kit import embedded_cluster
from sojourn.kit.database import SETUP_SQL, Conn
from sojourn.kit.embedded import EmbeddedError, database_of
from sojourn.kit.embedded_binaries import NoPostgres
from sojourn.kit.errors import AppError
from sojourn.kit.installation_keys import WrongInstallationKey, verify_keys
from sojourn.kit.migrate import MigrationError
from sojourn.settings import Settings

KNOWN_ERRORS = (
    CannotRunError,
    ChildFailedError,
    DemoFailedError,
    EmbeddedError,
    MigrationError,
    NoPostgres,
    AppError,
    ValueError,
    psycopg.OperationalError,
    psycopg.errors.UndefinedTable,
)

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
T = TypeVar("T")


@contextmanager
def explain_errors() -> Iterator[None]:
    """Print what we understand as one red sentence, and leave with exit code 1."""
    try:
        yield
    except KNOWN_ERRORS as error:
        errors.print(f"[red]{_sentence(error)}[/red]", markup=True, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def read_settings(*, port: int | None = None, host: str | None = None, data_dir: Path | None = None) -> Settings:
    """The environment's settings, with the options of a command over them."""
    settings = Settings.from_environment()
    follows = settings.public_url == f"http://{settings.host}:{settings.port}"
    settings = dataclasses.replace(
        settings,
        port=settings.port if port is None else port,
        host=settings.host if host is None else host,
        data_dir=settings.data_dir if data_dir is None else data_dir.resolve(),
    )
    if follows:
        settings = dataclasses.replace(settings, public_url=f"http://{settings.host}:{settings.port}")
    return settings


def installation_url(settings: Settings) -> str:
    """DATABASE_URL, else the embedded server that runs now. Raises ValueError when there is neither."""
    if settings.database_url:
        return settings.database_url
    if embedded_cluster.is_held(settings.data_dir):
        return embedded_cluster.locate_for(settings.data_dir).url("sojourn")
    raise ValueError(
        "DATABASE_URL is not set and no embedded database runs. `sojourn run` starts everything; for separate "
        "processes set DATABASE_URL (docs/howto/deploy.md)."
    )


def with_installation(settings: Settings, work: Callable[[str], Awaitable[T]]) -> T:
    """Run something on the installation's database, starting the embedded server for it when none runs.

    Raises WrongInstallationKey when the keys here are not those of the database.
    """

    async def run() -> T:
        async with database_of(settings.database_url, settings.data_dir, report=_tell) as url:
            with suppress(psycopg.errors.UndefinedTable):  # not migrated yet: the command itself says so, or migrates
                async with open_conn(url) as conn:
                    await verify_keys(conn, settings)
            return await work(url)

    return asyncio.run(run())


@asynccontextmanager
async def open_conn(url: str) -> AsyncIterator[Conn]:
    """One transaction on the installation's database; commits when the block ends well."""
    conn = await Conn.connect(url, row_factory=dict_row, autocommit=True)
    async with conn:
        await conn.execute(SETUP_SQL)
        await conn.set_autocommit(False)
        yield conn


def _tell(text: str) -> None:
    errors.print(f"[dim]{text}[/dim]")


def _sentence(error: BaseException) -> str:
    if isinstance(error, psycopg.errors.UndefinedTable):
        return "the database has not been set up yet, or is older than this program: run `sojourn migrate`"
    if isinstance(error, WrongInstallationKey):
        return str(error.data["detail"])
    if isinstance(error, AppError):
        details = "; ".join(
            f"{item.get('field')}: {item.get('message') or item.get('code')}" for item in error.data.get("errors", [])
        )
        return error.title + (f" ({details})" if details else "")
    return str(error).strip()
