"""Runs the parts of the suite in order of their price and ends with one closing line for all of them.

`python tests/suite.py` runs everything but the long matrix; `python tests/suite.py checks unit` runs only these parts;
`python tests/suite.py soak` runs the long matrix.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test"
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Part:
    """One part: its folders and how many processes share it."""

    name: str
    folders: tuple[str, ...]
    processes: int = 2
    marker: str = "not soak"
    may_be_empty: bool = False


PARTS = (
    Part("checks", ("tests/checks",)),
    Part("unit", ("tests/unit",)),
    Part("integration", ("tests/integration", "tests/migrations")),
    Part("acceptance", ("tests/acceptance",)),
    Part("faults", ("tests/faults",), processes=0),
    Part("browser", ("tests/browser",), processes=0),
)
SOAK = Part("soak", ("tests",), processes=0, marker="soak", may_be_empty=True)


def main(names: list[str]) -> int:
    """Run the named parts, or all; the exit code of pytest's kind. A part without tests fails, and so does its name."""
    unknown = sorted(set(names) - {part.name for part in (*PARTS, SOAK)})
    if unknown:
        print(f"no such part: {', '.join(unknown)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    parts = [SOAK] if names == [SOAK.name] else [part for part in PARTS if not names or part.name in names]
    began, total, broken = time.monotonic(), Counter[str](), []
    for part in parts:
        counts, code = run(part)
        total += counts
        if is_broken(part, code):
            broken.append(part.name)
    print(closing_line(total, broken, time.monotonic() - began), flush=True)
    return 1 if broken else 0


def is_broken(part: Part, code: int) -> bool:
    """Whether pytest's exit code means that a part failed: a part that ran nothing has proved nothing."""
    return code != 0 and not (code == NO_TESTS_COLLECTED and part.may_be_empty)


def run(part: Part) -> tuple[Counter[str], int]:
    """Run one part; what became of its tests, and pytest's exit code."""
    folders = [folder for folder in part.folders if any((ROOT / folder).rglob("test_*.py"))]
    if not folders:
        return Counter(), NO_TESTS_COLLECTED
    print(f"== {part.name}", flush=True)
    report = RESULTS / f"{part.name}.xml"
    report.unlink(missing_ok=True)
    spread = ["-n", str(part.processes), "--dist", "worksteal"] if part.processes else ["-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-qq", "-m", part.marker, f"--junitxml={report}", *spread, *folders]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return read_report(report), code


def read_report(report: Path) -> Counter[str]:
    """How many tests passed, failed, broke and were skipped."""
    counts: Counter[str] = Counter()
    if not report.exists():
        return Counter(errors=1)
    for suite in ET.parse(report).getroot().iter("testsuite"):
        of = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        counts["failed"] += of["failures"]
        counts["errors"] += of["errors"]
        counts["skipped"] += of["skipped"]
        counts["passed"] += of["tests"] - of["failures"] - of["errors"] - of["skipped"]
    return counts


def closing_line(counts: Counter[str], broken: list[str], seconds: float) -> str:
    """`===== 12 passed, 1 skipped in 3.20s =====`, as pytest writes it."""
    words = [f"{counts[name]} {name}" for name in ("failed", "passed", "skipped", "errors") if counts[name]]
    where = f" (in {', '.join(broken)})" if broken else ""
    text = f" {', '.join(words) or 'no tests ran'}{where} in {seconds:.2f}s "
    return text.center(100, "=")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
