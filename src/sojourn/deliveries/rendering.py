"""From what was asked for to what the person sees: template or free message, in their language, with their facts.

Tap ids carry the delivery (`<short id>:<plain id>`), so that an answer finds it even before the provider's id is
stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from sojourn.channels.content import Content, ContentInvalid, TemplateContent, decode_content, encode_content
from sojourn.deliveries.model import DeliveryId, FreeMessage, Message, Purpose, TemplateMessage
from sojourn.kit import ids as kit_ids
from sojourn.kit.database import Conn
from sojourn.policy.model import Reason, TemplateFacts
from sojourn.profiles.model import Profile
from sojourn.templates import store as templates
from sojourn.templates.languages import choose_variant
from sojourn.templates.model import LogicalTemplate, RenderFailed, Variant
from sojourn.templates.render import MissingValue, render_template, render_text
from sojourn.workspaces.model import Workspace

SENDABLE = frozenset({"approved"})
PLAIN_FIELDS = frozenset({"type", "id", "link", "asset_id", "catalog_id", "product_retailer_id", "flow_id", "kind"})
TAP_TYPES = frozenset({"buttons", "list", "carousel"})


@dataclass(frozen=True, slots=True)
class Rendered:
    """A content ready to leave, and its text as the person sees it."""

    content: Content
    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The template and language for one request, or what stands against them."""

    facts: TemplateFacts
    template: LogicalTemplate | None = None
    variant: Variant | None = None


async def read_templates(
    conn: Conn, workspace_id: UUID, waba_id: str | None, messages: Iterable[Message]
) -> dict[str, LogicalTemplate]:
    """The templates that messages name (by name, or by id as text), with their variants in one account."""
    names = sorted({message.template for message in messages if isinstance(message, TemplateMessage)})
    if not names:
        return {}
    return await templates.get_templates_for_send(conn, workspace_id, names, waba_id=waba_id)


def choose(
    message: Message,
    known: Mapping[str, LogicalTemplate],
    *,
    purpose: Purpose,
    profile: Profile | None,
    workspace: Workspace,
) -> Chosen:
    """The variant for a person: the language asked for, else their own, else the template's."""
    if isinstance(message, FreeMessage):
        return Chosen(TemplateFacts())
    template = known.get(message.template)
    if template is None:
        return Chosen(TemplateFacts(problem=Reason.TEMPLATE_UNKNOWN, detail=message.template))
    if not fits(template.purpose, purpose):
        detail = f"{template.name} is for {template.purpose}"
        return Chosen(TemplateFacts(problem=Reason.TEMPLATE_PURPOSE, detail=detail), template)
    wanted = [language for language in (message.language, None if profile is None else profile.locale) if language]
    variant = choose_variant(template, wanted, workspace.default_language)
    if variant is None:
        return Chosen(TemplateFacts(problem=Reason.TEMPLATE_LANGUAGE, detail=",".join(wanted)), template)
    return Chosen(state_of(variant), template, variant)


def fits(of_template: str, purpose: Purpose) -> bool:
    """Whether a template may carry a purpose. Promotions, codes and questions about consent are only what they are."""
    strict = (Purpose.MARKETING, Purpose.AUTHENTICATION, Purpose.CONSENT_REQUEST)
    if of_template in strict or purpose in strict:
        return of_template == purpose
    return True


def state_of(variant: Variant) -> TemplateFacts:
    """What the state of a variant says about sending it."""
    if str(variant.state) not in SENDABLE:
        return TemplateFacts(problem=Reason.TEMPLATE_STATE, detail=f"{variant.language} {variant.state}")
    return TemplateFacts()


def render(
    message: Message, chosen: Chosen, *, delivery_id: DeliveryId, profile: Profile, workspace: Workspace
) -> Rendered | TemplateFacts:
    """The content of one delivery, or what stands against it."""
    context = context_of(profile, workspace, message.variables)
    try:
        if isinstance(message, FreeMessage):
            return _render_free(message, delivery_id, context)
        if chosen.template is None or chosen.variant is None:
            return chosen.facts
        rendered = render_template(
            chosen.template,
            chosen.variant,
            context,
            reply_prefix=kit_ids.short_id(delivery_id),
            reply_ids=message.reply_ids,
        )
    except RenderFailed as error:
        return TemplateFacts(problem=Reason.CONTENT_INVALID, detail=str(error)[:200])
    if isinstance(rendered, MissingValue):
        return TemplateFacts(problem=Reason.TEMPLATE_VARIABLE, detail=rendered.variable)
    return Rendered(rendered.content, rendered.text)


def context_of(profile: Profile, workspace: Workspace, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What Liquid sees: the person, the workspace, and what the caller gave."""
    facts = {"id": str(profile.id), "locale": profile.locale, "country": profile.country, "timezone": profile.timezone}
    person = {**profile.attributes, **facts}
    shop = {"name": workspace.business_name, "timezone": workspace.timezone}
    return {"profile": person, "workspace": shop, **variables}


def _render_free(message: FreeMessage, delivery_id: DeliveryId, context: Mapping[str, Any]) -> Rendered | TemplateFacts:
    try:
        content = decode_content(_fill(dict(message.content), context))
    except ContentInvalid as error:
        return TemplateFacts(problem=Reason.CONTENT_INVALID, detail=str(error)[:200])
    if isinstance(content, TemplateContent):
        return TemplateFacts(problem=Reason.CONTENT_INVALID, detail="a template is asked for by its name")
    text = text_of(content)
    if text is not None and not text.strip():
        return TemplateFacts(problem=Reason.CONTENT_INVALID, detail="the text is empty")
    return Rendered(with_tap_ids(content, delivery_id), text or "")


def _fill(value: Any, context: Mapping[str, Any], name: str = "") -> Any:
    if isinstance(value, str):
        return render_text(value, context) if "{" in value and name not in PLAIN_FIELDS else value
    if isinstance(value, Mapping):
        return {key: _fill(inner, context, key) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_fill(inner, context, name) for inner in value]
    return value


def text_of(content: Content) -> str | None:
    """The main text of a free content as the person reads it, or None for one without words."""
    for name in ("body", "caption"):
        text = getattr(content, name, None)
        if isinstance(text, str):
            return text
    return None


def tap_id(delivery_id: UUID, plain_id: str) -> str:
    """A button or row id as it travels."""
    return f"{kit_ids.short_id(delivery_id)}:{plain_id}"


def parse_tap_id(wire_id: str) -> tuple[DeliveryId, str] | None:
    """The delivery and plain id behind a tap, or None for an id that no delivery of ours carried."""
    head, separator, plain = wire_id.partition(":")
    if not separator:
        return None
    found = kit_ids.from_short_id(head)
    return None if found is None else (DeliveryId(found), plain)


def with_tap_ids(content: Content, delivery_id: UUID) -> Content:
    """The content with every reply button and list row carrying its delivery."""
    data = msgspec.to_builtins(content)
    if data.get("type") not in TAP_TYPES:
        return content
    for button in data.get("buttons") or ():
        button["id"] = tap_id(delivery_id, button["id"])
    for section in data.get("sections") or ():
        for row in section["rows"]:
            row["id"] = tap_id(delivery_id, row["id"])
    for card in data.get("cards") or ():
        for button in card.get("buttons") or ():
            button["id"] = tap_id(delivery_id, button["id"])
    return decode_content(data)


def encode(content: Content) -> bytes:
    """A content as it is stored."""
    return encode_content(content)


def decode(data: bytes) -> Content:
    """A stored content."""
    return decode_content(bytes(data))


def with_problem(chosen: Chosen, facts: TemplateFacts) -> Chosen:
    """The choice with what rendering found against it."""
    return replace(chosen, facts=facts)
