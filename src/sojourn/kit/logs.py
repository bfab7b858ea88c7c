"""Logs as JSON lines: a name and fields. Bodies, numbers and tokens are masked if they come."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_FIELDS = frozenset({"token", "secret", "password", "authorization", "body", "phone", "text", "address", "email"})
LONG_NUMBER = re.compile(r"\+?\d{8,}")
# What PostgreSQL adds to an error: values of the row that it refused, and with them people.
DETAILS = re.compile(r"\n(?:DETAIL|CONTEXT|HINT): .*?(?=\n\n|\n[A-Z]\w+(?:\.\w+)*(?:Error|Exception)|\Z)", re.DOTALL)


def mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank out fields that hold secrets, and long numbers inside texts (ids of ours are no plain numbers)."""
    for name, value in event.items():
        if name in SECRET_FIELDS:
            event[name] = "***"
        elif isinstance(value, str) and name not in ("timestamp", "event", "level") and not name.endswith("_id"):
            event[name] = without_people(value)
    return event


def without_people(text: str) -> str:
    """A text without long numbers, and without what the database adds to its errors."""
    return LONG_NUMBER.sub("***", DETAILS.sub("", text))


class MaskedFormatter(logging.Formatter):
    """The log of libraries (a server's traceback of a failed request), masked like ours."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of the base class
        """The traceback."""
        return without_people(super().formatException(ei))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as above
        """The line."""
        return without_people(super().formatMessage(record))


def configure_logs(level: str = "INFO") -> None:
    """Send our logs and those of libraries to standard error, one JSON object a line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, mask, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskedFormatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
