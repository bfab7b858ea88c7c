"""Settings from the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sojourn.cli_run import stack
from sojourn.settings import Settings


@pytest.mark.parametrize(
    ("word", "allowed"), [("", False), ("0", False), ("1", True), ("true", True), ("Loopback", "loopback")]
)
def test_private_addresses_are_allowed_all_or_those_of_this_machine(word: str, allowed: bool | str) -> None:
    assert Settings.from_environment({"SOJOURN_ALLOW_PRIVATE_URLS": word}).allow_private_urls == allowed


def test_the_demo_allows_this_machine_only_and_leaves_the_operators_choice() -> None:
    settings = Settings(data_dir=Path("/nowhere"))

    def given(settings: Settings, *, demo: bool) -> str | None:
        plan = stack.RunPlan(settings=settings, demo=demo)
        return stack._environment(settings, "postgresql://", None, plan).get("SOJOURN_ALLOW_PRIVATE_URLS")

    assert given(settings, demo=True) == "loopback"
    assert given(settings, demo=False) is None
    assert given(replace(settings, allow_private_urls=True), demo=True) is None  # the environment says it already
