"""`sojourn jobs`: what died, and bringing it back."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from sojourn.cli_manage.context import console, explain_errors, open_conn, read_settings, with_installation
from sojourn.kit import jobs_store

app = typer.Typer(help="Jobs that failed for good: look at them, replay them.", no_args_is_help=True)


@app.command()
def dead(
    *,
    handler: Annotated[str | None, typer.Option(help="Only this handler's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
) -> None:
    """List dead letters, newest first, with the reason of each."""

    async def load(url: str) -> list[dict[str, Any]]:
        async with open_conn(url) as conn:
            return await jobs_store.list_dead(conn, workspace_id=None, handler=handler, before=None, limit=limit)

    with explain_errors():
        rows = with_installation(read_settings(), load)
    if not rows:
        console.print("no dead letters")
        return
    table = Table("id", "handler", "attempts", "died at", "reason")
    for row in rows:
        reason = str(row["reason"]).strip().splitlines()[-1] if row["reason"] else ""
        table.add_row(
            str(row["id"]), row["handler"], str(row["attempts"]), f"{row['died_at']:%Y-%m-%d %H:%M:%S}", reason
        )
    console.print(table)


@app.command()
def replay(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids of dead letters.")] = None,
    *,
    handler: Annotated[str | None, typer.Option(help="All of this handler.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Bring dead letters back as fresh jobs."""
    if not ids and handler is None and not everything:
        raise typer.BadParameter("give ids, --handler NAME or --all")

    async def bring_back(url: str) -> list[str]:
        async with open_conn(url) as conn:
            return await jobs_store.replay_dead(conn, workspace_id=None, handler=handler, ids=ids or None)

    with explain_errors():
        handlers = with_installation(read_settings(), bring_back)
    console.print(f"{len(handlers)} brought back" + (f": {', '.join(sorted(set(handlers)))}" if handlers else ""))
