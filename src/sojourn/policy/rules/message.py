"""Rules about the message itself: sender, template, window, caps."""

from __future__ import annotations

from datetime import timedelta

from sojourn.policy.model import Case, Exclude, Reason, Verdict


def sender(case: Case) -> Verdict:
    """There must be a sender of the workspace on this channel; a stopped one keeps the message waiting."""
    if case.sender is None:
        return None, Exclude(Reason.NO_SENDER)
    return case.sender.state, None


def template(case: Case) -> Verdict:
    """State, language and variables of the template, or the shape of a free-form message."""
    problem = case.template.problem
    if problem is not None:
        return case.template.detail or problem.value, Exclude(problem)
    return case.request.category, None


def window(case: Case) -> Verdict:
    """Free-form messages leave only inside the service window of the pair."""
    if case.request.is_template:
        return None, None
    facts = case.person.windows.get(case.request.sender_id) if case.request.sender_id else None
    until = None if facts is None else facts.window_until
    if until is None:
        return "never", Exclude(Reason.WINDOW_CLOSED)
    if until <= max(case.now, case.request.planned_at):
        return int(until.timestamp()), Exclude(Reason.WINDOW_CLOSED)
    return int(until.timestamp()), None


def cap(case: Case) -> Verdict:
    """Marketing rests while the platform spares the person more of it, and keeps under the workspace's cap."""
    if not case.request.promotes:
        return None, None
    rest = case.person.saturated_until
    moment = max(case.now, case.request.planned_at)
    if rest is not None and rest > moment:
        return f"rest@{int(rest.timestamp())}", Exclude(Reason.SATURATED)
    limit = case.workspace.marketing_cap
    if limit <= 0:
        return None, None
    days = timedelta(days=case.workspace.marketing_cap_days)
    used = sum(1 for mark in case.pressure.marks if abs(moment - mark) < days)
    return used, Exclude(Reason.CAP) if used >= limit else None
