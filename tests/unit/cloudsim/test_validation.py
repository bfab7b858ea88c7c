"""What is refused at once, and with which code."""

import pytest

from tests.unit.cloudsim.conftest import NADIA, PHONE, WABA, Bench, interactive, order_shipped, spring_sale, text


def buttons(*titles: str) -> dict:
    return {"buttons": [{"type": "reply", "reply": {"id": f"b{n}", "title": title}} for n, title in enumerate(titles)]}


def rows(count: int) -> dict:
    return {
        "button": "Options",
        "sections": [{"title": "A", "rows": [{"id": f"r{n}", "title": f"R{n}"} for n in range(count)]}],
    }


REFUSED = {
    "no recipient": ({"type": "text", "text": {"body": "x"}}, 100),
    "no number": ({"to": "hello", "type": "text", "text": {"body": "x"}}, 100),
    "own number": ({"to": "+15557700100", "type": "text", "text": {"body": "x"}}, 131021),
    "unknown type": (text(type="carrier_pigeon"), 100),
    "group": (text(recipient_type="group"), 131041),
    "text too long": (text("x" * 4097), 100),
    "opaque too long": (text(biz_opaque_callback_data="x" * 513), 100),
    "strange bsuid": ({"recipient": "GB.1", "type": "text", "text": {"body": "x"}}, 131009),
    "image without source": ({"to": "+447700900123", "type": "image", "image": {}}, 100),
    "image with two sources": ({"to": "+447700900123", "type": "image", "image": {"id": "1", "link": "http://x"}}, 100),
    "unknown media": ({"to": "+447700900123", "type": "image", "image": {"id": "1"}}, 100),
    "audio with caption": (
        {"to": "+447700900123", "type": "audio", "audio": {"link": "http://x", "caption": "c"}},
        100,
    ),
    "latitude": ({"to": "+447700900123", "type": "location", "location": {"latitude": 91, "longitude": 0}}, 100),
    "contacts without name": ({"to": "+447700900123", "type": "contacts", "contacts": [{"name": {}}]}, 131008),
    "reaction without message": ({"to": "+447700900123", "type": "reaction", "reaction": {"emoji": "👍"}}, 131009),
    "four buttons": (interactive("button", buttons("a", "b", "c", "d")), 100),
    "same titles": (interactive("button", buttons("a", "a")), 131009),
    "long title": (interactive("button", buttons("x" * 21)), 131009),
    "eleven rows": (interactive("list", rows(11)), 131009),
    "unknown interactive": (interactive("quiz", {}), 100),
    "cta without scheme": (
        interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "x", "url": "x"}}),
        131009,
    ),
    "unknown flow": (
        interactive(
            "flow", {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Go"}}
        ),
        131009,
    ),
    "address outside India": (
        interactive("address_message", {"name": "address_message", "parameters": {"country": "IN"}}),
        131009,
    ),
    "read of nothing": ({"status": "read", "message_id": "wamid.x"}, 131009),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(bench: Bench, name):
    body, code = REFUSED[name]
    assert bench.refusal(body) == code
    assert bench.sim.world.counts.accepted == 0


@pytest.mark.parametrize("kind", [["text"], {"a": 1}, 7, None, True])
def test_a_type_that_is_no_text_is_refused_without_a_word_in_the_log(bench: Bench, caplog, kind):
    assert bench.refusal(text(type=kind)) == 100
    assert caplog.records == []


def test_other_parameters_of_a_wrong_type_leave_one_line_in_the_log(bench: Bench, caplog):
    card = {"card_index": 0, "components": 7}
    template = {
        "name": "spring_sale",
        "language": {"code": ["en_GB"]},
        "components": [{"type": ["body"], "cards": [card]}],
    }
    assert bench.refusal({"to": "+447700900123", "type": "template", "template": template}) > 0
    assert all(record.exc_info is None for record in caplog.records)


ACCEPTED = {
    "text": text("x" * 4096),
    "reply": text(context={"message_id": "wamid.x"}),
    "location": {"to": "+447700900123", "type": "location", "location": {"latitude": "51.5", "longitude": -0.08}},
    "contacts": {
        "to": "+447700900123",
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "I", "first_name": "I"}}],
    },
    "buttons": interactive(
        "button", buttons("a", "b", "c"), footer={"text": "f"}, header={"type": "text", "text": "h"}
    ),
    "list": interactive("list", rows(10)),
    "cta": interactive(
        "cta_url", {"name": "cta_url", "parameters": {"display_text": "Go", "url": "https://tea.example"}}
    ),
    "location request": interactive("location_request_message", {"name": "send_location"}),
    "contact request": interactive("request_contact_info", {"name": "request_contact_info"}),
    "catalog": interactive("catalog_message", {"name": "catalog_message"}),
    "product": interactive("product", {"catalog_id": "1", "product_retailer_id": "2"}),
    "products": interactive(
        "product_list",
        {"catalog_id": "1", "sections": [{"title": "A", "product_items": [{"product_retailer_id": "x"}]}]},
        header={"type": "text", "text": "h"},
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_inside_the_window(bench: Bench, name):
    bench.act("text", text="Hi")
    bench.send(ACCEPTED[name])
    bench.go(3600)
    assert bench.states() == ["sent", "delivered", "read"]


def changed(change) -> dict:
    body = order_shipped()
    change(body["template"]["components"])
    return body


SENDS = {
    "no header": (changed(lambda c: c.pop(0)), 132000),
    "no button parameter": (changed(lambda c: c.pop(2)), 131008),
    "name missing": (changed(lambda c: c[1]["parameters"][0].pop("parameter_name")), 132012),
    "image for text": (changed(lambda c: c[0]["parameters"][0].update(type="image", image={"id": "1"})), 132012),
    "newline": (changed(lambda c: c[1]["parameters"][0].update(text="a\nb")), 132018),
    "five spaces": (changed(lambda c: c[1]["parameters"][0].update(text="a     b")), 132018),
    "too long": (changed(lambda c: c[1]["parameters"][0].update(text="x" * 1000)), 132005),
    "no such button": (changed(lambda c: c[2].update(index=7)), 132000),
    "wrong button": (changed(lambda c: c[2].update(index=1)), 132012),
}


@pytest.mark.parametrize("name", SENDS)
def test_template_parameters_are_checked(bench: Bench, name):
    body, code = SENDS[name]
    assert bench.refusal(body) == code


def test_a_paused_or_disabled_template_is_refused(bench: Bench):
    template = bench.sim.world.template_names[WABA, "spring_sale", "en_GB"]
    for status, code in (("PENDING", 132001), ("PAUSED", 132015), ("DISABLED", 132016)):
        template.status = status
        assert bench.refusal(spring_sale()) == code


def test_an_authentication_template_takes_its_code_twice_and_no_business_scoped_id(bench: Bench):
    def login(**to: str) -> dict:
        return {
            **to,
            "type": "template",
            "template": {
                "name": "login_code",
                "language": {"code": "en_GB"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "482913"}]},
                    {
                        "type": "button",
                        "sub_type": "url",
                        "index": "0",
                        "parameters": [{"type": "text", "text": "482913"}],
                    },
                ],
            },
        }

    bench.send(login(to="+" + NADIA))
    bsuid = bench.sim.world.bsuid(bench.sim.world.people[NADIA], "601234567890123")
    assert bench.refusal(login(recipient=bsuid)) == 131062


@pytest.mark.parametrize(("attribute", "value", "code"), [("state", "RESTRICTED", 368), ("state", "LOCKED", 131031)])
def test_the_state_of_the_account_counts(bench: Bench, attribute, value, code):
    setattr(bench.sim.world.wabas[WABA], attribute, value)
    assert bench.refusal(order_shipped()) == code


def test_an_unregistered_number_cannot_send(bench: Bench):
    bench.sim.world.phones[PHONE].registered = False
    assert bench.refusal(order_shipped()) == 133010


@pytest.mark.parametrize("model", ["bucket", "borrow"])
def test_the_pace_to_one_person_is_limited(bench: Bench, model):
    bench.sim.settings.pair_limit = model
    for _ in range(45):
        bench.send(order_shipped())
    assert bench.refusal(order_shipped()) == 131056
    bench.go(7)
    if model == "bucket":
        bench.send(order_shipped())
    assert bench.refusal(order_shipped()) == 131056
    bench.go(45 * 6)
    bench.send(order_shipped())


def test_bodies_that_are_no_json_are_refused(bench: Bench):
    status, answer = bench.call("POST", f"/v26.0/{PHONE}/messages", raw=b"{nonsense")
    assert (status, answer["error"]["code"]) == (400, 100)


def test_form_bodies_and_query_parameters_will_do(bench: Bench):
    status, answer = bench.call("POST", f"/v26.0/{PHONE}?pin=123456")
    assert (status, answer) == (200, {"success": True})
    status, answer = bench.call(
        "POST",
        f"/v26.0/{PHONE}/request_code",
        raw=b"code_method=SMS&language=en",
        headers={b"content-type": b"application/x-www-form-urlencoded"},
    )
    assert answer["error"]["code"] == 136024


@pytest.mark.parametrize(
    ("given", "wa_id"),
    [
        ("+44 (7700) 900-123", "447700900123"),
        ("447700900123", "447700900123"),
        ("(631) 555-1234", "16315551234"),
        ("+521 55 1234 5678", "525512345678"),
    ],
)
def test_numbers_are_normalised(bench: Bench, given, wa_id):
    status, answer = bench.post({"to": given, **{k: v for k, v in order_shipped().items() if k != "to"}})
    assert status == 200
    assert answer["contacts"] == [{"input": given, "wa_id": wa_id}]
