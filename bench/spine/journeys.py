"""`journey_steps_per_s`: waiting people fall due, and walk wait → condition → update → wait."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import psycopg.sql

from bench.figures import Figure, Result, Sample
from bench.programs import Product, Server, migrations_mark, product_on

DUE_AT_ONCE = 100_000
SPACING = 0.01  # seconds between the moments at which people fall due, as loaded
WAIT_SECONDS = 30 * 86_400.0
REFILL_BELOW = 40_000  # due runs; then the clock is pushed, so that those who were walked are due again
STEPS_A_ROUND = 3  # nodes visited, each with its row, from one wait to the next: the wait itself, condition, update
JOURNEY = {
    "key": "bench-steps",
    "name": "Steps",
    "nodes": {
        "started": {"type": "event_trigger", "event": "bench.started", "next": "rest"},
        "rest": {"type": "wait_time", "for": "30d", "next": "tier"},
        "tier": {
            "type": "condition",
            "cases": [{"exit": "gold", "if": {"path": "profile.tier", "op": "eq", "value": "gold"}}],
            "exits": {"gold": "mark_gold", "else": "mark_plain"},
        },
        "mark_gold": {"type": "update_profile", "set": {"seen": "gold {{ profile.number }}"}, "next": "rest"},
        "mark_plain": {"type": "update_profile", "set": {"seen": "plain {{ profile.number }}"}, "next": "rest"},
    },
}
STEPS = Figure(
    "journey_steps_per_s", "steps/s", 8_000, True,
    "node visits with their rows, committed, by one worker; wait → condition → update → wait; CHECKPOINT right before "
    "a window of {seconds} s; {waiting} people wait in the journey, of whom some ten thousands are due at any moment, "
    "in random order; profiles are read and updated; no messages",
)  # fmt: skip
RATIO = Figure(
    "journey_steps_ratio", "", 0.8, True,
    "journey_steps_per_s at {many} waiting runs divided by the same at 100,000, medians of interleaved windows",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """One database with so many waiting runs."""

    waiting: int

    @property
    def database(self) -> str:
        """Its name; it stays between runs of the benchmark."""
        return f"bench_runs_{self.waiting}"


async def measure(server: Server, *, repeats: int, seconds: float, sizes: tuple[int, ...]) -> list[Result]:
    """Windows at each size, interleaved."""
    loads = [Load(size) for size in sizes]
    for load in loads:
        await ensure(server, load)
    samples: dict[int, list[Sample]] = {load.waiting: [] for load in loads}
    for number in range(repeats):
        for load in loads if number % 2 == 0 else reversed(loads):
            samples[load.waiting].append(await window(server, load, seconds))
    return _results(samples, seconds)


def _results(samples: Mapping[int, list[Sample]], seconds: float) -> list[Result]:
    results = []
    for waiting, some in samples.items():
        includes = STEPS.includes.format(seconds=int(seconds), waiting=f"{waiting:,}")
        name = f"{STEPS.name}_{waiting}" if waiting != min(samples) else STEPS.name
        results.append(Result(Figure(name, STEPS.unit, STEPS.aim, True, includes), some))
    base = results[0].value
    for waiting, result in zip(list(samples)[1:], results[1:], strict=True):
        name = RATIO.name if waiting == 1_000_000 else f"{RATIO.name}_{waiting}"
        figure = Figure(name, "", RATIO.aim, True, RATIO.includes.format(many=f"{waiting:,}"))
        results.append(Result(figure, [Sample(result.value / base)]))
    return results


async def window(server: Server, load: Load, seconds: float) -> Sample:
    """One window: so many people fall due, and the worker walks them."""
    async with product_on(server, server.url(load.database), web=False, simulator=False) as product:
        with product.connect() as conn:
            conn.execute("TRUNCATE steps")
            await _wait_until_idle(product, conn)
            due = _moment_with_due(conn, DUE_AT_ONCE)
            Product.pause(product.worker)
            product.push(due.timestamp() - time.time() + 1)
            server.checkpoint()
            meter = product.meter()
            before = _wal_bytes(conn)
            Product.resume(product.worker)
            began = time.perf_counter()
            await _keep_due(product, conn, load, seconds)
            Product.pause(product.worker)
            lasted = time.perf_counter() - began
            cpu = meter.stop()
            product.check()
            product.worker.kill()
            steps = _one(conn, "SELECT count(*) FROM steps")
            wal = _wal_bytes(conn) - before
            if not steps:
                raise RuntimeError(f"no steps were taken:\n{product.worker.last_words()}")
    split = {name: 1000 * used / steps for name, used in cpu.items() if name in ("worker", "database")}
    return Sample(
        steps / lasted, split, {"steps": steps, "seconds": round(lasted, 2), "wal_bytes_a_step": wal // steps}
    )


async def _keep_due(product: Product, conn: psycopg.Connection[Any], load: Load, seconds: float) -> None:
    """Let the window pass; whenever few are left that are due, push the clock by one wait."""
    end = time.perf_counter() + seconds
    inserted = _inserted(conn)
    due = min(DUE_AT_ONCE, load.waiting)
    while (left := end - time.perf_counter()) > 0:
        await asyncio.sleep(min(0.5, left))
        if due - (_inserted(conn) - inserted) / STEPS_A_ROUND < REFILL_BELOW:
            offset = json.loads(product.clock_file.read_text())["offset_seconds"]
            product.push(offset + (WAIT_SECONDS + seconds if load.waiting <= DUE_AT_ONCE else DUE_AT_ONCE * SPACING))
            due += DUE_AT_ONCE - REFILL_BELOW


def _inserted(conn: psycopg.Connection[Any]) -> int:
    return int(_one(conn, "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'steps'"))


async def _wait_until_idle(product: Product, conn: psycopg.Connection[Any]) -> None:
    """Until the worker has started and has nothing to do at the present moment of its clock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        product.check()
        if _one(conn, "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"):
            await asyncio.sleep(1.0)
            return
    raise RuntimeError(f"the worker does not start:\n{product.worker.last_words()}")


async def ensure(server: Server, load: Load) -> None:
    """Load the database once: people, a published journey, and their waiting runs."""
    if server.has(load.database) and _is_loaded(server, load):
        return
    print(f"loading {load.waiting:,} waiting runs (once; kept in build/bench-data)", file=sys.stderr)
    url = server.create(load.database)
    async with product_on(server, url, worker=False, simulator=False) as product:
        workspace = (await product.api.get("/v1/workspace"))["id"]
        made = await product.api.post("/v1/journeys", JOURNEY)
        await product.api.post(f"/v1/journeys/{made['id']}/publish")
        with product.connect() as conn:
            version = _one(conn, "SELECT live_version_id FROM journeys WHERE id = %s", made["id"])
            facts = {"n": load.waiting, "workspace": workspace, "journey": made["id"], "version": version,
                     "start": datetime.now(UTC), "ms": int(time.time() * 1000)}  # fmt: skip
            conn.execute(SQL_PROFILES, facts)
            conn.execute(SQL_RUNS, facts)
            conn.execute("VACUUM (ANALYZE) profiles")
            conn.execute("VACUUM (ANALYZE) runs")
    with server.admin() as conn:
        database, mark = psycopg.sql.Identifier(load.database), psycopg.sql.Literal(migrations_mark())
        conn.execute(psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, mark))


def _is_loaded(server: Server, load: Load) -> bool:
    with server.admin() as conn:
        mark = _one(conn, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                    load.database)  # fmt: skip
    return bool(mark == migrations_mark())


def _moment_with_due(conn: psycopg.Connection[Any], wanted: int) -> datetime:
    waiting = _one(conn, "SELECT count(*) FROM runs WHERE state = 'waiting' AND due_at IS NOT NULL")
    moment: datetime = _one(conn, SQL_NTH_DUE, max(0, min(wanted, waiting - 1)))
    return moment


def _wal_bytes(conn: psycopg.Connection[Any]) -> int:
    return int(_one(conn, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))


def _one(conn: psycopg.Connection[Any], sql: LiteralString, *parameters: Any) -> Any:
    row = conn.execute(sql, list(parameters) or None).fetchone()
    assert row is not None
    return row[0]


SQL_NTH_DUE: LiteralString = (
    "SELECT due_at FROM runs WHERE state = 'waiting' AND due_at IS NOT NULL ORDER BY due_at OFFSET %s LIMIT 1"
)
# Ids as the product makes them: time-ordered, the last byte of a run's id is that of its person.
SQL_PROFILES: LiteralString = """
INSERT INTO profiles (id, bucket, workspace_id, attributes, source, created_at, updated_at)
SELECT id, get_byte(uuid_send(id), 15), %(workspace)s,
       jsonb_build_object('first_name', 'Anna', 'tier', CASE WHEN i %% 3 = 0 THEN 'gold' ELSE 'plain' END, 'number', i),
       'bench', %(start)s, %(start)s
  FROM (SELECT i, (lpad(to_hex(%(ms)s + i / 100), 12, '0') || '7' || substr(md5('p' || i), 1, 3) || '8'
                   || substr(md5('p' || i), 4, 15))::uuid AS id
          FROM generate_series(1, %(n)s) AS i) AS made
"""
SQL_RUNS: LiteralString = """
INSERT INTO runs (id, bucket, workspace_id, journey_id, version_id, profile_id, run_key, state, node, seq, entered_at,
                  due_at, started_at)
SELECT (lpad(to_hex(%(ms)s + number / 100), 12, '0') || '7' || substr(md5('r' || number), 1, 3) || '8'
        || substr(md5('r' || number), 4, 13) || right(replace(id::text, '-', ''), 2))::uuid,
       bucket, %(workspace)s, %(journey)s, %(version)s, id, '', 'waiting', 'rest', 2, %(start)s,
       %(start)s + interval '30 days' + number * interval '10 milliseconds', %(start)s
  FROM (SELECT id, bucket, row_number() OVER (ORDER BY md5(id::text)) AS number FROM profiles) AS people
"""
