"""What the provider is told of a variant when it is created or edited, and what it tells us back. Pure.

Ours has more (reply ids, media of headers, `send` of buttons) and less (examples, which are made from the names).
Source: Cloud API reference, sections 3.1 to 3.5 and 3.14.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.templates.model import Category, LogicalTemplate, Variant, VariantState
from sojourn.templates.placeholders import PLACEHOLDER, names_in

OURS = frozenset({"id", "media", "location", "product", "send", "expires_at"})
STATES = {
    "in_review": VariantState.PENDING,
    "appeal": VariantState.IN_APPEAL,
    "reinstated": VariantState.APPROVED,
    "flagged": VariantState.APPROVED,
    "unarchived": VariantState.APPROVED,
    "locked": VariantState.PAUSED,
    "unlocked": VariantState.APPROVED,
}


def definition_of(template: LogicalTemplate, variant: Variant) -> dict[str, Any]:
    """The body that creates a variant."""
    definition: dict[str, Any] = {
        "name": template.name,
        "language": variant.language,
        "category": str(variant.category).upper(),
        "parameter_format": template.parameter_format.upper(),
        "components": provider_components(variant.components, named=template.parameter_format == "named"),
    }
    if variant.ttl_seconds is not None:
        definition["message_send_ttl_seconds"] = variant.ttl_seconds
    return definition


def provider_components(components: list[dict[str, Any]], *, named: bool) -> list[dict[str, Any]]:
    """Components without what is ours alone, with an example for every variable."""
    return [_component(component, named=named) for component in components]


def _component(component: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    found = {name: value for name, value in component.items() if name not in OURS}
    kind = str(found.get("type", "")).upper()
    found["type"] = kind
    if "format" in found:
        found["format"] = str(found["format"]).upper()
    if kind == "BUTTONS":
        found["buttons"] = [_button(button) for button in found.get("buttons", [])]
    elif kind == "CAROUSEL":
        found["cards"] = [
            {"components": provider_components(card.get("components", []), named=named)}
            for card in found.get("cards", [])
        ]
    elif kind in ("HEADER", "BODY") and names_in(str(found.get("text") or "")) and "example" not in found:
        found["example"] = _example(kind.lower(), str(found["text"]), named=named)
    return found


def _example(kind: str, text: str, *, named: bool) -> dict[str, Any]:
    names = list(dict.fromkeys(names_in(text)))
    if named:
        return {f"{kind}_text_named_params": [{"param_name": name, "example": _sample(name)} for name in names]}
    samples = [_sample(name) for name in sorted(names, key=lambda name: int(name) if name.isdigit() else 0)]
    return {f"{kind}_text": [samples] if kind == "body" else samples}


def _sample(name: str) -> str:
    return f"sample {name}" if name.isdigit() else name.replace("_", " ")


def _button(button: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in button.items() if name not in OURS}
    found["type"] = str(found.get("type", "")).upper()
    url = str(found.get("url", ""))
    names = names_in(url)
    if names:
        found["url"] = PLACEHOLDER.sub("{{1}}", url)  # a link's one variable has no name there
        found.setdefault("example", [PLACEHOLDER.sub("sample", url)])
    return found


def same_for_provider(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two lists of components are the same message form to the provider, examples aside."""
    return bool(_bare(one) == _bare(other))


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, Mapping):
        kept = {name: _bare(one) for name, one in value.items() if name not in OURS and name != "example"}
        for name in ("type", "format"):
            if isinstance(kept.get(name), str):
                kept[name] = kept[name].upper()
        if kept.get("type") == "URL" and isinstance(kept.get("url"), str):
            kept["url"] = PLACEHOLDER.sub("{{1}}", kept["url"])
        return kept
    return value


def keep_ours(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The provider's components with what was ours alone put back, where they are the same form."""
    return old if same_for_provider(old, new) else new


def state_of(status: str) -> VariantState | None:
    """The state behind the provider's word for it, or None for a word that is no state."""
    word = status.strip().lower()
    if word in STATES:
        return STATES[word]
    try:
        return VariantState(word)
    except ValueError:
        return None


def category_of(word: str | None) -> Category | None:
    """The category behind the provider's word, or None."""
    try:
        return Category((word or "").strip().lower())
    except ValueError:
        return None


def quality_of(value: object) -> str | None:
    """The quality in lower case, or None for what is none."""
    word = value.get("score") if isinstance(value, Mapping) else value
    found = str(word or "").lower()
    return found if found in ("unknown", "green", "yellow", "red") else None
