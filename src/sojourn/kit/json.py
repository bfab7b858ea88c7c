"""JSON in and out, by msgspec: knows dates, UUIDs, dataclasses and structs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()
_TYPED: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: object) -> bytes:
    """A value as JSON bytes (UTF-8, no spaces)."""
    return _ENCODER.encode(value)


def decode(data: bytes | str | bytearray | memoryview) -> Any:
    """JSON bytes or text as plain Python values. Raises msgspec.DecodeError."""
    return _DECODER.decode(bytes(data) if isinstance(data, memoryview) else data)


def decode_as(data: bytes | str | memoryview, type_: type[T]) -> T:
    """JSON as a given type (dataclass, struct). Raises msgspec.ValidationError or DecodeError."""
    decoder = _TYPED.get(type_)
    if decoder is None:
        decoder = _TYPED[type_] = msgspec.json.Decoder(type_)
    value: T = decoder.decode(bytes(data) if isinstance(data, memoryview) else data)
    return value
