"""A shop to measure with: senders at the simulator, one approved template, people who agreed."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from bench.programs import Product

WABA = "301234567890123"
APP, SECRET, TOKEN = "501234567890123", "bench_app_secret", "EAAbench"
TEMPLATE = {
    "name": "order_shipped",
    "purpose": "transactional",
    "category": "utility",
    "default_language": "en",
    "parameter_format": "named",
    "variables": {
        "first_name": {"value": "{{ profile.first_name }}", "default": "there"},
        "order": {"value": "{{ event.order }}", "default": "B-1001"},
        "carrier": {"value": "{{ event.carrier }}", "default": "PakketX"},
        "track": {"value": "{{ event.track }}", "default": "PX123"},
    },
    "variants": [
        {
            "language": "en",
            "components": [
                {
                    "type": "BODY",
                    "text": "Hi {{first_name}}, good news: your coffee order {{order}} has left our roastery with "
                    "{{carrier}} today, and its tracking number is {{track}} for as long as it is on its way to you.",
                }
            ],
        }
    ],
}
HEADER = "phone,first_name,timezone,consent_purpose,consent_state,consent_at,consent_source\n"


def phone_of(number: int) -> str:
    """The number of the n-th person."""
    return f"+4470{number:08d}"


async def open_shop(
    product: Product, *, senders: int = 1, rate: int = 1000, latency_ms: int = 100
) -> list[dict[str, Any]]:
    """Senders at the simulator, checked and active, and the template, approved. Doing it again changes nothing."""
    numbers = [
        {"id": f"40123456789{n:04d}", "display_phone_number": f"+44 7700 9{n:05d}", "verified_name": "Bench",
         "registered": True, "quality": "GREEN", "throughput_mps": rate + 200}
        for n in range(senders)
    ]  # fmt: skip
    known = (await product.api.get("/v1/templates"))["items"]
    await product.sim.post(
        "/sim/setup",
        {
            "portfolio": {"name": "Bench", "limit": "TIER_UNLIMITED", "verified": True},
            "app": {"id": APP, "name": "Bench", "secret": SECRET},
            "tokens": [{"token": TOKEN}],
            "waba": {"id": WABA, "name": "Bench", "currency": "EUR", "timezone": "UTC"},
            "phone_numbers": numbers,
            "templates": [
                {"id": variant["provider_template_id"], "name": one["name"], "language": variant["language"],
                 "category": one["category"], "parameter_format": one["parameter_format"],
                 "components": variant["components"], "check": False}
                for one in known for variant in one["variants"]
            ],
        },
    )  # fmt: skip
    await product.sim.post(
        "/sim/behaviour",
        {"instant": True, "default": {"read": 1.0}, "latency_ms": latency_ms, "review_delay": 0, "pair_limit": "off"},
    )
    await product.sim.post("/sim/webhooks", {"batch": 100, "concurrency": 8})
    existing = {one["phone_number_id"]: one for one in (await product.api.get("/v1/senders"))["items"]}
    found = [await _connect(product, number, existing.get(str(number["id"])), rate) for number in numbers]
    if not known:
        template = await product.api.post("/v1/templates", TEMPLATE)
        await product.api.post(f"/v1/templates/{template['id']}/submit", {})
        await _until_approved(product)
    await _until_quiet(product)
    return found


async def _until_quiet(product: Product) -> None:
    for _ in range(400):
        if (await product.api.get("/v1/health", brief=True))["quiet"]:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("the product does not come to rest")


async def _connect(product: Product, number: dict[str, Any], known: dict[str, Any] | None, rate: int) -> dict[str, Any]:
    if known is None:
        known = await product.api.post(
            "/v1/senders",
            {
                "channel": "whatsapp", "name": str(number["id"]),
                "phone_number": "+" + "".join(c for c in str(number["display_phone_number"]) if c.isdigit()),
                "phone_number_id": number["id"], "waba_id": WABA, "app_id": APP, "app_secret": SECRET,
                "access_token": TOKEN, "base_url": product.sim.base_url, "throughput_per_s": rate, "country": "GB",
                "default_language": "en",
            },
        )  # fmt: skip
    else:
        changes = {"base_url": product.sim.base_url, "access_token": TOKEN}
        known = await product.api.patch(f"/v1/senders/{known['id']}", changes)
    for _ in range(400):
        known = await product.api.get(f"/v1/senders/{known['id']}")
        if known["state"] not in ("checking", "draft"):
            break
        await asyncio.sleep(0.05)
    if known["state"] != "active":
        raise RuntimeError(f"the sender is {known['state']}: {known['state_reason']}")
    return known


async def _until_approved(product: Product) -> None:
    for _ in range(400):
        [template] = (await product.api.get("/v1/templates"))["items"]
        if all(variant["state"] == "approved" for variant in template["variants"]):
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"the template is not approved: {template['variants']}")


async def bring_people(product: Product, count: int) -> None:
    """Import people with their consent to order updates, once."""
    with product.connect() as conn:
        row = conn.execute("SELECT count(*) FROM profiles").fetchone()
        assert row is not None
        if row[0] >= count:
            return
    for start in range(0, count, 10_000):
        rows = "".join(
            f"{phone_of(n)},Anna{n},Europe/Amsterdam,transactional,granted,2026-02-10,form co-7\n"
            for n in range(start, min(start + 10_000, count))
        )
        await _upload(product, (HEADER + rows).encode())
    with product.connect() as conn:
        conn.execute("VACUUM (ANALYZE)")


async def _upload(product: Product, data: bytes) -> None:
    form = aiohttp.FormData()
    form.add_field("file", data, filename="people.csv", content_type="text/csv")
    headers = {"Authorization": f"Bearer {product.api.token}"}
    timeout = aiohttp.ClientTimeout(total=300)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(product.api.base_url + "/v1/imports", data=form, headers=headers) as answer,
    ):
        report = await answer.json()
        if answer.status != 201 or report["rejected"]:
            raise RuntimeError(f"import: {answer.status} {report}")
