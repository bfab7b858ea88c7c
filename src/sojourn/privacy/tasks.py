"""The night's work: delete what is too old."""

from __future__ import annotations

import structlog

from sojourn.kit.jobs import Work
from sojourn.privacy.retention import apply_retention

log = structlog.get_logger(__name__)


async def delete_old_data(work: Work) -> None:
    """Apply every retention class once."""
    counts = await apply_retention(work.transaction, now=work.now())
    log.info("retention_applied", **{table: count for table, count in counts.items() if count})
