"""No order of requests brings somebody who stopped more than one message about it, and only one of the product's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from sojourn.consents.model import ConsentFacts, ConsentState, ScopeFact
from sojourn.countries.purposes import Purpose
from sojourn.policy.decide import decide_all
from sojourn.policy.model import (
    Allow,
    ConsentMessage,
    Facts,
    PersonFacts,
    Request,
    SenderFacts,
    WindowFacts,
    WorkspaceFacts,
)

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
ANNA, SENDER = UUID(int=1), UUID(int=2)
MESSAGE = Request(
    profile_id=ANNA, sender_id=SENDER, purpose=Purpose.CONSENT_REQUEST, requested_at=NOW, planned_at=NOW, lane=2,
    is_template=False,
)  # fmt: skip
calls = st.lists(
    st.tuples(
        st.integers(0, 3000),  # minutes after the stop
        st.lists(st.none() | st.sampled_from(ConsentMessage), min_size=1, max_size=3),  # asked for in one call
    ),
    max_size=8,
)


@given(calls, st.booleans(), st.booleans())
def test_a_stop_gives_one_confirmation(
    asked: list[tuple[int, list[ConsentMessage | None]]], reminder: bool, wrote: bool
) -> None:
    stopped = ScopeFact(state=ConsentState.WITHDRAWN, since=NOW, withdrawn_at=NOW)
    scopes = {("marketing", ""): stopped, ("marketing", "offers"): stopped}
    if wrote:
        scopes[("service", "")] = ScopeFact(state=ConsentState.GRANTED, since=NOW)
    person = PersonFacts(
        is_erased=False, address_scheme="phone", address_state="active", consents=ConsentFacts(scopes=scopes),
        zones=("Europe/London",), consent_messages=[],
        windows={SENDER: WindowFacts(last_inbound_at=NOW, window_until=NOW + timedelta(days=1))},
    )  # fmt: skip
    left: list[tuple[ConsentMessage | None, datetime]] = []
    for minutes, kinds in sorted(asked, key=lambda call: call[0]):
        now = NOW + timedelta(minutes=minutes)
        facts = Facts(
            now=now,
            workspace=WorkspaceFacts(consent_reminder=reminder),
            senders={SENDER: SenderFacts(state="active")},
            people={ANNA: replace(person, consent_messages=[(kind, at) for kind, at in left if kind is not None])},
        )
        requests = [replace(MESSAGE, requested_at=now, planned_at=now, consent_message=kind) for kind in kinds]
        decisions = decide_all(requests, facts)
        left += [(kind, now) for kind, made in zip(kinds, decisions, strict=True) if isinstance(made.outcome, Allow)]
    assert [kind for kind, _ in left] in ([], [ConsentMessage.CONFIRMATION])
