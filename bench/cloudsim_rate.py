"""How many template messages a second the simulator accepts on one core, its statuses posted in batches.

    python bench/cloudsim_rate.py [--messages 20000] [--connections 16] [--batch 100] [--pin]

The load and the sink for statuses share a process of their own; the simulator is another one. Measured are the
accepted messages a second of the simulator's CPU time as well as of the clock on the wall: on a busy machine the
first one says what one core can do. Every message is counted again in the simulator, and all its statuses must arrive.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PHONE = "401234567890123"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
BEHAVIOUR = {"sent_delay": [0.05, 0.3], "delivered_delay": [0.1, 0.5], "read": 1, "read_delay": [0.1, 0.5]}
BUTTON = {
    "type": "URL",
    "text": "Track",
    "url": "https://tea.example/t/{{1}}",
    "example": ["https://tea.example/t/1"],
}
TEMPLATE = {
    "name": "bench",
    "language": "en",
    "category": "UTILITY",
    "components": [
        {
            "type": "BODY",
            "text": "Hi {{1}}, parcel {{2}} left our warehouse.",
            "example": {"body_text": [["a", "b"]]},
        },
        {"type": "BUTTONS", "buttons": [BUTTON]},
    ],
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def call(base: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


class Sink:
    """Takes posts on keep-alive connections and counts the statuses in them."""

    def __init__(self) -> None:
        self.posts = self.statuses = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.posts += 1
                self.statuses += body.count(b'"statuses":')
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()


async def client(port: int, numbers: range) -> int:
    """One keep-alive connection: post, wait for the answer, post the next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v26.0/{PHONE}/messages HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer EAAsimulated\r\n"
        "content-type: application/json\r\ncontent-length: "
    )
    accepted = 0
    for number in numbers:
        components = [
            {"type": "body", "parameters": [{"type": "text", "text": "Nadia"}, {"type": "text", "text": "HT-81"}]},
            {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": f"x{number}"}]},
        ]
        body = json.dumps(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": f"+4477{number:09d}",
                "type": "template",
                "biz_opaque_callback_data": f"attempt-{number}",
                "template": {"name": "bench", "language": {"code": "en"}, "components": components},
            }
        ).encode()
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        accepted += answer.startswith(b"HTTP/1.1 200")
    writer.close()
    return accepted


def cpu_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def set_up(base: str, hook: str, *, batch: int) -> None:
    """Tell the simulator its number and template, where statuses go, and that all is read at once."""
    loop = asyncio.get_running_loop()
    number = {"id": PHONE, "display_phone_number": "+15557700100", "throughput_mps": 1_000_000}
    setup = {"app": {"callback_url": hook}, "phone_numbers": [number], "templates": [TEMPLATE]}
    await loop.run_in_executor(None, call, base, "/sim/setup", setup)
    await loop.run_in_executor(None, call, base, "/sim/webhooks", {"batch": batch, "linger_ms": 20, "concurrency": 4})
    await loop.run_in_executor(None, call, base, "/sim/behaviour", {"default": BEHAVIOUR})


async def measure(base: str, port: int, pid: int, *, messages: int, connections: int, batch: int) -> dict:
    sink = Sink()
    server = await asyncio.start_server(sink.handle, "127.0.0.1", 0, limit=8 << 20)
    await set_up(base, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", batch=batch)
    share = messages // connections
    started, burned = time.perf_counter(), cpu_seconds(pid)
    done = await asyncio.gather(*(client(port, range(n * share, (n + 1) * share)) for n in range(connections)))
    wall, cpu = time.perf_counter() - started, cpu_seconds(pid) - burned
    accepted = sum(done)
    while sink.statuses < 3 * accepted and time.perf_counter() - started < wall + 20:
        await asyncio.sleep(0.05)
    total, total_cpu = time.perf_counter() - started, cpu_seconds(pid) - burned
    counts = await asyncio.get_running_loop().run_in_executor(None, call, base, "/sim/counts")
    server.close()
    return {
        "accepted": accepted,
        "counted": counts["accepted"],
        "statuses_posted": sink.statuses,
        "posts": sink.posts,
        "accepted_per_second": round(accepted / wall),
        "accepted_per_cpu_second_with_statuses": round(accepted / total_cpu),
        "accept_seconds": round(wall, 2),
        "until_last_status_seconds": round(total, 2),
        "simulator_cpu_seconds": round(total_cpu, 2),
        "resident_megabytes": round(resident_megabytes(pid)),
        "cpu_share_while_accepting": round(cpu / wall, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--batch", type=int, default=100, help="updates in a callback")
    parser.add_argument("--pin", action="store_true", help="simulator on core 0, load on core 1")
    options = parser.parse_args()
    port = free_port()
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudsim.main", "--port", str(port), "--latency-ms", "0"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
    )
    try:
        if options.pin and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {0})
            os.sched_setaffinity(0, {1})
        base = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                call(base, "/sim/info")
                break
            except OSError:
                time.sleep(0.1)
        result = asyncio.run(
            measure(
                base, port, process.pid, messages=options.messages, connections=options.connections, batch=options.batch
            )
        )
    finally:
        process.terminate()
        process.wait(10)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
