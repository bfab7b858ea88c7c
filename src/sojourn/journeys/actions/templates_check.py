"""What a definition needs of its workspace's templates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sojourn.journeys.interpreter.definition import Definition
from sojourn.journeys.interpreter.nodes.send_template import SendTemplate
from sojourn.journeys.interpreter.problems import Problem, join
from sojourn.kit.database import Conn
from sojourn.templates import actions as templates
from sojourn.templates import store
from sojourn.templates.model import LogicalTemplate


async def check(conn: Conn, workspace_id: UUID, definition: Definition) -> list[Problem]:
    """Templates that do not exist, have another purpose, or no approved language."""
    senders = _senders(definition)
    if not senders:
        return []
    names = sorted({node.template for node in senders.values()})
    known = await store.get_templates_for_send(conn, workspace_id, names)
    return [problem for node_id, node in senders.items() for problem in _check(node_id, node, known.get(node.template))]


def _senders(definition: Definition) -> dict[str, SendTemplate]:
    return {node_id: node for node_id, node in definition.nodes.items() if isinstance(node, SendTemplate)}


def _check(node_id: str, node: SendTemplate, template: LogicalTemplate | None) -> Iterator[Problem]:
    path = join("nodes", node_id, "template")
    if template is None:
        yield Problem(path=path, code="template_unknown", message=f"there is no template {node.template!r}")
        return
    if template.purpose != node.purpose.value:
        message = f"the template's purpose is {template.purpose}, the node's {node.purpose.value}"
        yield Problem(path=join("nodes", node_id, "purpose"), code="purpose_differs", message=message)
    if not any(str(variant.state) == "approved" for variant in template.variants.values()):
        message = f"no language of {node.template!r} is approved"
        yield Problem(path=path, code="template_not_approved", message=message)


async def register(conn: Conn, workspace_id: UUID, journey_id: UUID, definition: Definition, now: datetime) -> None:
    """Tell templates who builds on them, so that nobody deletes what a live journey sends."""
    names = sorted({node.template for node in _senders(definition).values()})
    known = await store.get_templates_for_send(conn, workspace_id, names) if names else {}
    ids = [template.id for template in known.values()]
    await templates.register_use(conn, ids, owner_kind="journey", owner_id=journey_id, now=now)
