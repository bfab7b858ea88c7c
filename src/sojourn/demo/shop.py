"""Brisk Coffee: its number at the simulator, its templates, its people, its journey. Doing it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sojourn.demo.api import Api, RefusedError, until
from sojourn.demo.people import as_csv, people

DATA = Path(__file__).parent / "data"
PHONE_NUMBER = "+447700900000"
PHONE_NUMBER_ID = "401234567890123"
WABA_ID = "301234567890123"
APP_ID = "501234567890123"
APP_SECRET = "demo_app_secret"  # noqa: S105 - of the simulator, which invents its own world
TOKEN = "EAAsimulated"  # noqa: S105 - likewise
REVIEW_SECONDS = 20.0
CONNECT_SECONDS = 10.0
BEHAVIOUR = {
    "latency_ms": [40, 120],
    "review_delay": 0,
    "default": {
        "sent_delay": [0.05, 0.15],
        "delivered_delay": [0.1, 0.3],
        "read": 0.8,
        "read_delay": [0.4, 3],
        "replies": [
            {"when": {"button_text": "Leave with neighbour"}, "do": {"tap": "Leave with neighbour"},
             "after_seconds": 1, "probability": 0.5},
            {"when": {"button_text": "Bij de buren"}, "do": {"tap": "Ik ben thuis"}, "after_seconds": 1,
             "probability": 0.5},
        ],
    },
}  # fmt: skip

Report = Callable[[str], None]


async def set_up_simulator(sim: Api, templates: list[dict[str, Any]]) -> None:
    """The world as Meta would know it: account, number, approved templates, people. It forgets all at its end."""
    await sim.post(
        "/sim/setup",
        {
            "portfolio": {"name": "Brisk Coffee", "limit": "TIER_UNLIMITED", "verified": True},
            "app": {"id": APP_ID, "name": "Brisk Coffee app", "secret": APP_SECRET},
            "tokens": [{"token": TOKEN}],
            "waba": {"id": WABA_ID, "name": "Brisk Coffee", "currency": "EUR", "timezone": "Europe/Amsterdam"},
            "phone_numbers": [
                {"id": PHONE_NUMBER_ID, "display_phone_number": "+44 7700 900000", "verified_name": "Brisk Coffee",
                 "registered": True, "quality": "GREEN", "throughput_mps": 80}
            ],
            "templates": [known for template in templates for known in _known_variants(template)],
        },
    )  # fmt: skip
    await sim.post("/sim/behaviour", BEHAVIOUR)
    crowd = [
        {"wa_id": person.wa_id, "name": f"{person.first_name} {person.last_name}", "locale": person.language}
        for person in people()
    ]
    await sim.post("/sim/people", {"people": crowd})


def _known_variants(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": variant["provider_template_id"], "name": template["name"], "language": variant["language"],
            "category": template["category"], "parameter_format": template["parameter_format"],
            "components": variant["components"], "check": False,
        }
        for variant in template["variants"]
        if variant["provider_template_id"]
    ]  # fmt: skip


async def connect_number(api: Api, simulator: str) -> dict[str, Any]:
    """The shop's sender, pointed at the simulator, checked and with its webhook subscribed."""
    found = [one for one in (await api.get("/v1/senders"))["items"] if one["phone_number_id"] == PHONE_NUMBER_ID]
    if found:
        # A new token starts a check, which also subscribes the webhook anew: the simulator remembers nothing.
        changes = {"base_url": simulator, "access_token": TOKEN}
        await api.patch(f"/v1/senders/{found[0]['id']}", changes)
        return await _connected(api, found[0]["id"], shaken_before=found[0]["webhook"]["verified_at"])
    sender = await api.post(
        "/v1/senders",
        {
            "channel": "whatsapp", "name": "Brisk Coffee", "phone_number": PHONE_NUMBER,
            "phone_number_id": PHONE_NUMBER_ID, "waba_id": WABA_ID, "app_id": APP_ID, "app_secret": APP_SECRET,
            "access_token": TOKEN, "base_url": simulator, "throughput_per_s": 70, "country": "GB",
            "default_language": "en", "timezone": "Europe/Amsterdam", "is_default": True,
        },
    )  # fmt: skip
    return await _connected(api, sender["id"], shaken_before=None)


async def _connected(api: Api, sender_id: str, *, shaken_before: str | None) -> dict[str, Any]:
    """The sender once it is active and its webhook shook hands; as it stands when that takes too long."""

    async def look() -> dict[str, Any] | None:
        now: dict[str, Any] = await api.get(f"/v1/senders/{sender_id}")
        is_connected = now["state"] == "active" and now["webhook"]["verified_at"] != shaken_before
        return now if is_connected or now["state"] == "failed" else None

    sender: dict[str, Any] = await until(look, seconds=CONNECT_SECONDS) or await api.get(f"/v1/senders/{sender_id}")
    return sender


async def bring_people(api: Api) -> str:
    """Import the shop's customers with their consents; what the import says."""
    report = await api.upload("/v1/imports", "customers.csv", as_csv(), "text/csv")
    return f"{report['imported']} people imported, {report['profiles_new']} of them new"


async def bring_templates(api: Api, report: Report) -> None:
    """The shop's templates, written and submitted; waits until all are approved, or for a while."""
    known = {template["name"] for template in (await api.get("/v1/templates"))["items"]}
    if known:  # an earlier start was cut short
        await api.post("/v1/templates/sync", {})
    for draft in json.loads((DATA / "templates.json").read_text()):
        if draft["name"] in known:
            continue
        template = await api.post("/v1/templates", draft)
        await api.post(f"/v1/templates/{template['id']}/submit", {})

    async def others() -> list[str]:
        return [
            f"{template['name']} ({variant['language']}) is {variant['state']}: {variant['rejected_reason']}"
            for template in (await api.get("/v1/templates"))["items"]
            for variant in template["variants"]
            if variant["state"] != "approved"
        ]

    async def all_approved() -> bool | None:
        return None if await others() else True

    if await until(all_approved, seconds=REVIEW_SECONDS) is None:
        for line in await others():
            report(line)


def missing_templates(known: list[dict[str, Any]]) -> list[str]:
    """The demo's templates that an older demo does not have yet."""
    names = {template["name"] for template in known}
    return [draft["name"] for draft in json.loads((DATA / "templates.json").read_text()) if draft["name"] not in names]


async def bring_journey(api: Api) -> dict[str, Any]:
    """The order journey, published."""
    source = (DATA / "order-updates.yaml").read_bytes()
    headers = {"Content-Type": "application/yaml"}
    journey: dict[str, Any] = await api.send("POST", "/v1/journeys", data=source, headers=headers)
    if journey["live_version_id"] is None:
        journey = await api.post(f"/v1/journeys/{journey['id']}/publish", {})
    return journey


async def is_open(api: Api) -> bool:
    """Whether the shop stands already: its journey is live."""
    try:
        journeys = (await api.get("/v1/journeys"))["items"]
    except RefusedError:
        return False
    return any(journey["key"] == "order-updates" and journey["live_version_id"] for journey in journeys)
