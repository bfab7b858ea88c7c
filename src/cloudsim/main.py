"""`cloudsim`: start the simulator. It listens on loopback only."""

import argparse
import gc
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from cloudsim.app import App
from cloudsim.settings import span
from cloudsim.simulator import Simulator

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cloudsim", description="An offline simulator of the WhatsApp Cloud API.")
    parser.add_argument("--host", default="127.0.0.1", choices=LOOPBACK)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument(
        "--clock-file",
        type=Path,
        default=os.environ.get("SOJOURN_CLOCK_FILE"),
        help='JSON file {"offset_seconds": n} shared with the product',
    )
    parser.add_argument("--seed", default="1", help="the same seed gives the same delays and outcomes")
    parser.add_argument("--latency-ms", default="80-300", help="how long answers take: 100 or 80-300 (real time)")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    return parser.parse_args(arguments)


def make_simulator(options: argparse.Namespace) -> Simulator:
    clock_file = Path(options.clock_file) if options.clock_file else None
    sim = Simulator(clock_file=clock_file, seed=str(options.seed))
    low, _, high = str(options.latency_ms).partition("-")
    sim.latency_ms = sim.settings.latency_ms = span([float(low), float(high or low)])
    host = "[::1]" if options.host == "::1" else options.host
    sim.public_url = f"http://{host}:{options.port}"
    return sim


def run(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s")
    app = App(make_simulator(options))
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # a campaign keeps a million small objects: full collections would pause it
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level=options.log_level,
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    run()
