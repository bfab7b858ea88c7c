"""The demo: a coffee shop, 500 people who agreed, a live order journey, and one order that plays at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from sojourn.demo import door, order, shop
from sojourn.demo.api import Api, RefusedError


class DemoFailedError(Exception):
    """The demo could not be set up; the product itself may be fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the demo plays: our addresses, and where its own notes are kept."""

    database_url: str
    address: str
    simulator: str
    data_dir: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was made and what happened, for the closing panel."""

    api_key: str
    lines: tuple[str, ...]


async def tell(stage: Stage, *, report: Callable[[str], None]) -> Story:
    """Make the demo's data where they are missing, set up the simulator, play one order.

    Raises DemoFailedError when the product or the simulator refuses something; what was made until then stays.
    """
    notes = await door.open_door(stage.database_url, stage.data_dir)
    try:
        return await _play(stage, notes, report=report)
    except (RefusedError, aiohttp.ClientError, TimeoutError) as error:
        raise DemoFailedError(f"the demo cannot be set up: {error}") from error


async def _play(stage: Stage, notes: door.Notes, *, report: Callable[[str], None]) -> Story:
    async with Api(stage.address, notes.api_key) as api, Api(stage.simulator) as sim:
        is_open = await shop.is_open(api)
        templates = (await api.get("/v1/templates"))["items"] if is_open else []
        await shop.set_up_simulator(sim, templates)
        sender = await shop.connect_number(api, stage.simulator)
        if sender["state"] != "active":
            report(f"the sender is {sender['state']}: {sender['state_reason']}")
        if not is_open:
            report(await shop.bring_people(api))
            await shop.bring_templates(api)
            await shop.bring_journey(api)
        notes, lines = await order.play(api, sim, notes)
    door.write_notes(stage.data_dir, notes)
    return Story(api_key=notes.api_key, lines=("", *lines, "", *what_to_try(stage, notes)))


def what_to_try(stage: Stage, notes: door.Notes) -> list[str]:
    """Three things, each one paste."""
    number = order.next_customer(notes).phone
    return [
        "What to try",
        f"  play a person     open {stage.simulator}/ and write, tap, stop, or push the clock",
        "  ship an order     curl -sS "
        + stage.address
        + "/v1/events -H 'Authorization: Bearer "
        + notes.api_key
        + "' \\",
        "                      -H 'Content-Type: application/json' -d '"
        + json.dumps(
            {
                "name": "order.shipped",
                "profile": {"phone": number},
                "properties": {"order_id": "B-7001", "carrier": "PakketX", "track": "PX7001"},
            }
        )
        + "'",
        "  why was it sent?  curl -sS " + stage.address + "/v1/deliveries -H 'Authorization: Bearer …'",
    ]
