"""What becomes of accepted messages: people, limits, prices, quotas."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudsim.jsontypes import Unfit
from cloudsim.pricing import Windows, is_policy_b, price
from cloudsim.scenarios.quotas import Quotas
from cloudsim.simapi.setup import apply_setup
from tests.unit.cloudsim.conftest import NADIA, PHONE, START, WABA, Bench, interactive, order_shipped, spring_sale, text

HOUR, DAY = 3600.0, 86400.0


def people(bench: Bench, count: int) -> list[str]:
    numbers = [f"44770090{n:04d}" for n in range(2000, 2000 + count)]
    apply_setup(bench.sim, {"people": [{"wa_id": number} for number in numbers]})
    return numbers


def person(bench: Bench):
    return bench.sim.world.people[NADIA]


@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("on_whatsapp", False, 131026),
        ("fail_with", 130497, 130497),
        ("stopped", frozenset({"601234567890123"}), 131050),
        ("country", "US", 131049),
        ("has_blocked", frozenset({PHONE}), 131026),
        ("marketing_cap", 0, 131049),
    ],
)
def test_why_marketing_fails(bench: Bench, attribute, value, code):
    setattr(person(bench), attribute, value)
    bench.send(spring_sale())
    bench.go(HOUR)
    assert bench.codes() == [code]
    assert "contacts" not in bench.updates[0].value


def test_utility_is_not_touched_by_a_marketing_stop(bench: Bench):
    bench.act("stop_marketing")
    bench.send(order_shipped())
    bench.go(HOUR)
    assert bench.states() == ["sent", "delivered", "read"]
    bench.act("resume_marketing")
    bench.send(spring_sale())
    bench.go(HOUR)
    assert bench.codes() == []


def test_the_marketing_cap_counts_what_was_delivered_in_a_day(bench: Bench):
    bench.sim.settings.marketing_cap = 2
    for _ in range(3):
        bench.send(spring_sale())
        bench.go(HOUR)
    assert bench.codes() == [131049]
    bench.go(DAY)
    bench.send(spring_sale())
    bench.go(HOUR)
    assert bench.codes() == [131049]


def test_the_share_of_people_with_a_code_is_the_same_every_time(bench: Bench):
    bench.sim.settings.probabilities = {"131049": 0.3}
    numbers = people(bench, 100)
    for _ in range(2):
        for number in numbers:
            bench.send(spring_sale(number))
        bench.go(HOUR)
    failed = [status["recipient_id"] for status in bench.statuses() if status["status"] == "failed"]
    assert 15 < len(set(failed)) < 45
    assert len(failed) == 2 * len(set(failed))


def test_the_portfolio_limit_counts_unique_people_outside_the_window(bench: Bench):
    bench.sim.world.portfolios["601234567890123"].limit = "2"
    first, second, third = people(bench, 3)
    for number in (first, second, second, third):
        bench.send(spring_sale(number))
        bench.go(HOUR)
    assert bench.codes() == [131048]
    bench.act("text", wa_id=third, text="Hi")
    bench.send(spring_sale(third))
    bench.go(DAY)
    assert bench.codes() == [131048]
    bench.send(spring_sale(third))
    bench.go(HOUR)
    assert bench.codes() == [131048]


def test_an_offline_person_gets_it_later_or_never(bench: Bench):
    bench.act("offline")
    bench.send(order_shipped())
    bench.go(HOUR)
    assert bench.states() == ["sent"]
    bench.act("online")
    bench.go(HOUR)
    assert bench.states() == ["sent", "delivered", "read"]
    bench.act("offline")
    wamid = bench.send(order_shipped())
    bench.go(31 * DAY)
    bench.act("online")
    bench.go(HOUR)
    assert bench.sim.world.messages[wamid].state == "expired"
    assert bench.states()[3:] == ["sent"]


def test_receipts_off_means_no_read(bench: Bench):
    person(bench).receipts = False
    bench.send(order_shipped())
    bench.go(HOUR)
    assert bench.states() == ["sent", "delivered"]


def test_what_the_business_blocked_fails_and_cannot_write(bench: Bench):
    body = {"messaging_product": "whatsapp", "block_users": [{"user": "+" + NADIA}]}
    status, answer = bench.call("POST", f"/v26.0/{PHONE}/block_users", body)
    assert (status, answer["error"]["code"]) == (400, 139100)
    assert answer["block_users"]["failed_users"][0]["errors"][0]["code"] == 131047
    bench.act("text", text="Hi")
    assert bench.call("POST", f"/v26.0/{PHONE}/block_users", body)[0] == 200
    bench.send(order_shipped())
    bench.go(HOUR)
    assert bench.codes() == [130403]
    with pytest.raises(Unfit):
        bench.act("text", text="Hello?")


def test_a_changed_number_leaves_the_old_one_dead(bench: Bench):
    bench.act("change_number", to="447700900777")
    bench.send(order_shipped())
    bench.go(HOUR)
    assert bench.codes() == [131026]
    assert bench.updates[0].value["messages"][0]["system"]["type"] == "user_changed_number"


def test_held_messages_follow_the_verdict(bench: Bench):
    from cloudsim.graph import template_life

    template = bench.sim.world.template_names[WABA, "spring_sale", "en_GB"]
    for verdict, expected in (("good", "delivered"), ("bad", "failed")):
        template.pacing, template.sends, template.status = {"first_batch": 1, "verdict": verdict}, 0, "APPROVED"
        bench.updates.clear()
        first, second = (bench.post(spring_sale())[1]["messages"][0] for _ in range(2))
        assert (first["message_status"], second["message_status"]) == ("accepted", "held_for_quality_assessment")
        bench.go(HOUR)
        assert {status["id"] for status in bench.statuses()} == {first["id"]}
        template_life.judge_pacing(bench.sim, template)
        bench.go(HOUR)
        assert expected in [status["status"] for status in bench.statuses() if status["id"] == second["id"]]


def test_reports_lower_the_quality_until_the_template_pauses_and_comes_back(bench: Bench):
    template = bench.sim.world.template_names[WABA, "spring_sale", "en_GB"]
    bench.send(spring_sale())
    bench.go(HOUR)
    for _ in range(3):
        bench.act("report")
    assert (template.status, template.quality) == ("PAUSED", "RED")
    bench.go(3 * HOUR + 1)
    assert template.status == "APPROVED"


def test_rules_answer_by_themselves(bench: Bench):
    apply_setup(
        bench.sim,
        {
            "people": [
                {
                    "wa_id": NADIA,
                    "behaviour": {
                        "replies": [
                            {"when": {"button_text": "Stop promos"}, "do": {"tap": "Stop promos"}, "after_seconds": 5},
                            {"when": {"any": True}, "do": [{"text": "ok"}, {"reaction": "👍"}]},
                        ]
                    },
                }
            ]
        },
    )
    bench.send(spring_sale())
    bench.go(HOUR)
    bench.send(order_shipped())
    bench.go(HOUR)
    kinds = [m["type"] for update in bench.updates for m in update.value.get("messages", ())]
    assert kinds == ["button", "text", "reaction"]


def test_service_messages_are_free_a_thousand_times_a_month(bench: Bench):
    bench.sim.settings.free_tier = 2
    bench.act("text", text="Hi")
    for _ in range(3):
        bench.send(text())
        bench.go(60)
    types = [status["pricing"]["type"] for status in bench.statuses() if status["status"] == "sent"]
    assert types == ["free_customer_service", "free_customer_service", "regular"]


def test_an_answer_to_an_ad_opens_the_free_entry_point(bench: Bench):
    bench.act("text", text="Hi", referral={"source_type": "ad", "source_id": "1"})
    bench.send(text())
    bench.go(HOUR)
    bench.go(25 * HOUR)
    bench.send(spring_sale())
    bench.go(HOUR)
    sent = [status for status in bench.statuses() if status["status"] == "sent"]
    assert [status["pricing"]["type"] for status in sent] == ["free_entry_point", "free_entry_point"]
    assert int(sent[0]["conversation"]["expiration_timestamp"]) == int(START + 72 * HOUR)


@pytest.mark.parametrize(
    ("category", "service", "free_entry", "policy_b", "expected"),
    [
        ("marketing", True, False, True, ("regular", "marketing")),
        ("utility", True, False, False, ("free_customer_service", "utility")),
        ("utility", True, False, True, ("regular", "utility")),
        ("utility", False, False, False, ("regular", "utility")),
        ("authentication", True, False, False, ("regular", "authentication")),
        ("service", True, False, False, ("free_customer_service", "service")),
        ("service", True, False, True, ("regular", "service")),
        ("marketing", False, True, True, ("free_entry_point", "referral_conversion")),
    ],
)
def test_the_price_table(category, service, free_entry, policy_b, expected):
    found = price(category, Windows(service=service, free_entry=free_entry), policy_b=policy_b, free_left=False)
    assert (found["type"], found["category"]) == expected
    assert found["billable"] is (expected[0] == "regular")


def test_the_policy_changes_at_midnight_where_the_account_lives():
    moment = datetime(2026, 9, 30, 22, 30, tzinfo=UTC).timestamp()
    assert is_policy_b(moment, "Europe/Amsterdam")
    assert not is_policy_b(moment, "UTC")


def test_quotas_deal_exactly_the_story_of_the_spring_campaign(bench: Bench):
    bench.sim.settings.default.read = 0.0
    bench.sim.quotas.add(
        {
            "match": {"template": "spring_sale"},
            "seed": 3,
            "next": [
                {"count": 32, "fail": 131049},
                {"count": 13, "fail": 131026},
                {"count": 2, "fail": 131050, "after_sent": True},
                {
                    "count": 59,
                    "behaviour": {
                        "read": 41,
                        "click": 7,
                        "do": [{"count": 3, "action": {"action": "tap", "text": "Stop promos"}}],
                        "stop_marketing": 2,
                    },
                },
            ],
        }
    )
    for number in people(bench, 106):
        bench.send(spring_sale(number))
    bench.go(DAY)
    states, codes = bench.states(), bench.codes()
    assert (states.count("delivered"), states.count("read"), states.count("failed")) == (59, 41, 47)
    assert (codes.count(131049), codes.count(131026), codes.count(131050)) == (32, 13, 2)
    taps = [m for update in bench.updates for m in update.value.get("messages", ()) if m["type"] == "button"]
    stops = [update for update in bench.updates if update.field == "user_preferences"]
    assert (len(taps), len(stops)) == (3, 2)
    readers = {status["recipient_id"] for status in bench.statuses() if status["status"] == "read"}
    assert {m["from"] for m in taps} | {update.wa_id for update in stops} <= readers


@given(st.integers(0, 60), st.data())
def test_nested_counts_always_add_up(count, data):
    read = data.draw(st.integers(0, count))
    click = data.draw(st.integers(0, read))
    tap = data.draw(st.integers(0, read))
    quotas = Quotas()
    quotas.add(
        {
            "next": [
                {
                    "count": count,
                    "behaviour": {"read": read, "click": click, "do": [{"count": tap, "action": {"action": "tap"}}]},
                }
            ]
        }
    )
    plans = [quotas.deal({}) for _ in range(count)]
    assert sum(bool(plan and plan.get("read")) for plan in plans) == read
    assert sum(bool(plan and plan.get("click")) for plan in plans) == click
    assert sum(bool(plan and plan.get("do")) for plan in plans) == tap
    assert quotas.deal({}) is None


def test_counts_that_do_not_nest_are_refused():
    with pytest.raises(Unfit):
        Quotas().add({"next": [{"count": 5, "behaviour": {"read": 6}}]})


def test_a_flow_is_answered_with_its_token(bench: Bench):
    flow = {"version": "7.3", "screens": [{"id": "A", "terminal": True, "layout": {"children": [{"type": "Footer"}]}}]}
    import json

    status, answer = bench.call(
        "POST",
        f"/v26.0/{WABA}/flows",
        {"name": "slots", "categories": ["OTHER"], "flow_json": json.dumps(flow), "publish": True},
    )
    assert (status, answer["validation_errors"]) == (200, [])
    bench.act("text", text="Hi")
    bench.send(
        interactive(
            "flow",
            {
                "name": "flow",
                "parameters": {
                    "flow_message_version": "3",
                    "flow_id": answer["id"],
                    "flow_cta": "Book",
                    "flow_token": "ft-81",
                },
            },
        )
    )
    bench.go(HOUR)
    bench.act("flow_reply", response={"slot": "18:00"})
    reply = bench.updates[-1].value["messages"][0]["interactive"]["nfm_reply"]
    assert json.loads(reply["response_json"]) == {"flow_token": "ft-81", "slot": "18:00"}
