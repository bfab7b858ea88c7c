"""`webhook_ingest_per_s` and `webhook_p99_ms_at_3000`: signed statuses, durable before the answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.figures import Figure, Result, Sample
from bench.load import request_bytes, send_all
from bench.programs import Product, Server, product_on
from bench.spine import shop

INGEST = Figure(
    "webhook_ingest_per_s", "posts/s", 8_000, True,
    "one post = one distinct signed status, 200 keep-alive connections, one web process; the signature is checked, the "
    "body sealed and committed with synchronous_commit = on before the answer; rows counted afterwards; the worker "
    "that parses stands still meanwhile",
)  # fmt: skip
LATENCY = Figure(
    "webhook_p99_ms_at_3000", "ms", 100, False,
    "99th percentile of the time from the moment a post is due to its answer, open loop at 3,000 posts/s; otherwise as "
    "webhook_ingest_per_s",
)  # fmt: skip
CONNECTIONS = 200
POSTS = 40_000
PACED_PER_S = 3_000
DATABASE = "bench_webhooks"


async def measure(server: Server, repeats: int, full: bool) -> list[Result]:
    """Closed loop and open loop, interleaved."""
    fast: list[Sample] = []
    paced: list[Sample] = []
    url = server.create(DATABASE)
    async with product_on(server, url, worker=True) as product:
        [sender] = await shop.open_shop(product)
        Product.pause(product.worker)
        path = urlsplit(sender["webhook"]["url"]).path
        for _ in range(repeats):
            fast.append(await _closed(server, product, path))
            paced.append(await _open(server, product, path, seconds=20 if full else 8))
    server.drop(DATABASE)
    return [Result(INGEST, fast), Result(LATENCY, paced)]


async def _closed(server: Server, product: Product, path: str) -> Sample:
    requests = _requests(path, POSTS)
    with product.connect() as conn:
        conn.execute("TRUNCATE webhook_bodies")
        server.checkpoint()
        meter = product.meter()
        outcome = await send_all(product.web_port, requests, connections=CONNECTIONS)
        used = meter.stop()
        _expect_rows(conn, POSTS)
    return Sample(POSTS / outcome.seconds, _split(used, POSTS), {"p99_ms": round(outcome.percentile(0.99), 1)})


async def _open(server: Server, product: Product, path: str, *, seconds: int) -> Sample:
    count = PACED_PER_S * seconds
    requests = _requests(path, count)
    with product.connect() as conn:
        conn.execute("TRUNCATE webhook_bodies")
        server.checkpoint()
        meter = product.meter()
        outcome = await send_all(product.web_port, requests, connections=CONNECTIONS, rate=PACED_PER_S)
        used = meter.stop()
        _expect_rows(conn, count)
    notes = {"rate": round(count / outcome.seconds), "p50_ms": round(outcome.percentile(0.5), 1)}
    return Sample(outcome.percentile(0.99), _split(used, count), notes)


def _split(used: dict[str, float], count: int) -> dict[str, float]:
    return {name: 1000 * seconds / count for name, seconds in used.items() if name in ("web", "database", "load")}


def _expect_rows(conn: psycopg.Connection[Any], count: int) -> None:
    row = conn.execute("SELECT count(*) FROM webhook_bodies").fetchone()
    if row is None or row[0] != count:
        raise RuntimeError(f"{count} posts were answered, {row} bodies are stored")


def _requests(path: str, count: int) -> list[bytes]:
    now = str(int(time.time()))
    made = []
    for _ in range(count):
        body = json.dumps(_status(now), separators=(",", ":")).encode()
        signature = hmac.new(shop.SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        made.append(request_bytes("POST", path, body, headers))
    return made


def _status(now: str) -> dict[str, Any]:
    mark = uuid.uuid4()
    status = {
        "id": f"wamid.HBgM{mark.hex}", "status": "delivered", "timestamp": now, "recipient_id": "447000000001",
        "recipient_user_id": "GB.20481632641282565121", "biz_opaque_callback_data": str(mark),
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
    }  # fmt: skip
    person = {"profile": {"name": "Anna"}, "wa_id": "447000000001", "user_id": "GB.20481632641282565121"}
    metadata = {"display_phone_number": "447700900000", "phone_number_id": "401234567890000"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [person], "statuses": [status]}
    entry = {"id": shop.WABA, "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
