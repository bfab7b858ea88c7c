"""Who hears what: every handler, poller and periodic job of the product, written out."""

from __future__ import annotations

from datetime import timedelta

from sojourn.channels import tasks as channels
from sojourn.conversations import tasks as conversations
from sojourn.deliveries import tasks as deliveries
from sojourn.events import tasks as events
from sojourn.journeys import tasks as journeys
from sojourn.kit.jobs import Handler, Periodic, Poller, Registry, Work
from sojourn.kit.partitions import make_partitions
from sojourn.outbound import tasks as outbound
from sojourn.preferences import tasks as preferences
from sojourn.privacy import tasks as privacy
from sojourn.templates import tasks as templates
from sojourn.workspaces import tasks as workspaces


async def make_months(work: Work) -> None:
    """Make next months' partitions ahead of need."""
    async with work.transaction() as conn:
        await make_partitions(conn, work.now())


HANDLERS: tuple[Handler, ...] = (
    *channels.HANDLERS,
    *templates.HANDLERS,
    *deliveries.HANDLERS,
    *conversations.HANDLERS,
    *preferences.HANDLERS,
    *journeys.HANDLERS,
    *outbound.HANDLERS,
    *privacy.HANDLERS,
)

POLLERS: tuple[Poller, ...] = (
    *channels.POLLERS,
    *deliveries.POLLERS,
    *preferences.POLLERS,
    *journeys.POLLERS,
)

PERIODICS: tuple[Periodic, ...] = (
    *workspaces.PERIODICS,
    *channels.PERIODICS,
    *events.PERIODICS,
    *templates.PERIODICS,
    *deliveries.PERIODICS,
    *privacy.PERIODICS,
    Periodic(name="kit.make_partitions", every=timedelta(days=1), handle=make_months),
)

REGISTRY = Registry(HANDLERS, POLLERS, PERIODICS)
