"""What news about an account or a number means for our senders. Pure.

Source: Cloud API reference, sections 5.8 and 7.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.channels.model import HIGH_THROUGHPUT_PER_S
from sojourn.channels.whatsapp.updates import NoticeItem
from sojourn.channels.whatsapp.webhook_values import as_dict, as_list, as_text

UNCHANGED = -1
# News about people, calls, groups or chats: counted, kept in the raw body, never copied into a sender's history.
PERSONAL_FIELDS = frozenset(
    {
        "messages",
        "calls",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
        "history",
        "smb_app_state_sync",
        "smb_message_echoes",
        "message_echoes",
        "standby",
        "messaging_handovers",
        "automatic_events",
        "tracking_events",
    }
)
_SENDING_RESTRICTIONS = frozenset({"RESTRICTED_BIZ_INITIATED_MESSAGING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEffect:
    """A line for the history, and what to change. `limit`: None is unlimited, UNCHANGED says nothing."""

    what: str
    value: str
    reason: str | None = None
    stop_reason: str | None = None
    throughput_per_s: int | None = None
    limit: int | None = UNCHANGED


def read_notice(notice: NoticeItem) -> NoticeEffect | None:
    """What a notice does to the senders that it concerns; None when it only counts."""
    if notice.field in PERSONAL_FIELDS:
        return None
    data = notice.data
    if notice.field == "phone_number_quality_update":
        return _throughput(notice)
    if notice.field == "business_capability_update":
        value = data.get("max_daily_conversations_per_business", data.get("max_daily_conversation_per_phone"))
        return NoticeEffect(what="limit", value=str(as_text(value)), limit=parse_tier(value))
    if notice.field == "phone_number_name_update":
        reason = as_text(data.get("rejection_reason"))
        return NoticeEffect(what="name", value=notice.kind.rpartition(".")[2], reason=reason)
    if notice.field == "account_update":
        return _account(notice)
    reason = as_text(data.get("message")) or as_text(as_dict(data.get("alert_info")).get("alert_description"))
    return NoticeEffect(what="notice", value=notice.kind, reason=reason)


def _throughput(notice: NoticeItem) -> NoticeEffect:
    data = notice.data
    upgraded = notice.kind.endswith(".throughput_upgrade")
    value = data.get("max_daily_conversations_per_business", data.get("current_limit"))
    return NoticeEffect(
        what="throughput" if upgraded else "limit",
        value=notice.kind.rpartition(".")[2],
        reason=as_text(value),
        throughput_per_s=HIGH_THROUGHPUT_PER_S if upgraded else None,
        limit=parse_tier(value),
    )


def _account(notice: NoticeItem) -> NoticeEffect:
    data = notice.data
    restrictions = [
        as_text(as_dict(item).get("restriction_type")) or "" for item in as_list(data.get("restriction_info"))
    ]
    violation = as_text(as_dict(data.get("violation_info")).get("violation_type"))
    ban = as_text(as_dict(data.get("ban_info")).get("waba_ban_state"))
    reason = ", ".join(item for item in (*restrictions, violation, ban) if item) or None
    stopped = bool(_SENDING_RESTRICTIONS & set(restrictions)) or ban == "DISABLE"
    stopped = stopped or notice.kind in ("account_update.account_deleted", "account_update.account_offboarded")
    return NoticeEffect(
        what="account",
        value=notice.kind.rpartition(".")[2],
        reason=reason,
        stop_reason="restricted" if stopped else None,
    )


def parse_tier(value: Any) -> int | None:
    """A limit of people a day: "TIER_2K", "2000", 2000, -1 and "TIER_UNLIMITED" all occur. None is unlimited.

    UNCHANGED for what cannot be read.
    """
    text = (as_text(value) or "").upper().removeprefix("TIER_")
    if text in ("UNLIMITED", "-1"):
        return None
    thousands = text.endswith("K")
    digits = text.removesuffix("K")
    if not digits.isdigit():
        return UNCHANGED
    return int(digits) * (1000 if thousands else 1)


def notice_key(notice: NoticeItem) -> bytes:
    """What is the same when the same news comes twice."""
    return msgspec.json.encode([notice.kind, notice.data, notice.at], order="sorted")
