"""The demo: a coffee shop, 500 people who agreed, a live order journey, and one order that plays at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the demo plays: our addresses, and where its own notes are kept."""

    database_url: str
    address: str
    simulator: str
    data_dir: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was made and what happened, for the closing panel."""

    api_key: str
    lines: tuple[str, ...]


async def tell(stage: Stage, *, report: Callable[[str], None]) -> Story:
    """Make the demo's data where they are missing, set up the simulator, play one order."""
    report("demo data")
    return Story(api_key="", lines=())
