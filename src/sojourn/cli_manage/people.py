"""`sojourn import`: people and their consents from a CSV file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from sojourn.cli_manage.context import console, errors, explain_errors, read_settings, with_installation
from sojourn.cli_manage.keys import find_workspace
from sojourn.imports.actions import import_people
from sojourn.imports.model import Report
from sojourn.kit.clock import Clock
from sojourn.kit.database import Database
from sojourn.kit.installation_keys import open_keys

SHOWN_MISTAKES = 20


def add_to(app: typer.Typer) -> None:
    """Put this command into the command line."""
    app.command(name="import")(import_command)


def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 with a header line.")],
    *,
    workspace: Annotated[str | None, typer.Option(help="Id or name, when there are several.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="Their column to ours: --map 'Tel.=phone'")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file.")] = False,
) -> None:
    """Import people with their consents. Rows that grant without a date and a source are rejected, the others go in.

    The same file again changes nothing. Exit code 1 when rows were rejected.
    """
    with explain_errors():
        settings = read_settings()
        columns = _columns(mapping or [])
        data = file.read_bytes()

        async def bring_in(url: str) -> Report:
            from sojourn.subscriptions import REGISTRY  # noqa: PLC0415 - every handler's imports, for this command only

            database = Database(url, max_size=4, registry=REGISTRY)
            await database.open()
            try:
                async with database.transaction() as conn:
                    place = await find_workspace(conn, workspace)
                if place is None:
                    raise ValueError("there is no workspace yet: `sojourn keys create NAME --workspace SHOP` makes one")
                with Progress(console=errors, transient=True) as bar:
                    task = bar.add_task("importing")
                    return await import_people(
                        database.transaction,
                        place.id,
                        data,
                        keys=await open_keys(database, settings),
                        actor="system",
                        now=Clock(settings.clock_file).now(),
                        mapping=columns,
                        is_dry_run=dry_run,
                        progress=lambda done, of: bar.update(task, completed=done, total=of),
                    )
            finally:
                await database.close()

        report = with_installation(settings, bring_in)
    _print(report)
    raise typer.Exit(1 if report.rejected else 0)


def _columns(pairs: Iterable[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        theirs, separator, ours = pair.rpartition("=")
        if not separator or not theirs:
            raise ValueError(f"--map takes THEIRS=OURS, not {pair!r}")
        columns[theirs] = ours
    return columns


def _print(report: Report) -> None:
    for mistake in report.errors[:SHOWN_MISTAKES]:
        text = f"line {mistake.line}, {mistake.field}: {mistake.message or mistake.code}"
        errors.print(text, style="yellow", markup=False, soft_wrap=True)
    if len(report.errors) > SHOWN_MISTAKES:
        errors.print(f"and {len(report.errors) - SHOWN_MISTAKES} more", style="yellow")
    verb = "would be imported" if report.is_dry_run else "imported"
    console.print(
        f"{report.rows} rows: {report.imported} {verb}, {report.rejected} rejected; "
        f"{report.profiles_new} new people, {report.consents_new} new consents"
    )
