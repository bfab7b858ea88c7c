"""Picks the code of a channel. Only `deliveries/tasks.py` may import this: the road out has one door."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from sojourn.channels import memory, store
from sojourn.channels.base import Failed, FailureReaction, OutboundMessage, Result
from sojourn.channels.whatsapp import sender as whatsapp
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.jobs import Work

Transport = Callable[[Work, Sequence[OutboundMessage]], Awaitable[list[Result]]]

TRANSPORTS: Mapping[str, Transport] = {"whatsapp": whatsapp.send_batch, "memory": memory.send_batch}

NO_SENDER = ("No such sender", "the sender is gone, or its channel cannot send", FailureReaction.NEEDS_HUMAN)


async def send_all(work: Work, messages: Sequence[OutboundMessage]) -> list[Result]:
    """Send messages of any senders and channels, many in flight; exactly one result each, in no particular order.

    Nothing is sent twice here and nothing raises for a single message. Each call has a timeout of 10 s: no answer in
    time is `Unknown`, a connection that could not be opened is `Failed` with `retry_later`.
    """
    try:
        channels = await _channels_of(work, {message.sender_id for message in messages})
    except DatabaseUnavailable:  # nothing has left yet
        return [
            _failed(message, "Not sent", "database unavailable", FailureReaction.RETRY_LATER) for message in messages
        ]
    groups: dict[str | None, list[OutboundMessage]] = {}
    for message in messages:
        groups.setdefault(channels.get(message.sender_id), []).append(message)
    results: list[Result] = []
    for channel, group in groups.items():
        transport = TRANSPORTS.get(channel) if channel is not None else None
        if transport is None:
            results.extend(_failed(message, *NO_SENDER) for message in group)
        else:
            results.extend(await transport(work, group))
    return results


_known: dict[UUID, str] = {}


async def _channels_of(work: Work, sender_ids: set[UUID]) -> Mapping[UUID, str]:
    """The channel of each sender; it never changes, so each is asked for once a process."""
    unknown = sender_ids - _known.keys()
    if unknown:
        async with work.transaction() as conn:
            _known.update({row["id"]: row["channel"] for row in await store.list_channels(conn, list(unknown))})
    return _known


def _failed(message: OutboundMessage, title: str, details: str, reaction: FailureReaction) -> Failed:
    return Failed(attempt_id=message.attempt_id, code=None, title=title, details=details, reaction=reaction)
