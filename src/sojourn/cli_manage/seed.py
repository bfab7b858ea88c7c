"""`sojourn seed`: the demo's data for an installation that runs already."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sojourn import demo
from sojourn.cli_manage.context import console, errors, explain_errors, installation_url, read_settings


def add_to(app: typer.Typer) -> None:
    """Put this command into the command line."""
    app.command(name="seed")(seed_command)


def seed_command(
    *,
    simulator: Annotated[str, typer.Option(help="Where `cloudsim` listens.")] = "http://127.0.0.1:8090",
    address: Annotated[str | None, typer.Option(help="Where the web process listens.")] = None,
) -> None:
    """Fill a running installation with the demo shop and play one order. Again changes nothing but the order.

    Needs a web process, a worker and a simulator; `sojourn run` does all of that by itself.
    """
    with explain_errors():
        settings = read_settings()
        stage = demo.Stage(
            database_url=installation_url(settings),
            address=address or f"http://{settings.host}:{settings.port}",
            simulator=simulator,
            data_dir=settings.data_dir,
        )
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        key, lines = asyncio.run(_play(stage))
    console.print(f"API key   {key}", markup=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


async def _play(stage: demo.Stage) -> tuple[str, list[str]]:
    key = await demo.open_shop(stage, report=lambda text: errors.print(text, style="dim", markup=False))
    return key, await demo.play_order(stage)
