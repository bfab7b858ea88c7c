"""Conditions as data: `{path, op, value}` joined by `all`, `any` and `not`.

Small and safe by construction: nothing but look-ups and comparisons, no patterns that could take long, always the same
answer for the same run and moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from sojourn.journeys.interpreter import values
from sojourn.journeys.interpreter.durations import parse_duration
from sojourn.journeys.interpreter.run import RunView
from sojourn.journeys.interpreter.texts import ROOTS
from sojourn.journeys.interpreter.values import Part

Op = Literal[
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "not_in",
    "contains",
    "starts_with",
    "ends_with",
    "exists",
    "missing",
    "older_than",
    "newer_than",
]
PATH_PATTERN = r"^(profile|event|trigger|reply|run|workspace|delivery)(\.[A-Za-z0-9_$-]+)+$"
UNARY = ("exists", "missing")


class Compare(Part):
    """One comparison. `value` may hold Liquid; `exists` and `missing` take none; ages take a length (`3d`)."""

    path: Annotated[str, Field(pattern=PATH_PATTERN, examples=["profile.tier", "event.total", "run.order_id"])]
    op: Op = "eq"
    value: values.Value = None

    @model_validator(mode="after")
    def _fits(self) -> Compare:
        if self.op in UNARY and self.value is not None:
            raise PydanticCustomError("value_unexpected", "{op} takes no value", {"op": self.op})
        if self.op in ("in", "not_in") and not isinstance(self.value, list):
            raise PydanticCustomError("value_list", "{op} takes a list", {"op": self.op})
        if self.op in ("older_than", "newer_than") and parse_duration(str(self.value)) is None:
            raise PydanticCustomError("duration", "{op} takes a length of time such as 3d", {"op": self.op})
        return self


class All(Part):
    """Every one holds; an empty list holds."""

    all: Annotated[list[Condition], Field(max_length=50)]


class AnyOf(Part):
    """At least one holds; an empty list does not."""

    any: Annotated[list[Condition], Field(max_length=50)]


class Not(Part):
    """It does not hold."""

    not_: Annotated[Condition, Field(alias="not")]


def _kind(value: Any) -> str:
    for name, tag in (("all", "<all>"), ("any", "<any>"), ("not", "<not>"), ("not_", "<not>")):
        if (name in value) if isinstance(value, Mapping) else hasattr(value, name):
            return tag
    return "<compare>"


Condition: TypeAlias = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Compare, Tag("<compare>")],
    Discriminator(_kind),
]
for _model in (All, AnyOf, Not):
    _model.model_rebuild()

Predicate = Callable[[RunView], bool]


def compile_condition(condition: All | AnyOf | Not | Compare) -> Predicate:
    """A condition as a function of the run. What it looks up and does not find is None; it raises FactMissing."""
    if isinstance(condition, All):
        parts = tuple(compile_condition(part) for part in condition.all)
        return lambda run: all(part(run) for part in parts)
    if isinstance(condition, AnyOf):
        parts = tuple(compile_condition(part) for part in condition.any)
        return lambda run: any(part(run) for part in parts)
    if isinstance(condition, Not):
        inner = compile_condition(condition.not_)
        return lambda run: not inner(run)
    return _compile_compare(condition)


def _compile_compare(condition: Compare) -> Predicate:
    path = tuple(condition.path.split("."))
    op, value = condition.op, condition.value
    if values.roots_in(value):
        return lambda run: compare(run.look_up(path), op, values.resolve(value, run), run.now)
    return lambda run: compare(run.look_up(path), op, value, run.now)


def roots_of(condition: All | AnyOf | Not | Compare) -> frozenset[str]:
    """The names that a condition looks up."""
    if isinstance(condition, Compare):
        return frozenset({condition.path.split(".", 1)[0]}) & ROOTS | values.roots_in(condition.value)
    if isinstance(condition, Not):
        return roots_of(condition.not_)
    parts = condition.all if isinstance(condition, All) else condition.any
    return frozenset[str]().union(*(roots_of(part) for part in parts))


def compare(found: Any, op: Op, value: Any, now: datetime) -> bool:
    """Whether `found op value` holds. Numbers in text compare as numbers; what cannot be compared does not hold."""
    match op:
        case "eq":
            return _same(found, value)
        case "ne":
            return not _same(found, value)
        case "in":
            return any(_same(found, item) for item in value or ())
        case "not_in":
            return not any(_same(found, item) for item in value or ())
        case "exists":
            return found is not None and found != ""
        case "missing":
            return found is None or found == ""
        case "contains":
            return _contains(found, value)
        case "starts_with":
            return isinstance(found, str) and isinstance(value, str) and found.startswith(value)
        case "ends_with":
            return isinstance(found, str) and isinstance(value, str) and found.endswith(value)
        case "older_than" | "newer_than":
            return _age(found, op, value, now)
        case _:
            return _ordered(found, op, value)


def read_moment(value: Any) -> datetime | None:
    """A moment from ISO 8601 text or a datetime; without a zone it is UTC. None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _same(left: Any, right: Any) -> bool:
    if left == right:
        return isinstance(left, bool) == isinstance(right, bool)
    if type(left) is type(right):
        return False
    one, other = _number(left), _number(right)
    return one is not None and one == other


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value.casefold() in found.casefold()
    return isinstance(found, list) and any(_same(item, value) for item in found)


def _age(found: Any, op: str, value: Any, now: datetime) -> bool:
    moment, length = read_moment(found), parse_duration(str(value))
    if moment is None or length is None:
        return False
    return (now - moment > length) == (op == "older_than")


def _ordered(found: Any, op: str, value: Any) -> bool:
    one: Any = _number(found)
    other: Any = _number(value)
    if one is None or other is None:
        if not isinstance(found, str) or not isinstance(value, str):
            return False
        one, other = found, value
    match op:
        case "gt":
            return bool(one > other)
        case "gte":
            return bool(one >= other)
        case "lt":
            return bool(one < other)
        case _:
            return bool(one <= other)
