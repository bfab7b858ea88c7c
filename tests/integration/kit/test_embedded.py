"""The embedded server: real processes, real deaths."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

import sojourn
from sojourn.kit import embedded_binaries, embedded_cluster
from sojourn.kit.embedded import (
    DataDirectoryBusyError,
    EmbeddedError,
    EmbeddedServer,
    WrongMajorVersionError,
    database_of,
)


@pytest.fixture(scope="session")
def pristine() -> Iterator[Path]:
    """A data directory as `initdb` leaves it, to be copied: making one takes longer than all the rest."""
    with readable_folder() as folder:
        cluster = embedded_cluster.locate_for(folder)
        embedded_cluster.initialise(cluster, embedded_binaries.find_binaries(cluster.run_as), lambda _: None)
        yield folder


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's user may walk into, which pytest's own are not."""
    with readable_folder() as folder:
        yield folder


@pytest.fixture
def data_dir(pristine: Path, place: Path) -> Path:
    subprocess.run(["cp", "-a", str(pristine), str(place / "d")], check=True)
    return place / "d"


@contextlib.contextmanager
def readable_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sojourn-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(data_dir)
    yield server
    await server.stop()


async def ask(url: str, query: str = "SELECT 1") -> object:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        cursor = await conn.execute(query)  # type: ignore[arg-type]
        row = await cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_first_start_makes_the_database_and_a_second_finds_its_data(place: Path) -> None:
    said: list[str] = []
    first = EmbeddedServer(place / "new", report=said.append)
    url = await first.start()
    await ask(url, "CREATE TABLE kept AS SELECT 42 AS value")
    await first.stop()
    assert any("making a PostgreSQL" in line for line in said)
    second = EmbeddedServer(place / "new")
    began = time.monotonic()
    assert await ask(await second.start(), "SELECT value FROM kept") == 42
    assert time.monotonic() - began < 5
    await second.stop()


async def test_it_listens_on_no_network_and_runs_with_our_settings(server: EmbeddedServer, data_dir: Path) -> None:
    (data_dir / "postgres.conf").write_text("work_mem = '17MB'\n")
    url = await server.start()
    assert await ask(url, "SHOW listen_addresses") == ""
    assert await ask(url, "SHOW synchronous_commit") == "on"
    assert await ask(url, "SHOW jit") == "off"
    assert await ask(url, "SHOW work_mem") == "17MB"
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


async def test_a_killed_server_is_started_again_with_its_data(server: EmbeddedServer) -> None:
    url = await server.start()
    await ask(url, "CREATE TABLE kept AS SELECT 42 AS value")
    watching = asyncio.create_task(server.watch())
    killed = server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: server.pid not in {None, killed})
    for _ in range(200):
        with contextlib.suppress(psycopg.OperationalError):
            assert await ask(url, "SELECT value FROM kept") == 42
            break
        await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_killed_backend_does_not_end_the_server(server: EmbeddedServer) -> None:
    url = await server.start()
    async with await psycopg.AsyncConnection.connect(url) as conn:
        os.kill(conn.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            await conn.execute("SELECT 1")
    for _ in range(200):
        with contextlib.suppress(psycopg.OperationalError):
            assert await ask(url) == 1
            return
        await asyncio.sleep(0.05)
    pytest.fail("the server did not come back")


async def test_a_second_start_gets_a_clear_answer(server: EmbeddedServer, data_dir: Path) -> None:
    await server.start()
    second = EmbeddedServer(data_dir)
    with pytest.raises(DataDirectoryBusyError, match=rf"in use by process {os.getpid()}.*SOJOURN_DATA_DIR"):
        await second.start()
    assert await ask(server.url) == 1


async def test_of_two_starts_at_once_one_wins_and_one_is_told(data_dir: Path) -> None:
    servers = [EmbeddedServer(data_dir), EmbeddedServer(data_dir)]
    results = await asyncio.gather(*[server.start() for server in servers], return_exceptions=True)
    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [DataDirectoryBusyError]
    for server in servers:
        await server.stop()


@pytest.mark.parametrize("content", ["", "12", "not a number\n", "999999999\n/nowhere\n"])
async def test_a_stale_or_truncated_pid_file_is_no_obstacle(
    server: EmbeddedServer, data_dir: Path, content: str
) -> None:
    (data_dir / "postgres" / "postmaster.pid").write_text(content)
    assert await ask(await server.start()) == 1


async def test_a_pid_that_now_belongs_to_another_program_is_left_alone(server: EmbeddedServer, data_dir: Path) -> None:
    owner = embedded_binaries.choose_user(data_dir / "postgres")
    other = subprocess.Popen(["sleep", "60"], **owner.popen_options())  # type: ignore[call-overload]
    try:
        (data_dir / "postgres" / "postmaster.pid").write_text(
            f"{other.pid}\n{data_dir}/postgres\n1\n5432\n/tmp\n\n0 0\n"
        )
        assert await ask(await server.start()) == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


KILLED_SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from sojourn.kit.embedded import EmbeddedServer
async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def start_supervisor(data_dir: Path, code: str = KILLED_SUPERVISOR) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(sojourn.__file__).parent.parent)},
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def test_the_server_ends_with_a_killed_supervisor(data_dir: Path, server: EmbeddedServer) -> None:
    supervisor, pid = start_supervisor(data_dir)
    supervisor.kill()
    supervisor.communicate()
    if sys.platform == "linux":
        await until(lambda: not is_running(pid))
    assert await ask(await server.start()) == 1


async def test_a_server_that_outlived_its_supervisor_is_stopped_and_replaced(
    data_dir: Path, server: EmbeddedServer
) -> None:
    code = "from sojourn.kit import embedded\nembedded.end_with_parent = lambda number: None\n" + KILLED_SUPERVISOR
    supervisor, pid = start_supervisor(data_dir, code)
    supervisor.kill()
    supervisor.communicate()
    assert is_running(pid)
    url = await server.start()
    assert not is_running(pid)
    assert server.pid != pid
    assert await ask(url) == 1


async def test_data_of_another_major_version_get_a_clear_answer(server: EmbeddedServer, data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("13\n")
    with pytest.raises(WrongMajorVersionError, match=r"written by PostgreSQL 13.*pg_dumpall.*SOJOURN_DATA_DIR"):
        await server.start()
    assert not embedded_cluster.is_held(data_dir)


async def test_a_foreign_folder_in_the_place_of_the_data_is_not_touched(server: EmbeddedServer, data_dir: Path) -> None:
    shutil.rmtree(data_dir / "postgres")
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "letters.txt").write_text("dear")
    with pytest.raises(EmbeddedError, match="not a PostgreSQL data directory"):
        await server.start()
    assert (data_dir / "postgres" / "letters.txt").read_text() == "dear"


async def test_a_first_start_that_died_in_the_middle_leaves_no_half_directory(place: Path) -> None:
    leftover = place / "new" / "postgres.partial-1"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(place / "new")
    await server.start()
    await server.stop()
    assert not leftover.exists()


async def test_a_long_recovery_is_waited_for_with_progress(
    server: EmbeddedServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    server._report = said.append
    monkeypatch.setattr("sojourn.kit.embedded.PROGRESS_EVERY_SECONDS", 0.3)
    # A recovery that waits at a hot standby's door: connections are refused as in crash recovery, for as long as we like.
    (data_dir / "postgres" / "standby.signal").touch()
    (data_dir / "postgres.conf").write_text("hot_standby = off\n")
    starting = asyncio.create_task(server.start())
    await until(lambda: any("not ready after" in line for line in said))
    assert not starting.done()
    pid = embedded_cluster.read_pid(embedded_cluster.locate_for(data_dir))
    assert pid is not None
    done = embedded_binaries.find_binaries(embedded_binaries.choose_user(data_dir / "postgres")).run(
        "pg_ctl",
        "promote",
        "-D",
        str(data_dir / "postgres"),
        run_as=embedded_binaries.choose_user(data_dir / "postgres"),
    )
    assert "promoted" in done
    assert await ask(await starting) == 1


async def test_a_server_that_cannot_start_says_why(server: EmbeddedServer, data_dir: Path) -> None:
    (data_dir / "postgres.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        await server.start()
    assert not embedded_cluster.is_held(data_dir)


async def test_a_path_too_long_for_a_socket_gets_a_short_one(data_dir: Path, place: Path) -> None:
    long = place / ("x" * 90)
    data_dir.rename(long)
    server = EmbeddedServer(long)
    assert await ask(await server.start()) == 1
    await server.stop()
    embedded_cluster.locate_for(long).sockets.rmdir()


async def test_database_of_prefers_the_given_url_then_a_running_server(server: EmbeddedServer, data_dir: Path) -> None:
    async with database_of("postgresql://somewhere/else", data_dir) as url:
        assert url == "postgresql://somewhere/else"
    async with database_of(None, data_dir) as url:
        assert await ask(url) == 1
        assert embedded_cluster.is_held(data_dir)
    assert not embedded_cluster.is_held(data_dir)
    running = await server.start()
    async with database_of(None, data_dir) as url:
        assert url == running


def test_system_programs_are_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    if not [path for root in embedded_binaries.SYSTEM_ROOTS for path in Path(root).glob("*/bin/initdb")]:
        with pytest.raises(embedded_binaries.NoPostgres, match="DATABASE_URL"):
            embedded_binaries.find_binaries(embedded_binaries.choose_user())
        return
    assert embedded_binaries.find_binaries(embedded_binaries.choose_user()).origin == "system"
