"""Advances many runs in one transaction: walk all of them purely, write once, hand effects out in sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.journeys.actions import effects, versions
from sojourn.journeys.actions.facts import FactBook
from sojourn.journeys.interpreter.advance import STEPS_MAX, Needs, Progress, advance, lost
from sojourn.journeys.interpreter.compile import CompiledJourney
from sojourn.journeys.interpreter.run import Resume, Run, RunState, Step
from sojourn.journeys.signals import EndedRun, RunsEnded
from sojourn.journeys.store import runs as store
from sojourn.kit import crash, jobs
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Conn

NEEDS_ROUNDS_MAX = 8  # how often a walk may ask for further facts

Arrival = tuple[Run, Resume | None]


async def advance_runs(conn: Conn, arrivals: Sequence[Arrival], *, keys: KeyRing, now: datetime) -> int:
    """Let something happen to each of these runs, whose locks the caller holds. How many were moved by it.

    A run stands here once. Effects whose answer is known at once (an excluded delivery) resume their run in the same
    transaction, so that nobody stands still for it.
    """
    if not arrivals:
        return 0
    batch = _Batch(conn, keys, now)
    await batch.load([run.version_id for run, _ in arrivals])
    moved = await batch.play(arrivals)
    await batch.write()
    return moved


async def start_runs(conn: Conn, fresh: Sequence[Run], *, keys: KeyRing, now: datetime) -> int:
    """Begin these runs, and say how many began: one whose key has an open run, or whose id began before, does not."""
    if not fresh:
        return 0
    batch = _Batch(conn, keys, now)
    await batch.load([run.version_id for run in fresh])
    begun = await batch.begin(fresh)
    await batch.write()
    return begun


class _Batch:
    """Runs of one transaction and what happened to them."""

    def __init__(self, conn: Conn, keys: KeyRing, now: datetime) -> None:
        self._conn = conn
        self._keys = keys
        self._now = now
        self._facts = FactBook(conn)
        self._journeys: dict[UUID, CompiledJourney] = {}
        self._runs: dict[UUID, Run] = {}
        self._overlays: dict[UUID, dict[str, Any]] = {}
        self._steps: list[tuple[Run, Step]] = []
        self._counts: dict[UUID, int] = {}
        self._ended: dict[UUID, Run] = {}

    async def load(self, version_ids: Sequence[UUID]) -> None:
        self._journeys = await versions.get_compiled(self._conn, version_ids)

    async def begin(self, fresh: Sequence[Run]) -> int:
        """Walk new runs before they are written; only those that may begin have effects."""
        progresses = await self._walk([(run, None) for run in fresh])
        begun = await store.insert_runs(self._conn, [progress.run for progress in progresses])
        kept = [progress for progress in progresses if progress.run.id in begun]
        self._note(kept, is_written=True)
        crash.point("journeys.begun")
        await self._follow(kept)
        return len(kept)

    async def play(self, arrivals: Sequence[Arrival]) -> int:
        """Walk runs that stand in the table."""
        progresses = [progress for progress in await self._walk(arrivals) if progress.is_changed]
        self._note(progresses)
        await self._follow(progresses)
        return len(progresses)

    async def write(self) -> None:
        """Write where runs stand and what they did."""
        if self._runs:
            await store.update_runs(self._conn, list(self._runs.values()))
        if self._steps:
            await store.copy_steps(self._conn, self._steps)
        await self._pass_on()
        crash.point("journeys.advanced")

    async def _pass_on(self) -> None:
        """Tell of runs that ended, where anybody hears it."""
        for workspace_id in {run.workspace_id for run in self._ended.values()}:
            if await jobs.is_heard(self._conn, RunsEnded, workspace_id):
                over = [_ended(run) for run in self._ended.values() if run.workspace_id == workspace_id]
                await jobs.announce(self._conn, [RunsEnded(workspace_id=workspace_id, runs=over)])

    async def _follow(self, progresses: Sequence[Progress]) -> None:
        """Carry out effects, and go on with the runs whose effects were answered at once."""
        while progresses:
            answers = await effects.carry_out(self._conn, progresses, keys=self._keys, now=self._now)
            arrivals: list[Arrival] = [(self._current(run), came) for run, came in answers]
            progresses = [progress for progress in await self._walk(arrivals) if progress.is_changed]
            self._note(progresses)
            progresses = [self._restrain(progress) for progress in progresses]

    def _current(self, run: Run) -> Run:
        return self._runs.get(run.id, run)

    async def _walk(self, arrivals: Sequence[Arrival]) -> list[Progress]:
        walkers = [(run, came, journey) for run, came in arrivals if (journey := self._journeys.get(run.version_id))]
        await self._facts.prepare([(run, journey) for run, _, journey in walkers])
        done: list[Progress] = []
        for _ in range(NEEDS_ROUNDS_MAX):
            lacking = []
            for run, came, journey in walkers:
                overlay = self._overlays.get(run.id)
                result = advance(journey, run, came, now=self._now, facts=self._facts.of(run), overlay=overlay)
                if isinstance(result, Needs):
                    lacking.append((run, came, journey))
                else:
                    done.append(result)
            if not lacking:
                return done
            await self._facts.gather_profiles([run for run, _, _ in lacking])
            walkers = lacking
        raise RuntimeError("a walk asked for facts again and again")

    def _note(self, progresses: Sequence[Progress], *, is_written: bool = False) -> None:
        for progress in progresses:
            run = progress.run
            if not is_written:
                self._runs[run.id] = run
            if run.ended_at is not None:
                self._ended[run.id] = run
            if progress.overlay:
                self._overlays[run.id] = progress.overlay
            self._steps.extend([(run, step) for step in progress.steps])

    def _restrain(self, progress: Progress) -> Progress:
        """A run whose messages are refused at once, again and again, ends with a recorded failure."""
        run = progress.run
        count = self._counts[run.id] = self._counts.get(run.id, 0) + len(progress.steps)
        if count < STEPS_MAX or run.state != RunState.WAITING:
            return progress
        self._runs[run.id] = self._ended[run.id] = lost(run, self._now)
        return Progress(self._runs[run.id], (), (), progress.overlay, True)


def _ended(run: Run) -> EndedRun:
    return EndedRun(
        run_id=run.id, profile_id=run.profile_id, journey_id=run.journey_id, state=run.state, reason=run.exit_reason,
        ended_at=run.ended_at,
    )  # fmt: skip
