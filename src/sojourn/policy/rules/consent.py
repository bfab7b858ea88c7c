"""Rules about what the person agreed to and what they stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from sojourn.consents.model import ConsentFacts, ConsentState, ScopeFact
from sojourn.countries.purposes import Purpose
from sojourn.policy.model import Case, Exclude, Fact, Reason, Verdict
from sojourn.policy.rules.consent_messages import consent_message


def consent(case: Case) -> Verdict:
    """The record that the purpose needs: no record, no message."""
    consents = case.person.consents
    if consents is None:
        return None, Exclude(Reason.FACTS_MISSING)
    purpose = case.request.purpose
    if case.request.promotes:
        # What the provider bills as marketing needs the consent for marketing, whatever it is called.
        return _granted(case, consents.scope(Purpose.MARKETING, case.request.topic))
    match purpose:
        case Purpose.TRANSACTIONAL | Purpose.REGULATORY:
            return _granted(case, consents.scope(Purpose.TRANSACTIONAL))
        case Purpose.FEEDBACK:
            needed = Purpose.MARKETING if _feedback_is_marketing(case) else Purpose.TRANSACTIONAL
            return _granted(case, consents.scope(needed))
        case Purpose.AUTHENTICATION:
            return _own_request(case, consents)
        case Purpose.SERVICE:
            return _wrote_to_us(case)
        case Purpose.CONSENT_REQUEST:
            return consent_message(case, consents)
        case Purpose.MARKETING:
            raise AssertionError("marketing promotes")
        case _:
            assert_never(purpose)


def _feedback_is_marketing(case: Case) -> bool:
    country = case.person.country
    return country is not None and country.feedback_is_marketing


def _granted(case: Case, fact: ScopeFact) -> Verdict:
    state = fact.state
    if state is ConsentState.GRANTED:
        if fact.expires_at is not None and fact.expires_at <= case.now:
            return _seen(ConsentState.EXPIRED, fact.expires_at), Exclude(Reason.CONSENT_EXPIRED)
        return _seen(state, fact.since), None
    if state is ConsentState.WITHDRAWN:
        withdrawn_at = fact.withdrawn_at or fact.since
        late = withdrawn_at is not None and withdrawn_at > case.request.requested_at
        reason = Reason.OPTED_OUT_AFTER_QUEUE if late else Reason.OPTED_OUT
        return _seen(state, withdrawn_at), Exclude(reason)
    if state is ConsentState.PENDING:
        return _seen(state, fact.since), Exclude(Reason.CONSENT_PENDING)
    if state is ConsentState.EXPIRED:
        return _seen(state, fact.expires_at), Exclude(Reason.CONSENT_EXPIRED)
    return "none", Exclude(Reason.NO_CONSENT)


def _own_request(case: Case, consents: ConsentFacts) -> Verdict:
    """A code: the person's own request is the evidence, else any opt-in on this channel."""
    if case.request.evidence:
        return "request", None
    for fact in consents.scopes.values():
        if fact.state is ConsentState.GRANTED and (fact.expires_at is None or fact.expires_at > case.now):
            return _seen(fact.state, fact.since), None
    return "none", Exclude(Reason.NO_CONSENT)


def _wrote_to_us(case: Case) -> Verdict:
    """Service: the person wrote to this sender not too long ago."""
    window = case.person.windows.get(case.request.sender_id) if case.request.sender_id else None
    last = None if window is None else window.last_inbound_at
    if last is None:
        return "none", Exclude(Reason.NO_CONSENT)
    if case.now - last > timedelta(days=case.workspace.service_case_days):
        return f"wrote@{int(last.timestamp())}", Exclude(Reason.CONSENT_EXPIRED)
    return f"wrote@{int(last.timestamp())}", None


def _seen(state: ConsentState, moment: datetime | None) -> Fact:
    return state.value if moment is None else f"{state.value}@{int(moment.timestamp())}"


def platform_stop(case: Case) -> Verdict:
    """The person stopped marketing on the platform's own side; only their resume there lifts it."""
    if not case.request.promotes and not (case.request.purpose is Purpose.FEEDBACK and _feedback_is_marketing(case)):
        return None, None
    consents = case.person.consents
    if consents is None:
        return None, Exclude(Reason.FACTS_MISSING)
    if consents.platform_stop_at is not None:
        return int(consents.platform_stop_at.timestamp()), Exclude(Reason.PLATFORM_STOP)
    return 0, None


def country(case: Case) -> Verdict:
    """What the country pack forbids, marketing on WhatsApp to United States numbers among it."""
    facts = case.person.country
    if facts is None:
        if case.request.promotes:
            return None, Exclude(Reason.FACTS_MISSING)
        return None, None
    purpose = Purpose.MARKETING if case.request.promotes else case.request.purpose
    if purpose.value in facts.blocked_purposes:
        return facts.code, Exclude(Reason.COUNTRY)
    return facts.code, None


def case_hold(case: Case) -> Verdict:
    """Held while a case or a question about stopping is open."""
    purpose = Purpose.MARKETING if case.request.promotes else case.request.purpose
    reason = case.person.holds.get(purpose.value)
    if reason is not None:
        return reason, Exclude(Reason.CASE_HOLD)
    consents = case.person.consents
    if case.request.promotes and consents is not None and consents.hold_since is not None:
        return "stop_question", Exclude(Reason.STOP_QUESTION)
    return None, None
