"""Why a run stands where it stands, in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sojourn.journeys.model import RunRow


def why_here(run: RunRow, node: Mapping[str, Any], *, now: datetime) -> str:
    """What a run waits for, or how it ended. `node` is its node as the definition has it (empty when unknown)."""
    if run.ended_at is not None:
        return f"Ended in {run.node!r} ({run.state}): {run.exit_reason or 'no reason given'}."
    if run.state == "held":
        return f"Stands still in {run.node!r} because its journey is paused; what comes meanwhile is kept."
    until = "" if run.due_at is None else f", until {run.due_at.isoformat(timespec='seconds')}"
    overdue = " It is due now." if run.due_at is not None and run.due_at <= now else ""
    return f"{_waits_for(run, node)}{until}.{overdue}"


def _waits_for(run: RunRow, node: Mapping[str, Any]) -> str:
    match node.get("type"):
        case "wait_time":
            return f"Waits in {run.node!r} for time to pass"
        case "wait_for":
            things = ", ".join(_case(case) for case in node.get("for", ()))
            return f"Waits in {run.node!r} for {things}"
        case "branch_reply":
            return f"Waits in {run.node!r} for an answer"
        case "send_template" | "send_message":
            return f"Waits in {run.node!r} until its message was accepted or ended"
        case "call_url":
            return f"Waits in {run.node!r} for the answer of the address that it called"
    return f"Stands in {run.node!r}"


def _case(case: Mapping[str, Any]) -> str:
    if "event" in case:
        of_this = f" with the run's own {case['match']}" if "match" in case else ""
        return f"the event {case['event']}{of_this}"
    if "reply" in case:
        return "an answer"
    return f"the message of {case.get('of')!r} to be {case.get('delivery')}"
