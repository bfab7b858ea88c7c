"""Careful readers for JSON that may be anything: they return None or something empty instead of failing."""

import math
from datetime import UTC, datetime
from typing import Any

FIRST_SECOND = 946_684_800  # 2000-01-01
LAST_SECOND = 4_102_444_800  # 2100-01-01
MAX_DEPTH = 60

PERSON_KEYS = frozenset(
    {
        "wa_id",
        "user_id",
        "parent_user_id",
        "from",
        "from_user_id",
        "to",
        "to_user_id",
        "recipient_id",
        "recipient_user_id",
        "recipient_participant_id",
        "previous_user_id",
        "username",
        "input",
    }
)


def as_dict(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """A text; whole numbers become one (ids come either way); None for anything else or an empty text."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def as_code(value: object) -> int | None:
    """An error code, as number or text."""
    try:
        return int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        return None


def parse_moment(value: object, default: datetime) -> datetime:
    """Seconds since 1970 as text or number; `default` when missing or not between 2000 and 2100."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    if not FIRST_SECOND <= value <= LAST_SECOND:
        return default
    return datetime.fromtimestamp(value, UTC)


def normalise_address(value: str) -> str:
    """A phone number without + and spaces, so that all spellings have one hash; other ids unchanged."""
    if value.isdigit():
        return value
    digits = value.translate(_PUNCTUATION)
    return digits if digits.isdigit() else value


_PUNCTUATION = str.maketrans("", "", "+-() ")


def collect_people(value: object, people: set[str], depth: int = 0) -> None:
    """Add every address of a person anywhere in the JSON to `people`."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if key in PERSON_KEYS:
                text = as_text(item)
                if text is not None:
                    people.add(normalise_address(text))
            elif key == "phone_number" or (key == "id" and "messages" in value):  # a thread of the history
                people.add(normalise_address(as_text(item) or ""))
            collect_people(item, people, depth + 1)
    elif isinstance(value, list):
        for item in value:
            collect_people(item, people, depth + 1)


def scrub(value: Any, depth: int = 0) -> Any:
    """JSON values with what PostgreSQL and UTF-8 refuse replaced: NUL, lone surrogates, infinite numbers."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, str):
        text = value.replace("\x00", "\ufffd")
        return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, dict):
        return {scrub(key, depth + 1): scrub(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, depth + 1) for item in value]
    return value
