"""Decides requests: the rules in their one order, folded over each person's requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sojourn.policy.model import (
    ALLOW,
    PAIR_EVERY,
    Case,
    Decision,
    Defer,
    Exclude,
    Fact,
    Facts,
    PersonFacts,
    PortfolioUse,
    Pressure,
    Reason,
    Request,
    TemplateFacts,
    Verdict,
)
from sojourn.policy.rules import consent, limits, message, person


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule under the name that traces and explanations use."""

    name: str
    apply: Callable[[Case], Verdict]


RULES: tuple[Rule, ...] = (
    Rule("brake", person.brake),
    Rule("allow_list", person.allow_list),
    Rule("erased", person.erased),
    Rule("suppressed", person.suppressed),
    Rule("no_address", person.no_address),
    Rule("identity_changed", person.identity_changed),
    Rule("unreachable", person.unreachable),
    Rule("duplicate_address", person.duplicate_address),
    Rule("consent", consent.consent),
    Rule("platform_stop", consent.platform_stop),
    Rule("country", consent.country),
    Rule("case_hold", consent.case_hold),
    Rule("sender", message.sender),
    Rule("template", message.template),
    Rule("window", message.window),
    Rule("cap", message.cap),
    Rule("quiet_hours", limits.quiet_hours),
    Rule("portfolio_limit", limits.portfolio_limit),
    Rule("pair_spacing", limits.pair_spacing),
)
_APPLY = tuple(rule.apply for rule in RULES)
_NO_TEMPLATE_PROBLEM = TemplateFacts()
_NOBODY = PersonFacts()
_MISSING = Decision(Exclude(Reason.FACTS_MISSING), ())


def decide_all(
    requests: Sequence[Request], facts: Facts, templates: Sequence[TemplateFacts] | None = None
) -> list[Decision]:
    """One decision a request, in the order given. `templates` says request by request what stands against its message.

    The requests of a person are taken in order of lane, planned moment and request, whatever their order in the list;
    each one that is allowed or deferred counts for the caps of those after it.
    """
    if facts.workspace is None:
        return [_MISSING] * len(requests)
    decisions: list[Decision] = [_MISSING] * len(requests)
    order = sorted(range(len(requests)), key=lambda index: _order(requests[index]))
    pressures: dict[UUID, Pressure] = {}
    portfolios: dict[UUID | None, PortfolioUse] = {}
    for index in order:
        request = requests[index]
        known = facts.people.get(request.profile_id, _NOBODY)
        person_id = known.person_id or request.profile_id
        pressure = pressures.get(person_id)
        if pressure is None:
            pressure = pressures[person_id] = _pressure(known)
        portfolio = portfolios.get(request.sender_id)
        if portfolio is None:
            portfolio = portfolios[request.sender_id] = PortfolioUse(set())
        case = Case(
            facts.now,
            request,
            facts.workspace,
            None if request.sender_id is None else facts.senders.get(request.sender_id),
            known,
            _NO_TEMPLATE_PROBLEM if templates is None else templates[index],
            pressure,
            portfolio,
        )
        decision = decide(case)
        decisions[index] = decision
        _carry(case, decision)
    return decisions


def decide(case: Case) -> Decision:
    """Ask the rules one by one until one fires."""
    trace: list[Fact] = []
    for apply in _APPLY:
        fact, outcome = apply(case)
        trace.append(fact)
        if outcome is not None:
            return Decision(outcome, tuple(trace))
    return Decision(ALLOW, tuple(trace))


def _order(request: Request) -> tuple[int, float, float]:
    return request.lane, request.planned_at.timestamp(), request.requested_at.timestamp()


def _pressure(person_facts: PersonFacts) -> Pressure:
    pairs = {sender: pair.free_from for sender, pair in person_facts.pairs.items() if pair.free_from is not None}
    return Pressure(list(person_facts.marks), pairs)


def _carry(case: Case, decision: Decision) -> None:
    """Let what was decided weigh on the requests after it."""
    outcome, request = decision.outcome, case.request
    if isinstance(outcome, Exclude):
        return
    if request.promotes:
        planned = max(case.now, request.planned_at)
        case.pressure.marks.append(outcome.until if isinstance(outcome, Defer) else planned)
    if request.consent_message is not None:
        case.pressure.consent_messages.append((request.consent_message, request.requested_at))
    if isinstance(outcome, Defer) or not request.at_send or request.sender_id is None:
        return
    free_from = case.pressure.pairs.get(request.sender_id)
    case.pressure.pairs[request.sender_id] = max(free_from or case.now, case.now) + PAIR_EVERY
    if case.sender is not None and case.sender.portfolio_limit is not None and not case.person.portfolio_counted:
        window = case.person.windows.get(request.sender_id)
        if window is None or window.window_until is None or window.window_until <= case.now:
            case.portfolio.people.add(request.profile_id)
