"""What runs in the worker for WhatsApp: parsing, checking, fetching, marking as read."""

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from sojourn.channels import actions, store, webhook_store
from sojourn.channels.jobs import CheckSender, ConnectWebhook, FetchMedia, MarkRead
from sojourn.channels.model import SenderChange
from sojourn.channels.webhook_store import ParsedBody
from sojourn.channels.whatsapp import checks_live, client, media, parsing
from sojourn.channels.whatsapp.account import Account, load_accounts, load_or_stop
from sojourn.channels.whatsapp.graph import GraphError, GraphUnreachable
from sojourn.kit import crash
from sojourn.kit.database import Conn, Row
from sojourn.kit.errors import DatabaseUnavailable
from sojourn.kit.jobs import Work

log = structlog.get_logger(__name__)

CLAIM_BODIES = 300
CLAIM_BYTES = 4 * 1024 * 1024
PARALLEL_CALLS = 8


async def parse_webhooks(work: Work) -> int:
    """Parse a batch of stored webhook bodies and announce what they say. How many bodies it took.

    A body that fails is marked with its reason, whatever it was; the others of its batch go through.
    """
    rows: list[Row] = []
    try:
        async with work.transaction() as conn:
            rows = await webhook_store.lock_new_bodies(conn, limit=CLAIM_BODIES, max_bytes=CLAIM_BYTES)
            if rows:
                await parsing.apply_bodies(conn, rows, keys=work.keys, now=work.now())
                crash.point("channels.webhooks_parsed")
    except DatabaseUnavailable:
        raise
    except Exception:
        if not rows:
            raise
        log.exception("webhook_batch_failed", count=len(rows))
        await _parse_singly(work, [row["digest"] for row in rows])
    return len(rows)


async def _parse_singly(work: Work, digests: list[bytes]) -> None:
    for digest in digests:
        try:
            async with work.transaction() as conn:
                rows = await webhook_store.lock_body(conn, digest)
                if rows:
                    await parsing.apply_bodies(conn, rows, keys=work.keys, now=work.now())
        except DatabaseUnavailable:
            raise
        except Exception as error:
            reason = f"not applied: {type(error).__name__}"
            log.exception("webhook_body_failed", digest=digest.hex())
            body = ParsedBody(digest=digest, state="malformed", reason=reason, updates=0, people=())
            async with work.transaction() as conn:
                await webhook_store.update_parsed(conn, [body], now=work.now())


async def next_webhook(conn: Conn, now: datetime) -> datetime | None:
    """When the oldest waiting body was received; it is due at once."""
    return await webhook_store.first_new(conn)


async def webhooks_wait(conn: Conn, now: datetime) -> bool:
    """Whether bodies wait to be parsed."""
    return await webhook_store.first_new(conn) is not None


async def check_senders(work: Work, batch: list[CheckSender]) -> None:
    """Try senders against their provider. Leased; may run twice."""
    wanted: dict[UUID, tuple[bool, bool]] = {}
    for job in batch:
        resume, connect = wanted.get(job.sender_id, (False, False))
        wanted[job.sender_id] = (resume or job.resume, connect or job.connect)
    async with work.transaction() as conn:
        accounts, unreadable = await load_or_stop(conn, list(wanted), work.keys, now=work.now())
    gate = asyncio.Semaphore(PARALLEL_CALLS)
    async with asyncio.TaskGroup() as group:
        for sender_id, (resume, connect) in wanted.items():
            if sender_id in unreadable:
                continue
            account = accounts.get(sender_id)
            group.create_task(_check_one(work, gate, sender_id, account, resume=resume, connect=connect))


async def _check_one(
    work: Work, gate: asyncio.Semaphore, sender_id: UUID, account: Account | None, *, resume: bool, connect: bool
) -> None:
    if account is None:
        result = actions.CheckResult(reason="no_credentials")
    else:
        async with gate:
            result = await checks_live.check_account(
                work.http,
                account,
                allow_private=work.settings.allow_private_urls,
                has_clock_file=work.settings.clock_file is not None,
            )
    changes = []
    if connect and result.reason is None and account is not None and account.app_secret is not None:
        # before the sender is active: what it sends must be reported to us from the first message on
        changes.append(_connection(work, account, await _connect(work, account)))
    async with work.transaction() as conn:
        await actions.apply_check(conn, sender_id, result, resume=resume, now=work.now())
        await actions.record_changes(conn, changes)


async def probe_senders(work: Work) -> None:
    """Order a check of every sender. Every 15 minutes: an expired token must not be found by a customer."""
    async with work.transaction() as conn:
        await actions.request_probes(conn)


async def connect_webhooks(work: Work, batch: list[ConnectWebhook]) -> None:
    """Subscribe our webhook address for a sender's app and account. Leased; twice is the same as once."""
    async with work.transaction() as conn:
        accounts = await load_accounts(conn, [job.sender_id for job in batch], work.keys)
    for job in batch:
        account = accounts.get(job.sender_id)
        if account is None:
            continue
        change = _connection(work, account, await _connect(work, account))
        async with work.transaction() as conn:
            if await store.find_sender(conn, job.sender_id) is not None:
                await actions.record_changes(conn, [change])


def _connection(work: Work, account: Account, reason: str | None) -> SenderChange:
    return SenderChange(
        sender_id=account.sender_id,
        workspace_id=account.workspace_id,
        what="webhook",
        old_value=None,
        new_value="failed" if reason else "connected",
        reason=reason,
        source="check",
        at=work.now(),
    )


async def _connect(work: Work, account: Account) -> str | None:
    """None when it worked, else why not."""
    if account.app_key is None or account.app_secret is None:
        return "no app secret"
    url = f"{work.settings.public_url}/webhooks/whatsapp/{account.app_key}"
    token = actions.verify_token_of(work.keys, account.app_key)
    try:
        await client.subscribe_app(work.http, account, callback_url=url, verify_token=token)
        await client.subscribe_account(work.http, account)
    except GraphError as error:
        return f"{error.code}: {error.details or error.title}"[:500]
    except GraphUnreachable as error:
        return f"unreachable: {error}"
    return None


async def fetch_media(work: Work, batch: list[FetchMedia]) -> None:
    """Fetch inbound files. Leased; may run twice: a stored file is left alone."""
    gate = asyncio.Semaphore(PARALLEL_CALLS)

    async def one(job: FetchMedia) -> None:
        async with gate:
            await media.fetch_inbound(
                work, workspace_id=job.workspace_id, sender_id=job.sender_id, media_id=job.media_id
            )

    results = await asyncio.gather(*(one(job) for job in batch), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise failures[0]


async def mark_read(work: Work, batch: list[MarkRead]) -> None:
    """Show people that we read their messages. Leased; a refusal is logged and forgotten: it is a courtesy."""
    async with work.transaction() as conn:
        accounts = await load_accounts(conn, list({job.sender_id for job in batch}), work.keys)
    for job in batch:
        account = accounts.get(job.sender_id)
        if account is None:
            continue
        try:
            await client.mark_read(work.http, account, job.provider_message_id, typing=job.typing)
        except (GraphError, GraphUnreachable) as error:
            log.info("read_receipt_refused", sender_id=str(job.sender_id), error=str(error))
