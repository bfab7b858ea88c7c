"""What people read: the funnel that sums, decisions in words; and what nobody may read: codes and card numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sojourn.deliveries.explain import REASONS, WORDS, explain
from sojourn.deliveries.funnel import fold_funnel
from sojourn.deliveries.model import Status
from sojourn.deliveries.trace import decode_decision, encode_decision
from sojourn.messages.masking import mask_cards, mask_code, mask_values
from sojourn.policy.decide import RULES
from sojourn.policy.model import Allow, Decision, Defer, DeferReason, Exclude, Reason

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
rows = st.builds(
    dict,
    status=st.sampled_from([status.value for status in Status]),
    reason=st.none() | st.sampled_from(["no_consent", "131049"]),
    deliveries=st.integers(0, 1000),
    read=st.just(0),
    replied=st.just(0),
)


@given(st.lists(rows, max_size=20))
def test_the_funnel_always_sums(counts: list[dict[str, Any]]) -> None:
    f = fold_funnel(counts)
    assert f.requested == sum(row["deliveries"] for row in counts)
    assert f.requested == f.excluded + f.cancelled + f.expired + f.queued + f.deferred + f.unknown + f.left
    assert f.left == f.failed + f.delivered + f.not_reported
    assert sum(f.excluded_by.values()) == f.excluded
    assert sum(f.failed_by.values()) == f.failed


def test_every_rule_and_every_reason_has_words() -> None:
    assert {rule.name for rule in RULES} == WORDS.keys()
    assert {reason.value for reason in (*Reason, *DeferReason)} <= REASONS.keys()


def test_a_stored_decision_is_told_rule_by_rule() -> None:
    decision = Decision(Exclude(Reason.OPTED_OUT), (0, None, 0, None, "phone", 0, 0, 0, "withdrawn@1772524800"))
    told = explain(decode_decision(encode_decision(decision, NOW)))
    assert (told["outcome"], told["reason"], told["decided_at"]) == ("exclude", "opted_out", NOW)
    assert told["rules"][-1] == {
        "rule": "consent",
        "passed": False,
        "fact": "withdrawn@1772524800",
        "words": "consent withdrawn (2026-03-03 08:00 UTC)",
    }
    assert told["rules"][0]["words"] == "the brake is off"
    assert len(encode_decision(decision, NOW)) < 150


def test_allowed_and_deferred_decisions_keep_their_moments() -> None:
    deferred = decode_decision(encode_decision(Decision(Defer(NOW, DeferReason.QUIET_HOURS), (0,)), NOW))
    assert (deferred["until"], deferred["reason"]) == (NOW, "quiet_hours")
    assert explain(decode_decision(encode_decision(Decision(Allow(), (0,)), NOW)))["rules"][0]["passed"]


def test_card_numbers_are_masked_but_for_their_end() -> None:
    assert mask_cards("my card 4111 1111 1111 1111 please") == "my card •••• •••• •••• 1111 please"
    assert mask_cards("order 4111111111111112") == "order 4111111111111112"
    assert mask_cards("+447700900101") == "+447700900101"
    assert mask_cards(None) is None


def test_a_code_that_was_sent_stays_readable_nowhere() -> None:
    assert "482913" not in (mask_code("Your code is 482913.") or "")
    assert mask_values({"code": "482913", "list": [1, {"x": "a"}]}) == {
        "code": "••••••",
        "list": ["••••••", {"x": "••••••"}],
    }
