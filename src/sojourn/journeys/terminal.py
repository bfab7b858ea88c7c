"""A walkthrough in the terminal: what happens, in order, as a person reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from sojourn.journeys.interpreter import effects, texts
from sojourn.journeys.interpreter.compile import compile_journey
from sojourn.journeys.interpreter.conditions import read_moment
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.durations import format_duration, parse_duration
from sojourn.journeys.interpreter.run import EventCame, Step
from sojourn.journeys.interpreter.walkthrough import Entry, Walkthrough

ACTS = ("event", "tap", "text", "read", "delivered", "wait", "excluded", "failed", "answer")
HELP = "event NAME [JSON] · tap ID · text WORDS · read NODE · delivered NODE · wait LENGTH · next · quit"


class BadAct(ValueError):
    """What was said is none of the things that can happen."""


class Act(Struct, frozen=True):
    """One thing that happens."""

    what: str
    value: str


def read_acts(args: Sequence[str]) -> list[Act]:
    """`--event a=… --tap b` as acts, in their order. Raises BadAct."""
    acts: list[Act] = []
    rest = list(args)
    while rest:
        flag = rest.pop(0)
        name, has_value, value = flag.removeprefix("--").partition("=")
        if not flag.startswith("--") or name not in ACTS:
            raise BadAct(f"{flag!r} is none of: {', '.join('--' + act for act in ACTS)}")
        if not has_value:
            if not rest:
                raise BadAct(f"{flag} needs a value")
            value = rest.pop(0)
        acts.append(Act(name, value))
    return acts


class Story:
    """One person, one journey, and somebody who says what happens."""

    def __init__(
        self, definition: Definition, *, start: str, attributes: dict[str, Any], acts: Sequence[Act], out: Console
    ) -> None:
        """Raises BadAct when the start is no moment, or an outcome told beforehand cannot be read."""
        moment = read_moment(start)
        if moment is None or not isinstance(attributes, dict):
            raise BadAct("--start must be a moment (ISO 8601), --profile a JSON object")
        self._zone = moment.tzinfo or UTC
        self._acts = [act for act in acts if act.what not in ("excluded", "failed", "answer")]
        self._out = out
        self._shown = 0
        journey = compile_journey(definition, journey_id=UUID(int=1), version_id=UUID(int=2))
        self.first_event = journey.triggers[0].event
        self._world = Walkthrough(
            journey, now=moment, attributes=attributes, outcomes=_outcomes(acts), answers=_answers(acts)
        )
        self._out.print(f"[bold]{definition.name}[/bold] · begins {moment.isoformat()}")

    def play(self) -> None:
        """Let everything happen that was said beforehand."""
        for act in self._acts:
            self.do(act)
        for run in self._world.open_runs:
            self._line("dim", f"{run.key or 'run'} stands in {run.node}")

    def converse(self) -> None:
        """Ask what happens next, until told to stop."""
        self._out.print(f"[dim]{HELP}[/dim]")
        while True:
            try:
                line = self._out.input(f"[bold]{self._time()}[/bold] > ").strip()
            except (EOFError, KeyboardInterrupt):
                return
            if line in ("quit", "q", "exit"):
                return
            try:
                self._say(line)
            except BadAct as error:
                self._out.print(f"[red]{error}[/red] [dim]{HELP}[/dim]")

    def _say(self, line: str) -> None:
        word, _, value = line.partition(" ")
        if word == "next":
            due = self._world.next_due
            if due is None:
                raise BadAct("time alone makes nothing happen")
            self._world.pass_time(max(due - self._world.now, due - due))
            self._show()
        elif word == "event":
            name, _, data = value.strip().partition(" ")
            self.do(Act("event", f"{name}={data}" if data else name))
        elif word in ACTS:
            self.do(Act(word, value.strip()))
        else:
            raise BadAct(f"{word!r} is nothing that can happen")

    def do(self, act: Act) -> None:
        """Let one thing happen and show what follows. Raises BadAct."""
        moved = self._act(act)
        self._show()
        if not moved:
            self._line("yellow", "nobody took it")

    def _act(self, act: Act) -> int:
        world = self._world
        match act.what:
            case "event":
                name, _, data = act.value.partition("=")
                self._line("cyan", f"event {name} {data}".rstrip())
                return world.send_event(name, _object(data))
            case "tap":
                self._line("green", f"person taps [{act.value}]")
                return world.answer(tap_id=act.value)
            case "text":
                self._line("green", f"person writes “{act.value}”")
                return world.answer(text=act.value)
            case "wait":
                length = parse_duration(act.value)
                if length is None:
                    raise BadAct(f"{act.value!r} is no length of time such as 2h or 3d")
                world.pass_time(length)
                self._line("blue", f"{format_duration(length)} pass")
                return 1
            case "read" | "delivered":
                self._line("green", f"message of {act.value} is {act.what}")
                return world.report(act.value, act.what)
        raise BadAct(f"{act.what!r} cannot happen now; say it beforehand")

    def _show(self) -> None:
        for entry in self._world.log[self._shown :]:
            self._entry(entry)
        self._shown = len(self._world.log)

    def _entry(self, entry: Entry) -> None:
        key = f"{entry.run_key} " if entry.run_key else ""
        match entry.value:
            case Step() as step:
                detail = "" if not step.detail else " " + ", ".join(
                    f"{name} {value}" for name, value in step.detail.items() if name != "delivery_id"
                )  # fmt: skip
                self._line("white", f"{key}{step.node} ({step.kind}) → {step.exit}{detail}", entry.at)
            case EventCame():
                self._line("bold", f"{key}a run begins at {entry.node}", entry.at)
            case effects.RequestTemplate() as sent:
                self._bubble(f"template {sent.template}", _facts(sent.variables), list(sent.reply_ids.values()))
            case effects.RequestMessage() as sent:
                self._bubble("message", *_said(sent, self._world.attributes))
            case effects.CallAddress() as call:
                body = "" if call.body is None else " " + json.dumps(call.body, ensure_ascii=False)
                self._line("magenta", f"{key}calls {call.method} {call.url}{body}", entry.at)
            case effects.UpdateProfile() as update:
                self._line("magenta", f"{key}profile {json.dumps(dict(update.attributes), default=str)}", entry.at)
            case datetime() as due:
                self._line("dim", f"{key}waits in {entry.node} until {due.astimezone(self._zone):%a %d %b %H:%M:%S}")
            case _ if entry.what == "ended":
                self._line("bold", f"{key}the run ends: {entry.value}", entry.at)

    def _bubble(self, title: str, text: str, buttons: list[str]) -> None:
        body = Text(text)
        for button in buttons:
            body.append(f"\n[ {button} ]", style="bold")
        self._out.print(Panel(body, title=title, title_align="left", border_style="green", width=64))

    def _line(self, style: str, text: str, at: datetime | None = None) -> None:
        self._out.print(Text(f"{self._time(at)}  {text}", style=style), soft_wrap=True)

    def _time(self, at: datetime | None = None) -> str:
        return f"{(at or self._world.now).astimezone(self._zone):%a %H:%M:%S}"


def _outcomes(acts: Sequence[Act]) -> dict[str, str]:
    told = [act for act in acts if act.what in ("excluded", "failed")]
    return {act.value.partition(":")[0]: f"{act.what}:{act.value.partition(':')[2]}".rstrip(":") for act in told}


def _answers(acts: Sequence[Act]) -> dict[str, Any]:
    found = {}
    for act in acts:
        if act.what == "answer":
            node, _, data = act.value.partition("=")
            found[node] = None if data in ("", "null") else _object(data)
    return found


def _object(data: str) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        value = json.loads(data)
    except ValueError as error:
        raise BadAct(f"no JSON: {data}") from error
    if not isinstance(value, dict):
        raise BadAct(f"no JSON object: {data}")
    return value


def _facts(variables: Any) -> str:
    run = {name: value for name, value in variables.get("run", {}).items() if name not in ("id", "started_at")}
    others = {name: value for name, value in variables.items() if name not in ("run", "trigger", "reply")}
    return "\n".join(
        f"{root}.{name}: {value}" if isinstance(values, dict) else f"{root}: {values}"
        for root, values in {**others, "run": run}.items()
        for name, value in (values.items() if isinstance(values, dict) else (("", ""),))
    )


def _said(sent: effects.RequestMessage, attributes: dict[str, Any]) -> tuple[str, list[str]]:
    context = {"profile": attributes, **sent.variables}
    content = sent.content
    body = str(content.get("body") or content.get("caption") or content.get("type"))
    try:
        text = texts.render(body, context)
    except texts.TextFailed as error:
        text = f"cannot be rendered: {error}"
    buttons = [str(button.get("title")) for button in content.get("buttons", ())]
    rows = [str(row.get("title")) for section in content.get("sections", ()) for row in section.get("rows", ())]
    return text, buttons + rows
