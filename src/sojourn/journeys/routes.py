"""HTTP: journeys, their versions, and the run inspector."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from sojourn.journeys import actions, explain
from sojourn.journeys.interpreter.problems import Problem
from sojourn.journeys.interpreter.source import SOURCE_MAX
from sojourn.journeys.model import Journey, RunRow, StepRow, Version
from sojourn.journeys.store import definitions, inspect
from sojourn.kit import json
from sojourn.kit.errors import BodyTooLarge, MalformedBody
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of

router = APIRouter(prefix="/v1", tags=["journeys"])
Reader = Annotated[Caller, Depends(require_right("journeys.read"))]
Writer = Annotated[Caller, Depends(require_right("journeys.write"))]


class ProblemOut(BaseModel):
    """A mistake or warning with its path in the file, and the line where the text was sent."""

    field: str
    code: str
    message: str
    severity: str
    line: int | None

    @classmethod
    def of(cls, problem: Problem) -> ProblemOut:
        """From the finding."""
        return cls(
            field=problem.path or "definition",
            code=problem.code,
            message=problem.message,
            severity=problem.severity,
            line=problem.line,
        )


class JourneyOut(BaseModel):
    """A journey. `draft` is what was saved and not yet published, `live_version_id` where new runs begin."""

    id: UUID
    key: str
    name: str
    state: str
    live_version_id: UUID | None
    draft: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, journey: Journey) -> JourneyOut:
        """From the stored journey."""
        return cls(
            id=journey.id,
            key=journey.key,
            name=journey.name,
            state=journey.state.value,
            live_version_id=journey.live_version_id,
            draft=journey.draft,
            created_at=journey.created_at,
            updated_at=journey.updated_at,
        )


class VersionOut(BaseModel):
    """A published definition."""

    id: UUID
    journey_id: UUID
    number: int
    digest: str
    definition: dict[str, Any]
    published_by: str
    published_at: datetime

    @classmethod
    def of(cls, version: Version) -> VersionOut:
        """From the stored version."""
        return cls(
            id=version.id,
            journey_id=version.journey_id,
            number=version.number,
            digest=version.digest.hex(),
            definition=version.definition,
            published_by=version.published_by,
            published_at=version.published_at,
        )


class SavedOut(JourneyOut):
    """A journey that was saved or published, with warnings."""

    version: VersionOut | None = None
    warnings: list[ProblemOut]


class CheckOut(BaseModel):
    """What validation found: `is_valid` when there is no error."""

    is_valid: bool
    problems: list[ProblemOut]


class JourneyDetail(JourneyOut):
    """A journey with its live definition and how many runs are in each state."""

    live: VersionOut | None
    runs: dict[str, int]


class RunOut(BaseModel):
    """A run: one person in one version of a journey."""

    id: UUID
    journey_id: UUID
    version_id: UUID
    profile_id: UUID
    run_key: str
    parent_run_id: UUID | None
    branch: str
    state: str
    node: str
    entered_at: datetime
    due_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    exit_reason: str | None

    @classmethod
    def of(cls, run: RunRow) -> RunOut:
        """From the stored run."""
        return cls(**{name: getattr(run, name) for name in cls.model_fields})


class StepOut(BaseModel):
    """A visit to a node. The last one of an open run has no `left_at` and `exit`."""

    seq: int
    node: str
    kind: str
    entered_at: datetime
    left_at: datetime | None
    exit: str | None
    cause: UUID | None
    detail: dict[str, Any] | None

    @classmethod
    def of(cls, step: StepRow) -> StepOut:
        """From the stored step."""
        return cls(**{name: getattr(step, name) for name in cls.model_fields})


class RunDetail(RunOut):
    """A run as the inspector shows it: every step, what it remembers, and in words why it stands where it stands."""

    why_here: str
    variables: dict[str, Any]
    event: dict[str, Any] | None
    reply: dict[str, Any] | None
    deliveries: dict[str, Any]
    steps: list[StepOut]


async def _source(request: Request) -> str | dict[str, Any]:
    """The body as a journey file: YAML or JSON, whichever it is; JSON may also wrap it as `{"definition": …}`."""
    body = await request.body()
    if len(body) > SOURCE_MAX:
        raise BodyTooLarge(limit=SOURCE_MAX)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedBody(detail="not UTF-8") from error
    if text.lstrip()[:1] != "{":
        return text
    try:
        data = json.decode(body)
    except ValueError:
        return text
    wrapped = data.get("definition") if len(data) == 1 else None
    return wrapped if isinstance(wrapped, dict | str) else text


Source = Annotated[str | dict[str, Any], Depends(_source)]
FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


@router.post("/journeys/validate", openapi_extra=FILE)
async def validate_journey(conn: ConnDep, caller: Reader, source: Source) -> CheckOut:
    """Check a journey file; nothing is saved. Every mistake comes at once, each with its path."""
    definition, problems = await actions.validate_journey(conn, caller.workspace_id, source)
    return CheckOut(is_valid=definition is not None, problems=[ProblemOut.of(problem) for problem in problems])


@router.post("/journeys", openapi_extra=FILE)
async def save_journey(conn: ConnDep, now: Now, caller: Writer, source: Source) -> SavedOut:
    """Save a journey file as the draft of the journey that its `key` names; a new key is a new journey.

    A file that is live already leaves no draft.
    """
    journey, problems = await actions.save_journey(conn, caller, source, now=now)
    return SavedOut(**JourneyOut.of(journey).model_dump(), warnings=[ProblemOut.of(problem) for problem in problems])


@router.get("/journeys")
async def list_journeys(
    conn: ConnDep, caller: Reader, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[JourneyOut]:
    """Journeys, oldest first."""
    rows = await definitions.list_journeys(conn, caller.workspace_id, after=decode_position(cursor), limit=limit)
    return page_of(rows, limit, JourneyOut.of)


@router.get("/journeys/{journey_id}")
async def get_journey(conn: ConnDep, caller: Reader, journey_id: UUID) -> JourneyDetail:
    """A journey with its live definition and counts of runs."""
    journey = await definitions.get_journey(conn, caller.workspace_id, journey_id)
    version = None
    if journey.live_version_id is not None:
        version = (await definitions.get_versions(conn, [journey.live_version_id])).get(journey.live_version_id)
    return JourneyDetail(
        **JourneyOut.of(journey).model_dump(),
        live=None if version is None else VersionOut.of(version),
        runs=await inspect.count_runs(conn, journey_id),
    )


@router.post("/journeys/{journey_id}/publish")
async def publish_journey(conn: ConnDep, now: Now, caller: Writer, journey_id: UUID) -> SavedOut:
    """Make the draft the version in which new runs begin; running people stay in theirs."""
    journey, version, problems = await actions.publish_journey(conn, caller, journey_id, now=now)
    return SavedOut(
        **JourneyOut.of(journey).model_dump(),
        version=VersionOut.of(version),
        warnings=[ProblemOut.of(problem) for problem in problems],
    )


@router.post("/journeys/{journey_id}/pause")
async def pause_journey(conn: ConnDep, now: Now, caller: Writer, journey_id: UUID) -> JourneyOut:
    """Let the journey stand still. Nobody enters; what comes for its runs is kept until it goes on."""
    return JourneyOut.of(await actions.pause_journey(conn, caller, journey_id, now=now))


@router.post("/journeys/{journey_id}/resume")
async def resume_journey(conn: ConnDep, now: Now, caller: Writer, journey_id: UUID) -> JourneyOut:
    """Let a paused journey go on."""
    return JourneyOut.of(await actions.resume_journey(conn, caller, journey_id, now=now))


@router.get("/journeys/{journey_id}/runs")
async def list_runs(
    conn: ConnDep,
    caller: Reader,
    journey_id: UUID,
    state: Annotated[str | None, Query(description="waiting, held, finished, error or cancelled")] = None,
    node: Annotated[str | None, Query(description="Runs that stand in this node, or ended there")] = None,
    run_key: str | None = None,
    profile_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[RunOut]:
    """Runs of a journey, newest first."""
    await definitions.get_journey(conn, caller.workspace_id, journey_id)
    rows = await inspect.list_runs(
        conn,
        caller.workspace_id,
        journey_id,
        state=state,
        node=node,
        run_key=run_key,
        profile_id=profile_id,
        before=decode_position(cursor),
        limit=limit,
    )
    return page_of(rows, limit, RunOut.of)


@router.get("/runs/{run_id}")
async def get_run(conn: ConnDep, now: Now, caller: Reader, run_id: UUID) -> RunDetail:
    """A run: every step with its times, what it remembers, and why it stands where it stands."""
    run = await inspect.get_run(conn, caller.workspace_id, run_id)
    versions = await definitions.get_versions(conn, [run.version_id])
    steps = [StepOut.of(step) for step in await inspect.list_steps(conn, run_id)]
    definition = versions[run.version_id].definition if run.version_id in versions else {}
    node = definition.get("nodes", {}).get(run.node, {})
    if run.ended_at is None:
        open_visit = StepOut(
            seq=run.seq, node=run.node, kind=node.get("type", "unknown"), entered_at=run.entered_at, left_at=None,
            exit=None, cause=None, detail=None,
        )  # fmt: skip
        steps.append(open_visit)
    memory = run.memory
    return RunDetail(
        **RunOut.of(run).model_dump(),
        why_here=explain.why_here(run, node, now=now),
        variables=memory.get("variables", {}),
        event=memory.get("event"),
        reply=memory.get("reply"),
        deliveries=memory.get("deliveries", {}),
        steps=steps,
    )
