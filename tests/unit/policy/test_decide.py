"""The rules: a table of cases, their order, the fold, and what no sequence of consents may lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.model import ConsentFacts, ConsentState, ScopeFact, Suppression, SuppressionReason
from sojourn.countries.purposes import Purpose
from sojourn.policy.decide import RULES, decide_all
from sojourn.policy.model import (
    Allow,
    ConsentMessage,
    CountryFacts,
    Defer,
    DeferReason,
    Exclude,
    Facts,
    PairFacts,
    PersonFacts,
    Reason,
    Request,
    SenderFacts,
    TemplateFacts,
    WindowFacts,
    WorkspaceFacts,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA, SENDER = UUID(int=1), UUID(int=2)
GRANTED = ScopeFact(state=ConsentState.GRANTED, since=NOW - 100 * HOUR)


def consents(**scopes: ScopeFact) -> ConsentFacts:
    return ConsentFacts(scopes={(name, ""): fact for name, fact in scopes.items()})


BOTH = consents(marketing=GRANTED, transactional=GRANTED)
PERSON = PersonFacts(
    is_erased=False, address_scheme="phone", address_state="active", consents=BOTH,
    country=CountryFacts(code="GB"), zones=("Europe/London",),
)  # fmt: skip
REQUEST = Request(
    profile_id=ANNA, sender_id=SENDER, purpose=Purpose.TRANSACTIONAL, requested_at=NOW, planned_at=NOW, lane=2,
    category="utility",
)  # fmt: skip
MARKETING = replace(REQUEST, purpose=Purpose.MARKETING, category="marketing", lane=4)
FREE = replace(REQUEST, purpose=Purpose.SERVICE, category=None, is_template=False, lane=3)
WORKSPACE = WorkspaceFacts()
SENDERS = {SENDER: SenderFacts(state="active")}
OPEN = {SENDER: WindowFacts(last_inbound_at=NOW - HOUR, window_until=NOW + 23 * HOUR)}


def decide(
    request: Request, person: PersonFacts = PERSON, workspace: WorkspaceFacts | None = WORKSPACE, **more: Any
) -> Any:
    template = more.pop("template", TemplateFacts())
    facts = Facts(
        now=more.pop("now", NOW), workspace=workspace, senders=more.pop("senders", SENDERS), people={ANNA: person}
    )
    [decision] = decide_all([request], facts, [template])
    return decision.outcome


def without_consent(**scopes: ScopeFact) -> PersonFacts:
    return replace(PERSON, consents=consents(**scopes))


QUESTION = replace(REQUEST, purpose=Purpose.CONSENT_REQUEST, consent_message=ConsentMessage.QUESTION)
CONFIRMATION = replace(QUESTION, consent_message=ConsentMessage.CONFIRMATION)


def told(person: PersonFacts, **hours_ago: float) -> PersonFacts:
    """Somebody whom we asked or told something about their consent so many hours ago."""
    return replace(
        person, consent_messages=[(ConsentMessage(kind), NOW - ago * HOUR) for kind, ago in hours_ago.items()]
    )


PENDING = ScopeFact(state=ConsentState.PENDING, since=NOW - 24 * HOUR)
WITHDRAWN = ScopeFact(state=ConsentState.WITHDRAWN, since=NOW - HOUR, withdrawn_at=NOW - HOUR)
LATE = ScopeFact(state=ConsentState.WITHDRAWN, since=NOW + HOUR, withdrawn_at=NOW + HOUR)

EXCLUSIONS: list[tuple[str, Any, Reason]] = [
    ("brake", lambda: decide(REQUEST, workspace=WorkspaceFacts(brake=True)), Reason.BRAKE),
    ("not on the allow list", lambda: decide(REQUEST, workspace=WorkspaceFacts(allow_list_on=True)), Reason.ALLOW_LIST),
    ("erased", lambda: decide(REQUEST, replace(PERSON, is_erased=True)), Reason.ERASED),
    ("manual suppression", lambda: decide(MARKETING, replace(PERSON, consents=replace(
        BOTH, suppressions=(Suppression(reason=SuppressionReason.MANUAL, channel="*"),)))), Reason.SUPPRESSED),
    ("complaint stops all", lambda: decide(REQUEST, replace(PERSON, consents=replace(
        BOTH, suppressions=(Suppression(reason=SuppressionReason.COMPLAINT, channel="*"),)))), Reason.SUPPRESSED),
    ("no address", lambda: decide(REQUEST, replace(PERSON, address_scheme=None)), Reason.NO_ADDRESS),
    ("changed identity", lambda: decide(REQUEST, replace(PERSON, address_state="identity_changed")), Reason.IDENTITY_CHANGED),
    ("unreachable", lambda: decide(REQUEST, replace(PERSON, address_state="unreachable")), Reason.UNREACHABLE),
    ("duplicate", lambda: decide(replace(REQUEST, is_duplicate=True)), Reason.DUPLICATE_ADDRESS),
    ("no record", lambda: decide(MARKETING, without_consent(transactional=GRANTED)), Reason.NO_CONSENT),
    ("pending", lambda: decide(MARKETING, without_consent(marketing=ScopeFact(state=ConsentState.PENDING))), Reason.CONSENT_PENDING),
    ("opted out", lambda: decide(MARKETING, without_consent(marketing=WITHDRAWN)), Reason.OPTED_OUT),
    ("opted out late", lambda: decide(MARKETING, without_consent(marketing=LATE)), Reason.OPTED_OUT_AFTER_QUEUE),
    ("expired", lambda: decide(MARKETING, without_consent(marketing=ScopeFact(state=ConsentState.EXPIRED))), Reason.CONSENT_EXPIRED),
    ("expires now", lambda: decide(MARKETING, without_consent(marketing=replace(GRANTED, expires_at=NOW))), Reason.CONSENT_EXPIRED),
    ("a marketing template under another purpose", lambda: decide(
        replace(REQUEST, category="marketing"), without_consent(transactional=GRANTED)), Reason.NO_CONSENT),
    ("survey as advertising", lambda: decide(replace(REQUEST, purpose=Purpose.FEEDBACK), replace(
        without_consent(transactional=GRANTED), country=CountryFacts(code="DE", feedback_is_marketing=True))), Reason.NO_CONSENT),
    ("code without request", lambda: decide(replace(REQUEST, purpose=Purpose.AUTHENTICATION), without_consent()), Reason.NO_CONSENT),
    ("service to a stranger", lambda: decide(FREE), Reason.NO_CONSENT),
    ("service too late", lambda: decide(replace(FREE, is_template=True, category="utility"), replace(PERSON, windows={
        SENDER: WindowFacts(last_inbound_at=NOW - 15 * 24 * HOUR, window_until=NOW - 14 * 24 * HOUR)})), Reason.CONSENT_EXPIRED),
    ("nothing to confirm", lambda: decide(CONFIRMATION, told(PERSON)), Reason.NO_CONSENT),
    ("nothing to ask about", lambda: decide(QUESTION, told(without_consent(marketing=WITHDRAWN))), Reason.NO_CONSENT),
    ("a confirmation that is not ours", lambda: decide(replace(CONFIRMATION, consent_message=None), told(
        without_consent(marketing=WITHDRAWN))), Reason.NO_CONSENT),
    ("who only wrote to us changed nothing", lambda: decide(CONFIRMATION, told(without_consent(
        service=replace(GRANTED, since=NOW)))), Reason.NO_CONSENT),
    ("unknown what was confirmed", lambda: decide(CONFIRMATION, without_consent(marketing=WITHDRAWN)), Reason.FACTS_MISSING),
    ("a second confirmation", lambda: decide(CONFIRMATION, told(
        without_consent(marketing=WITHDRAWN), confirmation=1)), Reason.CONSENT_MESSAGE_SENT),
    ("a second question", lambda: decide(QUESTION, told(
        without_consent(marketing=PENDING), question=23)), Reason.CONSENT_MESSAGE_SENT),
    ("platform stop", lambda: decide(MARKETING, replace(PERSON, consents=replace(BOTH, platform_stop_at=NOW))), Reason.PLATFORM_STOP),
    ("country", lambda: decide(MARKETING, replace(PERSON, country=CountryFacts(code="US", blocked_purposes=frozenset({"marketing"})))), Reason.COUNTRY),
    ("case", lambda: decide(MARKETING, replace(PERSON, holds={"marketing": "case"})), Reason.CASE_HOLD),
    ("open question about stopping", lambda: decide(MARKETING, replace(PERSON, consents=replace(BOTH, hold_since=NOW))), Reason.STOP_QUESTION),
    ("no sender", lambda: decide(replace(REQUEST, sender_id=None)), Reason.NO_SENDER),
    ("template paused", lambda: decide(REQUEST, template=TemplateFacts(problem=Reason.TEMPLATE_STATE, detail="paused")), Reason.TEMPLATE_STATE),
    ("window closed", lambda: decide(FREE, replace(PERSON, windows={
        SENDER: WindowFacts(last_inbound_at=NOW - 25 * HOUR, window_until=NOW - HOUR)})), Reason.WINDOW_CLOSED),
    ("window ends at the planned moment", lambda: decide(replace(FREE, planned_at=NOW + 23 * HOUR), replace(
        PERSON, windows=OPEN)), Reason.WINDOW_CLOSED),
    ("saturated", lambda: decide(MARKETING, replace(PERSON, saturated_until=NOW + HOUR)), Reason.SATURATED),
    ("capped", lambda: decide(MARKETING, replace(PERSON, marks=[NOW - HOUR, NOW - 2 * HOUR]), WorkspaceFacts(marketing_cap=2)), Reason.CAP),
    ("unknown consents", lambda: decide(REQUEST, replace(PERSON, consents=None)), Reason.FACTS_MISSING),
    ("unknown person", lambda: decide(replace(REQUEST, profile_id=UUID(int=9))), Reason.FACTS_MISSING),
    ("unknown workspace", lambda: decide(REQUEST, workspace=None), Reason.FACTS_MISSING),
    ("unknown country", lambda: decide(MARKETING, replace(PERSON, country=None)), Reason.FACTS_MISSING),
    ("unknown zone at night", lambda: decide(MARKETING, replace(PERSON, zones=())), Reason.FACTS_MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("name", "outcome", "reason"), EXCLUSIONS, ids=[case[0] for case in EXCLUSIONS])
def test_it_is_excluded(name: str, outcome: Any, reason: Reason) -> None:
    assert outcome() == Exclude(reason)


ALLOWED: list[tuple[str, Any]] = [
    ("transactional", lambda: decide(REQUEST)),
    ("marketing by day", lambda: decide(MARKETING)),
    ("orders in spite of an opt-out of marketing", lambda: decide(REQUEST, without_consent(transactional=GRANTED, marketing=WITHDRAWN))),
    ("orders in spite of the platform's stop", lambda: decide(REQUEST, replace(PERSON, consents=replace(BOTH, platform_stop_at=NOW)))),
    ("orders in spite of a manual suppression", lambda: decide(REQUEST, replace(PERSON, consents=replace(
        BOTH, suppressions=(Suppression(reason=SuppressionReason.MANUAL, channel="*"),))))),
    ("orders at night", lambda: decide(REQUEST, now=NOW + 11 * HOUR)),
    ("a code at the person's request", lambda: decide(replace(REQUEST, purpose=Purpose.AUTHENTICATION, evidence="r1"), without_consent())),
    ("an answer in the window", lambda: decide(FREE, replace(PERSON, windows=OPEN))),
    ("a confirmation of what just changed", lambda: decide(CONFIRMATION, told(without_consent(marketing=WITHDRAWN)))),
    ("a confirmation after one of an older change", lambda: decide(CONFIRMATION, told(
        without_consent(marketing=WITHDRAWN), confirmation=2))),
    ("a confirmation of an opt-in after that of a stop", lambda: decide(CONFIRMATION, told(without_consent(
        marketing=replace(WITHDRAWN, state=ConsentState.GRANTED, since=NOW)), confirmation=1))),
    ("a question about what is pending", lambda: decide(QUESTION, told(without_consent(marketing=PENDING), confirmation=1))),
    ("a reminder where they are switched on", lambda: decide(QUESTION, told(
        without_consent(marketing=PENDING), question=23), WorkspaceFacts(consent_reminder=True))),
    ("a notice by law", lambda: decide(replace(REQUEST, purpose=Purpose.REGULATORY), replace(PERSON, holds={"marketing": "case"}))),
    ("on the allow list", lambda: decide(REQUEST, replace(PERSON, consents=replace(BOTH, on_allow_list=True)), WorkspaceFacts(allow_list_on=True))),
    ("a stopped sender keeps it waiting", lambda: decide(REQUEST, senders={SENDER: SenderFacts(state="stopped")})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "outcome"), ALLOWED, ids=[case[0] for case in ALLOWED])
def test_it_is_allowed(name: str, outcome: Any) -> None:
    assert outcome() == Allow()


def test_marketing_waits_for_the_morning() -> None:
    night = datetime(2026, 3, 3, 22, tzinfo=UTC)
    assert decide(MARKETING, now=night) == Defer(datetime(2026, 3, 4, 8, tzinfo=UTC), DeferReason.QUIET_HOURS)


def test_the_first_rule_that_fires_is_the_reason_and_the_trace_ends_there() -> None:
    facts = Facts(
        now=NOW,
        workspace=WORKSPACE,
        senders=SENDERS,
        people={ANNA: replace(without_consent(), address_state="unreachable")},
    )
    [decision] = decide_all([MARKETING], facts)
    assert decision.outcome == Exclude(Reason.UNREACHABLE)
    assert RULES[len(decision.trace) - 1].name == "unreachable"


def test_an_allowed_request_was_seen_by_every_rule() -> None:
    [decision] = decide_all([REQUEST], Facts(now=NOW, workspace=WORKSPACE, senders=SENDERS, people={ANNA: PERSON}))
    assert len(decision.trace) == len(RULES)


def test_requests_of_a_person_weigh_on_each_other_in_order_of_lane_and_time() -> None:
    facts = Facts(now=NOW, workspace=WorkspaceFacts(marketing_cap=1), senders=SENDERS, people={ANNA: PERSON})
    later = replace(MARKETING, planned_at=NOW + HOUR)
    outcomes = [decision.outcome for decision in decide_all([later, MARKETING, REQUEST], facts)]
    assert outcomes == [Exclude(Reason.CAP), Allow(), Allow()]


def test_marketing_keeps_six_seconds_and_answers_may_borrow() -> None:
    person = replace(PERSON, windows=OPEN)
    facts = Facts(now=NOW, workspace=WORKSPACE, senders=SENDERS, people={ANNA: person})
    promotions = [replace(MARKETING, at_send=True)] * 2
    assert [decision.outcome for decision in decide_all(promotions, facts)] == [
        Allow(), Defer(NOW + timedelta(seconds=6), DeferReason.PAIR_SPACING)]  # fmt: skip
    answers = [replace(FREE, at_send=True)] * 11
    outcomes = [decision.outcome for decision in decide_all(answers, facts)]
    assert outcomes[:10] == [Allow()] * 10
    assert outcomes[10] == Defer(NOW + timedelta(seconds=6), DeferReason.PAIR_SPACING)
    blocked = replace(person, pairs={SENDER: PairFacts(blocked_until=NOW + HOUR)})
    assert decide(replace(FREE, at_send=True), blocked) == Defer(NOW + HOUR, DeferReason.PAIR_SPACING)


def test_a_portfolio_writes_to_so_many_people_a_day() -> None:
    senders = {SENDER: SenderFacts(state="active", portfolio_limit=1, portfolio_free_at=NOW + HOUR)}
    other = UUID(int=3)
    facts = Facts(now=NOW, workspace=WORKSPACE, senders=senders, people={ANNA: PERSON, other: PERSON})
    first, second = replace(REQUEST, at_send=True), replace(REQUEST, profile_id=other, at_send=True)
    assert [decision.outcome for decision in decide_all([first, second, first], facts)] == [
        Allow(), Defer(NOW + HOUR, DeferReason.PORTFOLIO_LIMIT), Allow()]  # fmt: skip
    assert (
        decide(first, replace(PERSON, windows=OPEN), senders={SENDER: replace(senders[SENDER], portfolio_used=5)})
        == Allow()
    )


states = st.sampled_from([ConsentState.GRANTED, ConsentState.PENDING, ConsentState.WITHDRAWN])


@given(
    st.sampled_from(list(Purpose)),
    st.sampled_from(["marketing", "utility", None]),
    st.booleans(),
    states,
    st.booleans(),
)
def test_marketing_never_leaves_after_a_withdrawal(
    purpose: Purpose, category: str | None, at_send: bool, other: ConsentState, window: bool
) -> None:
    person = replace(
        PERSON,
        windows=OPEN if window else {},
        consents=consents(marketing=WITHDRAWN, transactional=ScopeFact(state=other, since=NOW - HOUR)),
    )
    request = replace(REQUEST, purpose=purpose, category=category, is_template=category is not None, at_send=at_send)
    outcome = decide(request, person)
    if request.promotes:
        assert isinstance(outcome, Exclude)
