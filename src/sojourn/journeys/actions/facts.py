"""Facts that walks ask for, gathered for a whole batch: one statement a kind and workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sojourn.journeys.interpreter.compile import CompiledJourney
from sojourn.journeys.interpreter.run import NO_FACTS, Facts, ProfileFacts, Run
from sojourn.kit.database import Conn
from sojourn.profiles import store as profiles
from sojourn.workspaces import store as workspaces

NOBODY = ProfileFacts(attributes={})


class FactBook:
    """What was gathered in one transaction, by profile and workspace."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn
        self._profiles: dict[UUID, ProfileFacts] = {}
        self._workspaces: dict[UUID, dict[str, Any]] = {}

    def of(self, run: Run) -> Facts:
        """The facts for a run; what was not gathered is missing."""
        profile = self._profiles.get(run.profile_id)
        workspace = self._workspaces.get(run.workspace_id)
        if profile is None and workspace is None:
            return NO_FACTS
        if profile is None:
            return Facts(workspace=workspace or {})
        return Facts(profile=profile, workspace=workspace or {})

    async def prepare(self, runs: Iterable[tuple[Run, CompiledJourney]]) -> None:
        """Gather for runs whose definition is known to look something up."""
        found = list(runs)
        await self.gather_profiles([run for run, journey in found if journey.needs_profile])
        for workspace_id in {run.workspace_id for run, journey in found if "workspace" in journey.roots}:
            if workspace_id not in self._workspaces:
                workspace = await workspaces.get_workspace(self._conn, workspace_id)
                self._workspaces[workspace_id] = {
                    "id": str(workspace.id),
                    "name": workspace.business_name,
                    "timezone": workspace.timezone,
                    "language": workspace.default_language,
                    "country": workspace.default_country,
                }

    async def gather_profiles(self, runs: Iterable[Run]) -> None:
        """Gather the people of these runs. Somebody who was erased has no attributes."""
        missing: dict[UUID, set[UUID]] = {}
        for run in runs:
            if run.profile_id not in self._profiles:
                missing.setdefault(run.workspace_id, set()).add(run.profile_id)
        for workspace_id, ids in missing.items():
            found = await profiles.get_profiles(self._conn, workspace_id, ids)
            for profile in found.values():
                self._profiles[profile.id] = ProfileFacts(
                    attributes=profile.attributes,
                    locale=profile.locale,
                    timezone=profile.timezone,
                    country=profile.country,
                )
            for profile_id in ids:
                self._profiles.setdefault(profile_id, NOBODY)
