"""Published versions, compiled once a process: they never change, so what was compiled stays true."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from sojourn.journeys.interpreter.compile import CompiledJourney, compile_journey
from sojourn.journeys.interpreter.definition import parse_definition
from sojourn.journeys.model import Version
from sojourn.journeys.store import definitions
from sojourn.kit.database import Conn

CACHE_MAX = 500  # versions; a definition of 100 nodes takes about 1 MB

_compiled: OrderedDict[UUID, CompiledJourney] = OrderedDict()


async def get_compiled(conn: Conn, version_ids: Iterable[UUID]) -> dict[UUID, CompiledJourney]:
    """Compiled versions by id; reads those that this process has not seen yet."""
    wanted = set(version_ids)
    missing = wanted - _compiled.keys()
    if missing:
        for version in (await definitions.get_versions(conn, missing)).values():
            _compiled[version.id] = compile_version(version)
    found = {}
    for version_id in wanted:
        if version_id in _compiled:
            found[version_id] = _compiled[version_id]
            _compiled.move_to_end(version_id)
    while len(_compiled) > CACHE_MAX:
        _compiled.popitem(last=False)
    return found


def compile_version(version: Version) -> CompiledJourney:
    """A stored version made ready. What was published was valid; a later reader may refuse it: raises ValueError."""
    definition, problems = parse_definition(version.definition)
    if definition is None or definition.broken:
        raise ValueError(f"version {version.id} cannot be read: {problems}")
    return compile_journey(definition, journey_id=version.journey_id, version_id=version.id)
