"""The request and response pairs of the Cloud API reference, 2.23."""

import base64

import pytest

from tests.unit.cloudsim.conftest import NADIA, PHONE, Bench, order_shipped, text


def test_a_template_send_answers_with_input_wa_id_and_message_status(bench: Bench):
    status, answer = bench.post(order_shipped(recipient_type="individual", biz_opaque_callback_data="job-55:step-2"))
    assert status == 200
    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": "+447700900123", "wa_id": "447700900123"}]
    [message] = answer["messages"]
    assert set(message) == {"id", "message_status"}
    assert message["message_status"] == "accepted"


def test_an_outbound_wamid_has_the_observed_layout(bench: Bench):
    blob = base64.b64decode(bench.send(order_shipped()).removeprefix("wamid."))
    assert blob[:15] == b"\x1c\x18\x0c" + NADIA.encode()
    assert blob[15:21] == b"\x15\x02\x00\x11\x18\x12"
    assert blob[-1] == 0
    assert len(blob) == 40


def test_a_business_scoped_id_is_answered_without_wa_id(bench: Bench):
    bsuid = bench.sim.world.bsuid(bench.sim.world.people[NADIA], "601234567890123")
    assert bsuid.startswith("GB.")
    status, answer = bench.post({"recipient": bsuid, "type": "text", "text": {"body": "Hello"}})
    assert status == 200
    assert answer["contacts"] == [{"input": bsuid, "user_id": bsuid}]


def test_a_read_receipt_with_typing_indicator_succeeds(bench: Bench):
    wamid = bench.act("text", text="Hi")
    body = {"status": "read", "message_id": wamid, "typing_indicator": {"type": "text"}}
    assert bench.post(body) == (200, {"success": True})


def wrong_name() -> dict:
    body = order_shipped()
    body["template"]["name"] = "order_shiped"
    return body


def one_parameter_short() -> dict:
    body = order_shipped()
    body["template"]["components"][1]["parameters"].pop()
    return body


@pytest.mark.parametrize(
    ("body", "status", "code", "message", "details"),
    [
        (
            wrong_name(),
            404,
            132001,
            "(#132001) Template name does not exist in the translation",
            "template name (order_shiped) does not exist in en_GB",
        ),
        (
            one_parameter_short(),
            400,
            132000,
            "(#132000) Number of parameters does not match the expected number of params",
            "body: number of localizable_params (1) does not match the expected number of params (2)",
        ),
        (
            {"to": "+447700900123", "type": "text", "text": {}},
            400,
            100,
            "(#100) Invalid parameter",
            "text.body is required",
        ),
    ],
)
def test_refusals_have_the_documented_shape(bench: Bench, body, status, code, message, details):
    found, answer = bench.post(body)
    error = answer["error"]
    assert (found, error["code"], error["message"], error["type"]) == (status, code, message, "OAuthException")
    assert error["error_data"] == {"messaging_product": "whatsapp", "details": details}
    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}


def test_a_test_number_reaches_its_list_only(bench: Bench):
    bench.sim.world.phones[PHONE].allow_list = []
    status, answer = bench.post(text())
    assert (status, answer["error"]["code"]) == (400, 131030)
    assert answer["error"]["message"] == "(#131030) Recipient phone number not in allowed list"


def test_an_unknown_object_is_100_with_subcode_33(bench: Bench):
    status, answer = bench.call("POST", "/v26.0/999/messages", text())
    assert status == 400
    assert answer["error"]["type"] == "GraphMethodException"
    assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (100, 33)
    assert answer["error"]["message"].startswith("Unsupported post request. Object with ID '999' does not exist")


@pytest.mark.parametrize("edge", ["calls", "groups", "payments_refund"])
def test_calls_groups_and_payments_are_not_there(bench: Bench, edge):
    status, answer = bench.call("POST", f"/v26.0/{PHONE}/{edge}", {})
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


def test_an_expired_token_is_190_with_subcode_463(bench: Bench):
    bench.sim.world.tokens["EAAsimulated"].expires_at = bench.clock.at
    status, answer = bench.post(text())
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (401, 190, 463)
    assert answer["error"]["message"] == "Error validating access token: Session has expired."


def test_a_token_in_the_query_and_no_version_will_do(bench: Bench):
    status, _ = bench.call("GET", f"/{PHONE}?access_token=EAAsimulated&fields=id", token="")
    assert status == 200


def test_throughput_is_130429_with_its_old_subcode(bench: Bench):
    bench.sim.world.phones[PHONE].throughput_mps = 1
    bench.send(order_shipped())
    status, answer = bench.post(order_shipped())
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 130429, 2494055)
    bench.go(1)
    bench.send(order_shipped())
