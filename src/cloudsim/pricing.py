"""What a delivered message is billed as. Amounts never leave the platform: only type and category do.

Source: whatsapp-pricing reference, policies A (1 July 2025) and B (1 October 2026), read 2026-11.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cloudsim.jsontypes import Json

POLICY_B_FROM = (2026, 10, 1)  # in the timezone of the account


QUARTER_SECONDS = 900  # midnight falls on a quarter of an hour in every timezone


@dataclass(frozen=True, slots=True)
class Windows:
    service: bool  # the customer service window is open
    free_entry: bool


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_day(at: float, timezone: str) -> tuple[int, int, int]:
    """Year, month, day of a moment where the account lives."""
    return _day_of_quarter(int(at // QUARTER_SECONDS), timezone)


@lru_cache(maxsize=256)
def _day_of_quarter(quarter: int, timezone: str) -> tuple[int, int, int]:
    moment = datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC).astimezone(_zone(timezone))
    return moment.year, moment.month, moment.day


def month_of(at: float, timezone: str) -> str:
    year, month, _ = local_day(at, timezone)
    return f"{year}-{month:02d}"


def price(
    category: str,
    windows: Windows,
    *,
    policy_b: bool,
    free_left: bool,
    utility_in_window_charged: bool = True,
    paid_exempt: bool = False,
) -> Json:
    """The `pricing` object of a status. `category` is that of the template at send time, or `service`."""
    if windows.free_entry:
        return _pricing("free_entry_point", "referral_conversion")
    if category == "service":
        if not policy_b or free_left:
            return _pricing("free_customer_service", "service")
        return _pricing("regular", "service", exempt=paid_exempt)
    if category == "utility" and windows.service and not (policy_b and utility_in_window_charged):
        return _pricing("free_customer_service", "utility")
    return _pricing("regular", category)


@lru_cache(maxsize=64)
def _pricing(kind: str, category: str, *, exempt: bool = False) -> Json:
    """Shared between messages: nobody may change it."""
    found: Json = {
        "billable": kind == "regular" and not exempt,
        "pricing_model": "PMP",
        "type": kind,
        "category": category,
    }
    return {**found, "subtype": "paid_exempt"} if exempt else found


def is_policy_b(at: float, timezone: str) -> bool:
    return local_day(at, timezone) >= POLICY_B_FROM
