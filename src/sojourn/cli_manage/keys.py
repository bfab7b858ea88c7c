"""`sojourn keys`: the first API key of an installation has to come from somewhere."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from sojourn.cli_manage.context import console, errors, explain_errors, open_conn, read_settings, with_installation
from sojourn.kit.clock import system_now
from sojourn.kit.database import Conn
from sojourn.workspaces import actions, store
from sojourn.workspaces.model import KeyKind, Workspace

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, for people.")],
    *,
    workspace: Annotated[str | None, typer.Option(help="Id or name; made when no workspace has this name.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A right or a bundle (full, read, ingest, send).")] = None,
    write_key: Annotated[bool, typer.Option("--write-key", help="A key for Segment libraries: events only.")] = False,
    timezone: Annotated[str, typer.Option(help="Zone of a workspace that is made now.")] = "Europe/London",
    country: Annotated[str, typer.Option(help="Country of a workspace that is made now.")] = "GB",
) -> None:
    """Create an API key and print its secret, which is shown this once."""

    async def make(url: str) -> tuple[Workspace, str]:
        async with open_conn(url) as conn:
            place = await find_workspace(conn, workspace) or await actions.create_workspace(
                conn, workspace or "My shop", timezone=timezone, default_country=country, now=system_now()
            )
            kind = KeyKind.WRITE if write_key else KeyKind.SECRET
            scopes = tuple(scope or ["full"])
            _, secret = await actions.create_key(conn, place.id, name, kind=kind, scopes=scopes, now=system_now())
            return place, secret

    with explain_errors():
        place, secret = with_installation(read_settings(), make)
    errors.print(f"[dim]workspace {place.name} ({place.id}); keep this key, it is shown once:[/dim]")
    console.print(secret, soft_wrap=True)


async def find_workspace(conn: Conn, wanted: str | None) -> Workspace | None:
    """The workspace with this id or name; without one asked for, the only one there is. Raises ValueError."""
    found = await store.list_workspaces(conn)
    if wanted is None:
        if len(found) > 1:
            raise ValueError("there are several workspaces, say which: " + ", ".join(place.name for place in found))
        return found[0] if found else None
    matching = [place for place in found if wanted in {place.name, str(place.id)}]
    if not matching and _is_id(wanted):
        raise ValueError(f"there is no workspace with the id {wanted}")
    return matching[0] if matching else None


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
