"""What the worker runs for templates, written out for `sojourn/subscriptions.py`."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sojourn.channels.signals import TemplateReviewed
from sojourn.channels.store import list_sender_ids
from sojourn.channels.whatsapp.account import load_accounts
from sojourn.kit.database import Conn
from sojourn.kit.jobs import LEASED, Handler, Periodic, Work
from sojourn.templates import sync
from sojourn.templates.actions import request_sync
from sojourn.templates.signals import SubmitVariant, SyncTemplates

POLL_EVERY = timedelta(hours=1)


async def submit_variants(work: Work, batch: list[SubmitVariant]) -> None:
    """Submit variants for review, one call each. May run twice: what is not waiting any more is left alone."""
    for job in batch:
        await sync.submit(work, job)


async def sync_templates(work: Work, batch: list[SyncTemplates]) -> None:
    """Read whole accounts. May run twice."""
    for sender_id in dict.fromkeys(job.sender_id for job in batch):
        await sync.read_account(work, sender_id)


async def on_template_reviewed(_: Work, conn: Conn, batch: list[TemplateReviewed]) -> None:
    """Take over what webhooks told about variants."""
    await sync.take_news(conn, batch)


async def poll_accounts(work: Work) -> None:
    """Ask for a reading of every business account: a webhook may have been lost."""
    async with work.transaction() as conn:
        rows = await list_sender_ids(conn, channel="whatsapp")
        accounts = await load_accounts(conn, [row["id"] for row in rows], work.keys)
        first: dict[tuple[UUID, str], UUID] = {}
        for account in accounts.values():
            first.setdefault((account.workspace_id, account.waba_id), account.sender_id)
        for (workspace_id, _), sender_id in first.items():
            await request_sync(conn, workspace_id, [sender_id])


HANDLERS: tuple[Handler, ...] = (
    Handler(
        message=TemplateReviewed,
        handle=on_template_reviewed,
        name="templates.on_template_reviewed",
        ordered=True,
    ),
    Handler(
        message=SubmitVariant,
        handle=submit_variants,
        name="templates.submit_variants",
        mode=LEASED,
        batch=5,
        lease_seconds=150.0,
    ),
    Handler(
        message=SyncTemplates,
        handle=sync_templates,
        name="templates.sync_templates",
        mode=LEASED,
        batch=2,
        ordered=True,
        lease_seconds=300.0,
        max_attempts=5,
    ),
)
PERIODICS: tuple[Periodic, ...] = (Periodic(name="templates.poll_accounts", every=POLL_EVERY, handle=poll_accounts),)
