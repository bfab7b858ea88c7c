"""No sequence of consent events with a withdrawal last leads to a marketing message: the ledger's fold and the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.ledger import ScopeRow, add_change, fold_rows
from sojourn.consents.model import ConsentFacts
from sojourn.countries.purposes import Purpose
from sojourn.policy.decide import decide_all
from sojourn.policy.model import (
    CountryFacts,
    Exclude,
    Facts,
    PersonFacts,
    Request,
    SenderFacts,
    WindowFacts,
    WorkspaceFacts,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
ANNA, SENDER, KEY = UUID(int=1), UUID(int=2), "447700900101"
Event = tuple[str, int, int | None]
events = st.lists(
    st.tuples(
        st.sampled_from(["granted", "pending", "withdrawn", "expired"]),
        st.integers(1, 60),
        st.none() | st.integers(1, 90),
    ),
    max_size=8,
)


def at(minutes_ago: int) -> datetime:
    return NOW - timedelta(minutes=minutes_ago)


def fold(changes: list[Event]) -> ConsentFacts:
    row = ScopeRow(purpose="marketing", identity_key=KEY)
    for state, ago, lasts in changes:
        row = add_change(row, state, at(ago), None if lasts is None else at(ago) + timedelta(days=lasts))
    return ConsentFacts(scopes=fold_rows([row], now=NOW, identity_keys=frozenset({KEY})))


@given(events, st.integers(0, 1), st.randoms(use_true_random=False), st.booleans(), st.booleans())
def test_a_withdrawal_last_means_no_marketing(
    history: list[Event], stopped_ago: int, random: object, at_send: bool, window: bool
) -> None:
    changes: list[Event] = [*history, ("withdrawn", stopped_ago, None)]
    random.shuffle(changes)  # type: ignore[attr-defined]  # arrival is in any order; what counts is when it was said
    opened = {SENDER: WindowFacts(last_inbound_at=at(5), window_until=NOW + timedelta(hours=23))}
    person = PersonFacts(
        is_erased=False, address_scheme="phone", address_state="active", consents=fold(changes),
        country=CountryFacts(code="GB"), zones=("Europe/London",), windows=opened if window else {},
    )  # fmt: skip
    request = Request(
        profile_id=ANNA, sender_id=SENDER, purpose=Purpose.MARKETING, requested_at=at(30), planned_at=NOW, lane=4,
        category="marketing" if not window else None, is_template=not window, at_send=at_send,
    )  # fmt: skip
    facts = Facts(
        now=NOW, workspace=WorkspaceFacts(), senders={SENDER: SenderFacts(state="active")}, people={ANNA: person}
    )
    [decision] = decide_all([request], facts)
    assert isinstance(decision.outcome, Exclude)


def test_the_opposite_order_may_send() -> None:
    facts = fold([("withdrawn", 30, None), ("granted", 5, None)])
    assert reduce(lambda found, fact: found or fact.state == "granted", facts.scopes.values(), False)
