"""A run as the interpreter sees it: where it stands, what it remembers, what can happen to it.

`Run` is one profile in one version; `branch` and `parent_run_id` are there for parallel branches, where each branch is
a child run of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs


class RunState(StrEnum):
    """Stored values. `waiting` runs stand in a node; `held` ones stand still with their paused journey."""

    WAITING = "waiting"
    HELD = "held"
    FINISHED = "finished"
    ERROR = "error"
    CANCELLED = "cancelled"


class EventCame(Struct, frozen=True, tag="event", tag_field="k"):
    """An event of this profile."""

    id: UUID
    name: str
    properties: dict[str, Any]
    at: datetime


class ReplyCame(Struct, frozen=True, tag="reply", tag_field="k", omit_defaults=True, kw_only=True):
    """An answer of this person that belongs to this run. `tap_id` is the plain id of a tapped button or list row."""

    id: UUID
    kind: str
    at: datetime
    text: str | None = None
    tap_id: str | None = None
    tap_title: str | None = None
    message_id: str | None = None
    step_key: str | None = None
    media: list[Any] = []
    location: dict[str, Any] | None = None


class DeliveryReported(Struct, frozen=True, kw_only=True, tag="delivery", tag_field="k", omit_defaults=True):
    """How far a message of this run got. `step_key` names the visit that asked for it (`<node>:<seq>`)."""

    delivery_id: UUID
    step_key: str
    status: str
    at: datetime
    reason: str | None = None
    reaction: str | None = None


class UrlAnswered(Struct, frozen=True, kw_only=True, tag="answer", tag_field="k", omit_defaults=True):
    """What a called address said, after all retries. `values` are the fields that the node wanted from the answer."""

    seq: int
    exit: Literal["ok", "failed"]
    status: int | None = None
    values: dict[str, Any] = {}
    error: str | None = None


class TimerDue(Struct, frozen=True, tag="timer", tag_field="k"):
    """The moment `due_at` has come, or a held run goes on."""


Resume = EventCame | ReplyCame | DeliveryReported | UrlAnswered | TimerDue


class Kept(Struct, frozen=True, omit_defaults=True):
    """Something that came while the run could not take it. `on_the_way`: during a send or call, not during a wait."""

    came: EventCame | ReplyCame
    on_the_way: bool = False


class Sent(Struct, frozen=True, omit_defaults=True):
    """The latest message of a node: its delivery and how far that got."""

    id: UUID
    status: str
    reason: str | None = None


class Memory(Struct, omit_defaults=True):
    """What a run remembers; stored as one small JSON object, empty for most runs."""

    variables: dict[str, Any] = {}
    event: dict[str, Any] | None = None
    trigger: dict[str, Any] | None = None
    reply: ReplyCame | None = None
    is_reply_fresh: bool = False
    inbox: list[Kept] = []
    deliveries: dict[str, Sent] = {}
    held: list[EventCame | ReplyCame | DeliveryReported | UrlAnswered | TimerDue] = []
    held_due: datetime | None = None


class Run(Struct):
    """One profile in one version of a journey. `seq` numbers the node visit that is open, from 0."""

    id: UUID
    bucket: int
    workspace_id: UUID
    journey_id: UUID
    version_id: UUID
    profile_id: UUID
    key: str
    state: str
    node: str
    seq: int
    entered_at: datetime
    due_at: datetime | None
    started_at: datetime
    memory: Memory
    ended_at: datetime | None = None
    exit_reason: str | None = None
    parent_run_id: UUID | None = None
    branch: str | None = None
    is_memory_changed: bool = False


class Step(Struct, frozen=True, gc=False):
    """One finished visit to a node. `cause` is the id of the event or answer that ended it."""

    seq: int
    node: str
    kind: str
    entered_at: datetime
    left_at: datetime
    exit: str
    cause: UUID | None = None
    detail: dict[str, Any] | None = None


class ProfileFacts(Struct, frozen=True):
    """What a walk may read of its person."""

    attributes: Mapping[str, Any]
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None


class Facts(Struct, frozen=True):
    """What was gathered for a walk; UNSET is what was not."""

    profile: ProfileFacts | UnsetType = UNSET
    workspace: Mapping[str, Any] = {}


NO_FACTS = Facts()


class FactMissing(Exception):
    """The walk needs a fact that was not gathered."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class RunView:
    """What nodes read: the run, its memory, gathered facts, and the changes that this walk made so far."""

    __slots__ = ("_person", "facts", "memory", "now", "overlay", "run")

    def __init__(self, run: Run, facts: Facts, now: datetime, overlay: dict[str, Any] | None = None) -> None:
        self.run = run
        self.memory = run.memory
        self.facts = facts
        self.now = now
        self.overlay = {} if overlay is None else overlay
        self._person: dict[str, Any] | None = None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Attributes that this walk sets; what comes after sees them."""
        self.overlay = {**self.overlay, **attributes}
        self._person = None

    @property
    def step_key(self) -> str:
        """The name of the open visit: `<node>:<seq>`."""
        return f"{self.run.node}:{self.run.seq}"

    def with_event(self, properties: dict[str, Any]) -> RunView:
        """The same with another event in hand."""
        view = RunView(self.run, self.facts, self.now, self.overlay)
        view.memory = structs.replace(self.memory, event=properties)
        return view

    def with_variables(self, variables: dict[str, Any]) -> RunView:
        """The same with other variables."""
        view = RunView(self.run, self.facts, self.now, self.overlay)
        view.memory = structs.replace(self.memory, variables=variables)
        return view

    def look_up(self, path: tuple[str, ...]) -> Any:
        """The value at a path, or None where there is nothing. Raises FactMissing."""
        value: Any = self.root(path[0])
        for name in path[1:]:
            if isinstance(value, Mapping):
                value = value.get(name)
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return None
        return value

    def context(self, roots: frozenset[str]) -> dict[str, Any]:
        """The Liquid context with these names, and `now`. Raises FactMissing."""
        context = {root: self.root(root) for root in roots}
        context["now"] = self.now
        return context

    def root(self, name: str) -> Any:
        """One name of the context. Raises FactMissing when it is the profile and that was not gathered."""
        match name:
            case "run":
                return self._run()
            case "event":
                return self.memory.event or {}
            case "trigger":
                return self.memory.trigger or {}
            case "reply":
                return self._reply()
            case "profile":
                return self._profile()
            case "delivery":
                return {
                    node: {"status": sent.status, "reason": sent.reason}
                    for node, sent in self.memory.deliveries.items()
                }
            case "workspace":
                return self.facts.workspace
            case "now":
                return self.now
        return None

    def _run(self) -> dict[str, Any]:
        run = self.run
        return {**self.memory.variables, "key": run.key, "id": str(run.id), "started_at": run.started_at.isoformat()}

    def _reply(self) -> dict[str, Any]:
        reply = self.memory.reply
        if reply is None:
            return {}
        return {
            "kind": reply.kind,
            "text": reply.text,
            "id": reply.tap_id,
            "title": reply.tap_title,
            "location": reply.location,
            "media": reply.media,
        }

    def _profile(self) -> dict[str, Any]:
        if self._person is not None:
            return self._person
        profile = self.facts.profile
        if isinstance(profile, UnsetType):
            raise FactMissing("profile")
        self._person = {
            "locale": profile.locale,
            "timezone": profile.timezone,
            "country": profile.country,
            "id": str(self.run.profile_id),
            **profile.attributes,
            **self.overlay,
        }
        return self._person
