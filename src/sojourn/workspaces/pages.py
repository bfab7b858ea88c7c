"""Pages of lists that are sorted by id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sojourn.kit.errors import InvalidInput
from sojourn.kit.web import Page, decode_cursor, encode_cursor

Row = TypeVar("Row")
Out = TypeVar("Out")


def decode_position(cursor: str | None) -> UUID | None:
    """The id after which a page begins, or None for the first page. Raises InvalidInput for what is no cursor."""
    parts = decode_cursor(cursor)
    if parts is None:
        return None
    try:
        [position] = parts
        return UUID(position)
    except ValueError as error:
        raise InvalidInput([{"field": "cursor", "code": "invalid_cursor", "message": "not a cursor"}]) from error


def page_of(rows: Sequence[Row], limit: int, present: Callable[[Row], Out]) -> Page[Out]:
    """A page from up to `limit` + 1 rows with an `id`; the extra one only tells that there is a next page."""
    shown: Sequence[Any] = rows[:limit]
    more = encode_cursor(shown[-1].id) if len(rows) > limit else None
    return Page(items=[present(row) for row in shown], next_cursor=more)
