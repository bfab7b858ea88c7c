"""Agreement with the provider: submit variants, read whole accounts, take over what webhooks told.

Calls stand outside of transactions; what they told is written in one afterwards. All of it may run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sojourn.channels.signals import TemplateReviewed
from sojourn.channels.store import find_sender, list_senders
from sojourn.channels.template_calls import ProviderRefused, create_template, edit_template, list_templates
from sojourn.kit.database import Conn
from sojourn.kit.jobs import Work, defer
from sojourn.templates import actions, changes, store
from sojourn.templates.definition import category_of, definition_of, provider_components, state_of
from sojourn.templates.languages import normalise_language
from sojourn.templates.model import LogicalTemplate, Variant, VariantState
from sojourn.templates.signals import SubmitVariant, SyncTemplates

# Most reviews take minutes; the webhook that tells may be lost, or the account may not be subscribed to it yet.
LOOK_AGAIN = (timedelta(seconds=5), timedelta(minutes=2))
ALREADY_THERE = 2388024  # subcode: content in this language exists; source: Cloud API reference, 3.14


async def submit(work: Work, job: SubmitVariant) -> None:
    """Create a variant at the provider, or edit the one that is there. Raises ProviderUnreachable: try again later.

    A refusal makes the variant rejected, with the provider's words as the reason. A variant that is not waiting to be
    submitted any more is left alone.
    """
    async with work.transaction() as conn:
        found = await store.lock_variant(conn, job.workspace_id, job.variant_id)
    if found is None or found[1].state != VariantState.SUBMITTING:
        return
    try:
        answer = await _call(work, job.sender_id, *found)
    except ProviderRefused as error:
        if error.data["subcode"] == ALREADY_THERE:
            await read_account(work, job.sender_id)
            return
        await _record(work, job, {"status": "rejected"}, reason=error.data["detail"])
        return
    await _record(work, job, answer)


async def _call(work: Work, sender_id: UUID, template: LogicalTemplate, variant: Variant) -> dict[str, Any]:
    if variant.provider_template_id is None:
        return await create_template(work, sender_id, definition_of(template, variant))
    named = template.parameter_format == "named"
    edit: dict[str, Any] = {"components": provider_components(variant.components, named=named)}
    if variant.ttl_seconds is not None:
        edit["message_send_ttl_seconds"] = variant.ttl_seconds
    await edit_template(work, sender_id, variant.provider_template_id, edit)
    return {"status": "pending"}


async def _record(work: Work, job: SubmitVariant, answer: Mapping[str, Any], *, reason: str | None = None) -> None:
    """Write what the provider answered; a webhook that was faster is not overwritten."""
    async with work.transaction() as conn:
        found = await store.lock_variant(conn, job.workspace_id, job.variant_id)
        if found is None:
            return
        template, old = found
        state = state_of(str(answer.get("status", ""))) or VariantState.PENDING
        new = replace(
            old,
            provider_template_id=str(answer["id"]) if answer.get("id") else old.provider_template_id,
            category=category_of(answer.get("category")) or old.category,
            state=state if old.state == VariantState.SUBMITTING else old.state,
            rejected_reason=reason,
        )
        now = work.now()
        await actions.apply_variant(conn, job.workspace_id, template, old, new, source="submit", reason=reason, now=now)
        if new.state == VariantState.PENDING:
            reading = SyncTemplates(workspace_id=job.workspace_id, sender_id=job.sender_id, is_later=True)
            for wait in LOOK_AGAIN:
                await defer(conn, [reading], due_at=now + wait)


async def read_account(work: Work, sender_id: UUID) -> dict[str, int]:
    """Read all templates of a sender's business account and take them over. Counts `added`, `changed`, `gone`."""
    items = await list_templates(work, sender_id)
    async with work.transaction() as conn:
        sender = await find_sender(conn, sender_id)
        if sender is None or not sender.waba_id:
            return {}
        return await actions.apply_listing(conn, sender.workspace_id, sender.waba_id, items, now=work.now())


async def take_news(conn: Conn, news: Sequence[TemplateReviewed]) -> None:
    """Apply webhooks about variants; an account with a variant that nobody knows is read as a whole."""
    unknown: set[tuple[UUID, str]] = set()
    for (workspace_id, waba_id), group in _by_account(news).items():
        names = sorted({one.name for one in group})
        known = await store.list_account_variants(conn, workspace_id, waba_id, names=names)
        current = {variant.id: (template, variant) for template, variant in known}
        for one in group:
            found = _find(current.values(), one)
            if found is None:
                unknown.add((workspace_id, waba_id))
                continue
            template, old = found
            new = changes.apply_news(
                old,
                one.event,
                category=one.category,
                reason=one.reason,
                quality=one.quality,
                provider_id=one.provider_template_id,
            )
            new = replace(new, waba_id=waba_id)
            await actions.apply_variant(
                conn, workspace_id, template, old, new, source="webhook", reason=one.reason, now=one.at
            )
            current[old.id] = (template, new)
    for workspace_id, waba_id in sorted(unknown):
        senders = [sender.id for sender in await list_senders(conn, workspace_id) if sender.waba_id == waba_id]
        await actions.request_sync(conn, workspace_id, senders[:1])


def _by_account(news: Iterable[TemplateReviewed]) -> dict[tuple[UUID, str], list[TemplateReviewed]]:
    groups: dict[tuple[UUID, str], list[TemplateReviewed]] = {}
    for one in news:
        groups.setdefault((one.workspace_id, one.waba_id), []).append(one)
    return groups


def _find(
    known: Iterable[tuple[LogicalTemplate, Variant]], news: TemplateReviewed
) -> tuple[LogicalTemplate, Variant] | None:
    """The variant that the news is about: by the provider's id, else by name and language in that account."""
    pairs = list(known)
    language = normalise_language(news.language)
    by_id = (pair for pair in pairs if pair[1].provider_template_id == news.provider_template_id)
    by_name = (
        (template, variant)
        for template, variant in pairs
        if template.name == news.name and variant.language == language and variant.waba_id == news.waba_id
    )
    return next(by_id, None) or next(by_name, None)
