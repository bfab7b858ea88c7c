"""Sends WhatsApp messages: builds the bodies, keeps many in flight, and says what became of each.

Only `channels.transports` calls this.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import structlog

from sojourn.channels.base import Accepted, Failed, FailureReaction, OutboundMessage, Result, Unknown
from sojourn.channels.content import Content
from sojourn.channels.whatsapp import client, media
from sojourn.channels.whatsapp.account import UNREADABLE, Account, load_or_stop
from sojourn.channels.whatsapp.errors import RETRY_AFTER_SECONDS, classify
from sojourn.channels.whatsapp.graph import Answer, NoAnswer, NotSent, SendAnswer, read_send_answer
from sojourn.channels.whatsapp.media_refs import asset_ids_of, resolve_assets
from sojourn.channels.whatsapp.payloads import PayloadInvalid, build_payload
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.jobs import Work

IN_FLIGHT_MAX = 500
STALE_MEDIA_CODES = frozenset({100, 131009})  # what a send says when a media id is no longer known

log = structlog.get_logger(__name__)

_encoder = msgspec.json.Encoder()


async def send_batch(work: Work, messages: Sequence[OutboundMessage]) -> list[Result]:
    """Send messages of any number of senders; one result each, in no particular order. Raises nothing of its own."""
    try:
        async with work.transaction() as conn:
            sender_ids = sorted({message.sender_id for message in messages})
            accounts, unreadable = await load_or_stop(conn, sender_ids, work.keys, now=work.now())
        uploads = await media.resolve_uploads(work, accounts, messages)
    except DatabaseUnavailable:  # nothing has left yet
        return [
            _failed(message, "Not sent", "database unavailable", FailureReaction.RETRY_LATER) for message in messages
        ]
    gate = asyncio.Semaphore(IN_FLIGHT_MAX)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_send(work.http, gate, accounts.get(message.sender_id), message, uploads))
            for message in messages
            if message.sender_id not in unreadable
        ]
    results = [
        *(task.result() for task in tasks),
        *(_unreadable(message) for message in messages if message.sender_id in unreadable),
    ]
    await _forget_stale_media(work, messages, results)
    return results


def _unreadable(message: OutboundMessage) -> Failed:
    """Nothing left: it waits for the sender, which is stopped."""
    return _failed(message, "Sender's credentials cannot be read", UNREADABLE, FailureReaction.AUTH)


async def _send(
    http: aiohttp.ClientSession,
    gate: asyncio.Semaphore,
    account: Account | None,
    message: OutboundMessage,
    uploads: media.Uploads,
) -> Result:
    if account is None:
        return _failed(message, "Sender has no credentials", "no such sender", FailureReaction.NEEDS_HUMAN)
    built = _build(account, message, uploads)
    if isinstance(built, Failed):
        return built
    async with gate:
        answer = await client.post_message(http, account, built)
    return read_result(message.attempt_id, answer)


def _build(account: Account, message: OutboundMessage, uploads: media.Uploads) -> bytes | Failed:
    """The body of a message. Whatever is wrong with one message fails that one alone."""
    try:
        content: Content = message.content
        assets = asset_ids_of(content)
        if assets:
            resolved = uploads.ids_for(account.sender_id, assets)
            if isinstance(resolved, media.UploadFailed):
                return _failed(message, "Media upload failed", resolved.reason, resolved.reaction)
            content = resolve_assets(content, resolved)
        return _encoder.encode(_payload(message, content))
    except PayloadInvalid as error:
        details = "; ".join(f"{item['field']}: {item['message']}" for item in error.errors)
        return _failed(message, "Message breaks a limit of the channel", details, FailureReaction.INVALID)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        log.exception("message_not_built", attempt_id=str(message.attempt_id))
        return _failed(message, "Message could not be built", type(error).__name__, FailureReaction.INVALID)


def _payload(message: OutboundMessage, content: Content) -> dict[str, Any]:
    to, recipient = None, None
    if message.address_scheme == "bsuid":
        recipient = message.address
    else:
        to = message.address if message.address.startswith("+") else f"+{message.address}"
    return build_payload(content, to=to, recipient=recipient, attempt_id=message.attempt_id, reply_to=message.reply_to)


def _failed(message: OutboundMessage, title: str, details: str, reaction: FailureReaction) -> Failed:
    return Failed(
        attempt_id=message.attempt_id,
        code=None,
        title=title,
        details=details,
        reaction=reaction,
        retry_after_seconds=RETRY_AFTER_SECONDS.get(reaction),
    )


def read_result(attempt_id: UUID, answer: Answer | NotSent | NoAnswer) -> Result:
    """What an answer means. Pure.

    An error with a code is an answer: the message did not leave. A server error without one, a broken answer and a
    lost connection leave the outcome unknown. A client error without a code came from something in between.
    """
    if isinstance(answer, NotSent):
        return Failed(
            attempt_id=attempt_id,
            code=None,
            title="Provider not reachable",
            details=answer.reason,
            reaction=FailureReaction.RETRY_LATER,
            retry_after_seconds=RETRY_AFTER_SECONDS[FailureReaction.RETRY_LATER],
        )
    if isinstance(answer, NoAnswer):
        return Unknown(attempt_id=attempt_id, reason=answer.reason)
    said = read_send_answer(answer.body)
    if said is not None and said.error is not None and said.error.code is not None:
        return _refused(attempt_id, answer, said)
    if answer.status < 300 and said is not None and said.messages:
        contact = said.contacts[0] if said.contacts else None
        return Accepted(
            attempt_id=attempt_id,
            provider_message_id=said.messages[0].id,
            held=said.messages[0].message_status == "held_for_quality_assessment",
            wa_id=(contact.wa_id or None) if contact else None,
            user_id=contact.user_id if contact else None,
        )
    if answer.status in range(400, 500) and answer.status != 408:
        limited = answer.status == 429
        return Failed(
            attempt_id=attempt_id,
            code=None,
            title=f"HTTP {answer.status} without an error code",
            details="the answer is not the provider's own",
            reaction=FailureReaction.RATE_LIMIT if limited else FailureReaction.RETRY_LATER,
            retry_after_seconds=_seconds(answer.retry_after) or 5.0,
        )
    return Unknown(attempt_id=attempt_id, reason=f"http_{answer.status}")


def _refused(attempt_id: UUID, answer: Answer, said: SendAnswer) -> Failed:
    assert said.error is not None
    error = said.error
    entry = classify(error.code, error.error_subcode, answer.status, is_transient=error.is_transient)
    return Failed(
        attempt_id=attempt_id,
        code=error.code,
        title=entry.title if entry.title != "Unknown error" else (error.message or entry.title),
        details=error.details,
        reaction=entry.reaction,
        retry_after_seconds=_seconds(answer.retry_after) or entry.retry_after_seconds,
    )


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else None


async def _forget_stale_media(work: Work, messages: Sequence[OutboundMessage], results: list[Result]) -> None:
    """An upload that the provider no longer knows is forgotten, and its message may go again at once.

    The results are known and must not be lost: without a database everything stays as it is.
    """
    sent = {message.attempt_id: message for message in messages}
    refused: dict[int, set[tuple[UUID, UUID]]] = {}
    for place, result in enumerate(results):
        if isinstance(result, Failed) and result.code in STALE_MEDIA_CODES:
            message = sent[result.attempt_id]
            refused[place] = {(asset, message.sender_id) for asset in asset_ids_of(message.content)}
    pairs = set().union(*refused.values())
    if not pairs:
        return
    try:
        forgotten = await media.forget_uploads(work, pairs)
    except DatabaseUnavailable:
        log.warning("stale_media_kept")
        return
    for place, mine in refused.items():
        result = results[place]
        if mine & forgotten and isinstance(result, Failed):
            results[place] = replace(result, reaction=FailureReaction.RETRY_AT_ONCE, retry_after_seconds=0.0)
