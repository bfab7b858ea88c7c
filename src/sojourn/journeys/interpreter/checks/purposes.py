"""Purposes that are not for journeys."""

from __future__ import annotations

from collections.abc import Iterator

from sojourn.countries.purposes import Purpose
from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.problems import Problem, join
from sojourn.journeys.interpreter.sending import SendNode


def check(definition: Definition) -> Iterator[Problem]:
    """Refuse what only the product itself may send: questions about a consent, and confirmations of one."""
    for node_id, node in definition.nodes.items():
        if isinstance(node, SendNode) and node.purpose is Purpose.CONSENT_REQUEST:
            message = "only the product itself asks about a consent or confirms it"
            yield Problem(path=join("nodes", node_id, "purpose"), code="purpose_reserved", message=message)
