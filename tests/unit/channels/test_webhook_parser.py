"""The webhook parser: survives anything, loses nothing, takes nothing else along."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channels.whatsapp.updates import MessageItem, NoticeItem, StatusItem, UnknownItem
from sojourn.channels.whatsapp.webhook import MalformedWebhook, parse_webhook

RECEIVED = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
METADATA = {"display_phone_number": "15557700100", "phone_number_id": "401234567890123"}
CONTACT = {"profile": {"name": "Nadia"}, "wa_id": "447700900123", "user_id": "GB.1"}


def envelope(value: Any, field: str = "messages") -> dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "301", "changes": [{"field": field, "value": value}]}],
    }


def parse(value: Any, field: str = "messages") -> list[Any]:
    return parse_webhook(json.dumps(envelope(value, field)).encode(), received_at=RECEIVED).updates


def status(**more: Any) -> dict[str, Any]:
    return {"id": "wamid.A", "status": "sent", "timestamp": "1798000020", "recipient_id": "447700900123", **more}


def test_our_correlation_comes_back_as_the_attempt_id_and_a_foreign_one_does_not() -> None:
    attempt = UUID("018f0000-0000-7000-8000-0000000000aa")
    ours, foreign = parse(
        {
            "metadata": METADATA,
            "statuses": [status(biz_opaque_callback_data=str(attempt)), status(biz_opaque_callback_data="x" * 36)],
        }
    )
    assert (ours.attempt_id, foreign.attempt_id) == (attempt, None)


def test_one_strange_status_takes_no_other_along() -> None:
    first, second, third = parse(
        {"metadata": METADATA, "statuses": [status(), 7, status(timestamp=1798000021, id="wamid.B")]}
    )
    assert isinstance(first, StatusItem)
    assert isinstance(second, UnknownItem)
    assert isinstance(third, StatusItem)
    assert third.at == datetime.fromtimestamp(1798000021, UTC)


def test_an_unknown_status_word_and_an_unknown_field_are_kept() -> None:
    assert isinstance(parse({"metadata": METADATA, "statuses": [status(status="warning")]})[0], UnknownItem)
    [unknown] = parse({"anything": [1]}, "brand_new_field")
    assert (unknown.field, unknown.reason, unknown.data) == ("brand_new_field", "unknown field", {"anything": [1]})
    assert isinstance(parse({"metadata": METADATA, "brand_new_list": [1]})[0], UnknownItem)


def test_a_new_kind_of_message_is_a_message_of_that_kind() -> None:
    message = {
        "from": "447700900123",
        "id": "wamid.C",
        "timestamp": "1798000011",
        "type": "hologram",
        "hologram": {"a": 1},
    }
    [item] = parse({"metadata": METADATA, "contacts": [CONTACT], "messages": [message]})
    assert isinstance(item, MessageItem)
    assert (item.kind, item.data, item.user_id) == ("hologram", {"hologram": {"a": 1}}, "GB.1")


def test_a_character_that_the_database_refuses_is_replaced() -> None:
    message = {
        "from": "447700900123",
        "id": "wamid.C",
        "timestamp": "1798000011",
        "type": "text",
        "text": {"body": "a\x00b"},
    }
    [item] = parse({"metadata": METADATA, "messages": [message]})
    assert item.text == "a\ufffdb"
    half = (
        json.dumps(envelope({"metadata": METADATA, "messages": [message]})).replace("a\\u0000b", "a\\ud83db").encode()
    )
    [item] = parse_webhook(half, received_at=RECEIVED).updates
    assert item.text == "a\ufffdb"


@pytest.mark.parametrize("moment", ["", "soon", "-5", "99999999999999999999", None, True, [], 1e300])
def test_an_absurd_moment_becomes_the_moment_of_receipt(moment: Any) -> None:
    assert parse({"metadata": METADATA, "statuses": [status(timestamp=moment)]})[0].at == RECEIVED


def test_everybody_in_a_body_is_listed_for_erasure() -> None:
    body = envelope({"metadata": METADATA, "contacts": [CONTACT], "statuses": [status(recipient_user_id="GB.1")]})
    webhook = parse_webhook(json.dumps(body).encode(), received_at=RECEIVED)
    assert webhook.people == {"447700900123", "GB.1"}
    history = {
        "history": [{"metadata": {}, "threads": [{"id": "447700900456", "messages": [{"from": "447700900123"}]}]}]
    }
    webhook = parse_webhook(json.dumps(envelope(history, "history")).encode(), received_at=RECEIVED)
    assert {"447700900123", "447700900456"} <= webhook.people


def test_quality_news_under_the_wrong_field_is_understood() -> None:
    value = {
        "new_quality_score": "RED",
        "message_template_id": 7,
        "message_template_name": "a",
        "message_template_language": "en-GB",
    }
    [item] = parse(value, "message_template_status_update")
    assert (item.event, item.quality, item.language, item.provider_template_id) == ("quality", "red", "en_GB", "7")


def test_calls_payments_and_groups_do_not_look_like_statuses_of_messages() -> None:
    for more, kind in (
        ({"type": "payment", "status": "captured"}, "payment.captured"),
        ({"recipient_type": "group"}, "group_status.sent"),
    ):
        [item] = parse({"metadata": METADATA, "statuses": [status(**more)]})
        assert isinstance(item, NoticeItem)
        assert item.kind == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"entry":{}}',
        b'{"object":"x"}',
        b"[" * 100_000,
        b'{"entry":' + b"[" * 100_000,
    ],
)
def test_what_is_no_webhook_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        parse_webhook(body, received_at=RECEIVED)


def test_a_body_of_a_thousand_updates_keeps_its_order() -> None:
    updates = parse({"metadata": METADATA, "statuses": [status(id=f"wamid.{n}") for n in range(1000)]})
    assert [update.provider_message_id for update in updates] == [f"wamid.{n}" for n in range(1000)]


KEYS = st.sampled_from(
    [
        "metadata", "phone_number_id", "statuses", "messages", "contacts", "errors", "user_preferences", "id", "status", "timestamp",
        "type", "from", "from_user_id", "text", "body", "interactive", "button_reply", "image", "system", "pricing", "code", "event",
        "message_template_id", "message_template_name", "message_template_language", "history", "threads", "calls", "groups", "value",
        "wa_id", "user_id", "profile", "context", "recipient_type", "biz_opaque_callback_data", "alert_info", "other_info", "reason",
    ]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(
        ["sent", "text", "system", "image", "interactive", "1798000011", "group", "stop", "user_changed_number"]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    [
        "messages", "user_preferences", "message_template_status_update", "message_template_quality_update", "template_category_update",
        "account_update", "account_alerts", "calls", "history", "group_lifecycle_update", "smb_message_echoes", "security", "flows", "other",
    ]
)  # fmt: skip


@given(FIELDS, VALUES, VALUES, VALUES)
def test_the_parser_survives_arbitrary_json(field: str, value: Any, message: Any, stray: Any) -> None:
    shaped = {"metadata": METADATA, "messages": [message], "statuses": [message], "user_preferences": [message]}
    for body in (
        envelope(value, field),
        envelope(shaped, field),
        {"entry": [stray, {"id": stray, "changes": stray, "time": value}]},
    ):
        raw = json.dumps(body).encode()
        webhook = parse_webhook(raw, received_at=RECEIVED)
        for update in webhook.updates:
            assert update.waba_id is not None
        assert "\x00" not in repr(webhook.people)


@given(st.binary(max_size=80))
def test_the_parser_survives_arbitrary_bytes(body: bytes) -> None:
    with contextlib.suppress(MalformedWebhook):
        parse_webhook(body, received_at=RECEIVED)
