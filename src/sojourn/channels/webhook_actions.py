"""Reading raw webhook bodies again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sojourn.channels import webhook_store
from sojourn.kit import jobs
from sojourn.kit.database import Conn

KEPT_FOR = timedelta(days=30)
PARSER = "channels.parse_webhooks"


async def replay_bodies(
    conn: Conn,
    workspace_id: UUID,
    *,
    received_from: datetime,
    received_to: datetime,
    states: Sequence[str],
    digests: Sequence[bytes] | None = None,
) -> int:
    """Have bodies of a workspace parsed again, and wake the parser. How many; redacted ones stay as they are."""
    count = await webhook_store.reset_bodies(
        conn, workspace_id, received_from=received_from, received_to=received_to, states=states, digests=digests
    )
    jobs.wake(conn, PARSER)
    return count
