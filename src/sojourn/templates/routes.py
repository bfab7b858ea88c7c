"""HTTP: templates, their submission and history, previews."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from sojourn.channels.store import list_senders
from sojourn.kit.web import DEFAULT_LIMIT, ConnDep, Cursor, Limit, Now, Page
from sojourn.profiles.store import get_profile
from sojourn.templates import actions, store
from sojourn.templates.languages import choose_variant
from sojourn.templates.model import (
    Category,
    LogicalTemplate,
    OnMissing,
    TemplateDraft,
    VariablePolicy,
    Variant,
    VariantDraft,
)
from sojourn.templates.render import MissingValue, render_template
from sojourn.workspaces.access import Caller, require_right
from sojourn.workspaces.pages import decode_position, page_of
from sojourn.workspaces.store import get_workspace

router = APIRouter(prefix="/v1/templates", tags=["templates"])

Reader = Annotated[Caller, Depends(require_right("templates.read"))]
Writer = Annotated[Caller, Depends(require_right("templates.write"))]


class VariableIn(BaseModel):
    """What fills a variable: a Liquid text, and what to do when it comes out empty."""

    model_config = ConfigDict(extra="forbid")
    value: str = ""
    default: str | None = None
    on_missing: OnMissing | None = None


class VariantIn(BaseModel):
    """One language: components as in the provider's definition."""

    model_config = ConfigDict(extra="forbid")
    language: str
    components: list[dict[str, Any]] = Field(max_length=10)
    ttl_seconds: int | None = None


class TemplateIn(BaseModel):
    """A template as its author writes it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    purpose: str
    category: Category
    default_language: str
    parameter_format: str = "named"
    variables: dict[str, VariableIn] = Field(default_factory=dict)
    variants: list[VariantIn] = Field(max_length=100)

    def to_draft(self) -> TemplateDraft:
        """As the action takes it."""
        return TemplateDraft(
            name=self.name,
            purpose=self.purpose,
            category=self.category,
            default_language=self.default_language,
            parameter_format=self.parameter_format,
            variables={
                name: VariablePolicy(value=one.value, default=one.default, on_missing=one.on_missing)
                for name, one in self.variables.items()
            },
            variants=tuple(
                VariantDraft(language=one.language, components=one.components, ttl_seconds=one.ttl_seconds)
                for one in self.variants
            ),
        )


class VariantOut(BaseModel):
    """One language in one business account."""

    id: UUID
    language: str
    state: str
    category: Category
    correct_category: str | None
    quality: str
    waba_id: str
    provider_template_id: str | None
    rejected_reason: str | None
    ttl_seconds: int | None
    components: list[dict[str, Any]]

    @classmethod
    def of(cls, variant: Variant) -> VariantOut:
        """From the stored variant."""
        return cls(**{name: getattr(variant, name) for name in cls.model_fields})


class TemplateOut(BaseModel):
    """A template with its best variant in each language."""

    id: UUID
    name: str
    purpose: str
    category: Category
    default_language: str
    parameter_format: str
    version: int
    variables: dict[str, VariableIn]
    variants: list[VariantOut]
    updated_at: datetime | None

    @classmethod
    def of(cls, template: LogicalTemplate) -> TemplateOut:
        """From the stored template."""
        return cls(
            id=template.id,
            name=template.name,
            purpose=template.purpose,
            category=template.category,
            default_language=template.default_language,
            parameter_format=template.parameter_format,
            version=template.version,
            variables={
                name: VariableIn(value=one.value, default=one.default, on_missing=one.on_missing)
                for name, one in template.variables.items()
            },
            variants=[VariantOut.of(variant) for variant in template.variants.values()],
            updated_at=template.updated_at,
        )


class SubmitIn(BaseModel):
    """Where to submit: the account of a sender, and only some languages when they are named."""

    model_config = ConfigDict(extra="forbid")
    sender_id: UUID | None = None
    languages: list[str] | None = None


class PreviewIn(BaseModel):
    """For whom: a profile, and what else Liquid shall see."""

    model_config = ConfigDict(extra="forbid")
    profile_id: UUID | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    language: str | None = None


class PreviewOut(BaseModel):
    """What would leave: the text as the person reads it, or the variable that has no value."""

    language: str | None
    state: str | None
    text: str | None = None
    components: list[dict[str, Any]] | None = None
    variables: dict[str, str] | None = None
    missing_variable: str | None = None
    reaction: str | None = None


class HistoryOut(BaseModel):
    """One thing that the provider changed."""

    variant_id: UUID
    what: str
    old_value: str | None
    new_value: str | None
    reason: str | None
    source: str
    recorded_at: datetime


class SyncOut(BaseModel):
    """How many business accounts will be read."""

    accounts: int


@router.get("")
async def list_templates(
    *, conn: ConnDep, caller: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, name: str | None = None
) -> Page[TemplateOut]:
    """Templates that are not archived, oldest first."""
    found = await store.list_templates(
        conn, caller.workspace_id, after=decode_position(cursor), limit=limit + 1, name=name
    )
    return page_of(found, limit, TemplateOut.of)


@router.post("", status_code=201)
async def create_template(body: TemplateIn, conn: ConnDep, now: Now, caller: Writer) -> TemplateOut:
    """Write a template; every mistake is answered at once. Its variants are drafts until they are submitted."""
    draft = body.to_draft()
    return TemplateOut.of(await actions.create_template(conn, caller, caller.workspace_id, draft, now=now))


@router.post("/sync", status_code=202)
async def sync_templates(conn: ConnDep, caller: Writer) -> SyncOut:
    """Read all templates of every business account of this workspace, in the background."""
    first: dict[str, UUID] = {}
    for sender in await list_senders(conn, caller.workspace_id):
        if sender.channel == "whatsapp" and sender.waba_id:
            first.setdefault(sender.waba_id, sender.id)
    await actions.request_sync(conn, caller.workspace_id, list(first.values()))
    return SyncOut(accounts=len(first))


@router.get("/{template_id}")
async def get_template(template_id: UUID, conn: ConnDep, caller: Reader) -> TemplateOut:
    """One template."""
    return TemplateOut.of(await store.get_template(conn, caller.workspace_id, template_id))


@router.put("/{template_id}")
async def change_template(template_id: UUID, body: TemplateIn, conn: ConnDep, now: Now, caller: Writer) -> TemplateOut:
    """Write a new version; a language whose form changes for the provider is a draft again."""
    draft = body.to_draft()
    return TemplateOut.of(await actions.update_template(conn, caller, caller.workspace_id, template_id, draft, now=now))


@router.delete("/{template_id}", status_code=204)
async def archive_template(template_id: UUID, conn: ConnDep, now: Now, caller: Writer) -> Response:
    """Put a template away; refused while something live builds on it."""
    await actions.archive_template(conn, caller, caller.workspace_id, template_id, now)
    return Response(status_code=204)


@router.post("/{template_id}/submit", status_code=202)
async def submit_template(template_id: UUID, body: SubmitIn, conn: ConnDep, now: Now, caller: Writer) -> TemplateOut:
    """Ask the provider to review drafts and rejected languages (named ones: also approved ones, as an edit)."""
    template = await actions.submit_template(
        conn,
        caller,
        caller.workspace_id,
        template_id,
        sender_id=body.sender_id,
        languages=body.languages,
        now=now,
    )
    return TemplateOut.of(template)


@router.get("/{template_id}/history")
async def list_history(template_id: UUID, conn: ConnDep, caller: Reader) -> list[HistoryOut]:
    """What the provider changed: state, category, quality, content; newest first."""
    await store.get_template(conn, caller.workspace_id, template_id)
    entries = await store.list_history(conn, caller.workspace_id, template_id)
    return [HistoryOut(**{name: getattr(one, name) for name in HistoryOut.model_fields}) for one in entries]


@router.post("/{template_id}/preview")
async def preview_template(template_id: UUID, body: PreviewIn, conn: ConnDep, now: Now, caller: Reader) -> PreviewOut:
    """What one person would get. Reading somebody's attributes this way needs the right to read profiles."""
    template = await store.get_template(conn, caller.workspace_id, template_id)
    workspace = await get_workspace(conn, caller.workspace_id)
    context: dict[str, Any] = {"workspace": {"name": workspace.business_name, "timezone": workspace.timezone}}
    wanted = [body.language] if body.language else []
    if body.profile_id is not None:
        caller.require("profiles.read")
        profile = await get_profile(conn, caller.workspace_id, body.profile_id)
        context["profile"] = {**profile.attributes, "id": str(profile.id), "locale": profile.locale}
        wanted += [profile.locale] if profile.locale else []
    variant = choose_variant(template, wanted, workspace.default_language)
    if variant is None:
        return PreviewOut(language=None, state=None)
    rendered = render_template(template, variant, {"now": now.isoformat(), **context, **body.context})
    if isinstance(rendered, MissingValue):
        return PreviewOut(
            language=variant.language,
            state=variant.state,
            missing_variable=rendered.variable,
            reaction=rendered.reaction,
        )
    return PreviewOut(
        language=variant.language,
        state=variant.state,
        text=rendered.text,
        components=rendered.content.components,
        variables=rendered.used,
    )
