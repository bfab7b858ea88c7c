"""Faults by rule: what goes wrong, for which calls or callbacks, and how often."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from cloudsim.identifiers import Dice
from cloudsim.jsontypes import Json, Unfit

API_KINDS = frozenset(
    {
        "error",
        "latency",
        "answer_lost",
        "timeout",
        "refuse",
        "token_expired",
        "malformed_json",
        "rate_limit",
        "server_error",
        "template_paused",
    }
)
WEBHOOK_KINDS = frozenset(
    {"duplicate", "delay", "shuffle", "withhold", "drop_first", "lose", "malformed", "bad_signature"}
)
MATCH_KEYS = frozenset(
    {"endpoint", "method", "phone_number_id", "recipient", "template", "type", "field", "kind", "app_id"}
)


@dataclass(slots=True)
class Rule:
    """One fault. `count` is how often it may still strike, None for ever; `nth` counts matches from 1."""

    id: str
    kind: str
    match: Json
    params: Json
    count: int | None = None
    nth: frozenset[int] = frozenset()
    every: int = 0
    probability: float = 1.0
    seen: int = 0
    hits: int = 0

    def strikes(self, facts: dict[str, str], seed: str) -> bool:
        if self.count == 0 or not matches(self.match, facts):
            return False
        self.seen += 1
        if self.nth and self.seen not in self.nth:
            return False
        if self.every and self.seen % self.every:
            return False
        if self.probability < 1.0 and Dice(f"{seed}:{self.id}:{self.seen}").roll(0) >= self.probability:
            return False
        if self.count is not None:
            self.count -= 1
        self.hits += 1
        return True

    def number(self, name: str, default: float) -> float:
        value = self.params.get(name, default)
        return float(value)

    def view(self) -> Json:
        return {
            "id": self.id,
            "kind": self.kind,
            "match": self.match,
            **self.params,
            "count": self.count,
            "seen": self.seen,
            "hits": self.hits,
        }


def matches(wanted: Json, facts: dict[str, str]) -> bool:
    """Every wanted key equals the fact, or names it in a list, or ends in `*` and begins like it."""
    for key, value in wanted.items():
        fact = facts.get(key, "")
        options = value if isinstance(value, list) else [value]
        if not any(_fits(str(option), fact) for option in options):
            return False
    return True


def _fits(option: str, fact: str) -> bool:
    if option.endswith("*"):
        return fact.startswith(option[:-1])
    return option == fact


@dataclass
class Faults:
    seed: str
    api: list[Rule] = field(default_factory=list)
    webhook: list[Rule] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, spec: Json) -> Rule:
        """Raises Unfit for a kind or a match key that nobody knows: a typo would test nothing."""
        kind = str(spec.get("kind", ""))
        if kind not in API_KINDS | WEBHOOK_KINDS:
            raise Unfit(f"unknown kind {kind!r}; known: {', '.join(sorted(API_KINDS | WEBHOOK_KINDS))}")
        match = spec.get("match") or {}
        if not isinstance(match, dict) or not set(match) <= MATCH_KEYS:
            raise Unfit(f"match takes {', '.join(sorted(MATCH_KEYS))}")
        if "recipient" in match:
            match = {**match, "recipient": _digits(match["recipient"])}
        nth = spec.get("nth") or []
        rule = Rule(
            id=str(spec.get("id") or f"fault-{next(self.numbers)}"),
            kind=kind,
            match=match,
            params={
                key: value
                for key, value in spec.items()
                if key not in {"id", "kind", "match", "count", "nth", "every", "probability"}
            },
            count=spec.get("count"),
            nth=frozenset([nth] if isinstance(nth, int) else nth),
            every=int(spec.get("every") or 0),
            probability=float(spec.get("probability", 1.0)),
        )
        self.remove(rule.id)
        (self.webhook if kind in WEBHOOK_KINDS else self.api).append(rule)
        return rule

    def remove(self, rule_id: str) -> None:
        self.api = [rule for rule in self.api if rule.id != rule_id]
        self.webhook = [rule for rule in self.webhook if rule.id != rule_id]

    def clear(self) -> None:
        self.api.clear()
        self.webhook.clear()

    def for_call(self, facts: dict[str, str]) -> list[Rule]:
        return [rule for rule in self.api if rule.strikes(facts, self.seed)]

    def for_update(self, facts: dict[str, str]) -> list[Rule]:
        return [rule for rule in self.webhook if rule.strikes(facts, self.seed)]


def _digits(value: Any) -> Any:
    if isinstance(value, list):
        return [_digits(item) for item in value]
    return str(value).lstrip("+")
