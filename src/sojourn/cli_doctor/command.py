"""Runs the checks and prints what they found."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from sojourn.cli_doctor.checks import examine
from sojourn.cli_doctor.finding import Finding, Level
from sojourn.cli_manage.context import console, explain_errors, read_settings

SIGNS = {Level.OK: "[green]ok  [/green]", Level.WARN: "[yellow]warn[/yellow]", Level.FAIL: "[red]FAIL[/red]"}


def add_to(app: typer.Typer) -> None:
    """Put this command into the command line."""
    app.command(name="doctor")(doctor)


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as failures.")] = False,
) -> None:
    """Say what is wrong with this installation and how to fix it. Exit code 1 when something must be fixed."""
    with explain_errors():
        findings = asyncio.run(examine(read_settings()))
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        _print(findings)
    bad = {Level.FAIL, Level.WARN} if strict else {Level.FAIL}
    raise typer.Exit(1 if any(finding.level in bad for finding in findings) else 0)


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        console.print(f"{SIGNS[finding.level]} {finding.subject}: {finding.text}", soft_wrap=True)
        if finding.fix:
            console.print(f"       fix: {finding.fix}", soft_wrap=True, style="dim")
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    console.print(f"\n{counts[Level.OK]} ok, {counts[Level.WARN]} warnings, {counts[Level.FAIL]} to fix")
