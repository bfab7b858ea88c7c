"""Request bodies: the examples of the reference, every limit, and the properties that hold for all content."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.channels import content as c
from sojourn.channels.content import ContentInvalid, content_to_dict, decode_content, encode_content
from sojourn.channels.whatsapp.payloads import PayloadInvalid, build_payload, validate_content
from tests.support import contents

ATTEMPT = UUID("018f0000-0000-7000-8000-0000000000aa")
TO = "+447700900123"


def build(content: c.Content, **more: Any) -> dict[str, Any]:
    return build_payload(content, **{"to": TO, "attempt_id": ATTEMPT, **more})


def errors_of(content: c.Content, **more: Any) -> list[tuple[str, str, object]]:
    with pytest.raises(PayloadInvalid) as caught:
        build(content, **more)
    return [(error["field"], error["code"], error.get("limit")) for error in caught.value.errors]


def test_text_is_the_body_of_the_reference() -> None:
    content = c.Text(body="Your table is ready: https://tea.example/t/81", preview_url=True)
    assert build(content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "type": "text",
        "text": {"body": "Your table is ready: https://tea.example/t/81", "preview_url": True},
        "biz_opaque_callback_data": str(ATTEMPT),
    }


def test_a_user_id_goes_into_recipient_and_the_quote_into_context() -> None:
    body = build(c.Text(body="Hello"), to=None, recipient="GB.20481632641282565121", reply_to=contents.WAMID)
    assert body["recipient"] == "GB.20481632641282565121"
    assert "to" not in body
    assert body["context"] == {"message_id": contents.WAMID}


BUTTONS = c.Buttons(
    body="Keep your 6pm place?",
    buttons=[c.ReplyButton(id="keep", title="Keep it"), c.ReplyButton(id="move", title="Move it")],
    header=c.Header(text="Tasting on Friday"),
    footer="Harbour Tea Co.",
)


def test_buttons_are_the_body_of_the_reference() -> None:
    assert build(BUTTONS)["interactive"] == {
        "type": "button",
        "header": {"type": "text", "text": "Tasting on Friday"},
        "body": {"text": "Keep your 6pm place?"},
        "footer": {"text": "Harbour Tea Co."},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "keep", "title": "Keep it"}},
                {"type": "reply", "reply": {"id": "move", "title": "Move it"}},
            ]
        },
    }


def test_template_leaves_out_components_without_parameters_and_sends_the_index_as_a_number() -> None:
    content = c.TemplateContent(
        name="order_shipped",
        language="en_GB",
        category="utility",
        components=[
            {"type": "HEADER", "parameters": [{"type": "text", "parameter_name": "order_no", "text": "HT-81"}]},
            {"type": "body", "parameters": []},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "HT-81"}]},
        ],
    )
    assert build(content)["template"] == {
        "name": "order_shipped",
        "language": {"code": "en_GB"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "parameter_name": "order_no", "text": "HT-81"}]},
            {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "HT-81"}]},
        ],
    }


# The filled components of section 3.13 of the Cloud API reference, one special template a line.
SPECIAL_TEMPLATES = r"""
[{"type":"body","parameters":[{"type":"text","text":"TEA20"},{"type":"text","text":"20%"}]},{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"unsub"}]},{"type":"button","sub_type":"copy_code","index":1,"parameters":[{"type":"coupon_code","coupon_code":"TEA20"}]}]
[{"type":"header","parameters":[{"type":"image","image":{"id":"551200000000017"}}]},{"type":"body","parameters":[{"type":"text","text":"Nadia"},{"type":"text","text":"TEA20"}]},{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer","limited_time_offer":{"expiration_time_ms":1798761600000}}]},{"type":"button","sub_type":"copy_code","index":0,"parameters":[{"type":"coupon_code","coupon_code":"TEA20"}]},{"type":"button","sub_type":"url","index":1,"parameters":[{"type":"text","text":"x1"}]}]
[{"type":"body","parameters":[{"type":"text","text":"Nadia"}]},{"type":"carousel","cards":[{"card_index":0,"components":[{"type":"header","parameters":[{"type":"image","image":{"id":"551200000000021"}}]},{"type":"body","parameters":[{"type":"text","text":"20%"}]},{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"more-sencha"}]},{"type":"button","sub_type":"url","index":1,"parameters":[{"type":"text","text":"sencha"}]}]},{"card_index":1,"components":[{"type":"header","parameters":[{"type":"image","image":{"id":"551200000000022"}}]},{"type":"body","parameters":[{"type":"text","text":"10%"}]},{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"more-oolong"}]},{"type":"button","sub_type":"url","index":1,"parameters":[{"type":"text","text":"oolong"}]}]}]}]
[{"type":"body","parameters":[{"type":"text","text":"Nadia"}]},{"type":"carousel","cards":[{"card_index":0,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"sencha-100","catalog_id":"880011"}}]}]},{"card_index":1,"components":[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"oolong-50","catalog_id":"880011"}}]}]}]}]
[{"type":"body","parameters":[{"type":"text","text":"Nadia"}]},{"type":"button","sub_type":"mpm","index":0,"parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":"sencha-100","sections":[{"title":"Green","product_items":[{"product_retailer_id":"sencha-100"},{"product_retailer_id":"matcha-30"}]}]}}]}]
[{"type":"button","sub_type":"catalog","index":0,"parameters":[{"type":"action","action":{"thumbnail_product_retailer_id":"oolong-50"}}]}]
[{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":"oolong-50","catalog_id":"880011"}}]},{"type":"body","parameters":[{"type":"text","text":"Nadia"}]}]
[{"type":"body","parameters":[{"type":"text","text":"HT-81"}]},{"type":"button","sub_type":"flow","index":0,"parameters":[{"type":"action","action":{"flow_token":"ft-81","flow_action_data":{"day":"Friday"}}}]}]
[{"type":"body","parameters":[{"type":"text","text":"482913"}]},{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"482913"}]}]
[{"type":"button","sub_type":"voice_call","index":0,"parameters":[{"type":"ttl_minutes","ttl_minutes":1440},{"type":"payload","payload":"order-81"}]}]
[{"type":"header","parameters":[{"type":"location","location":{"latitude":"51.5079","longitude":"-0.0877","name":"Harbour Tea Co.","address":"3 Quay St, London"}}]},{"type":"body","parameters":[{"type":"text","text":"HT-81"}]}]
[{"type":"header","parameters":[{"type":"document","document":{"id":"551200000000030","filename":"invoice-9981.pdf"}}]},{"type":"body","parameters":[{"type":"text","text":"9981"}]}]
[{"type":"header","parameters":[{"type":"video","video":{"link":"https://tea.example/v.mp4"}}]}]
[{"type":"body","parameters":[{"type":"currency","currency":{"fallback_value":"£10.99","code":"GBP","amount_1000":10990}},{"type":"date_time","date_time":{"fallback_value":"3 May"}}]}]
""".strip().splitlines()


@pytest.mark.parametrize("line", SPECIAL_TEMPLATES)
def test_special_templates_of_the_reference_pass_unchanged(line: str) -> None:
    components = json.loads(line)
    body = build(c.TemplateContent(name="special", language="en_GB", components=components))
    assert body["template"]["components"] == components


ORDER = {
    "reference_id": "HT-81-1",
    "type": "physical-goods",
    "currency": "INR",
    "payment_settings": [
        {"type": "payment_gateway", "payment_gateway": {"type": "razorpay", "configuration_name": "x"}}
    ],
    "total_amount": {"value": 21000, "offset": 100},
    "order": {
        "status": "pending",
        "catalog_id": "880011",
        "items": [{"retailer_id": "s", "name": "Sencha", "amount": {"value": 10000, "offset": 100}, "quantity": 2}],
        "subtotal": {"value": 20000, "offset": 100},
        "tax": {"value": 1000, "offset": 100},
        "shipping": {"value": 1000, "offset": 100},
        "discount": {"value": 1000, "offset": 100},
    },
}


def test_an_order_of_the_reference_passes_and_a_wrong_sum_is_named() -> None:
    assert build(c.OrderDetails(body="Order HT-81", parameters=ORDER))["interactive"]["action"]["parameters"] == ORDER
    wrong = {**ORDER, "total_amount": {"value": 1, "offset": 100}}
    assert ("parameters.total_amount", "sum", 1) in errors_of(c.OrderDetails(body="x", parameters=wrong))
    assert (
        build(c.OrderStatus(body="x", reference_id="HT-81-1", status="shipped"))["interactive"]["type"]
        == "order_status"
    )
    assert errors_of(c.OrderStatus(body="x", reference_id="HT-81-1", status="lost"))[0][:2] == ("status", "not_allowed")


LINK = c.MediaRef(link="https://tea.example/a.png")
WRONG: list[tuple[c.Content, str, str, object]] = [
    (c.Text(body=""), "body", "required", None),
    (c.Text(body="x" * 4097), "body", "too_long", 4096),
    (c.Image(media=c.MediaRef()), "media", "one_source", 1),
    (c.Image(media=c.MediaRef(id="1", link="https://x.example/a")), "media", "one_source", 1),
    (c.Image(media=c.MediaRef(link="ftp://x")), "media.link", "not_a_url", None),
    (c.Image(media=c.MediaRef(asset_id=ATTEMPT)), "media.asset_id", "unresolved_media", None),
    (c.Image(media=LINK, caption="x" * 1025), "caption", "too_long", 1024),
    (c.Document(media=LINK, filename="a\nb"), "filename", "line_break", None),
    (c.Location(latitude=91, longitude=0), "latitude", "out_of_range", "-90..90"),
    (c.Location(latitude=float("nan"), longitude=0), "latitude", "out_of_range", "-90..90"),
    (c.Location(latitude=1, longitude=0, address="3 Quay St"), "name", "required", None),
    (c.Contacts(contacts=[]), "contacts", "too_few", 1),
    (c.Contacts(contacts=[{"name": {"formatted_name": "x"}}]), "contacts[0].name", "too_few", 1),
    (c.Contacts(contacts=[{"name": {"formatted_name": "x", "first_name": "y"}, "fax": 1}]), "contacts[0].fax", "unknown_field", None),
    (c.Contacts(contacts=[{"name": {"formatted_name": "x", "first_name": "y"}, "birthday": "1990-02-30"}]), "contacts[0].birthday", "not_a_date", None),
    (c.Reaction(message_id="wamid.x", emoji="ok"), "emoji", "not_an_emoji", None),
    (c.Buttons(body="x", buttons=[]), "buttons", "too_few", 1),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id=str(n), title=str(n)) for n in range(4)]), "buttons", "too_many", 3),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id="a", title="x" * 21)]), "buttons[0].title", "too_long", 20),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id=" a", title="x")]), "buttons[0].id", "spaces_around", None),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id="a", title="x"), c.ReplyButton(id="b", title="x")]), "buttons.title", "not_unique", None),
    (c.Buttons(body="x" * 1025, buttons=[c.ReplyButton(id="a", title="x")]), "body", "too_long", 1024),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id="a", title="x")], footer="f" * 61), "footer", "too_long", 60),
    (c.Buttons(body="x", buttons=[c.ReplyButton(id="a", title="x")], header=c.Header(text="h" * 61)), "header.text", "too_long", 60),
    (c.ListMessage(body="x", button="b", sections=[c.ListSection(rows=[c.ListRow(id=str(n), title="t") for n in range(11)])]), "sections.rows", "too_many", 10),
    (c.ListMessage(body="x", button="b", sections=[c.ListSection(rows=[c.ListRow(id="a", title="t")])] * 2), "sections[0].title", "required", None),
    (c.ListMessage(body="x", button="b", sections=[c.ListSection(rows=[c.ListRow(id="a", title="t")])], header=c.Header(kind="image", media=LINK)), "header.kind", "not_allowed", "text"),
    (c.CtaUrl(body="x", display_text="d", url="javascript:alert(1)"), "url", "not_a_url", None),
    (c.FlowMessage(body="x", cta="y"), "flow_id", "one_of", 1),
    (c.FlowMessage(body="x", cta="y", flow_id="1", data={"a": 1}), "screen", "required", None),
    (c.FlowMessage(body="x", cta="y" * 31, flow_id="1"), "cta", "too_long", 30),
    (c.VoiceCall(body="x", ttl_minutes=0), "ttl_minutes", "out_of_range", "1..43200"),
    (c.ProductList(header=c.Header(text="h"), body="x", catalog_id="1", sections=[c.ProductSection(product_retailer_ids=[str(n) for n in range(31)])]), "sections.product_retailer_ids", "too_many", 30),
    (c.Carousel(body="x", cards=[c.Card(product=c.CardProduct(catalog_id="1", product_retailer_id="a"))]), "cards", "too_few", 2),
    (c.Carousel(body="x", cards=[c.Card(product=c.CardProduct(catalog_id=str(n), product_retailer_id="a")) for n in range(2)]), "cards.product.catalog_id", "mixed", None),
    (c.AddressRequest(body="x", country="GB"), "country", "not_allowed", "IN"),
    (c.AddressRequest(body="x"), "to", "country", "+91"),
    (c.TemplateContent(name="Order", language="en"), "name", "not_a_name", None),
    (c.TemplateContent(name="a", language="english"), "language", "not_a_language", None),
    (c.TemplateContent(name="a", language="en", components=[{"type": "body", "parameters": [{"type": "text", "text": "a\nb"}]}]), "components[0].parameters[0].text", "spacing", 4),
    (c.TemplateContent(name="a", language="en", components=[{"type": "button", "sub_type": "url", "index": 10, "parameters": [{"type": "text", "text": "a"}]}]), "components[0].index", "out_of_range", "0..9"),
    (c.TemplateContent(name="a", language="en", category="authentication", components=[{"type": "body", "parameters": [{"type": "text", "text": "1" * 16}]}]), "components[0].parameters[0].text", "too_long", 15),
    (c.TemplateContent(name="a", language="en", components=[{"type": "button", "sub_type": "copy_code", "index": 0, "parameters": [{"type": "coupon_code", "coupon_code": "A" * 21}]}]), "components[0].parameters[0].coupon_code", "too_long", 20),
    (c.TemplateContent(name="a", language="en", components=[{"type": "header", "parameters": [{"type": "image", "image": {"asset_id": "no"}}]}]), "components[0].parameters[0].image.asset_id", "not_an_id", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "field", "code", "limit"), WRONG, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_limit_is_named_with_field_code_and_limit(
    content: c.Content, field: str, code: str, limit: object
) -> None:
    assert (field, code, limit) in errors_of(content)


def test_every_mistake_is_reported_at_once() -> None:
    content = c.Buttons(body="", buttons=[c.ReplyButton(id="", title="x" * 21)], footer="f" * 61)
    assert {field for field, _, _ in errors_of(content, to="0770")} == {
        "to",
        "body",
        "buttons[0].id",
        "buttons[0].title",
        "footer",
    }


def test_addresses_are_checked() -> None:
    assert errors_of(c.Text(body="x"), to="447700900123")[0][:2] == ("to", "not_a_phone_number")
    assert errors_of(c.Text(body="x"), to=None, recipient="447700900123")[0][:2] == ("recipient", "not_a_user_id")
    code = c.TemplateContent(name="a", language="en", category="authentication")
    assert errors_of(code, to=None, recipient="GB.1")[0][:2] == ("to", "phone_required")
    assert errors_of(c.Reaction(message_id="wamid.x", emoji="👍"), reply_to="wamid.y")[0][:2] == (
        "reply_to",
        "not_allowed",
    )


def test_an_asset_may_stand_for_media_until_the_message_leaves() -> None:
    assert validate_content(c.Image(media=c.MediaRef(asset_id=ATTEMPT))) == []


def test_a_misspelled_field_is_refused_with_its_path() -> None:
    with pytest.raises(ContentInvalid) as caught:
        decode_content({"type": "buttons", "body": "x", "buttons": [{"id": "a", "titel": "b"}]})
    assert caught.value.errors[0]["field"] == "buttons[0]"
    with pytest.raises(ContentInvalid):
        decode_content(b'{"type":"hologram"}')


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(*contents.simulated.values()))
def test_content_inside_its_limits_is_valid_and_survives_storage(content: c.Content) -> None:
    assert validate_content(content) == []
    assert decode_content(encode_content(content)) == content
    assert decode_content(content_to_dict(content)) == content
    json.dumps(build(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "sub_type",
                    "index",
                    "parameters",
                    "text",
                    "image",
                    "cards",
                    "components",
                    "header",
                    "body",
                    "button",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "sub_type", "index", "parameters", "cards"]),
            JSON | st.sampled_from(["header", "body", "button", "carousel"]),
            max_size=5,
        ),
        max_size=3,
    )
)
def test_any_template_components_are_built_or_refused_never_a_crash(components: list[dict[str, Any]]) -> None:
    content = c.TemplateContent(name="a", language="en", components=components)
    try:
        build(content)
    except PayloadInvalid as error:
        assert all({"field", "code", "message"} <= item.keys() for item in error.errors)


@given(
    st.dictionaries(st.sampled_from([*ORDER, "order"]), JSON, max_size=6),
    st.lists(st.dictionaries(st.sampled_from(["name", "phones", "org", "birthday"]), JSON, max_size=4), max_size=3),
)
def test_any_order_and_any_contact_are_built_or_refused_never_a_crash(
    order: dict[str, Any], cards: list[dict[str, Any]]
) -> None:
    for content in (c.OrderDetails(body="x", parameters=order), c.Contacts(contacts=cards)):
        try:
            build(content)
        except PayloadInvalid as error:
            assert error.errors
