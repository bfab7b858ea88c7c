"""The data directory of the embedded PostgreSQL: where it lies, who holds it, what its pid file is worth, its settings.

<data_dir>/postgres.lock    held (flock) by the one process that supervises the server; says who that is
<data_dir>/postgres/        the data, owned by the user that runs PostgreSQL
<data_dir>/postgres.conf    yours: settings that win over ours
<data_dir>/run/             the socket (below /tmp when this path is too long for a socket)
<data_dir>/postgres.log     what the server says
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sojourn.kit.embedded_binaries import SHARED_HOME, Binaries, RunAs, choose_user, clean_environment

SOCKET_PATH_MAX = 100  # bytes; the limit of a socket's address is 107 on Linux and 103 on macOS
SOCKET_NAME_BYTES = len("/.s.PGSQL.5432.lock")
USER = "sojourn"
GIB = 1024**3


class EmbeddedError(Exception):
    """The embedded server cannot start; the text says why and what to do."""


class DataDirectoryBusyError(EmbeddedError):
    """Another process runs the server in this data directory."""


class WrongMajorVersionError(EmbeddedError):
    """The data were written by another major version of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The paths of one embedded server."""

    data_dir: Path
    data: Path
    sockets: Path
    run_as: RunAs

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's own pid file."""
        return self.data / "postmaster.pid"

    @property
    def log_file(self) -> Path:
        """What the server prints."""
        return self.data_dir / "postgres.log"

    def url(self, database: str) -> str:
        """How to connect, over the socket."""
        return f"postgresql://{USER}@/{database}?host={self.sockets}"


def locate_for(data_dir: Path) -> Cluster:
    """The paths for a data directory and for the user that owns its data, or would."""
    data_dir = data_dir.resolve()
    return locate(data_dir, choose_user(data_dir / "postgres"))


def locate(data_dir: Path, run_as: RunAs) -> Cluster:
    """The paths for a data directory; folders that are missing are made.

    When the user that runs PostgreSQL cannot reach the data directory (root's home, say), the data go below
    `/var/lib/sojourn`, under a name made from the path.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    mark = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    home = data_dir if can_reach(data_dir, run_as) else SHARED_HOME / f"data-{mark}"
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    sockets = home / "run"
    if len(os.fsencode(sockets)) + SOCKET_NAME_BYTES > SOCKET_PATH_MAX:
        sockets = Path(tempfile.gettempdir()) / f"sojourn-{os.geteuid()}-{mark}"
    sockets.mkdir(mode=0o700, exist_ok=True)
    owner = sockets.lstat().st_uid
    if sockets.is_symlink() or owner not in {os.geteuid(), run_as.uid if run_as.uid is not None else owner}:
        raise EmbeddedError(f"{sockets} belongs to somebody else. Remove it, or give a shorter data directory.")
    run_as.give(sockets)
    return Cluster(data_dir=data_dir, data=home / "postgres", sockets=sockets, run_as=run_as)


def can_reach(folder: Path, run_as: RunAs) -> bool:
    """Whether the user that runs PostgreSQL may walk down to this folder."""
    if run_as.uid is None:
        return True
    command = ["test", "-x", str(folder)]
    return subprocess.run(command, check=False, cwd="/", **run_as.popen_options()).returncode == 0  # type: ignore[call-overload,no-any-return]


def hold(cluster: Cluster) -> IO[str]:
    """Become the one supervisor of this data directory, until the returned file is closed or the process ends.

    Raises DataDirectoryBusyError when another process is.
    """
    file = (cluster.data_dir / "postgres.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise DataDirectoryBusyError(
            f"the data directory {cluster.data_dir} is in use by process {holder}. Stop that one first, or choose "
            "another directory with SOJOURN_DATA_DIR."
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def is_held(data_dir: Path) -> bool:
    """Whether some process supervises a server in this data directory."""
    lock = data_dir.resolve() / "postgres.lock"
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def initialise(cluster: Cluster, binaries: Binaries, report: Callable[[str], None]) -> bool:
    """Make the data directory when there is none; true when it was made now.

    It is made beside its place and renamed, so that a death in the middle leaves no half of one.
    Raises WrongMajorVersionError, or EmbeddedError when something else lies in its place.
    """
    version_file = cluster.data / "PG_VERSION"
    if version_file.exists():
        check_version(cluster, binaries)
        return False
    if cluster.data.exists() and any(cluster.data.iterdir()):
        raise EmbeddedError(
            f"{cluster.data} is not empty and not a PostgreSQL data directory. Move it away, or choose another "
            "directory with SOJOURN_DATA_DIR."
        )
    for leftover in cluster.data.parent.glob("postgres.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    report(f"making a PostgreSQL {binaries.major} database in {cluster.data}")
    partial = cluster.data.with_name(f"postgres.partial-{os.getpid()}")
    partial.mkdir(mode=0o700)
    cluster.run_as.give(partial)
    options = ["-U", USER, "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-instructions"]
    try:
        binaries.run("initdb", "-D", str(partial), *options, run_as=cluster.run_as)
    except subprocess.CalledProcessError as error:
        raise EmbeddedError(f"initdb failed: {error.stderr.strip()}") from error
    with contextlib.suppress(OSError):
        cluster.data.rmdir()
    partial.rename(cluster.data)
    return True


def check_version(cluster: Cluster, binaries: Binaries) -> None:
    """Raise WrongMajorVersionError unless these programs can read these data."""
    found = (cluster.data / "PG_VERSION").read_text().strip()
    if found != str(binaries.major):
        raise WrongMajorVersionError(
            f"the data in {cluster.data} were written by PostgreSQL {found or 'unknown'}, but this installation has "
            f"PostgreSQL {binaries.major} ({binaries.folder}), which cannot read them. Either carry them over with "
            f"pg_dumpall of version {found} (docs/howto/deploy.md, 'Another major version'), or start empty in "
            "another directory with SOJOURN_DATA_DIR."
        )


def configure(cluster: Cluster, binaries: Binaries) -> None:
    """Write our settings, and have PostgreSQL read them and then the owner's own."""
    ours, main = cluster.data / "sojourn.conf", cluster.data / "postgresql.conf"
    own = cluster.data_dir / "postgres.conf"
    own_copy = cluster.data / "own.conf"
    lines = [f"{name} = '{value}'" for name, value in settings(cluster, binaries).items()]
    ours.write_text("# written at every start; your own settings belong into " + str(own) + "\n" + "\n".join(lines))
    own_copy.write_text(own.read_text() if own.exists() else "")
    text = main.read_text()
    if "sojourn.conf" not in text:
        main.write_text(text + "\ninclude = 'sojourn.conf'\ninclude = 'own.conf'\n")
    for file in (ours, own_copy, main):
        cluster.run_as.give(file)


def settings(cluster: Cluster, binaries: Binaries) -> dict[str, str]:
    """Our settings, from the machine's memory and disk (measured: docs/reference/performance.md)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wal = min(8 * GIB, max(GIB // 2, shutil.disk_usage(cluster.data).free // 4))
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(cluster.sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "max_connections": "200",
        "shared_buffers": f"{min(4 * GIB, max(GIB // 8, memory // 4)) // 1024**2}MB",
        "wal_buffers": "64MB",
        "max_wal_size": f"{wal // 1024**2}MB",
        "checkpoint_timeout": "20min",
        "synchronous_commit": "on",
        "wal_compression": "off",
        "jit": "off",
        "random_page_cost": "1.1",
        "autovacuum_naptime": "10s",
        "idle_in_transaction_session_timeout": "300s",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_error_verbosity": "terse",  # details of an error hold values of rows, and with them people
        "logging_collector": "off",
        "cluster_name": "sojourn",
    }


def read_pid(cluster: Cluster) -> int | None:
    """The process id in PostgreSQL's pid file; None when there is no file or it cannot be read (empty, truncated)."""
    try:
        first = cluster.pid_file.read_text(errors="replace").split("\n", 1)[0].strip()
    except (FileNotFoundError, PermissionError):
        return None
    return int(first) if first.isdigit() and int(first) > 1 else None


def find_leftover(cluster: Cluster) -> int | None:
    """The process id of a PostgreSQL that runs on these data without a supervisor, or None.

    A number in the pid file proves nothing: the process must be there, and work in this data directory.
    """
    pid = read_pid(cluster)
    return pid if pid is not None and works_in(pid, cluster.data) else None


def works_in(pid: int, folder: Path) -> bool:
    """Whether this process is a PostgreSQL of this data directory (its working directory, or its command line)."""
    link = Path(f"/proc/{pid}/cwd")
    if Path("/proc/self").exists():
        try:
            return link.readlink() == folder and "postgres" in Path(f"/proc/{pid}/comm").read_text()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            return False
    command = ["ps", "-o", "command=", "-p", str(pid)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=clean_environment())
    return str(folder) in done.stdout


def clear_pid_file(cluster: Cluster) -> bool:
    """Remove a pid file that no PostgreSQL stands behind; true when there was one.

    Only for the holder of the lock, after `find_leftover` said None. Orphaned server processes are still safe from
    us: PostgreSQL refuses to start while its old shared memory is in use.
    """
    try:
        cluster.pid_file.unlink()
    except FileNotFoundError:
        return False
    return True


def last_words(cluster: Cluster, count: int = 5) -> list[str]:
    """The last lines of the server's log."""
    try:
        with cluster.log_file.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            return file.read().decode(errors="replace").strip().splitlines()[-count:]
    except FileNotFoundError:
        return []
