"""JSON as it enters and leaves: the one place that says Any."""

from typing import Any

import msgspec

Json = dict[str, Any]

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def as_object(value: object) -> Json:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class Unfit(ValueError):
    """What a script asked for cannot be understood; the text says why."""
