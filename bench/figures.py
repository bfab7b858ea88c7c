"""What a figure is, the table, and `build/bench.json`."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "build/bench.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: its value, and CPU milliseconds an item by process."""

    value: float
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A named figure with its aim. `more_is_better` says on which side of the aim it should lie."""

    name: str
    unit: str
    aim: float
    more_is_better: bool
    includes: str


@dataclass(frozen=True, slots=True)
class Result:
    """A figure with what was measured: the median of its samples and their spread."""

    figure: Figure
    samples: Sequence[Sample]

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(sample.value for sample in self.samples)

    @property
    def is_met(self) -> bool:
        """Whether the median reaches the aim."""
        return self.value >= self.figure.aim if self.figure.more_is_better else self.value <= self.figure.aim

    def cpu_ms(self) -> dict[str, float]:
        """CPU milliseconds an item by process, medians."""
        names = {name for sample in self.samples for name in sample.cpu_ms}
        return {
            name: round(statistics.median(sample.cpu_ms.get(name, 0.0) for sample in self.samples), 4)
            for name in sorted(names)
        }

    def document(self, command: str) -> dict[str, Any]:
        """For the file."""
        values = [sample.value for sample in self.samples]
        return {
            **asdict(self.figure),
            "value": round(self.value, 3),
            "least": round(min(values), 3),
            "most": round(max(values), 3),
            "repeats": len(values),
            "met": self.is_met,
            "cpu_ms_an_item": self.cpu_ms(),
            "notes": [dict(sample.notes) for sample in self.samples],
            "command": command,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def write(results: Sequence[Result], command: str, file: Path = FILE) -> None:
    """Put these results into the file; figures that were not measured now keep what they had."""
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    figures = known.get("figures", {})
    for result in results:
        figures[result.figure.name] = result.document(command)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().split("\n", 1)[0].split()[1]
    return {
        "cores": len(cpu) or None,
        "processor": cpu[0].partition(":")[2].strip() if cpu else platform.processor(),
        "memory_gb": round(int(memory) / 1024**2, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    table = Table(title="Measured here", title_justify="left")
    for heading in ("figure", "median", "least – most", "aim", "met"):
        table.add_column(heading, justify="left" if heading in ("figure", "met") else "right")
    table.add_column("CPU ms an item")
    for result in results:
        values = [sample.value for sample in result.samples]
        table.add_row(
            result.figure.name,
            f"{_number(result.value)} {result.figure.unit}",
            f"{_number(min(values))} – {_number(max(values))}",
            f"{'≥' if result.figure.more_is_better else '≤'} {_number(result.figure.aim)}",
            "[green]yes[/]" if result.is_met else "[red]no[/]",
            ", ".join(f"{name} {value:.3g}" for name, value in result.cpu_ms().items()),
        )
    console = Console()
    console.print(table)
    for result in results:
        console.print(f"[bold]{result.figure.name}[/]: {result.figure.includes}", highlight=False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
