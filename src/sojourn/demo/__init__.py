"""The demo: a coffee shop, 500 people who agreed, a live order journey, and one order that plays at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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


async def open_shop(stage: Stage, *, report: Callable[[str], None]) -> str:
    """Set up the simulator and make the demo's data where they are missing; the API key that opens the shop.

    Raises DemoFailedError when the product or the simulator refuses something; what was made until then stays.
    """
    notes = await door.open_door(stage.database_url, stage.data_dir)
    async with _both_sides(stage, notes) as (api, sim):
        is_open = await shop.is_open(api)
        templates = (await api.get("/v1/templates"))["items"]
        await shop.set_up_simulator(sim, templates)
        sender = await shop.connect_number(api, stage.simulator)
        if sender["state"] != "active":
            report(f"the sender is {sender['state']}: {sender['state_reason']}")
        if not is_open:
            report(await shop.bring_people(api))
        if not is_open or shop.missing_templates(templates):
            await shop.bring_templates(api, report)
        if not is_open:
            await shop.bring_journey(api)
    return notes.api_key


def sign_in_of(stage: Stage) -> str:
    """The demo member's address and password, for people."""
    return f"{door.EMAIL} / {door.read_notes(stage.data_dir).password}"


async def play_order(stage: Stage) -> list[str]:
    """Ship one order by the public API and watch the person's phone; what happened and what to try, line by line.

    Raises DemoFailedError.
    """
    notes = door.read_notes(stage.data_dir)
    async with _both_sides(stage, notes) as (api, sim):
        notes, lines = await order.play(api, sim, notes)
    door.write_notes(stage.data_dir, notes)
    return [*lines, "", *what_to_try(stage, notes)]


@asynccontextmanager
async def _both_sides(stage: Stage, notes: door.Notes) -> AsyncIterator[tuple[Api, Api]]:
    try:
        async with Api(stage.address, notes.api_key) as api, Api(stage.simulator) as sim:
            yield api, sim
    except (RefusedError, aiohttp.ClientError, TimeoutError, LookupError) as error:
        raise DemoFailedError(f"the demo cannot be played: {type(error).__name__} {error}") from error


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
