"""One real PostgreSQL for every test run of this machine and user.

The first test session that needs it starts it, the last one to leave stops it. Each session holds a shared lock on
`sessions.lock` as long as it lives; whoever gets that lock exclusively is alone and may stop the server. A killed
session loses its lock with its life, so nothing has to be cleaned up by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from sojourn.kit import migrate
from sojourn.kit.embedded_binaries import Binaries, RunAs, choose_user, clean_environment, find_binaries

FOLDER = Path(tempfile.gettempdir()) / f"sojourn-pgtest-{os.geteuid()}"
KEPT_TEMPLATES = 4
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "10s",
    "jit": "off",
    "random_page_cost": "1.1",
    "file_copy_method": "copy",
    "log_min_messages": "warning",
}

_numbers = itertools.count(1)


@contextlib.contextmanager
def shared_server() -> Iterator[str]:
    """The URL of a running server (database `postgres`), for as long as the block lasts."""
    given = os.environ.get("SOJOURN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    FOLDER.mkdir(exist_ok=True)
    FOLDER.chmod(0o1777 if os.geteuid() == 0 else 0o755)  # the server's own user makes its socket here
    with _locked("start.lock", fcntl.LOCK_EX):
        session = _hold_session()
        try:
            _ensure_running()
        except BaseException:
            session.close()
            raise
    try:
        yield _url("postgres")
    finally:
        with _locked("start.lock", fcntl.LOCK_EX):
            session.close()
            if _is_alone():
                _stop()


def ensure_template(server: str) -> str:
    """The name of a database that carries all migrations, made once for each state of the migrations folder."""
    name = f"template_{migrate.fingerprint()}"
    with _locked("template.lock", fcntl.LOCK_EX), psycopg.connect(server, autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        _drop_old_templates(conn)
        building = f"building_{name}"
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(building)))
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 STRATEGY file_copy").format(sql.Identifier(building))
        )
        asyncio.run(migrate.migrate(with_database(server, building), at=datetime.now(UTC)))
        conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name)))
    return name


def clone(server: str, template: str) -> str:
    """Make a database that equals the template; returns its URL."""
    name = f"t_{os.getpid()}_{next(_numbers)}_{time.time_ns() % 1_000_000}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return with_database(server, name)


def drop(server: str, url: str) -> None:
    """Remove a cloned database, closing what is still connected to it."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(name))))


def drop_leftovers(server: str) -> None:
    """Remove databases whose test process is gone."""
    with psycopg.connect(server, autocommit=True) as conn:
        for (name,) in conn.execute("SELECT datname FROM pg_database WHERE datname LIKE 't\\_%'").fetchall():
            pid = name.split("_")[1]
            if not Path(f"/proc/{pid}").exists():
                conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return psycopg.conninfo.make_conninfo(**{**parts, "dbname": name})


def _url(database: str) -> str:
    return f"host={FOLDER} user=sojourn dbname={database}"


@contextlib.contextmanager
def _locked(name: str, how: int) -> Iterator[None]:
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    with (FOLDER / name).open("a") as file:
        fcntl.flock(file, how)
        yield


def _hold_session() -> IO[str]:
    file = (FOLDER / "sessions.lock").open("a")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _is_alone() -> bool:
    with (FOLDER / "sessions.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _ensure_running() -> None:
    data = FOLDER / "data"
    if _answers():
        return
    run_as = choose_user(data)
    binaries = find_binaries(run_as, home=FOLDER / "programs")
    if not (data / "PG_VERSION").exists() or int((data / "PG_VERSION").read_text()) != binaries.major:
        _initialise(binaries, run_as, data)
    for attempt in range(2):
        words = _start(binaries, run_as, data)
        if not words:
            return
        if attempt == 0:  # a machine that lost power in the middle of a run: these data are worthless, start afresh
            (FOLDER / "failed.txt").write_text(f"{words}\n{_log_of(data)}")
            _initialise(binaries, run_as, data)
    raise RuntimeError(f"the test server does not start: {words}\n{_log_of(data)}")


def _start(binaries: Binaries, run_as: RunAs, data: Path) -> str:
    """Start the server; what pg_ctl said when it did not start, else an empty text."""
    options = " ".join(f"-c {name}={value!r}" for name, value in SETTINGS.items() if _known(name, binaries))
    deadline = time.monotonic() + 30
    while True:
        (data / "postmaster.pid").unlink(missing_ok=True)  # we hold the start lock and nobody answers
        how = ["start", "-w", "-t", "60", "-l", str(data / "log.txt"), "-o", f"-k {FOLDER} {options}"]
        done = _pg_ctl(binaries, run_as, data, *how)
        if done.returncode == 0 and _answers():
            return ""
        if time.monotonic() > deadline or "shared memory block" not in _log_of(data):
            return done.stderr or "it does not answer"
        time.sleep(0.5)  # processes of a killed server still end


def _log_of(data: Path) -> str:
    try:
        return (data / "log.txt").read_text(errors="replace")[-3000:]
    except FileNotFoundError:
        return ""


def _known(setting: str, binaries: Binaries) -> bool:
    return setting != "file_copy_method" or binaries.major >= 18


def _initialise(binaries: Binaries, run_as: RunAs, data: Path) -> None:
    subprocess.run(["rm", "-rf", str(data)], check=True)
    data.mkdir(mode=0o700)
    run_as.give(data)
    binaries.run(
        "initdb",
        "-D",
        str(data),
        "-U",
        "sojourn",
        "--auth=trust",
        "--no-locale",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
        run_as=run_as,
    )


def _answers() -> bool:
    """Whether a server listens; one that is starting or has no connection to spare is waited for."""
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(_url("postgres"), connect_timeout=10).close()
        except psycopg.OperationalError as error:
            words = str(error)
            if not any(sign in words for sign in ("starting up", "too many clients", "reserved", "timeout expired")):
                return False
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        else:
            return True


def _stop() -> None:
    data = FOLDER / "data"
    run_as = choose_user(data)
    with contextlib.suppress(Exception):
        _pg_ctl(find_binaries(run_as, home=FOLDER / "programs"), run_as, data, "stop", "-m", "fast", "-w")


def _pg_ctl(binaries: Binaries, run_as: RunAs, data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    with (FOLDER / "pg_ctl.txt").open("w+") as out:
        done = subprocess.run(
            [str(binaries.program("pg_ctl")), "-D", str(data), *args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            text=True,
            cwd="/",
            env=clean_environment(),
            start_new_session=True,
            check=False,
            **run_as.popen_options(),
        )
        out.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, "", out.read())


def _drop_old_templates(conn: psycopg.Connection) -> None:
    rows = conn.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' ORDER BY oid DESC"
    ).fetchall()
    for (name,) in rows[KEPT_TEMPLATES:]:
        with contextlib.suppress(psycopg.Error):
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
