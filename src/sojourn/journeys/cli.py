"""`sojourn journey`: check a file, publish it, walk one person through it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console

from sojourn.journeys import terminal
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.problems import Problem
from sojourn.journeys.interpreter.schema import journey_schema
from sojourn.journeys.interpreter.validate import validate_text

journey_app = typer.Typer(help="Journeys as files: validate, publish, run, schema.", no_args_is_help=True)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

File = Annotated[Path, typer.Argument(help="A journey file, YAML or JSON.", exists=True, dir_okay=False, readable=True)]
Url = Annotated[str, typer.Option(envvar="SOJOURN_URL", help="Where the installation is.")]
Key = Annotated[str, typer.Option(envvar="SOJOURN_API_KEY", help="An API key with journeys.write.")]
REQUEST_SECONDS = 30


@journey_app.command()
def validate(file: File) -> None:
    """Check a file without an installation: every mistake at once, each with its line and path."""
    definition, problems = validate_text(file.read_text())
    _show(file, problems)
    if definition is None:
        raise typer.Exit(1)
    out.print(f"[green]valid[/green] {definition.key}: {len(definition.nodes)} nodes")


@journey_app.command()
def schema() -> None:
    """Print the JSON schema of journey files, for editors."""
    sys.stdout.write(json.dumps(journey_schema(), indent=2, ensure_ascii=False) + "\n")


@journey_app.command()
def publish(
    file: File,
    url: Url = "http://127.0.0.1:8080",
    key: Key = "",
    *,
    draft: Annotated[bool, typer.Option("--draft", help="Save it only.")] = False,
) -> None:
    """Save a file in an installation and let new runs begin in it."""
    definition = _read(file)
    if not key:
        err.print("an API key is needed: --key or SOJOURN_API_KEY")
        raise typer.Exit(2)
    saved = asyncio.run(_send(url, key, file.read_text(), publish=not draft))
    version = saved.get("version")
    word = "saved" if draft else "published" if version else "unchanged"
    number = f", version {version['number']}" if version else ""
    out.print(f"[green]{word}[/green] {definition.key} ({saved['id']}){number}")


@journey_app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    ctx: typer.Context,
    file: File,
    start: Annotated[str, typer.Option(help="The moment at which it begins, ISO 8601.")] = "2026-03-03T09:00:00+01:00",
    profile: Annotated[str, typer.Option(help="Attributes of the person, as JSON.")] = '{"first_name": "Anna"}',
) -> None:
    """Walk one person through a journey on a virtual clock, and show every step and message. Nothing leaves.

    What happens is said in order:
    --event NAME[=JSON]   the shop tells of an event
    --tap ID              the person taps a button or list row
    --text WORDS          the person writes
    --read NODE           the message of a node was read (also --delivered)
    --wait LENGTH         time passes (2h, 3d)
    --excluded NODE, --failed NODE and --answer NODE=JSON tell beforehand how a message or a called address ends.

    Without any of these, and at a terminal, it asks what happens next.
    """
    definition = _read(file)
    try:
        acts = terminal.read_acts(ctx.args)
        story = terminal.Story(definition, start=start, attributes=json.loads(profile), acts=acts, out=out)
    except (ValueError, terminal.BadAct) as error:
        err.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    story.play()
    if not ctx.args and sys.stdin.isatty():
        story.converse()
    elif not ctx.args:
        err.print("nothing happens by itself: say what does, for example --event " + story.first_event)


def _read(file: Path) -> Definition:
    definition, problems = validate_text(file.read_text())
    if definition is None:
        _show(file, problems)
        raise typer.Exit(1)
    return definition


def _show(file: Path, problems: list[Problem]) -> None:
    for problem in problems:
        place = f"{file}:{problem.line}" if problem.line else str(file)
        tone = "red" if problem.is_error else "yellow"
        label = f"[{tone}]{problem.severity}[/{tone}]"
        err.print(f"{place}: {label} {problem.path or 'file'} ({problem.code}): ", end="")
        err.print(problem.message, markup=False)


async def _send(url: str, key: str, text: str, *, publish: bool) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/yaml"}
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    try:
        async with aiohttp.ClientSession(url.rstrip("/") + "/", headers=headers, timeout=timeout) as http:
            saved = await _post(http, "v1/journeys", text)
            if publish and saved["draft"] is not None:
                saved = await _post(http, f"v1/journeys/{saved['id']}/publish", "")
            return saved
    except (aiohttp.ClientError, TimeoutError) as error:
        err.print(f"[red]{url} cannot be reached: {type(error).__name__}[/red]")
        raise typer.Exit(1) from error


async def _post(http: aiohttp.ClientSession, path: str, text: str) -> dict[str, Any]:
    async with http.post(path, data=text.encode()) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        if response.status >= 400:
            err.print(f"[red]{answer.get('code', response.status)}[/red]: {answer.get('title', '')}")
            for mistake in answer.get("errors", ()):
                err.print(f"  {mistake.get('field')} ({mistake.get('code')}): {mistake.get('message')}", markup=False)
            raise typer.Exit(1)
        return answer
