"""Exact outcomes: a deck of fates, dealt to matching messages in the order in which they arrive."""

import itertools
import random
from array import array
from dataclasses import dataclass, field

from cloudsim.jsontypes import Json, Unfit
from cloudsim.scenarios.faults import MATCH_KEYS, matches

PLAN_KEYS = frozenset(
    {"delivered", "read", "click", "do", "stop_marketing", "block", "read_after_seconds", "after_seconds"}
)

NAMED: dict[str, Json] = {"delivered": {"read": False}, "read": {"read": True}, "sent": {"delivered": False}}


@dataclass(slots=True)
class Deck:
    id: str
    match: Json
    plans: list[Json]
    cards: "array[int]"
    dealt: int = 0

    def view(self) -> Json:
        return {
            "id": self.id,
            "match": self.match,
            "size": len(self.cards),
            "dealt": self.dealt,
            "left": len(self.cards) - self.dealt,
        }


@dataclass
class Quotas:
    decks: list[Deck] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def add(self, spec: Json) -> Deck:
        """Raises Unfit when the entries cannot be understood."""
        match = spec.get("match") or {}
        if not isinstance(match, dict) or not set(match) <= MATCH_KEYS:
            raise Unfit(f"match takes {', '.join(sorted(MATCH_KEYS))}")
        plans, cards = _cards(spec.get("next") or [])
        if spec.get("seed") is not None:
            shuffled = list(cards)
            random.Random(str(spec["seed"])).shuffle(shuffled)
            cards = array("L", shuffled)
        deck = Deck(str(spec.get("id") or f"quota-{next(self.numbers)}"), match, plans, cards)
        self.decks = [known for known in self.decks if known.id != deck.id] + [deck]
        return deck

    def deal(self, facts: dict[str, str]) -> Json | None:
        """The fate of the next message with these facts; None when no deck has a card for it."""
        for deck in self.decks:
            if deck.dealt < len(deck.cards) and matches(deck.match, facts):
                deck.dealt += 1
                return deck.plans[deck.cards[deck.dealt - 1]]
        return None


def _cards(entries: object) -> tuple[list[Json], "array[int]"]:
    if not isinstance(entries, list):
        raise Unfit("next must be a list of {count, fail | behaviour}")
    plans: list[Json] = []
    cards = array("L")
    for entry in entries:
        count = int(entry.get("count", 1))
        if "fail" in entry:
            plans.append({"fail": int(entry["fail"]), "after_sent": bool(entry.get("after_sent"))})
            cards.extend(itertools.repeat(len(plans) - 1, count))
            continue
        behaviour = entry.get("behaviour") or {}
        if isinstance(behaviour, str):
            behaviour = _named(behaviour)
        for plan, times in _nested(behaviour, count):
            plans.append(plan)
            cards.extend(itertools.repeat(len(plans) - 1, times))
    return plans, cards


def _named(name: str) -> Json:
    """The short forms: `delivered` and nothing more, `read`, or `sent` and never delivered."""
    if name not in NAMED:
        raise Unfit(f"unknown behaviour {name!r}; known: {', '.join(NAMED)}, or an object")
    return NAMED[name]


def _nested(behaviour: Json, count: int) -> list[tuple[Json, int]]:
    """Cut `count` delivered messages into runs with the same fate.

    `read` and `click` take the first so many; the counts of `do` follow one another from the last reader backwards,
    so that tapping and stopping always nest inside reading, and reading inside delivered.
    """
    unknown = set(behaviour) - PLAN_KEYS
    if unknown:
        raise Unfit(f"unknown behaviour {', '.join(sorted(unknown))}; known: {', '.join(sorted(PLAN_KEYS))}")
    if behaviour.get("delivered") is False:
        return [({"delivered": False}, count)]
    readers = _how_many(behaviour.get("read"), count, count)
    spans: list[tuple[int, int, str, Json]] = []
    if "read" in behaviour:
        spans.append((0, readers, "read", {}))
    clickers = _how_many(behaviour.get("click"), readers, 0)
    if clickers:
        spans.append((0, clickers, "click", {}))
    end = readers
    deeds = list(behaviour.get("do") or [])
    deeds += [
        {"count": _how_many(behaviour[name], readers, 0), "action": {"action": name}}
        for name in ("stop_marketing", "block")
        if behaviour.get(name)
    ]
    for deed in deeds:
        start = end - int(deed.get("count", readers))
        if start < 0:
            raise Unfit("more deeds than readers: reading, clicking and stopping nest inside delivered")
        after = deed.get("after_seconds", behaviour.get("after_seconds", 1))
        spans.append((start, end, "do", {**deed["action"], "after_seconds": after}))
        end = start
    edges = sorted({0, count, *(edge for low, high, _, _ in spans for edge in (low, high))})
    return [(_plan(behaviour, spans, low), high - low) for low, high in itertools.pairwise(edges) if high > low]


def _plan(behaviour: Json, spans: list[tuple[int, int, str, Json]], position: int) -> Json:
    plan: Json = {"delivered": True}
    if "read" in behaviour:
        plan["read"] = False
    if "read_after_seconds" in behaviour:
        plan["read_after_seconds"] = behaviour["read_after_seconds"]
    for low, high, name, action in spans:
        if low <= position < high:
            if name == "do":
                plan.setdefault("do", []).append(action)
            else:
                plan[name] = True
    return plan


def _how_many(value: object, most: int, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool):
        return most if value else 0
    if not isinstance(value, int) or not 0 <= value <= most:
        raise Unfit(f"{value!r} does not nest inside {most}")
    return value
