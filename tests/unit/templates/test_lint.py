"""Mistakes in templates are named before anybody submits them."""

from __future__ import annotations

import pytest

from sojourn.templates.definition import keep_ours, provider_components, same_for_provider
from sojourn.templates.lint import check_template
from sojourn.templates.model import Category, OnMissing, TemplateDraft, VariablePolicy, VariantDraft

BODY = {"type": "BODY", "text": "Hi {{name}}, your order left today."}


def draft(*components, **changes):
    values = {
        "name": "order_shipped",
        "purpose": "transactional",
        "category": Category.UTILITY,
        "default_language": "en",
        "variants": (VariantDraft(language="en", components=list(components or [BODY])),),
        "parameter_format": "named",
        **changes,
    }
    return TemplateDraft(**values)


def buttons(*found):
    return BODY, {"type": "BUTTONS", "buttons": list(found)}


QUICK = {"type": "QUICK_REPLY", "text": "Yes"}
LINK = {"type": "URL", "text": "Open", "url": "https://shop.example/{{track}}"}
AUTH = {"purpose": "authentication", "category": Category.AUTHENTICATION}


@pytest.mark.parametrize(
    "good",
    [
        draft(),
        draft({"type": "body", "text": "Order {{1}} of {{2}} left."}, parameter_format="positional"),
        draft(*buttons({**QUICK, "id": "yes"}, {**QUICK, "text": "No"}, LINK)),
        draft({"type": "HEADER", "format": "IMAGE", "media": {"link": "{{ event.photo }}"}}, BODY),
        draft(
            {"type": "BODY", "add_security_recommendation": True},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}]},
            **AUTH,
        ),
    ],
)
def test_a_good_template_has_no_mistakes(good):
    assert check_template(good) == []


@pytest.mark.parametrize(
    ("bad", "field", "code"),
    [
        (draft(name="Order Shipped"), "name", "invalid_name"),
        (draft(purpose="promo"), "purpose", "unknown_purpose"),
        (draft(purpose="marketing"), "category", "category_does_not_fit_purpose"),
        (draft(default_language="nl"), "default_language", "variant_missing"),
        (draft(variants=()), "variants", "required"),
        (draft(variants=(VariantDraft(language="xx", components=[BODY]),)), "variants[0].language", "unknown_language"),
        (draft({"type": "FOOTER", "text": "x"}), "variants[0].components", "body_missing"),
        (draft({"type": "BODY", "text": "x" * 1025}), "variants[0].components[0].text", "too_long"),
        (draft({"type": "BODY", "text": "{{name}} is here"}), "variants[0].components[0].text", "variable_at_edge"),
        (
            draft({"type": "BODY", "text": "I am {{a}} {{b}} here"}),
            "variants[0].components[0].text",
            "variables_adjacent",
        ),
        (draft({"type": "BODY", "text": "I am {{a here"}), "variants[0].components[0].text", "unbalanced_braces"),
        (draft({"type": "BODY", "text": "I am {{A-b}} here"}), "variants[0].components[0].text", "invalid_variable"),
        (draft({"type": "BODY", "text": "I am {{1}} here"}), "variants[0].components[0].text", "mixed_variables"),
        (
            draft({"type": "BODY", "text": "I am {{2}} here"}, parameter_format="positional"),
            "variants[0].components[0].text",
            "variables_not_in_sequence",
        ),
        (draft(BODY, BODY), "variants[0].components[1].type", "component_twice"),
        (draft(BODY, {"type": "MAGIC"}), "variants[0].components[1].type", "unknown_component"),
        (draft(BODY, {"type": "FOOTER", "text": "for {{a}}"}), "variants[0].components[1].text", "not_allowed"),
        (draft(BODY, {"type": "HEADER", "text": "x" * 61}), "variants[0].components[1].text", "too_long"),
        (draft(*buttons(QUICK, QUICK)), "variants[0].components[1].buttons", "button_twice"),
        (draft(*buttons({**QUICK, "text": "x" * 26})), "variants[0].components[1].buttons[0].text", "length"),
        (
            draft(*buttons(QUICK, LINK, {**QUICK, "text": "No"})),
            "variants[0].components[1].buttons",
            "buttons_mixed",
        ),
        (
            draft(*buttons({**LINK, "url": "https://shop.example/{{a}}/x"})),
            "variants[0].components[1].buttons[0].url",
            "variable_not_at_end",
        ),
        (
            draft(*buttons({"type": "OTP", "otp_type": "COPY_CODE"})),
            "variants[0].components[1].buttons[0].type",
            "not_allowed",
        ),
        (draft(variables={"name": VariablePolicy(value="{{ a | nope }}")}), None, None),
        (draft(variables={"name": VariablePolicy(value="{{ a")}), "variables.name.value", "invalid_liquid"),
        (
            draft(variables={"name": VariablePolicy(value="x", on_missing=OnMissing.DEFAULT)}),
            "variables.name.default",
            "required",
        ),
        (
            draft(variants=(VariantDraft(language="en", components=[BODY], ttl_seconds=10),)),
            "variants[0].ttl_seconds",
            "out_of_range",
        ),
        (
            draft(BODY, {"type": "CAROUSEL", "cards": [{"components": [BODY]}]}),
            "variants[0].components[1].cards",
            "count",
        ),
    ],
)
def test_a_mistake_is_named_with_field_and_code(bad, field, code):
    found = [(error["field"], error["code"]) for error in check_template(bad)]
    if field is not None:
        assert (field, code) in found


def test_the_provider_gets_examples_and_nothing_of_ours():
    components = [
        {"type": "header", "format": "image", "media": {"link": "{{ event.photo }}"}},
        {"type": "BODY", "text": "Hi {{first_name}}, order {{order}} left."},
        {"type": "BUTTONS", "buttons": [LINK, {**QUICK, "id": "yes"}]},
    ]
    header, body, found = provider_components(components, named=True)
    assert header == {"type": "HEADER", "format": "IMAGE"}
    assert body["example"]["body_text_named_params"][0] == {"param_name": "first_name", "example": "first name"}
    assert found["buttons"][0]["url"] == "https://shop.example/{{1}}"
    assert found["buttons"][0]["example"] == ["https://shop.example/sample"]
    assert "id" not in found["buttons"][1]
    listed = [header, {**body, "example": {}}, found]
    assert same_for_provider(components, listed)
    assert keep_ours(components, listed) is components
    changed = [header, {"type": "BODY", "text": "Other text."}, found]
    assert keep_ours(components, changed) is changed
