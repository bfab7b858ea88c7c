"""The checks: each yields findings, and each finding that is not ok says how to fix it."""

from __future__ import annotations

import shutil
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import psycopg

from sojourn.cli_doctor import store
from sojourn.cli_doctor.finding import Finding, fail, ok, warn
from sojourn.cli_doctor.senders import check_senders
from sojourn.cli_manage.context import open_conn
from sojourn.kit import jobs_store
from sojourn.kit.clock import system_now
from sojourn.kit.crypto import find_key_ring, key_file
from sojourn.kit.database import Conn
from sojourn.kit.embedded import EmbeddedError, database_of
from sojourn.kit.embedded_binaries import OLDEST_MAJOR, NoPostgres
from sojourn.kit.errors import AppError
from sojourn.kit.installation_keys import WrongInstallationKey, verify_keys
from sojourn.kit.migrate import MigrationError, list_pending
from sojourn.settings import Settings

GIB = 1024**3
QUEUE_AGE_WARN_SECONDS = 60.0
QUEUE_AGE_FAIL_SECONDS = 900.0


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which one would fix them. Starts the embedded server when it is needed."""
    findings = [*check_python(), *check_disk(settings), *check_keys(settings), *check_addresses(settings)]
    try:
        async with database_of(settings.database_url, settings.data_dir) as url:
            findings += [finding async for finding in _check_database(settings, url)]
    except (EmbeddedError, NoPostgres) as error:
        findings.append(fail("database", str(error), "see the text above; docs/howto/deploy.md has the settings"))
    except (psycopg.OperationalError, AppError) as error:
        fix = "check DATABASE_URL, and that the server runs and lets us in; nothing acknowledged is lost meanwhile"
        findings.append(fail("database", f"cannot be reached: {str(error).strip()}", fix))
    return findings


def check_python() -> Iterator[Finding]:
    """The interpreter that runs us."""
    text = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    if sys.version_info < (3, 11):  # noqa: UP036 - the doctor is for installations that are not as they should be
        yield fail("python", f"{text} is too old", "install Python 3.11 or newer and run `make setup`")
    else:
        yield ok("python", text)


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Free space where the data lie."""
    place = settings.data_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free / GIB:.1f} GiB free in {place}"
    if free < GIB // 2:
        yield fail("disk", text, "free space or move SOJOURN_DATA_DIR; PostgreSQL stops when the disk is full")
    elif free < 5 * GIB:
        yield warn("disk", text, "free some space before the disk is full")
    else:
        yield ok("disk", text)


def check_keys(settings: Settings) -> Iterator[Finding]:
    """The installation key that seals tokens and personal data."""
    file = key_file(settings.data_dir)
    if settings.secret_key is None and not file.exists():
        yield warn("secret key", f"none yet; the first start makes {file}", "set SOJOURN_SECRET_KEY on servers")
        return
    try:
        find_key_ring(settings.secret_key, settings.data_dir)
    except (ValueError, OSError) as error:
        yield fail("secret key", str(error), "put the right key back: what it sealed cannot be read without it")
        return
    if settings.secret_key is not None:
        yield ok("secret key", "from SOJOURN_SECRET_KEY")
    elif stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield fail("secret key", f"{file} can be read by others", f"chmod 600 {file}")
    else:
        yield warn("secret key", f"in {file}", "back it up apart from the database, or set SOJOURN_SECRET_KEY")


def check_addresses(settings: Settings) -> Iterator[Finding]:
    """How the world reaches us."""
    url = settings.public_url
    if url.startswith("https://"):
        yield ok("public address", url)
    elif "127.0.0.1" in url or "localhost" in url:
        yield warn("public address", f"{url}: this machine only", "set SOJOURN_PUBLIC_URL=https://… before going live")
    else:
        yield fail(
            "public address", f"{url} is not https", "put a TLS proxy in front and set SOJOURN_PUBLIC_URL=https://…"
        )


async def _check_database(settings: Settings, url: str) -> AsyncIterator[Finding]:
    async with open_conn(url) as conn:
        async for finding in check_server(conn):
            yield finding
    try:
        pending = await list_pending(url)
    except MigrationError as error:
        yield fail("migrations", str(error), "run the version that this database belongs to")
        return
    if pending:
        names = ", ".join(f"{m.number:04d}_{m.name}" for m in pending)
        yield fail("migrations", f"missing: {names}", "sojourn migrate")
        return
    yield ok("migrations", "all applied")
    async with open_conn(url) as conn:
        async for finding in check_keys_fit(conn, settings):
            yield finding
        async for finding in check_senders(conn, settings):
            yield finding
        async for finding in check_jobs(conn):
            yield finding


async def check_keys_fit(conn: Conn, settings: Settings) -> AsyncIterator[Finding]:
    """Whether the installation key is the one that this database was written under."""
    try:
        await verify_keys(conn, settings)
    except WrongInstallationKey as error:
        fix = "put the right secret.key or SOJOURN_SECRET_KEY back from its backup; nothing starts without it"
        yield fail("secret key and database", str(error.data["detail"]), fix)
    except (ValueError, OSError):
        return  # the check of the key itself has said so


async def check_server(conn: Conn) -> AsyncIterator[Finding]:
    """Version and settings of PostgreSQL."""
    facts = await store.get_server_facts(conn)
    if facts["major"] < OLDEST_MAJOR:
        yield fail("database", f"PostgreSQL {facts['version']}", f"PostgreSQL {OLDEST_MAJOR} or newer is needed")
    else:
        yield ok("database", f"PostgreSQL {facts['version']}, {facts['size_bytes'] / GIB:.2f} GiB")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if facts[name] == "off":
            text = f"{name} is off: a crash can lose what was acknowledged, or send twice"
            yield fail("database settings", text, f"set {name} = on")
    if facts["encoding"] != "UTF8":
        yield fail("database settings", f"encoding {facts['encoding']}", "create the database with ENCODING 'UTF8'")
    if facts["connections"] > facts["max_connections"] * 0.8:
        text = f"{facts['connections']} of {facts['max_connections']} connections are in use"
        yield warn("database settings", text, "lower SOJOURN_POOL_SIZE or raise max_connections")
    if facts["shared_buffers_bytes"] < GIB // 8:
        text = f"shared_buffers is {facts['shared_buffers_bytes'] // 1024**2} MB"
        yield warn("database settings", text, "give it a quarter of the memory, up to 4 GB")


async def check_jobs(conn: Conn) -> AsyncIterator[Finding]:
    """Dead letters, jobs that wait too long, webhooks that could not be read."""
    dead = await jobs_store.count_dead(conn)
    if dead:
        fix = "`sojourn jobs dead` shows why; after mending the cause `sojourn jobs replay --all`"
        yield warn("dead letters", f"{dead} jobs failed for good", fix)
    else:
        yield ok("dead letters", "none")
    ages = [(_age_seconds(row["oldest"]), row["handler"]) for row in await jobs_store.list_queue_figures(conn)]
    age, handler = max(ages, default=(0.0, ""))
    text = f"the oldest job waits {age:.0f} s ({handler})" if handler else "empty"
    if age > QUEUE_AGE_FAIL_SECONDS:
        yield fail("queue", text, "is a worker running? `sojourn work` starts one; its log says what fails")
    elif age > QUEUE_AGE_WARN_SECONDS:
        yield warn("queue", text, "start more workers (`sojourn work`), or look at the log of those that run")
    else:
        yield ok("queue", text)
    unread = (await store.count_webhooks(conn, system_now() - timedelta(days=1)))["unread"]
    if unread:
        text = f"{unread} bodies of the last day could not be read completely"
        yield warn("webhooks", text, "they are kept; is another program's webhook pointed at us, or is an update due?")


def _age_seconds(job_id: str) -> float:
    return max(0.0, time.time() - (UUID(job_id).int >> 80) / 1000)
