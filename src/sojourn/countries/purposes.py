"""The one vocabulary of purposes: every template, message, campaign and API call carries exactly one of them."""

from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What a message is for. Stored values; they never change their spelling."""

    AUTHENTICATION = "authentication"
    TRANSACTIONAL = "transactional"
    SERVICE = "service"
    FEEDBACK = "feedback"
    REGULATORY = "regulatory"
    CONSENT_REQUEST = "consent_request"
    MARKETING = "marketing"


PURPOSES: Final[frozenset[str]] = frozenset(purpose.value for purpose in Purpose)

# 1 leaves first. A code must never wait behind a promotion.
LANES: Final[dict[Purpose, int]] = {
    Purpose.AUTHENTICATION: 1,
    Purpose.TRANSACTIONAL: 2,
    Purpose.REGULATORY: 2,
    Purpose.CONSENT_REQUEST: 2,
    Purpose.SERVICE: 3,
    Purpose.FEEDBACK: 3,
    Purpose.MARKETING: 4,
}
