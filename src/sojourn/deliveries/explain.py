"""A stored decision in words. Made when read, so that a row stays small and the words can improve. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sojourn.policy.decide import RULES
from sojourn.policy.model import RULESET

_NAMES = tuple(rule.name for rule in RULES)
RULES_OF: Mapping[str, tuple[str, ...]] = {RULESET: _NAMES, "2026-11": _NAMES}

REASONS: Mapping[str, str] = {
    "brake": "The workspace's brake is on: nothing leaves.",
    "allow_list": "The allow list is on and this address is not on it.",
    "erased": "The person asked to be forgotten.",
    "suppressed": "The address is on the suppression list.",
    "no_address": "The person has no address on this channel.",
    "identity_changed": "The address turned up with another person and is not confirmed since.",
    "unreachable": "The address is not reachable on this channel.",
    "duplicate_address": "Another profile with the same address gets this message.",
    "no_consent": "There is no record of the consent that this purpose needs.",
    "consent_pending": "The consent is asked for but not confirmed yet.",
    "opted_out": "The person has withdrawn their consent.",
    "opted_out_after_queue": "The person withdrew their consent after this was requested.",
    "consent_expired": "The consent has expired.",
    "consent_message_sent": "The person has had the one message about this change of their consent.",
    "platform_stop": "The person stopped marketing on the platform's own side.",
    "country": "The country pack does not allow this purpose for this number.",
    "case_hold": "Held while a case of the person is open.",
    "stop_question": "Held while the person has not answered whether they meant stop.",
    "no_sender": "The workspace has no sender for this channel.",
    "template_unknown": "There is no template of this name.",
    "template_language": "The template has no language for this person.",
    "template_state": "The template is not approved at the moment.",
    "template_purpose": "The template is for another purpose.",
    "template_variable": "A variable of the template has no value for this person.",
    "content_invalid": "The message cannot be sent in this form.",
    "window_closed": "The service window is closed: only templates can leave.",
    "saturated": "The platform spares this person more marketing for now.",
    "cap": "The person has had as much marketing as the workspace allows.",
    "facts_missing": "A fact that the rule needs is not known, so the answer is no.",
    "quiet_hours": "It waits for the end of quiet hours.",
    "sender_limit": "It waits for the rate of the sender.",
    "portfolio_limit": "It waits: the portfolio has written to as many people as it may in a day.",
    "pair_spacing": "It waits a few seconds: messages to one person keep a distance.",
}


def _flag(yes: str, no: str) -> Callable[[Any], str]:
    return lambda fact: yes if fact else no


def _moment(seconds: Any) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M UTC")


def _consent(fact: Any) -> str:
    name, _, seconds = str(fact or "unknown").partition("@")
    words = {
        "granted": "consent granted",
        "withdrawn": "consent withdrawn",
        "pending": "consent asked for, not confirmed",
        "expired": "consent expired",
        "none": "no record of consent",
        "request": "the person asked for it themselves",
        "wrote": "the person wrote to us",
        "hold": "a question about stopping is open",
        "asked": "asked to confirm already",
        "confirmed": "confirmed already",
        "not_ours": "only the product itself may ask about a consent or confirm it",
    }.get(name, name)
    return f"{words} ({_moment(seconds)})" if seconds else words


def _window(fact: Any) -> str:
    if fact is None:
        return "a template needs no window"
    return "the person never wrote to this sender" if fact == "never" else f"window until {_moment(fact)}"


def _cap(fact: Any) -> str:
    if fact is None:
        return "no cap applies"
    if isinstance(fact, str):
        return f"the platform spares the person until {_moment(fact.partition('@')[2])}"
    return f"{fact} marketing messages in the period so far"


WORDS: Mapping[str, Callable[[Any], str]] = {
    "brake": _flag("the brake is on", "the brake is off"),
    "allow_list": lambda fact: "the allow list is off" if fact is None else ("on the list" if fact else "not on it"),
    "erased": _flag("erased", "not erased"),
    "suppressed": lambda fact: "not suppressed" if fact is None else f"suppressed: {fact}",
    "no_address": lambda fact: "no address" if fact is None else f"address: {fact}",
    "identity_changed": _flag("the address changed hands", "the address is the person's"),
    "unreachable": _flag("not reachable", "reachable as far as known"),
    "duplicate_address": _flag("a duplicate", "no duplicate"),
    "consent": _consent,
    "platform_stop": lambda fact: "does not apply" if fact is None else ("no stop" if not fact else _moment(fact)),
    "country": lambda fact: "country not known" if fact is None else f"country: {fact}",
    "case_hold": lambda fact: "nothing holds it" if fact is None else f"held: {fact}",
    "sender": lambda fact: "no sender" if fact is None else f"the sender is {fact}",
    "template": lambda fact: "free-form message" if fact is None else str(fact),
    "window": _window,
    "cap": _cap,
    "quiet_hours": lambda fact: (
        "quiet hours do not apply" if fact is None else ("not quiet" if not fact else f"quiet until {_moment(fact)}")
    ),
    "portfolio_limit": lambda fact: "does not apply" if fact is None else str(fact).replace("_", " "),
    "pair_spacing": lambda fact: (
        "judged at sending" if fact is None else ("free" if not fact else f"{fact} s ahead of the spacing")
    ),
}


def explain(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decoded decision with a sentence for its outcome and a line for each rule that was looked at."""
    names = RULES_OF.get(decision["ruleset"], ())
    facts = decision["facts"]
    rules = [
        {
            "rule": name,
            "passed": index < len(facts) - 1 or decision["outcome"] == "allow",
            "fact": fact,
            "words": WORDS[name](fact) if name in WORDS else str(fact),
        }
        for index, (name, fact) in enumerate(zip(names, facts, strict=False))
    ]
    reason = decision["reason"]
    summary = "It may be sent." if reason is None else REASONS.get(reason, reason)
    return {
        "ruleset": decision["ruleset"],
        "decided_at": decision["decided_at"],
        "outcome": decision["outcome"],
        "reason": reason,
        "until": decision["until"],
        "summary": summary,
        "rules": rules,
    }
