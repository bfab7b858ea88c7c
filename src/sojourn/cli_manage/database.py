"""`sojourn migrate` and `sojourn schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli_manage.context import console, explain_errors, read_settings, with_installation
from sojourn.kit import schema_dump
from sojourn.kit.clock import system_now
from sojourn.kit.migrate import Migration, list_pending, migrate

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "migrations" / "schema.sql"


def add_to(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    app.command(name="migrate")(migrate_command)
    app.command(name="schema")(schema_command)


def migrate_command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing; exit code 1 if anything is.")
    ] = False,
) -> None:
    """Bring the database up to date."""
    with explain_errors():
        settings = read_settings()

        async def apply(url: str) -> list[Migration]:
            return await (list_pending(url) if check else migrate(url, at=system_now()))

        migrations = with_installation(settings, apply)
    for migration in migrations:
        console.print(f"{'missing' if check else 'applied'} {migration.number:04d}_{migration.name}")
    if not migrations:
        console.print("the database is up to date")
    raise typer.Exit(1 if check and migrations else 0)


def schema_command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare instead of writing; exit code 1 if they differ.")
    ] = False,
) -> None:
    """Write `migrations/schema.sql`: what all migrations amount to, made in a throw-away database."""
    with explain_errors():
        text = schema_dump.dump_migrations()
        if not check:
            SCHEMA_FILE.write_text(text)
            console.print(f"wrote {SCHEMA_FILE}")
            return
        same = SCHEMA_FILE.exists() and SCHEMA_FILE.read_text() == text
        console.print(
            "schema.sql is up to date" if same else "schema.sql is not what the migrations make: `make schema`"
        )
    raise typer.Exit(0 if same else 1)
