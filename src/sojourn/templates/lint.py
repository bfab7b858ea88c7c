"""Mistakes in a template, each with its field and limit, before anybody submits it. Pure.

Source: Cloud API reference, sections 3.1 to 3.3, 3.10 and 3.11 (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sojourn.countries.purposes import PURPOSES
from sojourn.kit.errors import FieldError
from sojourn.templates.lint_buttons import check_buttons
from sojourn.templates.liquid_sandbox import compile_text
from sojourn.templates.model import Category, OnMissing, RenderFailed, TemplateDraft, VariantDraft
from sojourn.templates.placeholders import NAME, PLACEHOLDER, names_in
from sojourn.templates.plan import MEDIA_FORMATS, liquid_texts

NAME_MAX = 512
HEADER_MAX = 60
BODY_MAX = 1024
OFFER_BODY_MAX = 600
CARD_BODY_MAX = 160
FOOTER_MAX = 60
OFFER_TEXT_MAX = 16
CARDS_MIN, CARDS_MAX = 2, 10
CODE_MINUTES = (1, 90)
TTL_SECONDS = {
    Category.AUTHENTICATION: (30, 900),
    Category.UTILITY: (30, 43_200),
    Category.MARKETING: (43_200, 2_592_000),
}
LANGUAGE_CODES = """
af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE en en_GB en_US
en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA
ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa
ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw sv ta te th tr uk ur
uz vi zu
"""
LANGUAGES = frozenset(LANGUAGE_CODES.split())
# Which categories a purpose may have; the category decides what the provider asks for and what it costs.
CATEGORIES_OF = {
    "authentication": (Category.AUTHENTICATION,),
    "marketing": (Category.MARKETING,),
    "feedback": (Category.UTILITY, Category.MARKETING),
}


def check_template(draft: TemplateDraft) -> list[FieldError]:
    """Every mistake of a template; empty when there is none."""
    errors: list[FieldError] = []
    if not NAME.fullmatch(draft.name) or len(draft.name) > NAME_MAX:
        errors.append(_error("name", "invalid_name", NAME_MAX, "lower-case letters, digits and underscores"))
    if draft.purpose not in PURPOSES:
        errors.append({"field": "purpose", "code": "unknown_purpose", "limit": sorted(PURPOSES)})
    elif draft.category not in CATEGORIES_OF.get(draft.purpose, (Category.UTILITY,)):
        allowed = [str(category) for category in CATEGORIES_OF.get(draft.purpose, (Category.UTILITY,))]
        errors.append({"field": "category", "code": "category_does_not_fit_purpose", "limit": allowed})
    if draft.parameter_format not in ("named", "positional"):
        errors.append({"field": "parameter_format", "code": "unknown_format", "limit": ["named", "positional"]})
    errors += _check_languages(draft)
    errors += _check_variables(draft)
    for index, variant in enumerate(draft.variants):
        errors += check_variant(variant, draft, f"variants[{index}]")
    return errors


def _error(field: str, code: str, limit: int | None, message: str) -> FieldError:
    error: FieldError = {"field": field, "code": code, "message": message}
    if limit is not None:
        error["limit"] = limit
    return error


def _check_languages(draft: TemplateDraft) -> Iterator[FieldError]:
    languages = [variant.language for variant in draft.variants]
    if not languages:
        yield _error("variants", "required", 1, "a template has at least one language")
    elif draft.default_language not in languages:
        yield _error("default_language", "variant_missing", None, "the default language has no variant")
    for index, language in enumerate(languages):
        if language not in LANGUAGES:
            yield _error(f"variants[{index}].language", "unknown_language", None, f"{language} is no language there")
        if language in languages[:index]:
            yield _error(f"variants[{index}].language", "language_twice", None, f"{language} stands there twice")


def _check_variables(draft: TemplateDraft) -> Iterator[FieldError]:
    for name, policy in draft.variables.items():
        field = f"variables.{name}"
        if policy.on_missing is OnMissing.DEFAULT and policy.default is None:
            yield _error(f"{field}.default", "required", None, "the policy `default` needs a default")
        for part, source in (("value", policy.value), ("default", policy.default or "")):
            problem = liquid_problem(source)
            if problem:
                yield _error(f"{field}.{part}", "invalid_liquid", None, problem)


def liquid_problem(source: str) -> str | None:
    """What Liquid does not understand about a text, or None."""
    try:
        compile_text(source)
    except RenderFailed as error:
        return str(error.data["detail"])
    return None


def check_variant(variant: VariantDraft, draft: TemplateDraft, path: str) -> list[FieldError]:
    """Every mistake of one language."""
    errors: list[FieldError] = []
    by_type = _by_type(variant.components, f"{path}.components", errors)
    if "BODY" not in by_type:
        errors.append(_error(f"{path}.components", "body_missing", None, "a template has a body"))
    is_offer = "LIMITED_TIME_OFFER" in by_type
    for kind, (index, component) in by_type.items():
        field = f"{path}.components[{index}]"
        if kind == "HEADER":
            errors += _check_header(component, draft, field)
        elif kind == "BODY":
            limit = OFFER_BODY_MAX if is_offer else BODY_MAX
            errors += _check_body(component, draft, field, limit)
        elif kind == "FOOTER":
            errors += _check_footer(component, draft, field, is_offer=is_offer)
        elif kind == "BUTTONS":
            errors += check_buttons(component.get("buttons"), draft, f"{field}.buttons")
        elif kind == "LIMITED_TIME_OFFER":
            errors += _check_offer(component, draft, field)
        elif kind == "CAROUSEL":
            errors += _check_carousel(component, draft, field)
    errors += _check_ttl(variant, draft, path)
    errors += _check_objects(variant, path)
    return errors


KINDS = ("HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL", "CALL_PERMISSION_REQUEST")


def _by_type(
    components: list[dict[str, Any]], path: str, errors: list[FieldError]
) -> dict[str, tuple[int, dict[str, Any]]]:
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, component in enumerate(components):
        kind = str(component.get("type", "")).upper()
        if kind not in KINDS:
            errors.append({"field": f"{path}[{index}].type", "code": "unknown_component", "limit": list(KINDS)})
        elif kind in found:
            errors.append(_error(f"{path}[{index}].type", "component_twice", 1, f"a second {kind}"))
        else:
            found[kind] = (index, component)
    return found


def _check_header(component: Mapping[str, Any], draft: TemplateDraft, field: str) -> Iterator[FieldError]:
    kind = str(component.get("format", "TEXT")).upper()
    if draft.category is Category.AUTHENTICATION:
        yield _error(field, "not_allowed", None, "an authentication template has no header")
    elif kind == "TEXT":
        text = str(component.get("text", ""))
        yield from _check_length(text, f"{field}.text", HEADER_MAX)
        if len(names_in(text)) > 1:
            yield _error(f"{field}.text", "too_many_variables", 1, "a header has one variable at the most")
        yield from _check_names(text, draft, f"{field}.text")
    elif kind not in (*MEDIA_FORMATS, "LOCATION", "PRODUCT"):
        formats = ["TEXT", *MEDIA_FORMATS, "LOCATION", "PRODUCT"]
        yield {"field": f"{field}.format", "code": "unknown_format", "limit": formats}


def _check_body(component: Mapping[str, Any], draft: TemplateDraft, field: str, limit: int) -> Iterator[FieldError]:
    text = str(component.get("text") or "")
    if draft.category is Category.AUTHENTICATION:
        if text and "{{" not in text:
            yield _error(f"{field}.text", "not_allowed", None, "the provider writes the text of a code itself")
        return
    yield from _check_length(text, f"{field}.text", limit)
    yield from _check_names(text, draft, f"{field}.text")
    yield from _check_places(text, f"{field}.text")


def _check_length(text: str, field: str, limit: int) -> Iterator[FieldError]:
    if not text.strip():
        yield _error(field, "required", limit, "the text is empty")
    elif len(text) > limit:
        yield _error(field, "too_long", limit, f"{len(text)} characters, {limit} are allowed")


def _check_names(text: str, draft: TemplateDraft, field: str) -> Iterator[FieldError]:
    names = names_in(text)
    rest = PLACEHOLDER.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield _error(field, "unbalanced_braces", None, "a variable is written {{name}}")
    for name in names:
        if NAME.fullmatch(name) is None:
            yield _error(field, "invalid_variable", None, f"{{{{{name}}}}}: lower-case letters, digits, underscores")
    digits = [name for name in names if name.isdigit()]
    if draft.parameter_format == "positional" and sorted(set(map(int, digits))) != list(range(1, len(set(names)) + 1)):
        yield _error(field, "variables_not_in_sequence", None, "positional variables count from {{1}} without a gap")
    if draft.parameter_format == "named" and digits:
        yield _error(field, "mixed_variables", None, "a named template has no numbered variables")


def _check_places(text: str, field: str) -> Iterator[FieldError]:
    stripped = text.strip()
    names = names_in(text)
    if not names:
        return
    if PLACEHOLDER.match(stripped) or re.search(r"\{\{[^{}]*\}\}$", stripped):
        yield _error(field, "variable_at_edge", None, "a body neither begins nor ends with a variable")
    if re.search(r"\}\}\s*\{\{", text):
        yield _error(field, "variables_adjacent", None, "there must be words between two variables")


def _check_footer(
    component: Mapping[str, Any], draft: TemplateDraft, field: str, *, is_offer: bool
) -> Iterator[FieldError]:
    if is_offer:
        yield _error(field, "not_allowed", None, "a limited-time offer has no footer")
        return
    if draft.category is Category.AUTHENTICATION:
        minutes = component.get("code_expiration_minutes")
        if minutes is not None and not (isinstance(minutes, int) and CODE_MINUTES[0] <= minutes <= CODE_MINUTES[1]):
            yield _error(f"{field}.code_expiration_minutes", "out_of_range", CODE_MINUTES[1], "1 to 90 minutes")
        return
    text = str(component.get("text", ""))
    yield from _check_length(text, f"{field}.text", FOOTER_MAX)
    if names_in(text):
        yield _error(f"{field}.text", "not_allowed", None, "a footer has no variables")


def _check_offer(component: Mapping[str, Any], draft: TemplateDraft, field: str) -> Iterator[FieldError]:
    if draft.category is not Category.MARKETING:
        yield _error(field, "not_allowed", None, "a limited-time offer is marketing")
    offer = component.get("limited_time_offer")
    if not isinstance(offer, Mapping):
        yield _error(f"{field}.limited_time_offer", "required", None, "the offer is missing")
        return
    yield from _check_length(str(offer.get("text", "")), f"{field}.limited_time_offer.text", OFFER_TEXT_MAX)
    if offer.get("has_expiration") and not component.get("expires_at"):
        yield _error(f"{field}.expires_at", "required", None, "an offer that ends says when, as a Liquid text")


def _check_carousel(component: Mapping[str, Any], draft: TemplateDraft, field: str) -> Iterator[FieldError]:
    if draft.category is not Category.MARKETING:
        yield _error(field, "not_allowed", None, "a carousel is marketing")
    cards = component.get("cards")
    if not isinstance(cards, list) or not CARDS_MIN <= len(cards) <= CARDS_MAX:
        yield _error(f"{field}.cards", "count", CARDS_MAX, f"{CARDS_MIN} to {CARDS_MAX} cards")
        return
    shapes = set()
    for index, card in enumerate(cards):
        at = f"{field}.cards[{index}].components"
        errors: list[FieldError] = []
        by_type = _by_type(card.get("components", []) if isinstance(card, Mapping) else [], at, errors)
        yield from errors
        shapes.add(frozenset(by_type))
        for kind, (place, part) in by_type.items():
            if kind == "HEADER":
                yield from _check_header(part, draft, f"{at}[{place}]")
            elif kind == "BODY":
                yield from _check_length(str(part.get("text") or ""), f"{at}[{place}].text", CARD_BODY_MAX)
                yield from _check_names(str(part.get("text") or ""), draft, f"{at}[{place}].text")
            elif kind == "BUTTONS":
                yield from check_buttons(part.get("buttons"), draft, f"{at}[{place}].buttons", most=2)
            else:
                yield _error(f"{at}[{place}].type", "not_allowed", None, f"a card has no {kind}")
    if len(shapes) > 1:
        yield _error(f"{field}.cards", "cards_differ", None, "every card has the same kinds of components")


def _check_ttl(variant: VariantDraft, draft: TemplateDraft, path: str) -> Iterator[FieldError]:
    ttl = variant.ttl_seconds
    least, most = TTL_SECONDS[draft.category]
    if ttl is not None and ttl != -1 and not least <= ttl <= most:
        yield _error(f"{path}.ttl_seconds", "out_of_range", most, f"{least} to {most} seconds for {draft.category}")


def _check_objects(variant: VariantDraft, path: str) -> Iterator[FieldError]:
    for index, component in enumerate(variant.components):
        for name in ("media", "location", "product", "expires_at"):
            for source in liquid_texts(component.get(name)):
                problem = liquid_problem(source)
                if problem:
                    yield _error(f"{path}.components[{index}].{name}", "invalid_liquid", None, problem)
