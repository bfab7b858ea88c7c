"""A variant taken apart once, so that rendering it for a person only fills in values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sojourn.templates.liquid_sandbox import Compiled, compile_text
from sojourn.templates.model import Category, LogicalTemplate, OnMissing, VariablePolicy, Variant
from sojourn.templates.placeholders import CODE, names_in, policy_name

MEDIA_FORMATS = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document", "GIF": "gif"}
SEND_SUB_TYPES = {
    "CATALOG": "catalog",
    "MPM": "mpm",
    "FLOW": "flow",
    "VOICE_CALL": "voice_call",
    "ORDER_DETAILS": "order_details",
}
PLANS_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: where its value comes from, and what happens without one."""

    name: str
    compiled: Compiled
    default: Compiled | None
    reaction: OnMissing


@dataclass(frozen=True, slots=True)
class Text:
    """A header or body with its parameters: (name for the provider or None, our variable)."""

    kind: str
    text: str
    parameters: tuple[tuple[str | None, str], ...]
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Button:
    """A button that takes something along: a link's end, a reply id, a code, an action."""

    index: int
    sub_type: str
    text: str
    variable: str | None = None
    reply_id: str | None = None
    send: Any = None


@dataclass(frozen=True, slots=True)
class Object:
    """A header or offer that is filled from an object of Liquid texts."""

    kind: str
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of a message or of one card of it."""

    texts: tuple[Text, ...] = ()
    objects: tuple[Object, ...] = ()
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that rendering needs."""

    variables: tuple[Variable, ...]
    message: Parts
    cards: tuple[Parts, ...]
    named: bool


@dataclass(slots=True)
class _Making:
    template: LogicalTemplate
    variant: Variant
    used: dict[str, Variable] = field(default_factory=dict)

    @property
    def is_code(self) -> bool:
        return self.variant.category == Category.AUTHENTICATION

    def use(self, scope: str, name: str) -> str:
        """The variable that fills a placeholder, noted as used."""
        known = self.template.variables
        found = policy_name(known, scope, name, is_code=self.is_code)
        if found not in self.used:
            policy = known.get(found, VariablePolicy())
            self.used[found] = Variable(
                name=found,
                compiled=compile_text(policy.value or f"{{{{ {found} }}}}")
                if policy.value or not found[:1].isdigit()
                else compile_text(f"{{{{ variables['{found}'] }}}}"),
                default=None if policy.default is None else compile_text(policy.default),
                reaction=policy.reaction,
            )
        return found


_plans: dict[tuple[object, ...], tuple[LogicalTemplate, Variant, Plan]] = {}


def plan_of(template: LogicalTemplate, variant: Variant) -> Plan:
    """The plan of a variant, made once a version. Raises RenderFailed for a text that Liquid does not understand."""
    key = (template.id, template.version, variant.id, variant.version)
    kept = _plans.get(key)
    if kept is not None and _is_same(kept[0], template) and _is_same_variant(kept[1], variant):
        return kept[2]
    made = make_plan(template, variant)
    if len(_plans) >= PLANS_KEPT:
        _plans.clear()
    _plans[key] = (template, variant, made)
    return made


def _is_same(one: LogicalTemplate, other: LogicalTemplate) -> bool:
    return one is other or (one.variables == other.variables and one.parameter_format == other.parameter_format)


def _is_same_variant(one: Variant, other: Variant) -> bool:
    return one is other or (one.components == other.components and one.category == other.category)


def make_plan(template: LogicalTemplate, variant: Variant) -> Plan:
    """Take a variant apart."""
    making = _Making(template, variant)
    message = _parts(making, variant.components, "")
    cards = tuple(
        _parts(making, card.get("components", []), f"card.{index}.")
        for component in variant.components
        if _type(component) == "CAROUSEL"
        for index, card in enumerate(component.get("cards", []))
    )
    return Plan(tuple(making.used.values()), message, cards, template.parameter_format == "named")


def _parts(making: _Making, components: list[dict[str, Any]], path: str) -> Parts:
    texts: list[Text] = []
    objects: list[Object] = []
    buttons: list[Button] = []
    labels: list[str] = []
    footer = ""
    for component in components:
        kind = _type(component)
        if kind == "HEADER":
            _take_header(making, component, path, texts, objects)
        elif kind == "BODY":
            texts.append(_text(making, "body", component, path))
        elif kind == "FOOTER":
            footer = str(component.get("text", ""))
        elif kind == "LIMITED_TIME_OFFER":
            expires = component.get("expires_at")
            if expires is not None:
                objects.append(Object("limited_time_offer", "limited_time_offer", {"expires_at": expires}))
        elif kind == "BUTTONS":
            found = [
                (_button(making, index, button, path), str(button.get("text", "")))
                for index, button in enumerate(component.get("buttons", []))
            ]
            buttons += [button for button, _ in found if button is not None]
            labels += [label for _, label in found if label]
    return Parts(tuple(texts), tuple(objects), footer, tuple(buttons), tuple(labels))


def _type(component: Mapping[str, Any]) -> str:
    return str(component.get("type", "")).upper()


def _take_header(
    making: _Making, component: dict[str, Any], path: str, texts: list[Text], objects: list[Object]
) -> None:
    kind = str(component.get("format", "TEXT")).upper()
    if kind == "TEXT":
        texts.append(_text(making, "header", component, path))
    elif kind in MEDIA_FORMATS:
        objects.append(Object("header", MEDIA_FORMATS[kind], component.get("media") or {"link": "{{ media }}"}))
    elif kind in ("LOCATION", "PRODUCT"):
        name = kind.lower()
        objects.append(Object("header", name, component.get(name) or {}))


def _text(making: _Making, kind: str, component: dict[str, Any], path: str) -> Text:
    text = str(component.get("text") or "")
    if not text and kind == "body" and making.is_code:
        text = "*{{1}}*"
    names = list(dict.fromkeys(names_in(text)))
    if making.template.parameter_format != "named":
        names.sort(key=lambda name: int(name) if name.isdigit() else 0)
    variables = {name: making.use(f"{path}{kind}", name) for name in names}
    named = making.template.parameter_format == "named"
    return Text(kind, text, tuple((name if named else None, variables[name]) for name in names), variables)


def _button(making: _Making, index: int, button: dict[str, Any], path: str) -> Button | None:
    kind, text, scope = _type(button), str(button.get("text", "")), f"{path}button.{index}"
    if kind == "URL":
        names = names_in(str(button.get("url", "")))
        if names:
            return Button(index, "url", text, variable=making.use(scope, names[-1]))
        return Button(index, "url", text, variable=making.use(scope, CODE)) if making.is_code else None
    if kind == "OTP":
        return Button(index, "url", text, variable=making.use(scope, CODE))
    if kind == "QUICK_REPLY":
        return Button(index, "quick_reply", text, reply_id=str(button.get("id") or "") or None)
    if kind == "COPY_CODE":
        return Button(index, "copy_code", text, variable=making.use(scope, "coupon_code"))
    if kind in SEND_SUB_TYPES and (kind in ("FLOW", "MPM", "ORDER_DETAILS") or button.get("send")):
        return Button(index, SEND_SUB_TYPES[kind], text, send=button.get("send") or {})
    return None


def liquid_texts(value: Any) -> Iterator[str]:
    """Every text inside an object of Liquid texts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from liquid_texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from liquid_texts(one)
