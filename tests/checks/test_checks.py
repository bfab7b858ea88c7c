"""What must hold of the whole repository: style, types, imports, dependencies, lock, schema."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)


def run(*command: str) -> None:
    env = {**os.environ, "XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "NO_COLOR": "1"}
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}{done.stderr[-4000:]}"


def test_style() -> None:
    run("ruff", "check", "--quiet", ".")


def test_format() -> None:
    run("ruff", "format", "--check", "--quiet", ".")


def test_types() -> None:
    run("mypy", "--no-error-summary")


def test_import_contracts() -> None:
    run("lint-imports", "--no-logo")


def test_dependencies() -> None:
    run("deptry", ".", "--no-ansi")


def locked(file: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PINNED.findall((ROOT / file).read_text())}


def wanted() -> Iterator[tuple[str, Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    yield from (("requirements.lock", Requirement(text)) for text in project["project"]["dependencies"])
    both = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    yield from (("requirements-dev.lock", Requirement(text)) for text in both)


@pytest.mark.parametrize(("file", "requirement"), list(wanted()), ids=str)
def test_the_lock_satisfies(file: str, requirement: Requirement) -> None:
    version = locked(file).get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} is not in {file}: make lock"
    assert requirement.specifier.contains(version, prereleases=True), f"{file} has {version}: make lock"


def test_both_locks_agree_and_name_hashes_but_no_host() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime
    for file in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / file).read_text()
        assert "://" not in text
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))
