"""What the simulator posts has no key that the collected samples do not have."""

import json
from pathlib import Path

import pytest

from cloudsim.graph import template_life
from cloudsim.simapi.setup import apply_setup
from cloudsim.webhooks.bodies import Update, envelope, serialise
from cloudsim.webhooks.signature import sign
from tests.unit.cloudsim.conftest import PHONE, WABA, Bench, interactive, order_shipped, spring_sale, text

SAMPLES = json.loads((Path(__file__).parents[2] / "cases" / "cloudsim" / "webhook-samples.json").read_text())
# Documented in the reference but in none of its samples.
DOCUMENTED = {
    "messages/value/contacts/[]/profile/username",
    "messages/value/contacts/[]/wa_id",
    "messages/value/contacts/[]/identity_key_hash",
    "messages/value/statuses/[]/recipient_identity_key_hash",
    "message_template_status_update/value/other_info",
    "flows/value/new_status",
    "flows/value/old_status",
}


def paths(value: object, where: str) -> set[str]:
    """Every place in a JSON value; the free answers inside strings do not count."""
    if isinstance(value, dict):
        found = {f"{where}/{key}" for key in value}
        return found.union(*(paths(inner, f"{where}/{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(paths(inner, f"{where}/[]") for inner in value))
    return set()


def known_paths() -> set[str]:
    found: set[str] = set()
    for sample in SAMPLES.values():
        for entry in sample["entry"]:
            for change in entry["changes"]:
                found |= paths(change["value"], f"{change['field']}/value")
    return found | DOCUMENTED


KNOWN = known_paths()


def assert_known(bench: Bench) -> None:
    assert bench.updates
    for body in bench.bodies():
        assert set(body) == {"object", "entry"}
        for entry in body["entry"]:
            assert set(entry) <= {"id", "time", "changes"}
            for change in entry["changes"]:
                assert paths(change["value"], f"{change['field']}/value") - KNOWN == set(), change


def test_statuses_have_known_keys(bench: Bench):
    bench.send(order_shipped(biz_opaque_callback_data="x"))
    bench.send(text())
    bench.go(3600)
    assert bench.states().count("read") == 1
    assert bench.codes() == [131047]
    assert_known(bench)


@pytest.mark.parametrize(
    "action",
    [
        {"name": "text", "text": "Hi"},
        {"name": "text", "text": "Hi", "referral": {"source_type": "ad", "source_id": "1"}},
        {"name": "text", "text": "Hi", "forwarded": True},
        {"name": "image", "caption": "x"},
        {"name": "video"},
        {"name": "audio"},
        {"name": "document"},
        {"name": "sticker"},
        {"name": "location", "name_": ""},
        {"name": "contacts"},
        {"name": "order"},
        {"name": "unsupported"},
        {"name": "stop_marketing"},
        {"name": "resume_marketing"},
        {"name": "change_number", "to": "447700900777"},
        {"name": "change_user_id"},
    ],
    ids=lambda action: action["name"],
)
def test_what_people_do_has_known_keys(bench: Bench, action):
    bench.act(**action)
    assert_known(bench)


def test_answers_to_messages_have_known_keys(bench: Bench):
    bench.act("text", text="Hi")
    bench.send(interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "keep", "title": "Keep it"}}]}))
    bench.send(
        interactive(
            "list",
            {
                "button": "Options",
                "sections": [
                    {"title": "Filter", "rows": [{"id": "v60", "title": "V60", "description": "Medium-fine"}]}
                ],
            },
        )
    )
    bench.send(order_shipped())
    bench.go(3600)
    bench.act("tap", text="Keep it")
    bench.act("list", row="v60")
    bench.act("tap", text="Stop updates")
    bench.act("reaction", emoji="👍")
    bench.act("reaction", emoji="")
    assert_known(bench)


def test_template_news_has_known_keys(bench: Bench):
    template = bench.sim.world.template_names[WABA, "spring_sale", "en_GB"]
    for score in ("YELLOW", "RED"):
        template_life.set_quality(bench.sim, template, score)
    bench.go(3 * 3600 + 1)
    template_life.announce_category(bench.sim, template, "UTILITY", notice_seconds=86400)
    bench.go(86401)
    template_life.disable(bench.sim, template)
    template.status = "PENDING"
    template_life.review(
        bench.sim, template, "INVALID_FORMAT", {"reason": "Adjacent parameters", "recommendation": "Text"}
    )
    assert_known(bench)


def test_a_username_hides_the_number_until_the_business_writes_to_it(bench: Bench):
    apply_setup(bench.sim, {"people": [{"wa_id": "447700900555", "name": "Nadia", "username": "nadia.o"}]})
    bench.act("text", wa_id="447700900555", text="Hi")
    [update] = bench.updates
    assert update.value["contacts"][0]["profile"]["username"] == "nadia.o"
    assert "wa_id" not in update.value["contacts"][0]
    assert "from" not in update.value["messages"][0]
    bench.send(spring_sale("+447700900555"))
    bench.act("text", wa_id="447700900555", text="Hi")
    assert bench.updates[-1].value["messages"][0]["from"] == "447700900555"
    assert_known(bench)


def test_the_published_signature_vector():
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    expected = "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
    assert sign(b"test_app_secret", body) == f"sha256={expected}"


def test_escaped_bodies_are_ascii_and_mean_the_same():
    value = {"text": "Grüße / 👍"}
    body = serialise(value, escape=True)
    assert body.isascii()
    assert b"\\/" in body
    assert json.loads(body) == value
    assert serialise(value, escape=False) == json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("merge", [False, True])
def test_a_batch_keeps_every_status_in_order(bench: Bench, merge):
    for number in range(5):
        bench.send(order_shipped(biz_opaque_callback_data=f"a{number}"))
    bench.go(3600)
    body = json.loads(envelope(bench.updates, escape=True, merge=merge))
    [entry] = body["entry"]
    assert entry["id"] == WABA
    found = [(s["status"], s["id"]) for change in entry["changes"] for s in change["value"]["statuses"]]
    assert found == [(s["status"], s["id"]) for s in bench.statuses()]
    assert len(entry["changes"]) == (1 if merge else 15)


def test_account_fields_carry_the_time_of_the_entry():
    update = Update("1", "account_update", {"event": "ACCOUNT_DELETED"}, at=1_798_000_000)
    assert json.loads(envelope([update], escape=False))["entry"][0]["time"] == 1_798_000_000
    assert PHONE
