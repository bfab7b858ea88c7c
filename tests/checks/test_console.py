"""The console's own checks: style, types, words, unit tests, sizes, and that its client fits the product."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("asked", ["--check", "--check-api"])
def test_the_console_is_in_order(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/build_console.py", asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
