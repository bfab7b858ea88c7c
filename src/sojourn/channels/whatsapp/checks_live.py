"""The live check of a sender: is it simulated, does its token work, what does the provider say about its number."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from sojourn.channels import addresses
from sojourn.channels.actions import CheckResult
from sojourn.channels.base import FailureReaction
from sojourn.channels.model import HIGH_THROUGHPUT_PER_S, AddressRefused
from sojourn.channels.whatsapp import client
from sojourn.channels.whatsapp.account import Account
from sojourn.channels.whatsapp.graph import GraphError, GraphUnreachable
from sojourn.channels.whatsapp.notices import UNCHANGED, parse_tier
from sojourn.settings import AllowPrivate

BROKEN_STATUSES = frozenset({"BANNED", "DELETED", "MIGRATED", "DISCONNECTED", "RESTRICTED"})
UNREGISTERED_STATUSES = frozenset({"PENDING", "UNVERIFIED"})
_AUTH = frozenset({FailureReaction.AUTH})


async def check_account(
    http: aiohttp.ClientSession, account: Account, *, allow_private: AllowPrivate, has_clock_file: bool
) -> CheckResult:
    """Try an account. Raises nothing: whatever is wrong is in the result."""
    try:
        await addresses.check_resolved(account.base_url, allow_private=allow_private)
    except AddressRefused as error:
        return CheckResult(reason=f"address_refused: {error.data.get('reason')}")
    try:
        simulated = account.base_url != addresses.META_BASE_URL and (
            await client.read_simulator(http, account.base_url) is not None
        )
    except GraphUnreachable as error:  # says nothing about what stands at that address
        return CheckResult(reason=f"unreachable: {error}", unreachable=True, simulated=None)
    if has_clock_file and not simulated:
        return CheckResult(reason="live_sender_with_clock_file: a pushed clock and a live sender exclude each other")
    try:
        phone = await client.read_phone_number(http, account)
        waba = await client.read_waba(http, account)
        await client.subscribe_account(http, account)
    except GraphError as error:
        return CheckResult(
            reason=f"{error.code}: {error.details or error.title}"[:500],
            is_auth=error.entry.reaction in _AUTH,
            simulated=simulated,
        )
    except GraphUnreachable as error:
        return CheckResult(reason=f"unreachable: {error}", unreachable=True, simulated=simulated)
    return read_check(phone, waba, simulated=simulated)


def read_check(phone: Mapping[str, Any], waba: Mapping[str, Any], *, simulated: bool) -> CheckResult:
    """What the nodes of number and account say. Pure."""
    status = str(phone.get("status") or "").upper()
    if status in BROKEN_STATUSES:
        return CheckResult(reason=f"number_{status.lower()}", simulated=simulated)
    if status in UNREGISTERED_STATUSES:
        return CheckResult(reason=f"number_{status.lower()}: register it first", simulated=simulated)
    found: dict[str, Any] = {
        "quality": str(phone.get("quality_rating") or "UNKNOWN").lower(),
        "verified_name": phone.get("verified_name"),
        "provider_status": status.lower() or None,
    }
    display = "".join(char for char in str(phone.get("display_phone_number") or "") if char.isdigit())
    if display:
        found["phone_number"] = f"+{display}"
    throughput = phone.get("throughput")
    level = str(throughput.get("level") or "") if isinstance(throughput, dict) else ""
    if level:
        found["throughput_level"] = level.lower()
    if level == "HIGH":
        found["throughput_per_s"] = HIGH_THROUGHPUT_PER_S
    limit = parse_tier(phone.get("whatsapp_business_manager_messaging_limit"))
    if limit != UNCHANGED:
        found["portfolio_limit"] = limit
    if waba.get("currency"):
        found["currency"] = waba["currency"]
    return CheckResult(simulated=simulated, found=found)
