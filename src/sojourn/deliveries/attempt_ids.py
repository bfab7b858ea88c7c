"""Ids of attempts: the delivery's id with the number of the attempt in its second last byte.

So an attempt id that a provider echoes finds its delivery, its bucket (last byte) and its number without a look-up.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sojourn.deliveries.model import DeliveryId
from sojourn.kit import ids

NUMBER_MAX = 255
_NUMBER_BITS = 0xFF00


def new_delivery_id(now: datetime, profile_id: UUID) -> DeliveryId:
    """A fresh delivery id in the bucket of its profile, with room for attempts."""
    return DeliveryId(UUID(int=ids.new_id(now, ids.bucket_of(profile_id)).int & ~_NUMBER_BITS))


def attempt_id_of(delivery_id: UUID, number: int) -> UUID:
    """The id of the n-th attempt (1 to 255). Raises ValueError outside of that."""
    if not 1 <= number <= NUMBER_MAX:
        raise ValueError(f"attempt {number} of a delivery does not exist")
    return UUID(int=delivery_id.int | (number << 8))


def delivery_of(attempt_id: UUID) -> tuple[DeliveryId, int]:
    """The delivery and the number behind an attempt id; number 0 means that it is none of ours."""
    value = attempt_id.int
    return DeliveryId(UUID(int=value & ~_NUMBER_BITS)), (value >> 8) & 0xFF
