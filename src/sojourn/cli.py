"""The command line: run, serve, work, migrate, seed, import, doctor, jobs, keys, members, schema, journey."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from sojourn.cli_doctor import command as doctor_command
from sojourn.cli_manage import database as manage_database
from sojourn.cli_manage import jobs as manage_jobs
from sojourn.cli_manage import keys as manage_keys
from sojourn.cli_manage import members as manage_members
from sojourn.cli_manage import people as manage_people
from sojourn.cli_manage import seed as manage_seed
from sojourn.cli_manage.context import explain_errors, installation_url, read_settings
from sojourn.cli_run.stack import Running, RunPlan, run_stack

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Commands(TyperGroup):
    """Adds `sojourn journey`, whose imports take a second, only for those who ask for it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, for the help."""
        return [*super().list_commands(ctx), "journey"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        if cmd_name == "journey":
            from sojourn.journeys.cli import journey_app  # noqa: PLC0415 - see above

            group = typer.main.get_command(journey_app)
            group.name = "journey"
            return group
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="sojourn",
    cls=Commands,
    help="Self-hosted customer journeys with WhatsApp as the first channel.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(manage_jobs.app, name="jobs")
app.add_typer(manage_keys.app, name="keys")
app.add_typer(manage_members.app, name="members")
manage_database.add_to(app)
manage_people.add_to(app)
manage_seed.add_to(app)
doctor_command.add_to(app)


@app.command()
def run(
    *,
    port: Annotated[int | None, typer.Option(help="Where the web process listens (SOJOURN_PORT).")] = None,
    host: Annotated[str | None, typer.Option(help="On which address (SOJOURN_HOST).")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where data live (SOJOURN_DATA_DIR).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes (SOJOURN_WORKERS).")] = None,
    demo: Annotated[bool, typer.Option(help="With the WhatsApp simulator and demo data.")] = True,
) -> None:
    """Start everything in one go: database, migrations, web, workers and, unless --no-demo, simulator and demo."""
    with explain_errors():
        settings = read_settings(port=port, host=host, data_dir=data_dir)
        plan = RunPlan(settings=settings, demo=demo, workers=workers or settings.workers)
        code = asyncio.run(run_stack(plan, report=_report, on_ready=_announce, on_story=_tell))
    raise typer.Exit(code)


@app.command()
def serve(
    *,
    port: Annotated[int | None, typer.Option(help="Where to listen (SOJOURN_PORT).")] = None,
    host: Annotated[str | None, typer.Option(help="On which address (SOJOURN_HOST).")] = None,
) -> None:
    """Run one web process on the database of this installation."""
    with explain_errors():
        from sojourn import main  # noqa: PLC0415 - takes a second to import, and no other command needs it

        settings = read_settings(port=port, host=host, data_dir=None)
        main.run(dataclasses.replace(settings, database_url=installation_url(settings)))


@app.command()
def work() -> None:
    """Run one worker process; start as many as you like, on as many machines as you like."""
    with explain_errors():
        from sojourn import worker  # noqa: PLC0415 - as above

        settings = read_settings()
        worker.run(dataclasses.replace(settings, database_url=installation_url(settings)))


def _report(text: str) -> None:
    err.print(text, style="dim", markup=False, soft_wrap=True)


def _announce(running: Running) -> None:
    out.rule("Sojourn", align="left")
    out.print(f"[bold]{running.address}[/bold]", soft_wrap=True)
    if running.sign_in is not None:
        out.print(f"sign in   {running.sign_in}", markup=False, soft_wrap=True)
    if running.api_key is not None:
        out.print(f"API key   {running.api_key}", markup=False, soft_wrap=True)
    out.print(f"Data and logs are in {running.data_dir}. Ctrl-C stops everything.", markup=False, soft_wrap=True)
    out.print(f"ready in {running.seconds:.1f} s", soft_wrap=True)
    sys.stdout.flush()


def _tell(lines: list[str]) -> None:
    for line in ("", *lines):
        out.print(line, markup=False, soft_wrap=True)
    sys.stdout.flush()


if __name__ == "__main__":
    app()
