"""The stored form of a decision: ruleset, outcome, reason, and the fact that each rule saw. Small; words come later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sojourn.kit import json
from sojourn.policy.model import Allow, Decision, Defer, Exclude


def encode_decision(decision: Decision, at: datetime) -> bytes:
    """A decision as it is stored: `[ruleset, seconds, outcome, reason, until, [facts …]]`."""
    outcome = decision.outcome
    reason: str | None = None
    until: int | None = None
    match outcome:
        case Exclude():
            name, reason = "exclude", outcome.reason.value
        case Defer():
            name, reason, until = "defer", outcome.reason.value, int(outcome.until.timestamp())
        case Allow():
            name = "allow"
    return json.encode([decision.ruleset, int(at.timestamp()), name, reason, until, decision.trace])


def decode_decision(data: bytes) -> dict[str, Any]:
    """The parts by name; moments are aware UTC datetimes."""
    ruleset, at, outcome, reason, until, facts = json.decode(bytes(data))
    return {
        "ruleset": ruleset,
        "decided_at": datetime.fromtimestamp(at, UTC),
        "outcome": outcome,
        "reason": reason,
        "until": None if until is None else datetime.fromtimestamp(until, UTC),
        "facts": facts,
    }
