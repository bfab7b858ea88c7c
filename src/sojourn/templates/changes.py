"""What news from the provider changes about a variant. Pure: the new variant and the history that tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.templates.definition import category_of, keep_ours, quality_of, same_for_provider, state_of
from sojourn.templates.model import HistoryEntry, LogicalTemplate, Variant, VariantState

MakeId = Callable[[], UUID]


def compare(
    template: LogicalTemplate,
    old: Variant,
    new: Variant,
    *,
    source: str,
    reason: str | None,
    now: datetime,
    ids: MakeId,
) -> list[HistoryEntry]:
    """One entry for each thing that differs."""
    pairs: list[tuple[str, str | None, str | None]] = [
        ("state", str(old.state), str(new.state)),
        ("category", str(old.category), str(new.category)),
        ("correct_category", old.correct_category, new.correct_category),
        ("quality", old.quality, new.quality),
    ]
    if not same_for_provider(old.components, new.components):
        pairs.append(("components", f"version {old.version}", f"version {new.version}"))
    return [
        HistoryEntry(
            id=ids(),
            template_id=template.id,
            variant_id=old.id,
            what=what,
            old_value=before,
            new_value=after,
            reason=reason,
            source=source,
            recorded_at=now,
        )
        for what, before, after in pairs
        if before != after
    ]


def apply_listing(old: Variant, item: Mapping[str, Any], *, waba_id: str) -> Variant:
    """A variant after the provider listed it (its item of `GET /{waba}/message_templates`)."""
    components = item.get("components")
    kept = keep_ours(old.components, components) if isinstance(components, list) and components else old.components
    correct = category_of(item.get("correct_category"))
    return replace(
        old,
        waba_id=waba_id,
        state=state_of(str(item.get("status", ""))) or old.state,
        category=category_of(item.get("category")) or old.category,
        correct_category=str(correct) if correct else None,
        quality=quality_of(item.get("quality_score")) or old.quality,
        components=kept,
        provider_template_id=str(item["id"]) if item.get("id") else old.provider_template_id,
        rejected_reason=_reason(item.get("rejected_reason")),
        ttl_seconds=_ttl(item.get("message_send_ttl_seconds"), old.ttl_seconds),
        version=old.version + (kept is not old.components and not same_for_provider(kept, old.components)),
    )


def _reason(value: object) -> str | None:
    return None if value in (None, "", "NONE") else str(value)


def _ttl(value: object, default: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def apply_news(
    old: Variant, event: str, *, category: str | None, reason: str | None, quality: str | None, provider_id: str
) -> Variant:
    """A variant after a webhook told of it; a kind of news that we do not know changes nothing."""
    known = replace(old, provider_template_id=old.provider_template_id or provider_id)
    if event == "quality":
        return replace(known, quality=quality_of(quality) or old.quality)
    if event == "category_impending":
        coming = category_of(category)
        return replace(known, correct_category=str(coming) if coming else old.correct_category)
    if event == "category_changed":
        return replace(known, category=category_of(category) or old.category, correct_category=None)
    state = state_of(event)
    if state is None:
        return known
    rejected = _reason(reason) if state in (VariantState.REJECTED, VariantState.PAUSED, VariantState.DISABLED) else None
    return replace(known, state=state, rejected_reason=rejected, category=category_of(category) or old.category)
