"""`make bench [GROUP=spine]`: measures, prints a table, writes `build/bench.json`.

    python -m bench [--group GROUP] [--full] [--only NAME]

`--full` takes five repeats instead of three, windows of 60 s, and adds 5,000,000 waiting runs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from bench.figures import Result, show, write
from bench.programs import Server
from bench.spine import deliveries, events, journeys, latency, webhooks


async def run_journeys(server: Server, repeats: int, full: bool) -> list[Result]:
    """Steps of waiting runs."""
    sizes = (100_000, 1_000_000, 5_000_000) if full else (100_000, 1_000_000)
    return await journeys.measure(server, repeats=repeats, seconds=60.0 if full else 20.0, sizes=sizes)


Measure = Callable[[Server, int, bool], Awaitable[list[Result]]]
GROUPS: dict[str, dict[str, Measure]] = {
    "spine": {
        "webhooks": webhooks.measure,
        "events": events.measure,
        "deliveries": deliveries.measure,
        "latency": latency.measure,
        "journeys": run_journeys,
    },
}


async def main() -> int:
    """Measure a group."""
    options = parse()
    chosen = {name: one for name, one in GROUPS[options.group].items() if options.only in (None, name)}
    if not chosen:
        print(f"there is no {options.only}; there are: {', '.join(GROUPS[options.group])}", file=sys.stderr)
        return 2
    command = f"make bench{'-full' if options.full else ''} GROUP={options.group}"
    began = time.monotonic()
    server = Server()
    await server.start()
    results: list[Result] = []
    try:
        for name, measure in chosen.items():
            print(f"{name} …", file=sys.stderr, flush=True)
            some = await measure(server, 5 if options.full else 3, options.full)
            write(some, command)
            results += some
            print(f"{name}: {time.monotonic() - began:.0f} s since the start", file=sys.stderr, flush=True)
    finally:
        await server.stop()
    show(results)
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--group", default="spine", choices=sorted(GROUPS))
    parser.add_argument("--full", action="store_true", help="five repeats, long windows, 5,000,000 waiting runs")
    parser.add_argument("--only", help="one part of the group")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
