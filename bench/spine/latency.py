"""`event_to_message_p95_ms`: from the start of the POST of an event to the receipt of the message it causes."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import datetime
from typing import Any

from bench.figures import Figure, Result, Sample
from bench.load import Run, request_bytes
from bench.programs import Product, Server, product_on
from bench.spine import shop

FIGURE = Figure(
    "event_to_message_p95_ms", "ms", 500, False,
    "POST /v1/events one by one, open loop at 200/s, each starts a run of a published journey whose first step sends a "
    "template; from the moment the POST is due to the moment the simulator received the message; one web process, one "
    "worker, statuses come back meanwhile",
)  # fmt: skip
PER_SECOND = 200
SECONDS = 15
JOURNEY = {
    "key": "bench-shipped",
    "name": "Shipped",
    "nodes": {
        "shipped": {"type": "event_trigger", "event": "order.shipped", "run_key": "event.order_id", "next": "tell"},
        "tell": {"type": "send_template", "template": "order_shipped", "purpose": "transactional", "next": "done"},
        "done": {"type": "end"},
    },
}
DATABASE = "bench_latency"


async def measure(server: Server, repeats: int, full: bool) -> list[Result]:
    """So many rounds; each person gets one message a round."""
    samples: list[Sample] = []
    seconds = 60 if full else SECONDS
    url = server.create(DATABASE)
    async with product_on(server, url) as product:
        await shop.open_shop(product)
        await shop.bring_people(product, PER_SECOND * seconds)
        made = await product.api.post("/v1/journeys", {"definition": JOURNEY})
        await product.api.post(f"/v1/journeys/{made['id']}/publish", {})
        for _ in range(repeats):
            samples.append(await _round(product, PER_SECOND * seconds))
            await asyncio.sleep(7)  # so that the spacing of messages to one person is over
    server.drop(DATABASE)
    return [Result(FIGURE, samples)]


async def _round(product: Product, count: int) -> Sample:
    mark = uuid.uuid4().hex[:6]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {product.api.token}"}
    requests = [request_bytes("POST", "/v1/events", _event(mark, number), headers) for number in range(count)]
    since = time.time()
    meter = product.meter()
    run = Run("127.0.0.1", product.web_port, requests, 32, PER_SECOND)
    outcome = await run.run()
    if outcome.refused:
        raise RuntimeError(f"{outcome.refused} refused; the first: {outcome.first_refusal!r}")
    received = await _receipts(product, since, count)
    used = meter.stop()
    waits = sorted(
        1000 * (received[shop.phone_of(number).removeprefix("+")] - run.started[number]) for number in range(count)
    )
    notes = {"p50_ms": round(waits[count // 2], 1), "p99_ms": round(waits[int(count * 0.99)], 1)}
    split = {name: 1000 * some / count for name, some in used.items() if name != "load"}
    return Sample(waits[int(count * 0.95)], split, notes)


async def _receipts(product: Product, since: float, count: int) -> dict[str, float]:
    deadline = time.monotonic() + 60
    start = datetime.fromtimestamp(since).astimezone().isoformat()
    while True:
        counts = await product.sim.get("/sim/counts", since=start)
        if counts["per_recipient"]["distinct"] >= count:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {counts['per_recipient']} of {count} messages arrived")
        await asyncio.sleep(0.2)
    found: dict[str, float] = {}
    after: str | None = None
    while True:
        page: dict[str, Any] = await product.sim.get(
            "/sim/messages", direction="out", since=start, limit=1000, after=after
        )
        for message in page["messages"]:
            found[message["wa_id"]] = datetime.fromisoformat(message["at"]).timestamp()
        after = page.get("after")
        if not after:
            return found


def _event(mark: str, number: int) -> bytes:
    order = f"{mark}-{number}"
    return json.dumps(
        {
            "name": "order.shipped",
            "profile": {"phone": shop.phone_of(number)},
            "properties": {"order_id": order, "carrier": "PakketX", "track": f"PX{number}"},
            "idempotency_key": order,
        },
        separators=(",", ":"),
    ).encode()
