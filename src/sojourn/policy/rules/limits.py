"""Rules that make a message wait: quiet hours, the portfolio's limit, spacing to one person."""

from __future__ import annotations

from datetime import timedelta

from sojourn.countries.purposes import Purpose
from sojourn.policy.model import PAIR_BURST, PAIR_EVERY, Case, Defer, DeferReason, Exclude, Reason, Verdict
from sojourn.policy.quiet_hours import next_allowed


def quiet_hours(case: Case) -> Verdict:
    """Marketing rests at night in every zone that the person may be in; other purposes where the workspace says so."""
    if not _rests_at_night(case):
        return None, None
    if not case.person.zones:
        return None, Exclude(Reason.FACTS_MISSING)
    moment = max(case.now, case.request.planned_at)
    start, end = case.workspace.quiet_from_minute, case.workspace.quiet_until_minute
    country = case.person.country
    spans = [(start, end)]
    if country is not None and country.quiet_from_minute is not None and country.quiet_until_minute is not None:
        spans.append((country.quiet_from_minute, country.quiet_until_minute))
    allowed = next_allowed(moment, zones=case.person.zones, quiet=spans)
    if allowed > moment:
        return int(allowed.timestamp()), Defer(allowed, DeferReason.QUIET_HOURS)
    return 0, None


def _rests_at_night(case: Case) -> bool:
    workspace = case.workspace
    if not workspace.quiet_hours_on:
        return False
    purpose = case.request.purpose
    if case.request.promotes:
        return True
    if purpose is Purpose.REGULATORY:
        return workspace.quiet_regulatory
    return workspace.quiet_transactional and purpose in {Purpose.TRANSACTIONAL, Purpose.FEEDBACK}


def portfolio_limit(case: Case) -> Verdict:
    """People a moving day that a portfolio may write to outside a window; judged when the message is about to leave."""
    sender = case.sender
    if not case.request.at_send or sender is None or sender.portfolio_limit is None:
        return None, None
    window = case.person.windows.get(case.request.sender_id) if case.request.sender_id else None
    if window is not None and window.window_until is not None and window.window_until > case.now:
        return "window_open", None
    if case.person.portfolio_counted or case.request.profile_id in case.portfolio.people:
        return "counted", None
    used = sender.portfolio_used + len(case.portfolio.people)
    if used >= sender.portfolio_limit:
        until = max(sender.portfolio_free_at or case.now, case.now + timedelta(minutes=1))
        return used, Defer(until, DeferReason.PORTFOLIO_LIMIT)
    return used, None


def pair_spacing(case: Case) -> Verdict:
    """One message per six seconds from a sender to a person; what does not promote may borrow a burst of ten."""
    sender_id = case.request.sender_id
    if not case.request.at_send or sender_id is None:
        return None, None
    pair = case.person.pairs.get(sender_id)
    if pair is not None and pair.blocked_until is not None and pair.blocked_until > case.now:
        return "blocked", Defer(pair.blocked_until, DeferReason.PAIR_SPACING)
    free_from = case.pressure.pairs.get(sender_id)
    if free_from is None or free_from <= case.now:
        return 0, None
    lead = free_from - case.now
    allowed = timedelta(0) if case.request.promotes else PAIR_EVERY * (PAIR_BURST - 1)
    if lead > allowed:
        return int(lead.total_seconds()), Defer(free_from - allowed, DeferReason.PAIR_SPACING)
    return int(lead.total_seconds()), None
