"""Values in a definition: literals, texts with Liquid, and lists and objects of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sojourn.journeys.interpreter import texts
from sojourn.journeys.interpreter.run import RunView


class Part(BaseModel):
    """Base of everything in a definition: frozen, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


def _check_text(text: str) -> str:
    mistake = texts.check_text(text)
    if mistake is not None:
        raise PydanticCustomError(mistake[0], "{sentence}", {"sentence": mistake[1]})
    return text


def _check_tree(value: Any) -> Any:
    for text in _texts_in(value):
        _check_text(text)
    return value


LiquidText = Annotated[str, AfterValidator(_check_text), Field(max_length=texts.TEXT_MAX)]
Value: TypeAlias = Annotated[Any, AfterValidator(_check_tree)]
Values: TypeAlias = dict[str, Value]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)


def roots_in(value: Any) -> frozenset[str]:
    """The names (`profile`, `event`, …) that the texts inside a value look up."""
    return frozenset[str]().union(*(texts.roots_of(text) for text in _texts_in(value)))


def has_texts(value: Any) -> bool:
    """Whether there is anything to render inside a value."""
    return any(texts.has_liquid(text) for text in _texts_in(value))


def resolve(value: Any, run: RunView) -> Any:
    """A value with its texts evaluated; a text that is one look-up keeps the type it finds. Raises TextFailed."""
    if isinstance(value, str):
        return _resolve_text(value, run)
    if isinstance(value, list):
        return [resolve(item, run) for item in value]
    if isinstance(value, Mapping):
        return {key: resolve(item, run) for key, item in value.items()}
    return value


def _resolve_text(text: str, run: RunView) -> Any:
    if not texts.has_liquid(text):
        return text
    plain = texts.PLAIN.match(text)
    if plain is not None:
        return run.look_up(tuple(plain.group(1).split(".")))
    return texts.evaluate(text, run.context(texts.roots_of(text)))


def render(text: str, run: RunView) -> str:
    """A text for people, with its values filled in. Raises TextFailed."""
    return texts.render(text, run.context(texts.roots_of(text)))
