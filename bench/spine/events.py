"""`event_ingest_per_s` and `identify_usable_per_s`: facts and people, in batches of 100, durable and readable."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

from bench.figures import Figure, Result, Sample
from bench.load import request_bytes, send_all
from bench.programs import Product, Server, product_on
from bench.spine import shop

EVENTS = Figure(
    "event_ingest_per_s", "events/s", 5_000, True,
    "POST /v1/events in batches of 100 over 8 connections, one web process; 10,000 known people, an idempotency key an "
    "event, a job for the journeys an event, all committed before the 202; rows counted afterwards; the worker stands "
    "still meanwhile",
)  # fmt: skip
IDENTIFY = Figure(
    "identify_usable_per_s", "people/s", 5_000, True,
    "POST /v1/batch of 100 identify calls over 8 connections, one web process, every call a new person with four "
    "attributes and an e-mail address; the clock stops when the last one's attributes are answered by the API and a "
    "message to them, requested through the API, was decided and rendered with them",
)  # fmt: skip
BATCH = 100
CONNECTIONS = 8
COUNT = 40_000
PEOPLE = 10_000
DATABASE = "bench_events"


async def measure(server: Server, repeats: int, full: bool) -> list[Result]:
    """Both, interleaved, on one database that fills up."""
    events: list[Sample] = []
    people: list[Sample] = []
    url = server.create(DATABASE)
    async with product_on(server, url) as product:
        await shop.open_shop(product)
        write_key = product.command("keys", "create", "bench-write", "--workspace", "Bench", "--write-key")
        await _record(server, product, PEOPLE, warm=True)
        Product.pause(product.worker)
        for _ in range(repeats):
            events.append(await _record(server, product, COUNT))
            people.append(await _identify(server, product, write_key))
    server.drop(DATABASE)
    return [Result(EVENTS, events), Result(IDENTIFY, people)]


async def _record(server: Server, product: Product, count: int, *, warm: bool = False) -> Sample:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {product.api.token}"}
    mark = uuid.uuid4().hex[:8]
    requests = [request_bytes("POST", "/v1/events", _events(mark, start), headers) for start in range(0, count, BATCH)]
    with product.connect() as conn:
        before = conn.execute("SELECT count(*) FROM events").fetchone()
        server.checkpoint()
        meter = product.meter()
        outcome = await send_all(product.web_port, requests, connections=CONNECTIONS)
        used = meter.stop()
        after = conn.execute("SELECT count(*) FROM events").fetchone()
        assert before is not None
        assert after is not None
        if after[0] - before[0] != count:
            raise RuntimeError(f"{count} events were accepted, {after[0] - before[0]} are stored")
        if not warm:
            conn.execute("TRUNCATE jobs")
    notes = {"p99_ms": round(outcome.percentile(0.99), 1)}
    return Sample(count / outcome.seconds, _split(used, count), notes)


def _events(mark: str, start: int) -> bytes:
    events = [
        {
            "name": "order.shipped",
            "profile": {"external_id": f"c{number % PEOPLE}"},
            "properties": {"order_id": f"B-{number}", "carrier": "PakketX", "track": f"PX{number}", "items": 2},
            "idempotency_key": f"{mark}-{number}",
        }
        for number in range(start, start + BATCH)
    ]
    return json.dumps({"events": events}, separators=(",", ":")).encode()


async def _identify(server: Server, product: Product, write_key: str) -> Sample:
    token = base64.b64encode(f"{write_key}:".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {token}"}
    mark = uuid.uuid4().hex[:8]
    requests = [request_bytes("POST", "/v1/batch", _people(mark, start), headers) for start in range(0, COUNT, BATCH)]
    server.checkpoint()
    meter = product.meter()
    began = time.perf_counter()
    outcome = await send_all(product.web_port, requests, connections=CONNECTIONS)
    await _until_usable(product, mark, COUNT - 1)
    seconds = time.perf_counter() - began
    used = meter.stop()
    return Sample(COUNT / seconds, _split(used, COUNT), {"ingest_only_per_s": round(COUNT / outcome.seconds)})


def _people(mark: str, start: int) -> bytes:
    sent = "2026-11-22T08:00:00.000Z"
    calls = [
        {
            "type": "identify",
            "messageId": f"{mark}-{number}",
            "userId": f"{mark}-{number}",
            "timestamp": sent,
            "traits": {
                "email": f"{mark}.{number}@example.com",
                "firstName": f"Anna{number}",
                "plan": "gold",
                "timezone": "Europe/Amsterdam",
                "visits": number,
            },
        }
        for number in range(start, start + BATCH)
    ]
    return json.dumps({"batch": calls, "sentAt": sent}, separators=(",", ":")).encode()


async def _until_usable(product: Product, mark: str, number: int) -> None:
    """The last person's attributes are answered, and a decision about a message to them saw them."""
    name = f"{mark}-{number}"
    identity = {"scheme": "external_id", "value": name}
    found = (await product.api.get("/v1/profiles", external_id=name))["items"]
    if [one["attributes"]["visits"] for one in found] != [number]:
        raise RuntimeError(f"the last person is not there: {found}")
    asked = {"key": name, "identities": [identity], "purpose": "transactional", "template": {"name": "order_shipped"}}
    decided: dict[str, Any] = await product.api.post("/v1/deliveries", asked)
    if (decided["status"], decided["reason"]) != ("excluded", "no_address"):
        raise RuntimeError(f"the decision about the last person: {decided}")


def _split(used: dict[str, float], count: int) -> dict[str, float]:
    return {name: 1000 * seconds / count for name, seconds in used.items() if name in ("web", "database", "load")}
