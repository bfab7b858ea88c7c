"""`sojourn members`: the first admin of an installation has to come from somewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli_manage.context import console, errors, explain_errors, open_conn, read_settings, with_installation
from sojourn.cli_manage.keys import find_workspace
from sojourn.kit.clock import system_now
from sojourn.workspaces import actions, member_actions, member_store
from sojourn.workspaces.caller import SYSTEM
from sojourn.workspaces.roles import ADMIN

app = typer.Typer(help="People who sign in.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """People who sign in."""


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="The address that they sign in with.")],
    *,
    role: Annotated[list[str] | None, typer.Option(help="A role; say it again for more.")] = None,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    workspace: Annotated[str | None, typer.Option(help="Id or name; made when no workspace has this name.")] = None,
) -> None:
    """Invite somebody and print the link that lets them in, which is shown this once. Without --role: an admin."""

    async def make(url: str) -> tuple[str, str]:
        async with open_conn(url) as conn:
            now = system_now()
            place = await find_workspace(conn, workspace) or await actions.create_workspace(
                conn, workspace or "My shop", now=now
            )
            called = name or email.partition("@")[0]
            invited = await member_actions.invite_member(
                conn, SYSTEM, place.id, email, called, role or [ADMIN], now=now
            )
            return place.name, invited.token

    with explain_errors():
        settings = read_settings()
        place, token = with_installation(settings, make)
    errors.print(f"[dim]invitation to {place}, good for 7 days, shown this once:[/dim]")
    console.print(f"{settings.public_url}/invitation/{token}", markup=False, soft_wrap=True)


@app.command()
def reset(
    email: Annotated[str, typer.Argument(help="The address that they sign in with.")],
) -> None:
    """Print a link by which somebody sets a new password, which is shown this once."""

    async def make(url: str) -> str:
        async with open_conn(url) as conn:
            account = await member_store.find_account(conn, member_actions.normal_email(email))
            places = await member_store.list_memberships(conn, account.id) if account else []
            if not places:
                raise ValueError(f"there is no active member with the address {email}")
            made = await member_actions.make_reset(conn, SYSTEM, places[0].workspace_id, places[0].id, system_now())
            return made.token

    with explain_errors():
        settings = read_settings()
        token = with_installation(settings, make)
    errors.print("[dim]good for 24 hours, shown this once:[/dim]")
    console.print(f"{settings.public_url}/reset/{token}", markup=False, soft_wrap=True)
