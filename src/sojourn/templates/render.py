"""From a template and a person's facts to what leaves and what the person sees. Pure.

The context is a mapping such as `{"profile": {…}, "event": {…}, "run": {…}, "workspace": {…}}`; what a caller gives
beside these stands at the top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sojourn.channels.content import TemplateContent
from sojourn.templates.liquid_sandbox import compile_text
from sojourn.templates.model import LogicalTemplate, OnMissing, RenderFailed, Variant
from sojourn.templates.placeholders import fill
from sojourn.templates.plan import Button, Object, Parts, Plan, Text, Variable, plan_of

__all__ = ["MissingValue", "RenderFailed", "Rendered", "render_template", "render_text"]

# Characters of a hydrated text; source: Cloud API reference, sections 3.1 and 3.7.
TEXT_MAX = {"header": 60, "body": 1024}
CARD_BODY_MAX = 160
COUPON_MAX = 20
BREAKS = re.compile(r"[\r\n\t]+")
WIDE_GAP = re.compile(r" {5,}")  # four in a row are allowed inside a parameter
URL_SAFE = "%/?&=#:@+,;~$!'()*[]-._"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What leaves, what the person reads, and what the variables became."""

    content: TemplateContent
    text: str
    used: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValue:
    """A variable has no value for this person; `reaction` is the policy: skip the person, or it is a mistake."""

    variable: str
    reaction: OnMissing = OnMissing.SKIP


def render_text(source: str, context: Mapping[str, Any]) -> str:
    """One Liquid text. Raises RenderFailed."""
    return compile_text(source).render(context)


def render_template(
    template: LogicalTemplate,
    variant: Variant,
    context: Mapping[str, Any],
    *,
    reply_prefix: str | None = None,
    reply_ids: Mapping[str, str] | None = None,
) -> Rendered | MissingValue:
    """Fill a variant for one person.

    Quick replies carry `<reply_prefix>:<id>`; the id comes from `reply_ids` (by the button's place or its text), else
    from the template, else from the button's text. Line breaks and wide gaps in values become single spaces, because
    the provider refuses them. Returns MissingValue for a variable that came out empty without a default. Raises
    RenderFailed for a text too long, a code too long, a moment that is none, and for what Liquid refuses.
    """
    plan = plan_of(template, variant)
    around = {"locale": variant.language, "variables": context, **context}
    used: dict[str, str] = {}
    for variable in plan.variables:
        value = _value(variable, around)
        if value is None:
            return MissingValue(variable=variable.name, reaction=variable.reaction)
        used[variable.name] = value
    filling = _Filling(used, around, reply_prefix, reply_ids or {})
    components = filling.components(plan.message, TEXT_MAX)
    if plan.cards:
        components.append({"type": "carousel", "cards": _cards(filling, plan)})
    content = TemplateContent(
        name=template.name,
        language=variant.language,
        components=components,
        category=str(variant.category),
        template_id=template.id,
    )
    return Rendered(content=content, text="\n".join(filling.lines(plan)), used=used)


def _cards(filling: _Filling, plan: Plan) -> list[dict[str, Any]]:
    limits = {"body": CARD_BODY_MAX, "header": TEXT_MAX["header"]}
    return [
        {"card_index": index, "components": filling.components(card, limits)} for index, card in enumerate(plan.cards)
    ]


def _value(variable: Variable, context: Mapping[str, Any]) -> str | None:
    value = clean(variable.compiled.render(context))
    if not value and variable.reaction is OnMissing.DEFAULT and variable.default is not None:
        value = clean(variable.default.render(context))
    return value or None


def clean(value: str) -> str:
    """A value as the provider takes it: on one line, no wide gaps, nothing around it."""
    if value.isprintable() and "     " not in value:
        return value.strip()
    return WIDE_GAP.sub("    ", BREAKS.sub(" ", value)).strip()


class _Filling:
    """The values of one person, put into parts."""

    __slots__ = ("context", "prefix", "reply_ids", "used")

    def __init__(
        self, used: dict[str, str], context: Mapping[str, Any], prefix: str | None, reply_ids: Mapping[str, str]
    ) -> None:
        self.used = used
        self.context = context
        self.prefix = prefix
        self.reply_ids = reply_ids

    def components(self, parts: Parts, limits: Mapping[str, int]) -> list[dict[str, Any]]:
        """What the provider needs of a message or card; what has no variables is left out."""
        found: list[dict[str, Any]] = [self._object(part) for part in parts.objects if part.kind == "header"]
        for text in parts.texts:
            self._check_length(text, limits)
            if text.parameters:
                parameters = [self._parameter(name, variable) for name, variable in text.parameters]
                found.append({"type": text.kind, "parameters": parameters})
        found += [self._object(part) for part in parts.objects if part.kind != "header"]
        for button in parts.buttons:
            parameters = [self._button(button)]
            found.append(
                {"type": "button", "sub_type": button.sub_type, "index": button.index, "parameters": parameters}
            )
        return found

    def _check_length(self, text: Text, limits: Mapping[str, int]) -> None:
        limit = limits[text.kind]
        if text.parameters and len(self.text(text)) > limit:
            raise RenderFailed(detail=f"the {text.kind} is too long", field=text.kind, limit=limit)

    def text(self, text: Text) -> str:
        """A text with its values."""
        if not text.parameters:
            return text.text
        return fill(text.text, lambda name: self.used[text.variables[name]])

    def _parameter(self, name: str | None, variable: str) -> dict[str, str]:
        if name is None:
            return {"type": "text", "text": self.used[variable]}
        return {"type": "text", "parameter_name": name, "text": self.used[variable]}

    def _button(self, button: Button) -> dict[str, Any]:
        if button.sub_type == "quick_reply":
            return {"type": "payload", "payload": self._reply_id(button)}
        if button.sub_type == "copy_code":
            code = self.used[button.variable or ""]
            if len(code) > COUPON_MAX:
                raise RenderFailed(detail="the code is too long", field="coupon_code", limit=COUPON_MAX)
            return {"type": "coupon_code", "coupon_code": code}
        if button.sub_type == "url":
            return {"type": "text", "text": quote(self.used[button.variable or ""], safe=URL_SAFE)}
        if button.sub_type == "voice_call":
            return {"type": "payload", "payload": str(self._filled(button.send).get("payload", ""))}
        return {"type": "action", "action": self._filled(button.send)}

    def _reply_id(self, button: Button) -> str:
        by_place = self.reply_ids.get(str(button.index)) or self.reply_ids.get(button.text)
        plain = by_place or button.reply_id or button.text
        return plain if self.prefix is None else f"{self.prefix}:{plain}"

    def _object(self, part: Object) -> dict[str, Any]:
        value = self._filled(part.value)
        if part.type == "limited_time_offer":
            moment = {"expiration_time_ms": _milliseconds(str(value["expires_at"]))}
            return {"type": part.kind, "parameters": [{"type": part.type, part.type: moment}]}
        if not any(value.values()):
            raise RenderFailed(detail=f"the {part.type} of the header is missing", field="header")
        return {"type": part.kind, "parameters": [{"type": part.type, part.type: value}]}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return render_text(value, self.context) if "{" in value else value
        if isinstance(value, Mapping):
            filled = {name: self._filled(one) for name, one in value.items()}
            return {name: one for name, one in filled.items() if one not in ("", None)}
        return [self._filled(one) for one in value] if isinstance(value, list) else value

    def lines(self, plan: Plan) -> list[str]:
        """The message as the person reads it, a line a text, buttons in brackets."""
        found: list[str] = []
        for parts in (plan.message, *plan.cards):
            found += [f"[{part.type}]" for part in parts.objects if part.kind == "header"]
            found += [text for text in map(self.text, parts.texts) if text]
            if parts.footer:
                found.append(parts.footer)
            found += [f"[{label}]" for label in parts.labels]
        return found


def _milliseconds(text: str) -> int:
    if text.isdigit():
        return int(text) if len(text) >= 12 else int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RenderFailed(detail="the end of the offer is no moment", field="expires_at") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
