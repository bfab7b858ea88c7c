"""`sojourn run`: ready, clear answers, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sojourn

SOURCE = Path(sojourn.__file__).parent.parent


@dataclass
class Run:
    """A `sojourn run` that is up."""

    process: subprocess.Popen[str]
    port: int
    data_dir: Path
    lines: list[str]

    def children(self) -> list[int]:
        return processes_naming(str(self.data_dir))

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)
        except OSError:
            return 0

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


def processes_naming(text: str) -> list[int]:
    """Processes whose command line or environment names this text; zombies do not count."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if text.encode() in words and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(data_dir: Path, *args: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOJOURN", "DATABASE", "PYTEST"))}
    return subprocess.Popen(
        [sys.executable, "-m", "sojourn", *args],
        env={**kept, "SOJOURN_DATA_DIR": str(data_dir), "PYTHONPATH": str(SOURCE), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start(data_dir: Path, *args: str) -> Run:
    port = free_port()
    process = command(data_dir, "run", "--no-demo", "--port", str(port), *args)
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith("ready in"):
            return Run(process, port, data_dir, lines)
    process.wait()
    pytest.fail("it did not become ready:\n" + "".join(lines))


def answer_of(data_dir: Path, *args: str) -> tuple[str, int]:
    process = command(data_dir, *args)
    text, _ = process.communicate(timeout=60)
    return " ".join(text.split()), process.returncode


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sojourn-run-"))
    folder.chmod(0o755)
    yield folder / "data"
    for pid in processes_naming(str(folder)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def test_it_becomes_ready_and_ctrl_c_leaves_nothing_running(data_dir: Path) -> None:
    running = start(data_dir)
    assert running.get("/v1/ready") == 200
    assert len(running.children()) >= 4
    assert running.end(signal.SIGINT) == 0
    assert running.children() == []


def test_a_second_start_in_the_same_data_directory_is_told_where_the_first_is(data_dir: Path) -> None:
    running = start(data_dir)
    text, code = answer_of(data_dir, "run", "--no-demo", "--port", str(free_port()))
    assert code == 1
    assert f"already runs in {data_dir}: http://127.0.0.1:{running.port}, process {running.process.pid}" in text
    assert running.get("/v1/ready") == 200
    assert running.end(signal.SIGINT) == 0


def test_a_taken_port_gets_a_clear_answer_and_leaves_nothing(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text, code = answer_of(data_dir, "run", "--no-demo", "--port", str(port))
    assert code == 1
    assert f"port {port} on 127.0.0.1 is taken by another program. Choose another one: --port" in text
    assert processes_naming(str(data_dir)) == []


def test_data_of_another_major_version_get_a_clear_answer(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    text, code = answer_of(data_dir, "run", "--no-demo", "--port", str(free_port()))
    assert code == 1
    assert "written by PostgreSQL 14" in text
    assert "pg_dumpall" in text


def test_killed_children_come_back(data_dir: Path) -> None:
    running = start(data_dir)
    for part in ("sojourn\0serve", "sojourn\0work", "bin/postgres\0"):
        [pid, *_] = [pid for pid in running.children() if part in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(pid, signal.SIGKILL)
        until(lambda gone=pid: gone not in running.children())  # type: ignore[misc]
    until(lambda: running.get("/v1/ready") == 200, 30)
    assert running.end(signal.SIGTERM) == 0
    assert running.children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_a_killed_run_leaves_nothing_and_the_next_one_starts(data_dir: Path) -> None:
    running = start(data_dir)
    running.end(signal.SIGKILL)
    until(lambda: running.children() == [])
    again = start(data_dir)
    assert again.get("/v1/ready") == 200
    assert again.end(signal.SIGINT) == 0


def test_ctrl_c_during_the_start_leaves_nothing(data_dir: Path) -> None:
    process = command(data_dir, "run", "--no-demo", "--port", str(free_port()))
    until(lambda: (data_dir / "postgres").exists())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert processes_naming(str(data_dir)) == []
