"""Our own errors: a kind that HTTP understands, a code that clients match on, and data instead of prose."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar

from typing_extensions import TypedDict  # pydantic reads only this one before Python 3.12


class Kind(StrEnum):
    """What went wrong, as far as a caller must react differently. `kit/web.py` turns it into a status code."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"


STATUS_OF_KIND: dict[Kind, int] = {
    Kind.INVALID: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.FORBIDDEN: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.RATE_LIMITED: 429,
    Kind.TOO_LARGE: 413,
    Kind.UNAVAILABLE: 503,
}


class FieldError(TypedDict, total=False):
    """One mistake in a request: where, which, and the limit that was crossed."""

    field: str
    code: str
    limit: int | float | str | list[str]
    message: str


class AppError(Exception):
    """Base of all errors that a caller can act on. Subclasses set `kind` and `code`; data go into the problem."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "error"

    def __init__(self, **data: Any) -> None:
        super().__init__(self.code)
        self.data = data

    def __str__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.code}({fields})"

    @property
    def title(self) -> str:
        """The sentence for people: the first line of the class's docstring."""
        return (type(self).__doc__ or self.code).strip().splitlines()[0]


class InvalidInput(AppError):
    """The request has mistakes; each is listed with its field and limit."""

    code = "invalid_input"

    def __init__(self, errors: Sequence[FieldError], **data: Any) -> None:
        super().__init__(errors=list(errors), **data)
        self.errors = list(errors)


class NotFound(AppError):
    """There is nothing with this id here."""

    kind = Kind.NOT_FOUND
    code = "not_found"


class DatabaseUnavailable(AppError):
    """The database cannot be reached at the moment; nothing was changed that you were not told of."""

    kind = Kind.UNAVAILABLE
    code = "database_unavailable"


class DatabaseBusy(DatabaseUnavailable):
    """The database took too long, or somebody held what it needed; nothing was changed. Try again."""

    code = "database_busy"


class TransactionLost(DatabaseBusy):
    """Other changes to the same things were faster; nothing was changed. Try again."""


class StatementTimeout(DatabaseBusy):
    """A statement took too long and was ended; nothing was changed. Try again."""


class BodyTooLarge(AppError):
    """The request body is larger than this address accepts."""

    kind = Kind.TOO_LARGE
    code = "body_too_large"


class MalformedBody(AppError):
    """The request body is not what its content type says."""

    code = "malformed_body"
