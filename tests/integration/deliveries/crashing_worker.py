"""A worker process of its own, for tests that kill it: sends what is due; what leaves is a line in a file."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sojourn.channels import transports
from sojourn.channels.base import Accepted, OutboundMessage, Result
from sojourn.deliveries import tasks
from sojourn.kit.crypto import KeyRing
from sojourn.kit.database import Database
from sojourn.kit.jobs import Registry, Work
from tests.integration.deliveries.world import StoppedClock


def wire_to(inbox: str | Path) -> Callable[[Work, Sequence[OutboundMessage]], Awaitable[list[Result]]]:
    """The outside world: what leaves is a line in a file, which outlives the process that wrote it."""

    async def send_all(work: Work, messages: Sequence[OutboundMessage]) -> list[Result]:
        results: list[Result] = []
        for message in messages:
            with Path(inbox).open("a") as file:
                file.write(f"{message.attempt_id} {message.address}\n")
            results.append(Accepted(attempt_id=message.attempt_id, provider_message_id=f"memory.{message.attempt_id}"))
        return results

    return send_all


async def main(url: str, inbox: str, moment: str) -> None:
    """Send until nothing is due."""
    transports.send_all = wire_to(inbox)
    database = Database(url, registry=Registry())
    await database.open()
    keys = KeyRing([hashlib.sha256(b"sojourn tests").digest()])
    nothing: Any = None
    clock = StoppedClock(datetime.fromisoformat(moment))
    work = Work(db=database, settings=nothing, http=nothing, keys=keys, clock=clock)
    while await tasks.send_due_deliveries(work):
        pass
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
