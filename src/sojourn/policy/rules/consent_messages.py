"""The product's own messages about a consent: the double opt-in question, its reminder, one confirmation of a change.

They need no opt-in, so nobody else may ask for one, and a change of consent gives exactly one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from sojourn.consents.model import ConsentFacts, ConsentState
from sojourn.countries.purposes import Purpose
from sojourn.policy.model import Case, ConsentMessage, Exclude, Fact, Reason, Verdict

JUST_CHANGED = timedelta(days=1)  # how long after a change its confirmation may still leave
Change = tuple[str, datetime]  # what the person did, and when


def consent_message(case: Case, consents: ConsentFacts) -> Verdict:
    """Whether this is one of them, and the first about what was asked for or changed."""
    kind = case.request.consent_message
    if kind is None:
        return "not_ours", Exclude(Reason.NO_CONSENT)
    if case.person.consent_messages is None:
        return None, Exclude(Reason.FACTS_MISSING)
    match kind:
        case ConsentMessage.QUESTION:
            return _question(case, consents)
        case ConsentMessage.CONFIRMATION:
            return _confirmation(case, consents)
        case _:
            assert_never(kind)


def _question(case: Case, consents: ConsentFacts) -> Verdict:
    """Something is pending: one question since it is, and a reminder where those are switched on."""
    pending = [fact.since for fact in consents.scopes.values() if fact.state is ConsentState.PENDING]
    if not pending:
        return "none", Exclude(Reason.NO_CONSENT)
    since = max((moment for moment in pending if moment is not None), default=None)
    allowed = 2 if case.workspace.consent_reminder else 1
    if _sent(case, ConsentMessage.QUESTION, since) >= allowed:
        return _seen("asked", since), Exclude(Reason.CONSENT_MESSAGE_SENT)
    return _seen("pending", since), None


def _confirmation(case: Case, consents: ConsentFacts) -> Verdict:
    """Something changed within a day, or may have been meant to: one message for each such moment."""
    changes = sorted(_changes(case.now, consents), key=lambda change: change[1])
    if not changes:
        return "none", Exclude(Reason.NO_CONSENT)
    if _sent(case, ConsentMessage.CONFIRMATION, changes[0][1]) >= len(changes):
        return _seen("confirmed", changes[-1][1]), Exclude(Reason.CONSENT_MESSAGE_SENT)
    return _seen(*changes[-1]), None


def _changes(now: datetime, consents: ConsentFacts) -> set[Change]:
    """Several scopes that change at one moment change once. That somebody wrote to us is no change of consent."""
    found: set[Change] = set()
    for (purpose, _), fact in consents.scopes.items():
        if purpose == Purpose.SERVICE:
            continue
        granted_at = fact.since if fact.state is ConsentState.GRANTED else None
        stopped_at = fact.withdrawn_at or (fact.since if fact.state is ConsentState.WITHDRAWN else None)
        for name, moment in (("granted", granted_at), ("withdrawn", stopped_at)):
            if moment is not None and moment >= now - JUST_CHANGED:
                found.add((name, moment))
    if consents.hold_since is not None:
        found.add(("hold", consents.hold_since))
    return found


def _sent(case: Case, kind: ConsentMessage, since: datetime | None) -> int:
    known: Iterable[tuple[ConsentMessage, datetime]] = (
        *(case.person.consent_messages or ()),
        *case.pressure.consent_messages,
    )
    return sum(1 for of, at in known if of is kind and (since is None or at >= since))


def _seen(what: str, moment: datetime | None) -> Fact:
    return what if moment is None else f"{what}@{int(moment.timestamp())}"
