"""Write templates, submit them, and take over what the provider says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from sojourn.channels.store import find_default_sender, get_sender
from sojourn.kit.database import Conn
from sojourn.kit.errors import InvalidInput
from sojourn.kit.ids import new_id
from sojourn.kit.jobs import announce, defer
from sojourn.kit.live import LiveEvent, publish
from sojourn.templates import changes, store
from sojourn.templates.definition import category_of, same_for_provider
from sojourn.templates.languages import normalise_language
from sojourn.templates.lint import check_template
from sojourn.templates.model import (
    Category,
    LogicalTemplate,
    NoSender,
    PurposeIsFixed,
    TemplateDraft,
    TemplateExists,
    TemplateId,
    TemplateInUse,
    Variant,
    VariantDraft,
    VariantState,
)
from sojourn.templates.signals import SubmitVariant, SyncTemplates, TemplateChanged
from sojourn.workspaces import audit
from sojourn.workspaces.caller import Caller

PURPOSE_OF = {
    Category.MARKETING: "marketing",
    Category.UTILITY: "transactional",
    Category.AUTHENTICATION: "authentication",
}
SUBMITTABLE = frozenset(
    {VariantState.DRAFT, VariantState.REJECTED, VariantState.PAUSED, VariantState.APPROVED, VariantState.SUBMITTING}
)


async def create_template(
    conn: Conn, actor: Caller | str, workspace_id: UUID, draft: TemplateDraft, *, now: datetime
) -> LogicalTemplate:
    """Write a new template; its variants are drafts. Raises InvalidInput with every mistake, and TemplateExists."""
    draft = _tidy(draft)
    _check(draft)
    template = LogicalTemplate(
        id=TemplateId(new_id(now)),
        name=draft.name,
        purpose=draft.purpose,
        category=draft.category,
        default_language=draft.default_language,
        parameter_format=draft.parameter_format,
        variables=draft.variables,
    )
    if not await store.insert_template(conn, workspace_id, template, now):
        raise TemplateExists(name=draft.name)
    variants = [(template.id, _new_variant(one, draft, now)) for one in draft.variants]
    await store.upsert_variants(conn, workspace_id, variants, now)
    await _keep_version(conn, actor, workspace_id, template.id, 1, draft, now=now)
    return await store.get_template(conn, workspace_id, template.id)


async def update_template(
    conn: Conn, actor: Caller | str, workspace_id: UUID, template_id: UUID, draft: TemplateDraft, *, now: datetime
) -> LogicalTemplate:
    """Write a new version of a template.

    A variant whose form differs for the provider is a draft again and waits for its submission; one that differs only
    in what is ours (policies, reply ids, media) stays approved. Raises InvalidInput, UnknownTemplate, PurposeIsFixed.
    """
    draft = _tidy(draft)
    await store.lock_template(conn, workspace_id, template_id)
    current = await store.get_template(conn, workspace_id, template_id)
    if draft.purpose != current.purpose:
        raise PurposeIsFixed(purpose=current.purpose)
    if draft.name != current.name or draft.parameter_format != current.parameter_format:
        raise InvalidInput([{"field": "name", "code": "fixed", "message": "name and parameter format are fixed"}])
    _check(draft)
    version = current.version + 1
    template = replace(
        current,
        category=draft.category,
        default_language=draft.default_language,
        variables=draft.variables,
        version=version,
    )
    await store.update_template(conn, workspace_id, template, now)
    await _rewrite_variants(conn, workspace_id, template, draft, now)
    await _keep_version(conn, actor, workspace_id, template.id, version, draft, now=now)
    return await store.get_template(conn, workspace_id, template.id)


async def _rewrite_variants(
    conn: Conn, workspace_id: UUID, template: LogicalTemplate, draft: TemplateDraft, now: datetime
) -> None:
    existing = await store.list_variants(conn, workspace_id, template.id)
    drafts = {one.language: one for one in draft.variants}
    rows: list[tuple[UUID, Variant]] = []
    gone: list[UUID] = []
    for variant in existing:
        wanted = drafts.get(variant.language)
        if wanted is None:
            gone.append(variant.id)
            if variant.provider_template_id is not None:
                rows.append((template.id, replace(variant, state=VariantState.ARCHIVED)))
            continue
        rows.append((template.id, _rewritten(variant, wanted, draft)))
    languages = {variant.language for variant in existing}
    rows += [(template.id, _new_variant(one, draft, now)) for one in draft.variants if one.language not in languages]
    await store.delete_variants(conn, gone)
    await store.upsert_variants(conn, workspace_id, rows, now)


def _rewritten(variant: Variant, wanted: VariantDraft, draft: TemplateDraft) -> Variant:
    same = (
        same_for_provider(variant.components, wanted.components)
        and variant.ttl_seconds == wanted.ttl_seconds
        and (variant.category == draft.category or variant.provider_template_id is not None)
    )
    return replace(
        variant,
        components=wanted.components,
        ttl_seconds=wanted.ttl_seconds,
        state=variant.state if same else VariantState.DRAFT,
        category=variant.category if variant.provider_template_id is not None else draft.category,
        version=variant.version + (variant.components != wanted.components),
    )


def _tidy(draft: TemplateDraft) -> TemplateDraft:
    variants = tuple(replace(one, language=normalise_language(one.language)) for one in draft.variants)
    return replace(draft, variants=variants, default_language=normalise_language(draft.default_language))


def _check(draft: TemplateDraft) -> None:
    errors = check_template(draft)
    if errors:
        raise InvalidInput(errors)


def _new_variant(one: VariantDraft, draft: TemplateDraft, now: datetime) -> Variant:
    return Variant(
        id=new_id(now),
        language=one.language,
        state=VariantState.DRAFT,
        category=draft.category,
        components=one.components,
        ttl_seconds=one.ttl_seconds,
    )


async def _keep_version(
    conn: Conn,
    actor: Caller | str,
    workspace_id: UUID,
    template_id: UUID,
    version: int,
    draft: TemplateDraft,
    *,
    now: datetime,
) -> None:
    by = actor.actor if isinstance(actor, Caller) else actor
    content: dict[str, Any] = msgspec.to_builtins(draft)
    await store.insert_version(conn, template_id, version, content, by, now=now)
    action = "template.created" if version == 1 else "template.changed"
    await audit.record(conn, actor, workspace_id, action, "template", template_id, {"version": version}, now)


async def archive_template(
    conn: Conn, actor: Caller | str, workspace_id: UUID, template_id: UUID, now: datetime
) -> None:
    """Put a template away. Raises TemplateInUse while something live builds on it."""
    await store.lock_template(conn, workspace_id, template_id)
    uses = await store.list_uses(conn, template_id)
    if uses:
        raise TemplateInUse(uses=[{"kind": use["owner_kind"], "id": str(use["owner_id"])} for use in uses])
    await store.update_archived(conn, workspace_id, template_id, now)
    await audit.record(conn, actor, workspace_id, "template.archived", "template", template_id, {}, now)


async def submit_template(
    conn: Conn,
    actor: Caller | str,
    workspace_id: UUID,
    template_id: UUID,
    *,
    sender_id: UUID | None = None,
    languages: Sequence[str] | None = None,
    now: datetime,
) -> LogicalTemplate:
    """Ask for the review of variants in the business account of a sender (else of the default one).

    Variants that are under review or switched off for good are left alone. Raises NoSender and UnknownTemplate.
    """
    await store.lock_template(conn, workspace_id, template_id)
    sender = (
        await find_default_sender(conn, workspace_id)
        if sender_id is None
        else await get_sender(conn, workspace_id, sender_id)
    )
    if sender is None or not sender.waba_id:
        raise NoSender
    wanted = None if languages is None else {normalise_language(language) for language in languages}
    rows = [
        replace(variant, state=VariantState.SUBMITTING, waba_id=sender.waba_id)
        for variant in await store.list_variants(conn, workspace_id, template_id)
        if variant.waba_id in ("", sender.waba_id)
        and variant.state in SUBMITTABLE
        and (variant.state != VariantState.APPROVED or languages is not None)
        and (wanted is None or variant.language in wanted)
    ]
    await store.upsert_variants(conn, workspace_id, [(template_id, row) for row in rows], now)
    jobs = [SubmitVariant(workspace_id=workspace_id, variant_id=row.id, sender_id=sender.id) for row in rows]
    await defer(conn, jobs)
    submitted = {"languages": [row.language for row in rows], "sender_id": str(sender.id)}
    await audit.record(conn, actor, workspace_id, "template.submitted", "template", template_id, submitted, now)
    return await store.get_template(conn, workspace_id, template_id)


async def request_sync(conn: Conn, workspace_id: UUID, sender_ids: Sequence[UUID]) -> None:
    """Ask for a reading of the accounts of these senders."""
    await defer(conn, [SyncTemplates(workspace_id=workspace_id, sender_id=sender_id) for sender_id in sender_ids])


async def apply_variant(
    conn: Conn,
    workspace_id: UUID,
    template: LogicalTemplate,
    old: Variant,
    new: Variant,
    *,
    source: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Write what the provider changed about a variant, with its history.

    Nobody need be told: what waits is decided anew, against the variant as it stands then, when it is to leave.
    """
    if old == new:
        return
    entries = changes.compare(template, old, new, source=source, reason=reason, now=now, ids=partial(new_id, now))
    await store.upsert_variants(conn, workspace_id, [(template.id, new)], now)
    await store.insert_history(conn, workspace_id, entries)
    payload = {"template_id": template.id, "language": new.language, "state": new.state, "quality": new.quality}
    of_one = LiveEvent(workspace_id=workspace_id, topic=f"template:{template.id}", payload=payload)
    await publish(conn, [of_one, replace(of_one, topic="alerts")], now)
    told = TemplateChanged(
        workspace_id=workspace_id, template_id=template.id, language=new.language, state=new.state,
        old_state=old.state, quality=new.quality, at=now,
    )  # fmt: skip
    await announce(conn, [told])


async def apply_listing(
    conn: Conn, workspace_id: UUID, waba_id: str, items: Sequence[Mapping[str, Any]], *, now: datetime
) -> dict[str, int]:
    """Take over a complete list of an account's templates: new ones, changed ones, ones that are gone.

    Counts `added`, `changed`, `gone`. A template that we did not know gets the purpose that its category suggests.
    """
    counts = {"added": 0, "changed": 0, "gone": 0}
    known = await store.list_account_variants(conn, workspace_id, waba_id)
    by_provider = {variant.provider_template_id: (template, variant) for template, variant in known}
    # A draft of no account takes the place of the listed variant only where the account has none of its own.
    by_name: dict[tuple[str, str], tuple[LogicalTemplate, Variant]] = {}
    for template, variant in sorted(known, key=lambda pair: pair[1].waba_id == waba_id):
        by_name[(template.name, variant.language)] = (template, variant)
    seen: set[UUID] = set()
    for item in items:
        name, language = str(item.get("name", "")), normalise_language(str(item.get("language", "")))
        found = by_provider.get(str(item.get("id"))) or by_name.get((name, language))
        if found is None:
            added = await _add_listed(conn, workspace_id, waba_id, name, language, item, now=now)
            counts["added"] += added
            continue
        template, old = found
        seen.add(old.id)
        new = changes.apply_listing(old, item, waba_id=waba_id)
        counts["changed"] += new != old
        reason = new.rejected_reason
        await apply_variant(conn, workspace_id, template, old, new, source="poll", reason=reason, now=now)
    for template, old in known:
        is_live = old.provider_template_id is not None and old.state not in (
            VariantState.DELETED,
            VariantState.ARCHIVED,
        )
        if old.id not in seen and old.waba_id == waba_id and is_live and old.state != VariantState.SUBMITTING:
            counts["gone"] += 1
            gone = replace(old, state=VariantState.DELETED)
            await apply_variant(conn, workspace_id, template, old, gone, source="poll", reason="not_listed", now=now)
    return counts


async def _add_listed(
    conn: Conn, workspace_id: UUID, waba_id: str, name: str, language: str, item: Mapping[str, Any], *, now: datetime
) -> int:
    category = category_of(item.get("category"))
    components = item.get("components")
    if category is None or not name or not language or not isinstance(components, list):
        return 0
    template = await store.find_template(conn, workspace_id, name)
    if template is None:
        template = LogicalTemplate(
            id=TemplateId(new_id(now)),
            name=name,
            purpose=PURPOSE_OF[category],
            category=category,
            default_language=language,
            parameter_format="named" if str(item.get("parameter_format", "")).upper() == "NAMED" else "positional",
        )
        if not await store.insert_template(conn, workspace_id, template, now):
            return 0
    empty = Variant(
        id=new_id(now), language=language, state=VariantState.DRAFT, category=category, components=components
    )
    new = changes.apply_listing(empty, item, waba_id=waba_id)
    await apply_variant(conn, workspace_id, template, empty, new, source="poll", now=now)
    return 1


async def set_variant_state(
    conn: Conn, workspace_id: UUID, variant_id: UUID, state: VariantState | str, *, reason: str | None, now: datetime
) -> bool:
    """Note a state that a delivery's failure has told (paused, disabled); False for a variant that nobody knows."""
    found = await store.lock_variant(conn, workspace_id, variant_id)
    if found is None:
        return False
    template, old = found
    new = replace(old, state=VariantState(state), rejected_reason=reason)
    await apply_variant(conn, workspace_id, template, old, new, source="delivery", reason=reason, now=now)
    return True


async def register_use(
    conn: Conn, template_ids: Sequence[UUID], *, owner_kind: str, owner_id: UUID, now: datetime
) -> None:
    """Say which templates something live builds on; an empty list when it builds on none any more."""
    await store.replace_uses(conn, template_ids, owner_kind, owner_id, now)
