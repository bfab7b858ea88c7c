"""The fold of the ledger: order never matters, and a withdrawal that is last ends marketing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.facts import PersonRows, fold_person
from sojourn.consents.ledger import ScopeRow, add_change, fold_rows, merge_rows
from sojourn.consents.model import ConsentFacts, ConsentState, Purpose
from sojourn.policy.decide import decide_all
from sojourn.policy.model import (
    Allow,
    CountryFacts,
    Defer,
    Exclude,
    Facts,
    PersonFacts,
    Request,
    SenderFacts,
    WorkspaceFacts,
)

T0 = datetime(2026, 3, 3, 8, tzinfo=UTC)
NOW = T0 + timedelta(days=400)
MARKETING = ("marketing", "")

moments = st.integers(0, 30).map(lambda hours: T0 + timedelta(hours=hours))
states = st.sampled_from(["granted", "withdrawn", "pending", "expired"])
ends = st.none() | st.integers(1, 60).map(lambda hours: T0 + timedelta(hours=hours))
addresses = st.sampled_from(["tel:1", "tel:2", ""])
topics = st.sampled_from(["", "offers", "events"])
changes = st.lists(st.tuples(states, moments, ends, addresses, topics), max_size=12)


def fold(said: list[tuple[str, datetime, datetime | None, str, str]], now: datetime = NOW, keys=frozenset({"tel:1"})):  # type: ignore[no-untyped-def]
    rows: dict[tuple[str, str], ScopeRow] = {}
    for state, at, end, address, topic in said:
        row = rows.get((address, topic)) or ScopeRow(purpose="marketing", topic=topic, identity_key=address)
        rows[(address, topic)] = add_change(row, state, at, end)
    return fold_rows(rows.values(), now=now, identity_keys=keys)


def state_of(said: list[tuple[str, datetime, datetime | None, str, str]], now: datetime = NOW) -> ConsentState:
    fact = fold(said, now).get(MARKETING)
    return fact.state if fact else ConsentState.NONE


@given(changes, st.randoms())
def test_the_order_of_entry_does_not_matter(said, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(said)
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(said)
    assert fold([*said, *said]) == fold(said)


@given(changes, addresses, st.sampled_from(["", "offers"]), st.integers(0, 1000))
def test_no_sequence_with_a_withdrawal_last_grants_marketing(said, address, topic, later) -> None:  # type: ignore[no-untyped-def]
    last = max((at for _, at, _, _, _ in said), default=T0)
    stopped = [*said, ("withdrawn", last, None, address, topic)]
    facts = fold(stopped, now=last + timedelta(hours=later))
    for (_, of), fact in facts.items():
        if topic in {"", of}:
            assert fact.state is not ConsentState.GRANTED
            assert fact.state is not ConsentState.PENDING


@given(changes)
def test_merging_rows_is_associative_commutative_and_idempotent(said) -> None:  # type: ignore[no-untyped-def]
    rows = [add_change(ScopeRow(purpose="marketing"), state, at, end) for state, at, end, _, _ in said]
    forward = reduce(merge_rows, rows, ScopeRow(purpose="marketing"))
    backward = reduce(merge_rows, reversed(rows), ScopeRow(purpose="marketing"))
    assert forward == backward == merge_rows(forward, backward)


def test_states_follow_effective_time() -> None:
    one, two = T0, T0 + timedelta(hours=1)
    grant, stop = ("granted", one, None, "tel:1", ""), ("withdrawn", two, None, "", "")
    assert state_of([grant]) is ConsentState.GRANTED
    assert state_of([grant, stop]) is ConsentState.WITHDRAWN
    assert state_of([stop, grant]) is ConsentState.WITHDRAWN, "an older grant never lifts a withdrawal"
    assert state_of([("granted", two, None, "tel:1", ""), stop]) is ConsentState.WITHDRAWN, "equal times"
    assert state_of([stop, ("granted", two + timedelta(seconds=1), None, "tel:1", "")]) is ConsentState.GRANTED


def test_an_end_denies_from_its_instant() -> None:
    end = T0 + timedelta(hours=5)
    grant = ("granted", T0, end, "tel:1", "")
    assert state_of([grant], now=end - timedelta(microseconds=1)) is ConsentState.GRANTED
    assert state_of([grant], now=end) is ConsentState.EXPIRED
    assert state_of([("pending", T0, end, "tel:1", "")], now=end) is ConsentState.EXPIRED


def test_a_changed_number_inherits_no_grant_but_every_stop() -> None:
    assert state_of([("granted", T0, None, "tel:2", "")]) is ConsentState.NONE
    assert state_of([("granted", T0, None, "tel:1", ""), ("withdrawn", NOW, None, "tel:2", "")]) is (
        ConsentState.WITHDRAWN
    )


def test_a_pending_question_demotes_no_grant() -> None:
    grant, asked = ("granted", T0, None, "tel:1", ""), ("pending", T0 + timedelta(hours=1), None, "tel:1", "")
    assert state_of([grant, asked]) is ConsentState.GRANTED
    assert state_of([asked]) is ConsentState.PENDING


def test_a_stop_on_all_channels_stops_this_one_and_a_general_grant_does_not_open_it() -> None:
    def facts(channel: str, state: str, general: bool = False):  # type: ignore[no-untyped-def]
        row = add_change(ScopeRow(purpose="marketing"), state, T0)
        return fold_person(PersonRows(rows=[(channel, row)]), channel="push", now=NOW, accept_general=general)

    assert facts("*", "withdrawn").state(Purpose.MARKETING) is ConsentState.WITHDRAWN
    assert facts("*", "granted").state(Purpose.MARKETING) is ConsentState.NONE
    assert facts("*", "granted", general=True).state(Purpose.MARKETING) is ConsentState.GRANTED
    assert facts("push", "granted").state(Purpose.MARKETING) is ConsentState.GRANTED


@given(changes, addresses, st.integers(0, 1000))
def test_after_a_last_withdrawal_the_policy_lets_no_marketing_out(said, address, later) -> None:  # type: ignore[no-untyped-def]
    last = max((at for _, at, _, _, _ in said), default=T0)
    now = last + timedelta(hours=later)
    rows = [
        ("whatsapp", add_change(ScopeRow(purpose="marketing", topic=topic, identity_key=of), state, at, end))
        for state, at, end, of, topic in [*said, ("withdrawn", last, None, address, "")]
    ]
    consents = fold_person(PersonRows(rows=rows), channel="whatsapp", now=now)
    for topic in (None, "offers"):
        assert isinstance(decide_marketing(consents, now, topic), Exclude)
    granted = add_change(ScopeRow(purpose="marketing"), "granted", last + timedelta(seconds=1))
    facts = {("marketing", ""): fold_rows([granted], now=now + timedelta(days=1))[MARKETING]}
    assert isinstance(decide_marketing(ConsentFacts(scopes=facts), now + timedelta(days=1), None), Allow | Defer)


def decide_marketing(consents: ConsentFacts, now: datetime, topic: str | None) -> Allow | Defer | Exclude:
    person, sender = UUID(int=1), UUID(int=2)
    facts = Facts(
        now=now,
        workspace=WorkspaceFacts(quiet_hours_on=False),
        senders={sender: SenderFacts(state="active")},
        people={
            person: PersonFacts(
                is_erased=False,
                address_scheme="phone",
                address_state="active",
                consents=consents,
                country=CountryFacts(code="GB"),
                zones=("Europe/London",),
            )
        },
    )
    request = Request(
        profile_id=person,
        sender_id=sender,
        purpose=Purpose.MARKETING,
        requested_at=T0,
        planned_at=now,
        lane=4,
        topic=topic,
        category="marketing",
        template="spring_roast",
    )
    [decision] = decide_all([request], facts)
    return decision.outcome
