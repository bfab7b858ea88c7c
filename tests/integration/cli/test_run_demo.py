"""`sojourn run` with the demo: the product's main job, seen in the terminal, twice in the same data directory."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.integration.cli.test_run_command import command, data_dir, free_port

__all__ = ["data_dir"]


def play(folder: Path) -> list[str]:
    """Start, wait until the order was played and told, stop; what was printed."""
    process = command(folder, "run", "--port", str(free_port()))
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        if "why was it sent?" in line or "cannot be played" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0, "\n".join(lines)
    return lines


def test_the_first_start_makes_a_shop_and_the_second_continues_with_it(data_dir: Path) -> None:
    first, second = play(data_dir), play(data_dir)
    for lines, order, name in ((first, "B-1001", "Anna"), (second, "B-1002", "Ben")):
        text = "\n".join(lines)
        assert f"Brisk Coffee: Hi {name}, good news: your coffee order {order} has left" in text
        assert f"{name}: Leave with neighbour" in text
        assert f"Noted! The courier will leave order {order} with your neighbour." in text
    assert "500 people imported, 500 of them new" in first
    assert not any("imported" in line for line in second)
    keys = {line for line in (*first, *second) if line.startswith("API key   sk_")}
    assert len(keys) == 1
    notes = data_dir / "demo.json"
    assert notes.stat().st_mode & 0o077 == 0
    assert json.loads(notes.read_text())["orders"] == 2
