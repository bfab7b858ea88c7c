"""What the worker does for privacy: every night delete what is too old, and follow up on erasures."""

from __future__ import annotations

from datetime import timedelta

import structlog

from sojourn.kit.jobs import LEASED, Handler, Periodic, Work
from sojourn.privacy.archiving import MakeArchive, make_archives
from sojourn.privacy.erasing import finish_erasures
from sojourn.privacy.retention import apply_retention

log = structlog.get_logger(__name__)


async def delete_old_data(work: Work) -> None:
    """Apply every retention class once."""
    counts = await apply_retention(work.transaction, now=work.now())
    log.info("retention_applied", **{table: count for table, count in counts.items() if count})


HANDLERS: tuple[Handler, ...] = (
    Handler(
        message=MakeArchive,
        handle=make_archives,
        name="privacy.make_archives",
        mode=LEASED,
        batch=1,
        max_attempts=3,
        lease_seconds=60,
    ),
)
PERIODICS: tuple[Periodic, ...] = (
    Periodic(name="privacy.delete_old_data", every=timedelta(days=1), handle=delete_old_data),
    Periodic(name="privacy.finish_erasures", every=timedelta(minutes=10), handle=finish_erasures),
)
