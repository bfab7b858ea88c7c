"""The commands that look after an installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from sojourn.cli import app
from sojourn.cli_doctor.finding import Level
from sojourn.cli_doctor.senders import check_sender
from tests.support import postgres

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def sojourn(tmp_path: Path):
    """Runs one command on a database; returns its exit code and what it printed."""

    def run(url: str, *args: str) -> tuple[int, str]:
        env = {"DATABASE_URL": url, "SOJOURN_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "300", "NO_COLOR": "1"}
        result = CliRunner().invoke(app, [*args], env=env, catch_exceptions=False)
        return result.exit_code, result.output

    return run


@pytest.fixture
def empty_url(database_server: str):
    url = postgres.clone(database_server, "template0")
    yield url
    postgres.drop(database_server, url)


def test_migrate_applies_what_is_missing_and_check_only_says_so(sojourn, empty_url: str) -> None:
    code, text = sojourn(empty_url, "migrate", "--check")
    assert (code, "missing 0001_kit" in text) == (1, True)
    code, text = sojourn(empty_url, "migrate")
    assert (code, "applied 0001_kit" in text) == (0, True)
    assert sojourn(empty_url, "migrate") == (0, "the database is up to date\n")
    assert sojourn(empty_url, "migrate", "--check")[0] == 0


def test_keys_create_prints_the_secret_and_makes_a_workspace_once(sojourn, database_url: str) -> None:
    code, text = sojourn(database_url, "keys", "create", "first", "--workspace", "Brisk Coffee")
    assert code == 0
    assert text.splitlines()[-1].startswith("sk_")
    assert sojourn(database_url, "keys", "create", "again", "--write-key")[1].splitlines()[-1].startswith("wk_")
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT name FROM workspaces").fetchall() == [("Brisk Coffee",)]
        assert conn.execute("SELECT count(*) FROM api_keys").fetchone() == (2,)


def test_members_create_prints_a_link_that_lets_the_first_admin_in(sojourn, database_url: str) -> None:
    code, text = sojourn(database_url, "members", "create", "Ann@Example.com", "--workspace", "Brisk Coffee")
    assert code == 0
    assert "/invitation/" in text.splitlines()[-1]
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT email FROM members").fetchall() == [("ann@example.com",)]
        assert conn.execute("SELECT roles, state FROM memberships").fetchall() == [(["admin"], "invited")]
    code, text = sojourn(database_url, "members", "create", "ben@example.com", "--role", "boss")
    assert (code, "roles[0]" in text) == (1, True)
    code, text = sojourn(database_url, "members", "reset", "ann@example.com")
    assert (code, "no active member" in text) == (1, True)


def test_keys_create_refuses_an_unknown_scope_with_a_sentence(sojourn, database_url: str) -> None:
    code, text = sojourn(database_url, "keys", "create", "first", "--scope", "everything")
    assert code == 1
    assert "scopes[0]: everything" in text


def test_a_database_without_tables_is_told_to_migrate(sojourn, empty_url: str) -> None:
    code, text = sojourn(empty_url, "jobs", "dead")
    assert (code, "sojourn migrate" in text) == (1, True)


def test_import_takes_good_rows_and_names_bad_ones(sojourn, database_url: str, tmp_path: Path) -> None:
    sojourn(database_url, "keys", "create", "first")
    file = tmp_path / "people.csv"
    header = "phone,consent_channel,consent_purpose,consent_state,consent_at,consent_source,consent_wording\n"
    good = "+447000000000,whatsapp,transactional,granted,2026-02-10T10:00:00Z,checkout,Order updates on WhatsApp\n"
    bad = "+447000000001,whatsapp,transactional,granted,,,\n"
    file.write_text(header + good + bad)
    code, text = sojourn(database_url, "import", str(file))
    assert code == 1
    assert "line 3" in text
    assert "2 rows: 1 imported, 1 rejected; 1 new people, 1 new consents" in text
    file.write_text(header + good)
    code, text = sojourn(database_url, "import", str(file))
    assert (code, "0 new people, 0 new consents" in text) == (0, True)


def test_dead_letters_are_listed_and_brought_back(sojourn, database_url: str) -> None:
    assert sojourn(database_url, "jobs", "dead") == (0, "no dead letters\n")
    with psycopg.connect(database_url) as conn:
        conn.execute(
            """
            INSERT INTO dead_jobs (id, bucket, handler, priority, attempts, reason, payload, died_at)
            VALUES (gen_random_uuid(), 1, 'kit.example', 100, 10, 'Boom: it broke', '{}', '2026-03-03T08:00Z')
            """
        )
    assert "Boom: it broke" in sojourn(database_url, "jobs", "dead")[1]
    assert sojourn(database_url, "jobs", "replay")[0] == 2
    assert sojourn(database_url, "jobs", "replay", "--all") == (0, "1 brought back: kit.example\n")
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def findings(text: str) -> dict[str, str]:
    return {finding["subject"]: finding["level"] for finding in json.loads(text)}


def test_the_doctor_finds_a_healthy_installation_healthy(sojourn, database_url: str) -> None:
    code, text = sojourn(database_url, "doctor", "--json")
    found = findings(text)
    assert found["migrations"] == found["database"] == found["dead letters"] == found["queue"] == "ok"
    assert found["database settings"] == "fail"  # the test server runs without fsync
    assert code == 1


def test_the_doctor_says_how_to_fix_what_is_wrong(sojourn, database_url: str, empty_url: str) -> None:
    assert findings(sojourn(empty_url, "doctor", "--json")[1])["migrations"] == "fail"
    with psycopg.connect(database_url) as conn:
        conn.execute(
            """
            INSERT INTO dead_jobs (id, bucket, handler, priority, attempts, reason, payload, died_at)
            VALUES (gen_random_uuid(), 1, 'kit.example', 100, 10, 'Boom', '{}', '2026-03-03T08:00Z')
            """
        )
        conn.execute(
            """
            INSERT INTO jobs (id, bucket, handler, due_at, payload)
            VALUES ('018f0000-0000-7000-8000-000000000001', 1, 'kit.example', 'epoch', '{}')
            """
        )
    code, text = sojourn(database_url, "doctor")
    assert code == 1
    assert "1 jobs failed for good" in text
    assert "sojourn jobs replay" in text
    assert "is a worker running?" in text


def test_the_doctor_says_when_the_database_is_away(sojourn) -> None:
    code, text = sojourn("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=1", "doctor")
    assert code == 1
    assert "cannot be reached" in text
    assert "DATABASE_URL" in text


SENDER = {
    "name": "Shop", "channel": "whatsapp", "simulated": False, "state": "active", "state_reason": None,
    "stopped_reason": None, "checked_at": NOON - timedelta(minutes=5), "base_url": None, "expires_at": None,
    "has_token": True, "verified_at": NOON - timedelta(days=9), "last_webhook_at": NOON - timedelta(hours=1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "level", "word"),
    [
        ({}, Level.OK, "active"),
        ({"simulated": True, "last_webhook_at": None, "verified_at": None}, Level.OK, "simulated"),
        ({"state": "stopped", "stopped_reason": "token expired"}, Level.FAIL, "token expired"),
        ({"state": "draft"}, Level.WARN, "draft"),
        ({"has_token": False}, Level.FAIL, "no access token"),
        ({"expires_at": NOON - timedelta(hours=1)}, Level.FAIL, "has expired"),
        ({"expires_at": NOON + timedelta(days=2)}, Level.WARN, "expires 2026-03-05"),
        ({"checked_at": NOON - timedelta(hours=2)}, Level.WARN, "credentials were checked last"),
        ({"verified_at": None}, Level.FAIL, "never verified"),
        ({"last_webhook_at": NOON - timedelta(days=3)}, Level.WARN, "no webhook since"),
    ],
)
def test_what_the_doctor_says_of_a_sender(facts: dict[str, object], level: Level, word: str) -> None:
    [finding] = check_sender({**SENDER, **facts}, NOON)
    assert finding.level is level
    assert word in finding.text
    assert bool(finding.fix) is (level is not Level.OK)


def test_nothing_starts_on_a_database_whose_key_is_lost(sojourn, database_url: str, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("phone\n+447700900001\n")
    sojourn(database_url, "keys", "create", "first", "--workspace", "Brisk Coffee")
    assert sojourn(database_url, "import", str(people))[0] == 0
    file = tmp_path / "data" / "secret.key"
    kept = file.read_text()
    file.unlink()
    for command in (["keys", "create", "b"], ["jobs", "dead"], ["migrate"], ["import", str(people)]):
        code, text = sojourn(database_url, *command)
        assert (code, "installation key is missing" in text, str(file) in text) == (1, True, True), command
    env = {**os.environ, "DATABASE_URL": database_url, "SOJOURN_DATA_DIR": str(tmp_path / "data"), "SOJOURN_PORT": "0"}
    for process in ("serve", "work"):
        ended = subprocess.run(
            [sys.executable, "-m", "sojourn", process], env=env, capture_output=True, text=True, timeout=30, check=False
        )
        assert (ended.returncode, "installation key is missing" in ended.stderr) == (1, True), ended
        assert "Traceback" not in ended.stderr
    assert not file.exists()
    code, text = sojourn(database_url, "doctor", "--json")
    found = {item["subject"]: item for item in json.loads(text)}
    assert (code, found["secret key and database"]["level"]) == (1, Level.FAIL)
    file.write_text(kept)
    assert sojourn(database_url, "jobs", "dead") == (0, "no dead letters\n")
    code, text = sojourn(database_url, "doctor", "--json")
    assert "secret key and database" not in {item["subject"] for item in json.loads(text)}
