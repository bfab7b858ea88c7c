"""Templates filled for one person."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channels.whatsapp.payloads import build_payload
from sojourn.templates.languages import choose_variant
from sojourn.templates.model import (
    Category,
    LogicalTemplate,
    OnMissing,
    RenderFailed,
    TemplateId,
    VariablePolicy,
    Variant,
    VariantState,
)
from sojourn.templates.render import MissingValue, clean, render_template

ANNA = {
    "profile": {"first_name": "Anna", "timezone": "Europe/Amsterdam", "locale": "nl"},
    "event": {"order_id": "B-1001", "total": "34.50", "track": "PX 123", "photo": "https://shop.example/p.jpg"},
}


def template(*components, variables=None, category="utility", parameter_format="named", language="en", **states):
    variants = {
        code: Variant(
            id=UUID(int=index + 10),
            language=code,
            state=VariantState(state),
            category=Category(category),
            components=list(components),
        )
        for index, (code, state) in enumerate((states or {language: "approved"}).items())
    }
    return LogicalTemplate(
        id=TemplateId(UUID(int=1)),
        name="order_shipped",
        purpose="transactional",
        category=Category(category),
        default_language=language,
        parameter_format=parameter_format,
        variables=variables or {},
        variants=variants,
    )


def render(made, context=ANNA, **kwargs):
    return render_template(made, next(iter(made.variants.values())), context, **kwargs)


def body(text):
    return {"type": "BODY", "text": text}


def policy(value, default=None, on_missing=None):
    return VariablePolicy(value=value, default=default, on_missing=on_missing and OnMissing(on_missing))


def test_a_message_is_filled_as_the_provider_and_the_person_see_it():
    made = template(
        {"type": "HEADER", "format": "TEXT", "text": "Order {{order_id}}"},
        body("Hi {{first_name}}, parcel {{order_id}} is on its way."),
        {"type": "FOOTER", "text": "Bean There"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{track}}"},
                {"type": "QUICK_REPLY", "text": "Leave with neighbour", "id": "neighbour"},
                {"type": "QUICK_REPLY", "text": "At home"},
            ],
        },
        variables={
            "first_name": policy("{{ profile.first_name }}", "there"),
            "order_id": policy("{{ event.order_id }}"),
            "track": policy("{{ event.track }}"),
        },
    )
    rendered = render(made, reply_prefix="d7k2", reply_ids={"At home": "home"})
    assert rendered.content.components == [
        {"type": "header", "parameters": [{"type": "text", "parameter_name": "order_id", "text": "B-1001"}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "parameter_name": "first_name", "text": "Anna"},
                {"type": "text", "parameter_name": "order_id", "text": "B-1001"},
            ],
        },
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "PX%20123"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": 1,
            "parameters": [{"type": "payload", "payload": "d7k2:neighbour"}],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": 2,
            "parameters": [{"type": "payload", "payload": "d7k2:home"}],
        },
    ]
    assert rendered.text.splitlines() == [
        "Order B-1001",
        "Hi Anna, parcel B-1001 is on its way.",
        "Bean There",
        "[Track]",
        "[Leave with neighbour]",
        "[At home]",
    ]
    assert rendered.used == {"order_id": "B-1001", "first_name": "Anna", "track": "PX 123"}
    build_payload(rendered.content, to="+447700900101", attempt_id=UUID(int=5))


@pytest.mark.parametrize(
    ("given_", "result"),
    [
        (policy("{{ profile.nick }}", "you"), "you"),
        (policy("{{ profile.nick }}", "{{ profile.first_name | upcase }}"), "ANNA"),
        (policy("{{ profile.nick }}"), MissingValue(variable="name")),
        (policy("{{ profile.nick }}", on_missing="fail"), MissingValue(variable="name", reaction=OnMissing.FAIL)),
        (policy("{{ profile.nick }}", "you", "skip"), MissingValue(variable="name")),
        (policy(" \n ", "you"), "you"),
    ],
)
def test_a_missing_value_follows_its_policy(given_, result):
    rendered = render(template(body("Hi {{name}}, welcome."), variables={"name": given_}))
    assert (rendered if isinstance(rendered, MissingValue) else rendered.used["name"]) == result


def test_a_variable_without_a_policy_is_looked_up_by_its_name():
    made = template(body("Hi {{first_name}}, order {{1}} left."), parameter_format="positional")
    rendered = render(made, {"first_name": "Anna", "1": "B-1"})
    assert [one["text"] for one in rendered.content.components[0]["parameters"]] == ["Anna", "B-1"]


def test_numbered_variables_may_differ_by_place():
    made = template(
        {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"},
        body("Order {{2}} of {{1}} left."),
        variables={
            "header.1": policy("{{ profile.first_name }}"),
            "1": policy("{{ event.total }}"),
            "2": policy("{{ event.order_id }}"),
        },
        parameter_format="positional",
    )
    header, text = render(made).content.components
    assert [one["text"] for one in header["parameters"]] == ["Anna"]
    assert [one["text"] for one in text["parameters"]] == ["34.50", "B-1001"]


def test_media_codes_offers_and_cards():
    made = template(
        {"type": "HEADER", "format": "IMAGE", "media": {"link": "{{ event.photo }}"}},
        body("Here is your order {{order_id}} today."),
        variables={"order_id": policy("{{ event.order_id }}")},
    )
    header = render(made).content.components[0]
    assert header == {"type": "header", "parameters": [{"type": "image", "image": {"link": ANNA["event"]["photo"]}}]}
    with pytest.raises(RenderFailed):
        render(made, {"event": {"order_id": "B-1"}})
    code = template({"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
                    category="authentication")  # fmt: skip
    rendered = render(code, {"code": 482913})
    assert [part["parameters"][0]["text"] for part in rendered.content.components] == ["482913", "482913"]
    offer = template(
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Soon", "has_expiration": True},
         "expires_at": "{{ event.until }}"},
        body("Use it today."),
        {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "TEA20"}]},
        category="marketing",
    )  # fmt: skip
    parts = render(offer, {"event": {"until": "2027-01-01T00:00:00Z"}, "coupon_code": "TEA20"}).content.components
    assert parts[0]["parameters"][0]["limited_time_offer"] == {"expiration_time_ms": 1798761600000}
    assert parts[1]["parameters"] == [{"type": "coupon_code", "coupon_code": "TEA20"}]
    card = {
        "components": [
            {"type": "HEADER", "format": "IMAGE", "media": {"id": "55"}},
            {"type": "BODY", "text": "{{kind}} is back"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More", "id": "more"}]},
        ]
    }
    cards = template(body("Picked for you."), {"type": "CAROUSEL", "cards": [card, card]}, category="marketing",
                     variables={"card.0.body.kind": policy("Sencha"), "kind": policy("Oolong")})  # fmt: skip
    rendered = render(cards, reply_prefix="d")
    found = rendered.content.components[0]["cards"]
    assert [one["components"][1]["parameters"][0]["text"] for one in found] == ["Sencha", "Oolong"]
    assert "Oolong is back" in rendered.text
    build_payload(rendered.content, to="+447700900101", attempt_id=UUID(int=5))


def test_a_text_that_became_too_long_is_refused():
    made = template(body("Hi {{name}}, welcome."), variables={"name": policy("{{ profile.long }}")})
    with pytest.raises(RenderFailed) as error:
        render(made, {"profile": {"long": "x" * 1025}})
    assert (error.value.data["field"], error.value.data["limit"]) == ("body", 1024)


@given(st.text())
def test_a_value_is_always_as_the_provider_takes_it(value):
    cleaned = clean(value)
    assert not set(cleaned) & set("\n\r\t")
    assert " " * 5 not in cleaned
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize(
    ("states", "wanted", "default", "chosen"),
    [
        ({"en": "approved", "nl": "approved"}, ["nl_BE"], "en", "nl"),
        ({"en": "approved", "nl_BE": "approved"}, ["nl-NL"], "en", "nl_BE"),
        ({"en_GB": "approved", "nl": "paused"}, ["nl"], "en_GB", "en_GB"),
        ({"en": "paused"}, ["nl"], "en", "en"),
        ({"en": "deleted"}, [], "en", None),
        ({"de": "approved"}, ["fr"], "it", "de"),
        ({"de": "approved", "it": "approved"}, ["it", "de"], "de", "it"),
    ],
)
def test_a_language_falls_back(states, wanted, default, chosen):
    made = template(body("Hello there."), language=next(iter(states)), **states)
    found = choose_variant(made, wanted, default)
    assert (found and found.language) == chosen


def test_four_look_ups_are_cheap():
    made = template(
        body("Hi {{a}}, order {{b}} of {{c}} comes with {{d}} today."),
        variables={
            "a": policy("{{ profile.first_name | default: 'there' }}"),
            "b": policy("{{ trigger.order_id | default: event.order_id }}"),
            "c": policy("{{ event.total }} EUR"),
            "d": policy("{{ event.track }}"),
        },
    )
    render(made)
    started = time.perf_counter()
    for _ in range(2_000):
        render(made)
    micros = (time.perf_counter() - started) / 2_000 * 1e6
    print(f"render: {micros:.1f} us")
    assert micros < 500, "a render of look-ups must stay on the direct path"
