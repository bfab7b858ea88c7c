"""The small pure parts: error catalogue, signature, answers to sends, media checks, notices, redaction, addresses."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sojourn.channels import content as c
from sojourn.channels.addresses import check_base_url
from sojourn.channels.base import Accepted, Failed, FailureReaction, Unknown
from sojourn.channels.error_page import make_page
from sojourn.channels.model import AddressRefused
from sojourn.channels.whatsapp import signature
from sojourn.channels.whatsapp.checks_live import read_check
from sojourn.channels.whatsapp.errors import classify, load_catalogue
from sojourn.channels.whatsapp.graph import Answer, NoAnswer, NotSent
from sojourn.channels.whatsapp.media_checks import check_media
from sojourn.channels.whatsapp.media_refs import asset_ids_of, resolve_assets
from sojourn.channels.whatsapp.notices import UNCHANGED, parse_tier, read_notice
from sojourn.channels.whatsapp.redact import redact_body
from sojourn.channels.whatsapp.sealing import digest_of, seal, unseal
from sojourn.channels.whatsapp.sender import read_result
from sojourn.channels.whatsapp.updates import NoticeItem
from sojourn.kit.crypto import KeyRing

ATTEMPT = UUID("018f0000-0000-7000-8000-0000000000aa")
ROOT = Path(__file__).parents[3]


def test_the_signature_fits_the_example_of_the_reference() -> None:
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    header = b"sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
    assert signature.sign(b"test_app_secret", body) == header
    assert signature.is_valid(b"test_app_secret", body, header)
    for wrong in (None, b"", b"sha256=", header[:-1], header[7:], header + b"0"):
        assert not signature.is_valid(b"test_app_secret", body, wrong)
    assert not signature.is_valid(b"test_app_secret", body + b" ", header)


def test_the_catalogue_knows_every_code_of_the_reference_with_cause_advice_and_reaction() -> None:
    catalogue = load_catalogue()
    assert len(catalogue) == 167
    assert all(entry.cause and entry.advice and entry.title for entry in catalogue.values())


REACTIONS = {
    0: "auth", 190: "auth", 10: "auth", 131005: "auth", 230: "auth", 1: "retry_later", 2: "retry_later", 131000: "retry_later",
    131016: "retry_later", 131057: "retry_later", 4: "rate_limit", 80007: "rate_limit", 130429: "rate_limit", 131056: "pair_limit",
    368: "sender_stop", 131031: "sender_stop", 133010: "sender_stop", 131042: "billing", 131026: "person_unreachable",
    131050: "platform_opt_out", 131047: "window_closed", 131049: "saturated", 130472: "saturated", 131048: "portfolio_limit",
    131064: "portfolio_limit", 132001: "template_off", 132015: "template_off", 132016: "template_off", 132000: "template_off",
    132012: "template_off", 100: "invalid", 131008: "invalid", 131009: "invalid", 130497: "country", 131030: "needs_human",
    130403: "never", 999999: "never",
}  # fmt: skip


@pytest.mark.parametrize(("code", "reaction"), REACTIONS.items())
def test_a_code_has_its_reaction(code: int, reaction: str) -> None:
    assert classify(code).reaction == reaction


def test_subcode_server_errors_and_transience_count() -> None:
    assert classify(100, 2388299).title == "Leading or trailing parameters not allowed"
    assert classify(999999, None, 503).reaction is FailureReaction.RETRY_LATER
    assert classify(None, None, 401).reaction is FailureReaction.AUTH
    assert classify(100, is_transient=True).reaction is FailureReaction.RETRY_LATER
    assert classify(131050, is_transient=True).reaction is FailureReaction.PLATFORM_OPT_OUT


def answer(status: int, body: Any, retry_after: str | None = None) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), retry_after)


def test_an_accepted_message_has_its_ids() -> None:
    body = {
        "contacts": [{"input": "+55", "wa_id": "5511"}],
        "messages": [{"id": "wamid.A", "message_status": "held_for_quality_assessment"}],
    }
    assert read_result(ATTEMPT, answer(200, body)) == Accepted(
        attempt_id=ATTEMPT, provider_message_id="wamid.A", held=True, wa_id="5511"
    )
    body = {"contacts": [{"input": "GB.1", "user_id": "GB.1", "wa_id": ""}], "messages": [{"id": "wamid.B"}]}
    assert read_result(ATTEMPT, answer(200, body)) == Accepted(
        attempt_id=ATTEMPT, provider_message_id="wamid.B", user_id="GB.1"
    )


def error(code: int, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "m", "type": "OAuthException", "error_data": {"details": "d"}, **more}}


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_error_with_a_code_is_an_answer_whatever_its_status(status: int) -> None:
    result = read_result(ATTEMPT, answer(status, error(131056)))
    assert isinstance(result, Failed)
    assert (result.code, result.reaction, result.details, result.retry_after_seconds) == (
        131056,
        "pair_limit",
        "d",
        6.0,
    )


def test_retry_after_of_the_provider_wins() -> None:
    result = read_result(ATTEMPT, answer(429, error(130429), "17"))
    assert isinstance(result, Failed)
    assert result.retry_after_seconds == 17


@pytest.mark.parametrize(
    "given",
    [
        answer(500, b"<html>"),
        answer(200, b""),
        answer(200, b"{}"),
        answer(200, {"messages": []}),
        answer(504, {"error": {}}),
        answer(408, b""),
        answer(302, b""),
        NoAnswer("TimeoutError"),
    ],
)
def test_what_may_have_been_accepted_is_unknown(given: Any) -> None:
    assert isinstance(read_result(ATTEMPT, given), Unknown)


def test_what_certainly_did_not_leave_is_tried_again() -> None:
    for given in (NotSent("ClientConnectorError"), answer(404, b"<html>"), answer(413, b"")):
        result = read_result(ATTEMPT, given)
        assert isinstance(result, Failed)
        assert result.reaction is FailureReaction.RETRY_LATER


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (511).to_bytes(3, "little") * 2


def test_files_are_checked_for_type_size_and_content() -> None:
    assert check_media("image", "image/png", PNG) == []
    assert check_media("sticker", "image/webp", WEBP) == []
    assert check_media("document", "application/pdf", b"%PDF-1.7") == []
    assert check_media("audio", "audio/ogg; codecs=opus", b"OggS" + b"\0" * 24 + b"OpusHead", voice=True) == []
    found = {
        "type": check_media("image", "image/gif", b"GIF89a"),
        "bytes": check_media("image", "image/jpeg", PNG),
        "size": check_media("image", "image/png", PNG + b"\0" * (5 * 1024 * 1024)),
        "empty": check_media("video", "video/mp4", b""),
        "sticker": check_media("sticker", "image/webp", WEBP[:24] + (99).to_bytes(3, "little") * 2),
        "voice": check_media("audio", "audio/mpeg", b"ID3", voice=True),
    }
    codes = {name: [(item["code"], item.get("limit")) for item in items] for name, items in found.items()}
    assert codes == {
        "type": [("not_allowed", "image/jpeg, image/png")],
        "bytes": [("wrong_type", None)],
        "size": [("too_large", 5 * 1024 * 1024)],
        "empty": [("required", None)],
        "sticker": [("wrong_size", 512)],
        "voice": [("voice_format", "audio/ogg; codecs=opus")],
    }


def test_assets_are_found_and_replaced_everywhere() -> None:
    first, second = UUID(int=1), UUID(int=2)
    ids = {first: "551", second: "552"}
    template = c.TemplateContent(
        name="a",
        language="en",
        components=[
            {"type": "header", "parameters": [{"type": "image", "image": {"asset_id": str(first)}}]},
            {
                "type": "carousel",
                "cards": [
                    {
                        "components": [
                            {"type": "header", "parameters": [{"type": "image", "image": {"asset_id": str(second)}}]}
                        ]
                    }
                ],
            },
        ],
    )
    card = c.Card(
        header=c.Header(kind="image", media=c.MediaRef(asset_id=second)),
        link=c.CardLink(display_text="x", url="https://x.example"),
    )
    for content, wanted in (
        (c.Image(media=c.MediaRef(asset_id=first)), {first}),
        (c.Buttons(body="x", buttons=[], header=c.Header(kind="image", media=c.MediaRef(asset_id=first))), {first}),
        (c.Carousel(body="x", cards=[card, card]), {second}),
        (template, {first, second}),
        (c.Text(body="x"), set()),
    ):
        assert asset_ids_of(content) == wanted
        resolved = resolve_assets(content, ids)
        assert asset_ids_of(resolved) == set()
        assert all(ids[asset] in repr(resolved) for asset in wanted)


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("TIER_2K", 2000),
        ("TIER_250", 250),
        ("TIER_100K", 100_000),
        (2000, 2000),
        ("2000", 2000),
        (-1, None),
        ("TIER_UNLIMITED", None),
        ("TIER_NOT_SET", UNCHANGED),
        (None, UNCHANGED),
    ],
)
def test_a_tier_is_read_in_all_spellings(value: Any, limit: int | None) -> None:
    assert parse_tier(value) == limit


def notice(field: str, kind: str, **data: Any) -> NoticeItem:
    return NoticeItem(waba_id="1", field=field, kind=kind, at=datetime(2026, 12, 1, tzinfo=UTC), data=data)


def test_restrictions_stop_sending_and_personal_news_stays_out_of_the_history() -> None:
    stop = read_notice(
        notice(
            "account_update",
            "account_update.account_restriction",
            restriction_info=[{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}],
        )
    )
    assert stop is not None
    assert (stop.what, stop.stop_reason) == ("account", "restricted")
    calm = read_notice(
        notice("account_update", "account_update.account_violation", violation_info={"violation_type": "SCAM"})
    )
    assert calm is not None
    assert (calm.stop_reason, calm.reason) == (None, "SCAM")
    assert read_notice(notice("calls", "calls.connect")) is None


def test_a_check_reads_number_and_account() -> None:
    phone = {
        "display_phone_number": "+44 20 7946 0123",
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "throughput": {"level": "HIGH"},
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
    }
    result = read_check(phone, {"currency": "GBP"}, simulated=True)
    assert result.reason is None
    assert result.found == {
        "quality": "green", "verified_name": None, "provider_status": "connected", "phone_number": "+442079460123",
        "throughput_level": "high", "throughput_per_s": 1000, "portfolio_limit": 2000, "currency": "GBP",
    }  # fmt: skip
    assert read_check({"status": "BANNED"}, {}, simulated=False).reason == "number_banned"


def test_a_person_is_taken_out_of_a_body_and_the_others_stay() -> None:
    def value(*numbers: str) -> dict[str, Any]:
        return {
            "metadata": {"phone_number_id": "401"},
            "contacts": [{"wa_id": number, "profile": {"name": f"N{number}"}} for number in numbers],
            "statuses": [{"id": f"wamid.{number}", "recipient_id": number} for number in numbers],
        }

    def body(*numbers: str) -> bytes:
        return json.dumps(
            {"object": "x", "entry": [{"id": "301", "changes": [{"field": "messages", "value": value(*numbers)}]}]}
        ).encode()

    left = redact_body(body("447700900123", "447700900456"), {"447700900123"}.__contains__)
    assert left is not None
    assert json.loads(left) == json.loads(body("447700900456"))
    assert redact_body(body("447700900123"), {"447700900123"}.__contains__) is None
    assert redact_body(b"not json 447700900123", {"447700900123"}.__contains__) is None


def test_bodies_are_sealed_and_large_ones_deflated(keys: KeyRing) -> None:
    for body in (b"", b"{}", b"x" * 100_000):
        sealed = seal(body, keys)
        assert unseal(sealed, keys) == body
        assert len(body) < 100 or len(sealed) < len(body)
    assert digest_of(ATTEMPT, b"a") != digest_of(UUID(int=1), b"a")
    assert digest_of(ATTEMPT, b"a") == digest_of(ATTEMPT, b"a")


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.facebook.com",
        "https://127.0.0.1",
        "https://localhost",
        "https://10.0.0.1",
        "https://[::1]",
        "https://169.254.169.254",
        "ftp://x",
        "https://user:x@graph.facebook.com",
        "nonsense",
        "https://x.internal",
    ],
)
def test_addresses_into_private_networks_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_base_url(url, allow_private=False)


def test_addresses_are_allowed_where_the_installation_says_so() -> None:
    assert check_base_url("http://127.0.0.1:8090/", allow_private=True) == "http://127.0.0.1:8090"
    assert check_base_url("https://graph.facebook.com", allow_private=False) == "https://graph.facebook.com"
    with pytest.raises(AddressRefused):
        check_base_url("file:///etc/passwd", allow_private=True)


def test_only_this_machine_is_allowed_where_the_installation_says_that() -> None:
    assert check_base_url("http://127.0.0.1:8090/", allow_private="loopback") == "http://127.0.0.1:8090"
    for url in ("http://169.254.169.254", "https://10.0.0.1", "http://graph.facebook.com", "https://shop.internal"):
        with pytest.raises(AddressRefused):
            check_base_url(url, allow_private="loopback")


def test_the_page_of_errors_is_made_from_the_catalogue() -> None:
    assert (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8") == make_page()
