"""`deliveries_per_s` and `deliveries_cpu_ms`: from "due" to the last report merged."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any, LiteralString

import psycopg

from bench.figures import Figure, Result, Sample
from bench.programs import Product, Server, migrations_mark, product_on
from bench.spine import shop

RATE = Figure(
    "deliveries_per_s", "deliveries/s", 1_000, True,
    "20,000 deliveries requested in advance, four senders at 1,000/s, one worker, one web process; the simulator "
    "answers after 100 ms and reports sent, delivered and read at once, up to 100 a post; the policy decides again, "
    "its trace is stored, template with four variables; the clock stops when sent, delivered and read of every message "
    "are merged and the simulator's count equals ours",
)  # fmt: skip
CPU = Figure(
    "deliveries_cpu_ms", "ms", 1.0, False,
    "CPU of web, worker and database a delivery in the same window (rendering at request time is not in it)",
)  # fmt: skip
COUNT = 20_000
SENDERS = 4
BATCH = 500
PATIENCE_SECONDS = 180
DATABASE = "bench_deliveries"


async def measure(server: Server, repeats: int, full: bool) -> list[Result]:
    """So many rounds over the same people."""
    rates: list[Sample] = []
    cpus: list[Sample] = []
    url = server.url(DATABASE) if _is_loaded(server) else server.create(DATABASE)
    async with product_on(server, url) as product:
        senders = await shop.open_shop(product, senders=SENDERS)
        await shop.bring_people(product, COUNT)
        with server.admin() as conn:
            conn.execute(psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                psycopg.sql.Identifier(DATABASE), psycopg.sql.Literal(migrations_mark())))  # fmt: skip
        for _ in range(repeats):
            sample, cpu = await _round(server, product, [one["id"] for one in senders])
            rates.append(sample)
            cpus.append(Sample(cpu, sample.cpu_ms))
    return [Result(RATE, rates), Result(CPU, cpus)]


async def _round(server: Server, product: Product, senders: list[str]) -> tuple[Sample, float]:
    mark = uuid.uuid4().hex[:8]
    with product.connect() as conn:
        Product.pause(product.worker)
        accepted_before = (await product.sim.get("/sim/counts"))["accepted"]
        await _request(product, conn, mark, senders)
        conn.execute("ANALYZE outbox")
        server.checkpoint()
        meter = product.meter()
        began = time.perf_counter()
        Product.resume(product.worker)
        await _until_read(product, conn, mark)
        seconds = time.perf_counter() - began
        used = meter.stop()
        accepted = (await product.sim.get("/sim/counts"))["accepted"] - accepted_before
        if accepted != COUNT:
            raise RuntimeError(f"the simulator accepted {accepted} messages, not {COUNT}")
        conn.execute("VACUUM (ANALYZE)")
    split = {name: 1000 * some / COUNT for name, some in used.items()}
    ours = sum(split[name] for name in ("web", "worker", "database"))
    return Sample(COUNT / seconds, split, {"seconds": round(seconds, 1)}), ours


async def _request(product: Product, conn: psycopg.Connection[Any], mark: str, senders: list[str]) -> None:
    people = [str(row[0]) for row in conn.execute(SQL_PEOPLE, [COUNT]).fetchall()]
    for start in range(0, COUNT, BATCH):
        asked = [
            {
                "key": f"{mark}:{number}",
                "profile_id": person,
                "purpose": "transactional",
                "sender_id": senders[number % SENDERS],
                "template": {
                    "name": "order_shipped",
                    "variables": {"event": {"order": f"B-{number}", "carrier": "PakketX", "track": f"PX{number}"}},
                },
            }
            for number, person in enumerate(people[start : start + BATCH], start)
        ]
        answer = await product.api.post("/v1/deliveries", {"deliveries": asked})
        wrong = [one for one in answer["deliveries"] if one["status"] != "queued"]
        if wrong:
            raise RuntimeError(f"{len(wrong)} deliveries are not queued; the first: {wrong[0]}")


async def _until_read(product: Product, conn: psycopg.Connection[Any], mark: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = conn.execute(SQL_LEFT, [COUNT]).fetchone()
        assert row is not None
        if row[0] == 0:
            return
        product.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{row[0]} deliveries are not read after {PATIENCE_SECONDS} s")
        await asyncio.sleep(0.25)


def _is_loaded(server: Server) -> bool:
    with server.admin() as conn:
        row = conn.execute(SQL_MARK, [DATABASE]).fetchone()
    return row is not None and row[0] == migrations_mark()


SQL_MARK: LiteralString = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
SQL_PEOPLE: LiteralString = "SELECT id FROM profiles ORDER BY id LIMIT %s"
# The newest round is the newest ids; what is not read of it is left. Cheap: one pass over one partition's key.
SQL_LEFT: LiteralString = """
SELECT count(*) FROM (SELECT sent_at, delivered_at, read_at FROM deliveries ORDER BY id DESC LIMIT %s) AS newest
 WHERE sent_at IS NULL OR delivered_at IS NULL OR read_at IS NULL
"""
