"""A small world for tests of journeys: a workspace, people, and verbs that read like a story."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sojourn.deliveries.signals import DeliveryStatusChanged
from sojourn.events.signals import EventRecorded
from sojourn.journeys import actions
from sojourn.journeys.interpreter.problems import Problem
from sojourn.journeys.model import Journey, RunRow, StepRow
from sojourn.journeys.store import inspect
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn, fetch_all
from sojourn.kit.ids import bucket_of, new_id
from sojourn.profiles import actions as profiles
from sojourn.profiles.model import Identity, ProfileId, ProfileRef, Scheme
from sojourn.workspaces import actions as workspaces
from sojourn.workspaces.caller import Caller

HEAD = "key: {key}\nname: {key}\nnodes:\n"


@dataclass
class World:
    """What a test of journeys needs. `now` moves when the test moves it."""

    conn: Conn
    now: datetime
    keys: KeyRing
    caller: Caller
    anna: ProfileId
    journeys: dict[str, Journey] = field(default_factory=dict)

    async def person(self, name: str) -> ProfileId:
        """A further person."""
        ref = ProfileRef(identities=(Identity(Scheme.EXTERNAL_ID, name),), attributes={"first_name": name})
        [profile_id] = await profiles.resolve_profiles(
            self.conn, self.caller.workspace_id, [ref], now=self.now, source="test"
        )
        return profile_id

    async def publish(self, nodes: str, *, key: str = "order") -> tuple[Journey, list[Problem]]:
        """Save and publish a journey."""
        source = HEAD.format(key=key) + nodes
        journey, _ = await actions.save_journey(self.conn, self.caller, source, now=self.now)
        journey, _, problems = await actions.publish_journey(self.conn, self.caller, journey.id, now=self.now)
        self.journeys[key] = journey
        return journey, problems

    def event(self, name: str, profile_id: UUID | None = None, **properties: Any) -> EventRecorded:
        """An event as the events folder announces it."""
        person = profile_id or self.anna
        return EventRecorded(
            workspace_id=self.caller.workspace_id,
            profile_id=person,
            event_id=new_id(self.now, bucket_of(person)),
            name=name,
            properties=properties,
            occurred_at=self.now,
            recorded_at=self.now,
        )

    async def receive(self, *events: EventRecorded) -> None:
        """Let the handler see events."""
        await actions.receive_events(self.conn, events, keys=self.keys, now=self.now)

    async def report(self, run: RunRow, status: str, *, reason: str | None = None) -> None:
        """Let the handler see how far the message of the run's present visit got."""
        news = DeliveryStatusChanged(
            workspace_id=self.caller.workspace_id,
            profile_id=run.profile_id,
            delivery_id=new_id(self.now, bucket_of(run.profile_id)),
            owner_kind="journey",
            owner_id=run.journey_id,
            run_id=run.id,
            step_key=f"{run.node}:{run.seq}",
            status=status,
            reason=reason,
            at=self.now,
        )
        await actions.receive_statuses(self.conn, [news, news], keys=self.keys, now=self.now)

    async def pass_time(self, **length: float) -> int:
        """Let time pass and everything fall due."""
        self.now += timedelta(**length)
        seen = 0
        while True:
            count, _ = await actions.advance_due(self.conn, keys=self.keys, now=self.now, since=None, limit=100)
            seen += count
            if count == 0:
                return seen

    async def runs(self, key: str = "order", **filters: Any) -> list[RunRow]:
        """All runs of a journey, by key, ended ones first."""
        found = await inspect.list_runs(
            self.conn, self.caller.workspace_id, self.journeys[key].id, limit=1000, **filters
        )
        return sorted(found, key=lambda run: (run.run_key, run.ended_at is None))

    async def run(self, run_key: str = "", *, key: str = "order") -> RunRow:
        """The one run of this key."""
        [run] = await self.runs(key, run_key=run_key)
        return run

    async def steps(self, run: RunRow) -> list[str]:
        """The steps of a run as `node → exit`."""
        rows: list[StepRow] = await inspect.list_steps(self.conn, run.id)
        return [f"{step.node} → {step.exit}" for step in rows]

    async def jobs(self, handler: str) -> list[dict[str, Any]]:
        """Jobs that wait for a handler."""
        return await fetch_all(
            self.conn, "SELECT payload, due_at FROM jobs WHERE handler = %(handler)s", {"handler": handler}
        )


async def make_world(conn: Conn, now: datetime, keys: KeyRing) -> World:
    """A workspace with one person, Anna."""
    workspace = await workspaces.create_workspace(conn, "Brisk Coffee", timezone="Europe/Amsterdam", now=now)
    caller = Caller(workspace.id, "key:test", frozenset({"*"}))
    world = World(conn=conn, now=now, keys=keys, caller=caller, anna=ProfileId(workspace.id))
    world.anna = await world.person("Anna")
    return world
